/** What a cell takes and gives once its options are chosen: shapes, inits and conditions evaluated. */

import { didYouMean, listNames } from '../suggest.js';
import type { GroupTitle } from './declarations.js';
import { Diagnostics, type Report } from './diagnostics.js';
import { evaluate } from './evaluate.js';
import { Machine } from './machine.js';
import { Recovery } from './recovery.js';
import type { CellTree, Declaration, Expression, OptionValue, OptionValues, Signature, Span, TensorDeclaration } from './tree.js';
import { describe, Environment, type Value } from './values.js';
import { INITS, isInit } from './vocabulary.js';

export const GROUPS: readonly GroupTitle[] = ['inputs', 'state', 'params'];

/**
 * The signature of a cell under the given options (all of them, see `resolveOptions`).
 * @throws SpecError when a shape names an undeclared dim, an `init` or `when` has the wrong kind, and so on
 */
export function resolveSignature(tree: CellTree, options: OptionValues): Signature {
  const diagnostics = new Diagnostics(tree.sources);
  const { signature } = signatureWith(tree, options, new Recovery(), diagnostics.report, '');
  diagnostics.throwIfAny();
  return signature;
}

/** The same, going on after mistakes: `bad` are the tensors (`params.W`) whose declaration could not be evaluated. */
export function signatureWith(
  tree: CellTree,
  options: OptionValues,
  recovery: Recovery,
  report: Report,
  note: string,
): { signature: Signature; bad: ReadonlySet<string> } {
  const bad = new Set<string>();
  const resolve = (title: GroupTitle): TensorDeclaration[] => {
    const machine = new Machine(tree, recovery, report, note);
    const env = new Environment();
    const { optionsName, entries } = tree[title];
    if (optionsName !== undefined) env.declare(optionsName, optionsValue(tree, options, recovery));
    return entries.flatMap((entry) => {
      const declaration = resolveEntry(machine, entry, env);
      if (declaration === 'bad') bad.add(`${title}.${entry.name}`);
      return declaration === 'absent' || declaration === 'bad' ? [] : [declaration];
    });
  };
  const [inputs = [], state = [], params = []] = GROUPS.map(resolve);
  const shaped = new Set([...inputs, ...state, ...params].flatMap(({ shape }) => shape));
  const absent = new Set(
    tree.state.entries.map(({ name }) => name).filter((name) => !state.some((present) => present.name === name)),
  );
  const signature: Signature = {
    name: tree.name,
    options,
    dims: tree.dims.map(({ name }) => name).filter((name) => shaped.has(name)),
    inputs,
    state,
    params,
    outputs: tree.outputs?.map(({ name }) => name).filter((name) => !absent.has(name)),
  };
  return { signature, bad };
}

/** The options as a spec sees them. */
export function optionsValue(tree: CellTree, options: OptionValues, recovery: Recovery): Value {
  const members = tree.options.map((option): [string, Value] => {
    const value: OptionValue = options[option.name] ?? option.default;
    return [
      option.name,
      option.kind === 'choice' ? { kind: 'static', value, choices: option.values } : { kind: 'static', value },
    ];
  });
  return { kind: 'object', title: 'option', members: new Map(members), open: recovery.optionsOpen };
}

function resolveEntry(machine: Machine, entry: Declaration, env: Environment): TensorDeclaration | 'absent' | 'bad' {
  const when = resolveWhen(machine, entry.when, env);
  if (when === false) return 'absent';
  const shape = entry.shape.map((axis) => resolveDim(machine, axis, env));
  const init = resolveInit(machine, entry.init, env);
  const known = shape.filter((dim) => dim !== undefined);
  if (when === undefined || known.length < shape.length) return 'bad';
  return { name: entry.name, shape: known, init, span: entry.span };
}

/** `undefined` after a mistake. */
function resolveWhen(machine: Machine, expression: Expression | undefined, env: Environment): boolean | undefined {
  if (expression === undefined) return true;
  const value = evaluate(machine, expression, env);
  if (value.kind === 'static' && typeof value.value === 'boolean') return value.value;
  if (value.kind !== 'poison') {
    const message = `\`when\` is true or false, and this is ${describe(value, machine.builder)}`;
    machine.report('SPEC-WHEN', expression.span, message, "Write a flag or a comparison: `when: o.reset === 'after'`.");
  }
  return undefined;
}

function resolveDim(machine: Machine, expression: Expression, env: Environment): string | undefined {
  const value = evaluate(machine, expression, env);
  if (value.kind === 'poison') return undefined;
  const dims = machine.tree.dims.map(({ name }) => name);
  if (value.kind !== 'static' || typeof value.value !== 'string') {
    const message = `a shape names dims, and this is ${describe(value, machine.builder)}`;
    machine.report(
      'SPEC-DIM-UNDECLARED',
      expression.span,
      message,
      "Write a declared dim, e.g. 'H'; sizes are given when running.",
    );
    return undefined;
  }
  if (dims.includes(value.value)) return value.value;
  if (!machine.recovery.dimsOpen) reportUndeclared(machine, value.value, dims, expression.span);
  return undefined;
}

function reportUndeclared(machine: Machine, name: string, dims: readonly string[], at: Span): void {
  const reserved = name === 'T' || name === 'B';
  const add = `Add \`'${name}'\` to \`dims\`${dims.length === 0 ? '' : `, which lists ${listNames(dims)}`}.`;
  const fix = reserved ? 'Leave it out: every input and state has time steps and sequences.' : didYouMean(name, dims, add);
  machine.report('SPEC-DIM-UNDECLARED', at, `the dim \`${name}\` is not declared`, fix);
}

function resolveInit(machine: Machine, expression: Expression | undefined, env: Environment): TensorDeclaration['init'] {
  if (expression === undefined) return undefined;
  const value = evaluate(machine, expression, env);
  if (value.kind === 'poison') return undefined;
  if (value.kind === 'static' && isInit(value.value)) return value.value;
  const given = value.kind === 'static' ? String(value.value) : '';
  const fix = didYouMean(given, INITS, `It is one of ${listNames(INITS)}.`);
  machine.report('SPEC-INIT', expression.span, `\`init\` cannot be ${describe(value, machine.builder)}`, fix);
  return undefined;
}
