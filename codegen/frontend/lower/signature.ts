/** What a cell takes and gives once its options are chosen: shapes, inits and conditions evaluated. */

import { isFixed } from '../../ir/sizes.js';
import { didYouMean, listNames } from '../../suggest.js';
import { constantOf } from '../declare/constant.js';
import type { GroupTitle } from '../declare/declarations.js';
import type { Report } from '../diagnostics/diagnostics.js';
import type { Recovery } from '../diagnostics/recovery.js';
import { INITS, isInit } from '../language/vocabulary.js';
import { resolveDim } from '../machine/arguments.js';
import { lostInFloat32 } from '../machine/float32.js';
import { Machine } from '../machine/machine.js';
import { describe, Environment, type Value } from '../machine/values.js';
import type {
  CellTree,
  Declaration,
  DeclarationGroup,
  Expression,
  OptionValue,
  OptionValues,
  Signature,
  TensorDeclaration,
} from '../tree.js';
import { evaluate } from './evaluate.js';
import { callHelper } from './run.js';

export const GROUPS: readonly GroupTitle[] = ['inputs', 'state', 'params'];

/** The declarations under the given options (all of them), going on after mistakes: `bad` are the tensors (`params.W`) whose declaration could not be evaluated. */
export function signatureWith(
  tree: CellTree,
  options: OptionValues,
  recovery: Recovery,
  report: Report,
  note: string,
): { signature: Signature; bad: ReadonlySet<string> } {
  const bad = new Set<string>();
  const machine = () => new Machine(tree, options, recovery, report, note, callHelper);
  const [inputs = [], state = [], params = []] = GROUPS.map((title) => resolveGroup(machine(), tree, title, tree[title], bad));
  const shaped = new Set([...inputs, ...state, ...params].flatMap(({ shape, symbols = [] }) => [...shape, symbols].flat()));
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
    rules: [],
    rates: [],
    outputs: tree.outputs?.map(({ name }) => name).filter((name) => !absent.has(name)),
  };
  return { signature, bad };
}

/** The tensors of a group under the machine's options; names of those that could not be evaluated are added to `bad`. */
export function resolveGroup(
  machine: Machine,
  tree: Pick<CellTree, 'options'>,
  title: GroupTitle,
  { optionsName, entries }: DeclarationGroup,
  bad: Set<string>,
): TensorDeclaration[] {
  const env = new Environment();
  if (optionsName !== undefined) env.declare(optionsName, optionsValue(tree, machine.options, machine.recovery));
  return entries.flatMap((entry) => {
    const declaration = resolveEntry(machine, title, entry, env);
    if (declaration === 'bad') bad.add(`${title}.${entry.name}`);
    return declaration === 'absent' || declaration === 'bad' ? [] : [declaration];
  });
}

/** The options as a spec sees them. */
export function optionsValue(tree: Pick<CellTree, 'options'>, options: OptionValues, recovery: Recovery): Value {
  const members = tree.options.map((option): [string, Value] => {
    const value: OptionValue = options[option.name] ?? option.default;
    return [
      option.name,
      option.kind === 'choice' ? { kind: 'static', value, choices: option.values } : { kind: 'static', value },
    ];
  });
  return { kind: 'object', title: 'option', members: new Map(members), open: recovery.optionsOpen };
}

function resolveEntry(
  machine: Machine,
  title: GroupTitle,
  entry: Declaration,
  env: Environment,
): TensorDeclaration | 'absent' | 'bad' {
  const when = resolveWhen(machine, entry.when, env);
  if (when === false) return 'absent';
  const shape = entry.shape.map((axis) => resolveDim(machine, evaluate(machine, axis, env), axis.span));
  const init = resolveInit(machine, title, entry.init, env);
  const range = resolveRange(machine, entry, init, env);
  const trainable = resolveTrainable(machine, entry.trainable, env);
  const known = shape.filter((dim) => dim !== undefined);
  const symbols = entry.symbols && resolveDim(machine, evaluate(machine, entry.symbols, env), entry.symbols.span);
  const counted = countsMatrices(machine, entry, shape[0]);
  const counts = entry.symbols === undefined || symbols !== undefined;
  if (when === undefined || trainable === undefined || known.length < shape.length || !counted || !counts) return 'bad';
  return {
    name: entry.name,
    shape: known,
    ...(symbols === undefined ? {} : { symbols }),
    init,
    ...(range === undefined ? {} : { range }),
    trainable,
    span: entry.span,
  };
}

/** Whether the first axis of a stack or kernel, which the step takes apart, has a size that is known when compiling. */
function countsMatrices(machine: Machine, { constructor_, shape }: Declaration, first: string | undefined): boolean {
  if ((constructor_ !== 'stack' && constructor_ !== 'kernel') || first === undefined || isFixed(first)) return true;
  const what = constructor_ === 'stack' ? 'the number of matrices of a `stack`' : 'an extent of a `kernel`';
  const fix = constructor_ === 'stack' ? "Write `stack(4, 'H', 'H')`." : "Write `kernel('O', 'I', 3)`.";
  const at = shape[0]?.span ?? machine.tree.span;
  machine.report('SPEC-EXTENT', at, `${what} is a whole number, and this is the dim '${first}'`, fix);
  return false;
}

/** `undefined` after a mistake. */
function resolveTrainable(machine: Machine, expression: Expression | undefined, env: Environment): boolean | undefined {
  if (expression === undefined) return true;
  const value = evaluate(machine, expression, env);
  if (value.kind === 'static' && typeof value.value === 'boolean') return value.value;
  if (value.kind !== 'poison') {
    const message = `\`trainable\` is true or false, and this is ${describe(value, machine.builder)}`;
    machine.report('SPEC-TRAINABLE', expression.span, message, 'Write `trainable: false`, or leave it out.');
  }
  return undefined;
}

/** `undefined` after a mistake. */
export function resolveWhen(machine: Machine, expression: Expression | undefined, env: Environment): boolean | undefined {
  if (expression === undefined) return true;
  const value = evaluate(machine, expression, env);
  if (value.kind === 'static' && typeof value.value === 'boolean') return value.value;
  if (value.kind !== 'poison') {
    const message = `\`when\` is true or false, and this is ${describe(value, machine.builder)}`;
    machine.report('SPEC-WHEN', expression.span, message, "Write a flag or a comparison: `when: o.reset === 'after'`.");
  }
  return undefined;
}

/** Low and high; `undefined` after a mistake. */
function resolveRange(
  machine: Machine,
  { range: expression, init: initial }: Declaration,
  init: TensorDeclaration['init'],
  env: Environment,
): readonly [number, number] | undefined {
  if (expression === undefined) return undefined;
  const value = evaluate(machine, expression, env);
  if (value.kind === 'poison') return undefined;
  const items = value.kind === 'array' ? value.items : [];
  const numbers = items.flatMap((item) =>
    item.kind === 'static' && typeof item.value === 'number' && Number.isFinite(Math.fround(item.value)) ? [item.value] : [],
  );
  const [low, high] = numbers;
  if (items.length !== 2 || low === undefined || high === undefined) {
    const what = value.kind === 'array' ? `an array of ${items.length}` : describe(value, machine.builder);
    const message = `\`range\` is two numbers known when compiling, and this is ${what}`;
    machine.report('SPEC-RANGE', expression.span, message, 'Write the lowest and the highest: `range: [0.5, 2]`.');
    return undefined;
  }
  if (!(low < high)) {
    const message = `nothing can be drawn from the range [${low}, ${high}]: its first number is not the lower one`;
    machine.report(
      'SPEC-RANGE',
      expression.span,
      message,
      low > high ? `Write [${high}, ${low}].` : 'Leave room between the two.',
    );
    return undefined;
  }
  const constant = constantOf(init);
  if (constant !== undefined && initial !== undefined && (constant < low || constant > high)) {
    const message = `\`init\` is ${constant}, which the range [${low}, ${high}] does not hold`;
    machine.report('SPEC-RANGE', initial.span, message, 'Start inside the range, or widen it.');
  }
  return [low, high];
}

function resolveInit(
  machine: Machine,
  title: GroupTitle,
  expression: Expression | undefined,
  env: Environment,
): TensorDeclaration['init'] {
  if (expression === undefined) return undefined;
  const value = evaluate(machine, expression, env);
  if (value.kind === 'poison') return undefined;
  const random = title === 'state' && value.kind === 'static' && (value.value === 'uniform' || value.value === 'orthogonal');
  if (random) {
    const message = `a state starts from one number, and \`${value.value}\` is many`;
    machine.report(
      'SPEC-INIT',
      expression.span,
      message,
      "Write a number, 'zeros' or 'ones'; give any other state when running.",
    );
    return undefined;
  }
  if (value.kind === 'static' && isInit(value.value)) return value.value;
  if (value.kind === 'static' && typeof value.value === 'number') {
    const lost = lostInFloat32(value.value);
    if (lost === undefined) return value.value;
    machine.report('SPEC-INIT', expression.span, `\`init\` cannot be ${value.value}: ${lost.message}`, lost.fix);
    return undefined;
  }
  const given = value.kind === 'static' ? String(value.value) : '';
  const fix = didYouMean(given, INITS, `It is one of ${listNames(INITS)}, or a number.`);
  machine.report('SPEC-INIT', expression.span, `\`init\` cannot be ${describe(value, machine.builder)}`, fix);
  return undefined;
}
