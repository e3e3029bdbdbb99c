/** From a cell tree and a signature to the step graph: the step is evaluated once, with nodes for tensors. */
import { RecurveError } from '../../errors.js';
import { argumentsOf, type NodeId, type StepGraph } from '../../ir/graph.js';
import { preorder } from '../../ir/walk.js';
import { didYouMean, nearest } from '../../suggest.js';
import { type GroupTitle, SINGULAR } from '../declare/declarations.js';
import { Diagnostics, type Report } from '../diagnostics/diagnostics.js';
import { Recovery } from '../diagnostics/recovery.js';
import { badName } from '../language/vocabulary.js';
import { showDim } from '../machine/dims.js';
import { Machine, MOST_NESTED, TooLarge } from '../machine/machine.js';
import { describe, Environment, showShape, type Value } from '../machine/values.js';
import { axesIn } from '../operations/axes.js';
import { sameShape } from '../operations/products.js';
import type { CellTree, Signature, SizeRule, Span } from '../tree.js';
import { callFunctionTree, callHelper, type Returned } from './run.js';
import { GROUPS, optionsValue } from './signature.js';

/**
 * The graph of one time step under a signature's options.
 *
 * @param traces names of values to look at: states, which stand for their next values, and names that `step` gives at its
 *   own level, outside of loops and branches. Equal expressions are one value, under whatever names.
 * @throws SpecError with every mistake of the step under these options; `checkSpec` finds those under other options;
 *   RecurveError `TRACE-UNKNOWN`
 */
export function lower(tree: CellTree, signature: Signature, traces: readonly string[] = []): StepGraph {
  const diagnostics = new Diagnostics(tree.sources);
  const { graph } = lowerWith(tree, signature, {
    recovery: new Recovery(),
    bad: new Set(),
    report: diagnostics.report,
    note: '',
    traces,
  });
  diagnostics.throwIfAny();
  if (graph === undefined) throw new Error(`${tree.file} gave neither a graph nor a mistake`);
  return graph;
}

export interface LowerContext {
  readonly recovery: Recovery;
  /** Tensors whose declaration could not be evaluated. */
  readonly bad: ReadonlySet<string>;
  readonly report: Report;
  readonly note: string;
  readonly traces?: readonly string[];
}

export interface Lowered {
  /** `undefined` after a mistake. */
  readonly graph: StepGraph | undefined;
  /** Tensors that something was computed with, `params.W`. */
  readonly used: ReadonlySet<string>;
  /** Dims that the step names itself. */
  readonly dims: ReadonlySet<string>;
  readonly rules: readonly SizeRule[];
  /** Parameters that are rates. */
  readonly rates: ReadonlySet<string>;
  /** The step grew beyond all bounds: other options need not be tried. */
  readonly tooLarge: boolean;
  /** How much was evaluated: expressions, statements and rounds of loops. */
  readonly evaluations: number;
}

/** Lowering that goes on after mistakes. */
export function lowerWith(tree: CellTree, signature: Signature, context: LowerContext): Lowered {
  const machine = new Machine(tree, signature.options, context.recovery, context.report, context.note, callHelper);
  const { used, dims, rules, rates } = machine;
  const lowered = (graph: StepGraph | undefined, tooLarge: boolean): Lowered => {
    return { graph, used, dims, rules, rates, tooLarge, evaluations: machine.evaluations };
  };
  if (context.recovery.stepOpen) return lowered(undefined, false);
  try {
    return lowered(lowerStep(machine, tree, signature, context), false);
  } catch (error) {
    if (error instanceof RangeError) {
      // Where the caller left less of the stack than usual.
      const fix = 'Name parts of the expressions with `const`.';
      const message = `the step is nested too deeply; ${MOST_NESTED} levels are allowed, and fewer fit the stack here`;
      machine.report('SPEC-TOO-DEEP', tree.step.span, message, fix);
    } else if (!(error instanceof TooLarge)) throw error;
    return lowered(undefined, true);
  }
}

function lowerStep(
  machine: Machine,
  tree: CellTree,
  signature: Signature,
  { bad, traces = [] }: LowerContext,
): StepGraph | undefined {
  const { recovery } = machine;
  const groups = GROUPS.map((title) => groupValue(machine, tree, signature, title, bad));
  const context: Value = {
    kind: 'object',
    title: 'member of the context',
    members: new Map<string, Value>([
      ['options', optionsValue(tree, signature.options, recovery)],
      ['t', { kind: 'time' }],
    ]),
    open: false,
  };
  const names = new Environment();
  const returned = callFunctionTree(machine, tree.step, [...groups, context], names);
  const graph = finish(machine, tree, signature, returned, bad);
  return graph && { ...graph, traces: tracedValues(machine, graph, names, traces) };
}

/** @throws RecurveError `TRACE-UNKNOWN` */
function tracedValues(
  machine: Machine,
  { next }: StepGraph,
  names: Environment,
  traces: readonly string[],
): Readonly<Record<string, NodeId>> {
  const traceable = new Map(Object.entries(next));
  for (const [name, value] of names.entries()) {
    if (traceable.has(name) || value.kind !== 'node') continue;
    if (machine.builder.node(value.id).type === 'number' && variesBySequence(machine, value.id)) traceable.set(name, value.id);
  }
  return Object.fromEntries(
    traces.map((name) => {
      const id = traceable.get(name);
      if (id !== undefined) return [name, id];
      const known = [...traceable.keys()];
      throw new RecurveError({
        code: 'TRACE-UNKNOWN',
        message: `the step of ${machine.tree.name} has no value ${name} to trace among ${known.join(', ')}`,
        fix: didYouMean(name, known, 'Trace a state, or a number for every sequence that `step` names at its own level.', ''),
        where: name,
      });
    }),
  );
}

export function groupValue(
  { recovery }: Machine,
  tree: Pick<CellTree, GroupTitle>,
  signature: Signature,
  group: GroupTitle,
  bad: ReadonlySet<string>,
): Extract<Value, { kind: 'object' }> {
  const members = tree[group].entries.map(({ name, constructor_ }): [string, Value] => {
    const declaration = signature[group].find((present) => present.name === name);
    if (declaration !== undefined) return [name, { kind: 'declared', group, declaration, constructor_ }];
    return [name, bad.has(`${group}.${name}`) ? { kind: 'poison' } : { kind: 'absent', group, name }];
  });
  return { kind: 'object', title: SINGULAR[group], members: new Map(members), open: recovery.isOpen(tree[group]) };
}

/** Checks what step returns against the states and outputs. */
export function finish(
  machine: Machine,
  tree: CellTree,
  signature: Signature,
  { value, span }: Returned,
  bad: ReadonlySet<string>,
): StepGraph | undefined {
  if (value.kind === 'poison') return undefined;
  if (value.kind !== 'object') {
    const first = signature.state[0]?.name ?? 'h';
    const message = `\`step\` returns ${describe(value, machine.builder)}, not an object`;
    machine.report('SPEC-RETURN', span, message, `Write \`return { ${first}: … };\`.`);
    return undefined;
  }
  const place = (name: string): Span => value.places?.get(name) ?? span;
  const declared = new Set(tree.state.entries.map(({ name }) => name));
  const extras = [...value.members.keys()].filter((name) => !declared.has(name));
  const next = nextStates(machine, 'step', signature, value.members, extras, place, span);
  const outputs = outputValues(machine, tree, signature, value.members, extras, place, next);
  const complete = signature.state.every(({ name }) => next.has(name)) && bad.size === 0;
  if (!complete || outputs === undefined) return undefined;
  return machine.builder.finish(Object.fromEntries(next), Object.fromEntries(outputs), machine.rules);
}

/** Whether a value can be what is declared as one of so many symbols; reported where it is one of others. */
export function isOne(machine: Machine, id: NodeId, what: string, symbols: string, at: Span): boolean {
  return machine.isAmong(id, symbols, at, `${what} is one of ${symbols}`, (own) => `make ${what} one of ${own}`);
}

/** The next value of each state that has one of its shape, among what `step`, or a model's `run`, returns. */
export function nextStates(
  machine: Machine,
  returning: 'step' | 'run',
  signature: Pick<Signature, 'state'>,
  members: ReadonlyMap<string, Value>,
  extras: readonly string[],
  place: (name: string) => Span,
  at: Span,
): Map<string, NodeId> {
  const next = new Map<string, NodeId>();
  for (const { name, shape, symbols } of signature.state) {
    const value = members.get(name);
    if (value === undefined) {
      const slip = nearest(name, extras);
      const fix =
        slip === undefined
          ? `Return \`${name}\` as well; \`${name}\` as it is keeps its value.`
          : `Did you mean \`${name}\` where it says \`${slip}\`?`;
      machine.report('SPEC-MISSING-STATE', at, `\`${returning}\` returns no next value for the state \`${name}\``, fix);
      continue;
    }
    const id = machine.number(value, place(name));
    if (id === undefined) continue;
    const given = machine.shape(id);
    if (sameShape(given, shape)) {
      const is = symbols === undefined || isOne(machine, id, `the state \`${name}\``, symbols, place(name));
      if (is) next.set(name, id);
    } else {
      const spread = shape.length > 0 && axesIn(given, shape) !== undefined;
      const fix = spread
        ? `Spread it: \`broadcast(…, ${shape.map(showDim).join(', ')})\`.`
        : `Return ${showShape(shape)}, or change the declaration of \`${name}\`.`;
      machine.report(
        'SPEC-STATE-SHAPE',
        place(name),
        `the state \`${name}\` is ${showShape(shape)}, and its next value is ${showShape(given)}`,
        fix,
      );
    }
  }
  return next;
}

/** `undefined` after a mistake. */
function outputValues(
  machine: Machine,
  tree: CellTree,
  signature: Signature,
  members: ReadonlyMap<string, Value>,
  extras: readonly string[],
  place: (name: string) => Span,
  next: ReadonlyMap<string, NodeId>,
): Map<string, NodeId> | undefined {
  const { recovery } = machine;
  const states = signature.state.map(({ name }) => name);
  const wanted = signature.outputs;
  const values = new Map<string, NodeId>();
  let whole = true;
  for (const name of extras) {
    const bad = badName(name);
    if (bad !== undefined)
      machine.report('SPEC-NAME', place(name), `an output cannot be called \`${name}\`: ${bad}`, 'Rename it.');
    if (wanted !== undefined && !wanted.includes(name) && !recovery.outputsOpen && !recovery.isOpen(tree.state)) {
      const slip = nearest(
        name,
        states.filter((state) => !members.has(state)),
      );
      const fix =
        slip === undefined
          ? `Remove it, or list it: \`outputs: [${[...wanted, name].map((output) => `'${output}'`).join(', ')}]\`.`
          : `Did you mean \`${slip}\`?`;
      machine.report('SPEC-EXTRA-STATE', place(name), `\`${name}\` is neither a state nor listed in \`outputs\``, fix);
    }
    const id = machine.number(members.get(name) ?? { kind: 'poison' }, place(name));
    if (id !== undefined && machine.shape(id).length === 0 && !variesBySequence(machine, id)) {
      const dim = signature.state[0]?.shape.at(-1) ?? 1;
      const message = `the output \`${name}\` is one number for all units and sequences`;
      const fix = `Leave it out, or spread it: \`broadcast(…, ${showDim(String(dim))})\`.`;
      machine.report('SPEC-OUTPUT-SHAPE', place(name), message, fix);
      whole = false;
    } else if (id === undefined || bad !== undefined) whole = false;
    else values.set(name, id);
  }
  const chosen = new Map<string, NodeId>();
  for (const name of wanted ?? [...states, ...extras]) {
    const id = next.get(name) ?? values.get(name);
    if (id !== undefined) chosen.set(name, id);
    else if (states.includes(name) || members.has(name)) whole = false;
    else {
      whole = false;
      const known = [...states, ...extras];
      const slip = nearest(name, known);
      const fix = slip === undefined ? `Return \`${name}\` from \`step\`, or list a state.` : `Did you mean \`${slip}\`?`;
      const at = tree.outputs?.find((output) => output.name === name)?.span ?? tree.span;
      if (!recovery.isOpen(tree.state))
        machine.report('SPEC-UNKNOWN-OUTPUT', at, `the output \`${name}\` is neither a state nor returned by \`step\``, fix);
    }
  }
  return whole ? chosen : undefined;
}

/** Whether a value can differ between the sequences of a batch. */
function variesBySequence({ builder }: Machine, root: NodeId): boolean {
  let varies = false;
  preorder([root], (id) => {
    const node = builder.node(id);
    if (['input', 'held', 'state', 'delayed', 'random', 'steps', 'batch'].includes(node.op)) varies = true;
    return varies ? [] : argumentsOf(node);
  });
  return varies;
}
