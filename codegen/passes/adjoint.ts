/**
 * Reverse-mode differentiation of the step graph by rule.
 *
 * The cotangent of a state after the step is `carry` (from the steps behind it) plus its output sequence's
 * `seed`. Walking the nodes backwards gives the cotangent of the state before the step, of the inputs, and what
 * this step adds to every parameter's gradient.
 */
import { type GraphBuilder, plainMatrix } from '../ir/builder.js';
import {
  argumentsOf,
  type Contract,
  type Decays,
  type Expand,
  type Gather,
  isApply,
  isContract,
  isDecays,
  isExpand,
  isGather,
  isReduce,
  isSolve,
  isWindow,
  type MatrixRef,
  type Node,
  type NodeId,
  type Reduce,
  type Solve,
  type StepGraph,
  type Window,
} from '../ir/graph.js';
import { negated } from '../ir/sizes.js';
import { nameOf, ops } from '../ops/index.js';
import type { RuleBuilder } from '../ops/record.js';
import { Cotangents } from './cotangents.js';
import { gatedValues } from './gated.js';
import { Ranges } from './ranges.js';

/** One addend of a parameter's gradient, summed over steps and sequences. */
export type GradientTerm =
  /** Matrix: left · rightᵀ, summed over leading axes as well. */
  | {
      readonly kind: 'outer';
      readonly matrix: MatrixRef;
      readonly left: NodeId;
      readonly right: NodeId;
      /** The left factor is not `left` itself but one where its row is and zero elsewhere: nobody writes that down. */
      readonly chosen?: true;
      /** The factor whose zeros count whatever they multiply: a cotangent behind a choice, beside values that may be infinite. */
      readonly gate: 'left' | 'right' | undefined;
    }
  /** Parameter used per unit: the value itself; scalar: summed over its units too. */
  | { readonly kind: 'sum'; readonly value: NodeId };

/** Cotangent, at this step, of a value that the step read from `steps` steps before. */
export interface DelayedCotangent {
  readonly group: 'input' | 'state';
  readonly name: string;
  readonly steps: number;
  readonly value: NodeId;
}

/** Who reads the results of a step, where it is one section of a program; what each gives back is a leaf of its own. */
export interface Readers {
  /** Names of the `seed` leaves of an output: its cotangent is their sum. */
  readonly seeds: (output: string) => readonly string[];
  /** Names of the `final` leaves of a state. */
  readonly finals: (state: string) => readonly string[];
  /** Outputs whose cotangent may be exactly zero because of a branch that a reader did not take. */
  readonly gated: (output: string) => boolean;
  /** The same of states at the end of a sequence. */
  readonly gatedState: (state: string) => boolean;
  /** Inputs that may be infinite or NaN although all data are finite. */
  readonly wild: (input: string) => boolean;
}

/** The leaves that cotangents from outside come in by, and what each is a cotangent of. */
export interface CotangentLeaves {
  readonly seeds: readonly CotangentLeaf[];
  readonly finals: readonly CotangentLeaf[];
}
interface CotangentLeaf {
  readonly name: string;
  /** An output, or a state. */
  readonly of: string;
}

/** The caller alone: one cotangent for every output and final state, and inputs that are data. */
export const CALLER: Readers = {
  seeds: (output) => [output],
  finals: (state) => [state],
  gated: () => false,
  gatedState: () => false,
  wild: () => false,
};

export interface AdjointGraph {
  /** Forward nodes first, as they were, then the adjoint's. */
  readonly builder: GraphBuilder;
  readonly step: StepGraph;
  readonly readers: Readers;
  readonly leaves: CotangentLeaves;
  /** Cotangent of every state before the step. */
  readonly state: Readonly<Record<string, NodeId>>;
  /** What this step adds to the cotangent of every held value. */
  readonly held: Readonly<Record<string, NodeId>>;
  readonly inputs: Readonly<Record<string, NodeId>>;
  readonly delayed: readonly DelayedCotangent[];
  /** Cotangent of every traced value, by all that it leads to. */
  readonly traces: Readonly<Record<string, NodeId>>;
  /** Parameters that the results do not depend on, or that are not trained, are absent. */
  readonly params: Readonly<Record<string, readonly GradientTerm[]>>;
}

/**
 * The adjoint of a step; `builder` holds the step's nodes and is extended.
 *
 * @param clip limits every element of what a step hands to the one before, ∂L/∂state, to ±clip (Graves 2013,
 *   arXiv:1308.0850); what goes back through delays is not limited
 */
export function adjoint(
  builder: GraphBuilder,
  step: StepGraph,
  trained: (param: string) => boolean,
  clip?: number,
  readers: Readers = CALLER,
): AdjointGraph {
  const forward = [...builder.nodes];
  const cotangents = new Cotangents(builder, differentiable(forward, trained));
  const gated = gatedValues(forward, step, readers.gated, readers.gatedState);
  const ranges = new Ranges(builder.nodes, step.next, readers.wild);
  const params: Record<string, GradientTerm[]> = {};
  const leaves: Record<'input' | 'state' | 'held', Record<string, NodeId>> = { input: {}, state: {}, held: {} };
  const delayed: DelayedCotangent[] = [];

  for (const [name, id] of Object.entries(step.next)) {
    const { shape, span } = builder.node(id);
    cotangents.add(id, builder.leaf({ op: 'carry', name }, shape, span));
  }
  for (const [name, id] of Object.entries(step.outputs)) {
    const { shape, span } = builder.node(id);
    for (const seed of readers.seeds(name)) cotangents.add(id, builder.leaf({ op: 'seed', name: seed }, shape, span));
  }

  for (const node of forward.reverse()) {
    for (const cotangent of cotangents.of(node.id)) propagate(node, cotangent);
  }

  function propagate(node: Node, cotangent: NodeId): void {
    if (isContract(node)) propagateContract(node, cotangent);
    else if (isGather(node)) propagateGather(node, cotangent);
    else if (isReduce(node)) propagateReduce(node, cotangent);
    else if (isExpand(node)) cotangents.add(node.arg, gathered(node, cotangent));
    else if (isDecays(node)) propagateDecays(node, cotangent);
    else if (isSolve(node)) propagateSolve(node, cotangent);
    else if (isWindow(node)) cotangents.add(node.arg, seenBackwards(node, cotangent));
    else if (isApply(node)) {
      const rule: RuleBuilder = {
        apply: (op, ...args) => builder.apply(nameOf(op), args, node.span),
        constant: (value) => builder.constant(value, node.span),
      };
      ops[node.op].adjoint(rule, node.args, node.id, cotangent).forEach((value, index) => {
        const argument = node.args[index];
        if (value !== undefined && argument !== undefined) cotangents.add(argument, kept(node, cotangent, value));
      });
    } else if (node.op === 'param') addTerm(node.name, { kind: 'sum', value: cotangent });
    else if (node.op === 'input' || node.op === 'state' || node.op === 'held') leaves[node.op][node.name] = cotangent;
    else if (node.op === 'delayed') delayed.push({ group: node.group, name: node.name, steps: node.steps, value: cotangent });
  }

  /** What a rule makes of a cotangent: where that is zero because a branch was not taken, zero, whatever the slope. */
  function kept(node: Node, cotangent: NodeId, value: NodeId): NodeId {
    if (!gated.has(node.id) || !ranges.whereZero(value, cotangent).wild) return value;
    const zero = builder.constant(0, node.span);
    return builder.apply('select', [builder.apply('eq', [cotangent, zero], node.span), zero, value], node.span);
  }

  function propagateContract(node: Node & Contract, cotangent: NodeId): void {
    for (const { matrix, transposed, operand } of node.terms) {
      const [left, right] = transposed ? [operand, cotangent] : [cotangent, operand];
      const gates = gated.has(node.id) && ranges.of(operand).wild;
      const gate = gates ? (transposed ? 'right' : 'left') : undefined;
      if (trained(matrix.param)) addTerm(matrix.param, { kind: 'outer', matrix, left, right, gate });
      // Moving positions commutes with a product over units: the taps of a convolution stay one contraction.
      let [source, moved] = [operand, cotangent];
      for (
        let inner = builder.node(source);
        isWindow(inner) && inner.axis < inner.shape.length - 1;
        inner = builder.node(source)
      ) {
        moved = seenBackwards(inner, moved);
        source = inner.arg;
      }
      cotangents.addProduct(source, { matrix, transposed: !transposed, operand: moved });
    }
  }

  function propagateGather({ param, symbol }: Gather, cotangent: NodeId): void {
    if (!trained(param)) return;
    const matrix = plainMatrix(param);
    addTerm(param, { kind: 'outer', matrix, left: symbol, right: cotangent, chosen: true, gate: 'left' });
  }

  /** The sum over the axes along which a value is spread, the others in its own order. */
  function gathered({ arg, axes, shape, span }: Node & Expand, cotangent: NodeId): NodeId {
    const spread = shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
    const ascending = axes.toSorted((a, b) => a - b);
    const order = ascending.map((axis) => axes.indexOf(axis));
    return builder.expand(builder.reduce('sum', cotangent, spread, span), builder.node(arg).shape, order, span);
  }

  /** Between steps j and i lies G[i, j] = G[i, m] a[m] G[m, j]: da[m] = Σ_i G[i, m] Σ_j dG[i, j] G[m, j]. */
  function propagateDecays(node: Node & Decays, cotangent: NodeId): void {
    const { id, arg, shape, span } = node;
    const lead = shape.slice(0, -2).map((_, axis) => axis);
    const [rank, size] = [shape.length, shape.at(-1) ?? ''];
    // The axes i, m and j behind the leading ones.
    const all = [...shape.slice(0, -2), size, size, size];
    const spread = (value: NodeId, ...axes: number[]) =>
      builder.expand(value, all, [...lead, ...axes.map((axis) => rank - 2 + axis)], span);
    const product = builder.apply('mul', [spread(cotangent, 0, 2), spread(id, 1, 2)], span);
    const between = builder.reduce('sum', product, [rank], span);
    cotangents.add(arg, builder.reduce('sum', builder.apply('mul', [id, between], span), [rank - 2], span));
  }

  /** X = B + L X: dB = dX + Lᵀ dB, and dL = dB Xᵀ, of which L, zero elsewhere where it is made, takes what is below the diagonal. */
  function propagateSolve(node: Node & Solve, cotangent: NodeId): void {
    const { id, matrix, arg, transposed, shape, span } = node;
    if (transposed) throw new Error('the cotangent of a cotangent');
    const back = builder.solve(matrix, cotangent, 'transposed', span);
    cotangents.add(arg, back);
    const square = builder.node(matrix).shape;
    const rank = square.length;
    const lead = square.slice(0, -2).map((_, axis) => axis);
    const all = [...square, shape.at(-1) ?? ''];
    const spread = (value: NodeId, row: number) => builder.expand(value, all, [...lead, row, rank], span);
    const product = builder.apply('mul', [spread(back, rank - 2), spread(id, rank - 1)], span);
    cotangents.add(matrix, builder.reduce('sum', product, [rank], span));
  }

  function propagateReduce(node: Node & Reduce, cotangent: NodeId): void {
    const { shape } = builder.node(node.arg);
    const kept = shape.flatMap((_, axis) => (node.axes.includes(axis) ? [] : [axis]));
    const spread = (id: NodeId) => builder.expand(id, shape, kept, node.span);
    if (node.kind === 'sum') {
      cotangents.add(node.arg, spread(cotangent));
      return;
    }
    // Equal maxima share the cotangent. Where an element is NaN nothing equals the maximum, and no slope is known: 0 · ∞.
    const apply = (op: Parameters<GraphBuilder['apply']>[0], ...args: NodeId[]) => builder.apply(op, args, node.span);
    const [zero, one] = [builder.constant(0), builder.constant(1)];
    const largest = apply('eq', node.arg, spread(node.id));
    const chosen = apply('select', largest, one, zero);
    const count = builder.reduce('sum', chosen, node.axes, node.span);
    const share = apply('div', cotangent, count);
    const held = gated.has(node.id) ? apply('select', apply('eq', cotangent, zero), zero, share) : share;
    const touched = apply('or', largest, apply('eq', spread(count), zero));
    cotangents.add(node.arg, apply('select', touched, apply('mul', chosen, spread(held)), zero));
  }

  /** The cotangent of a window's argument: j = (p·stride + offset) / dilation solved for p. */
  function seenBackwards(node: Node & Window, cotangent: NodeId): NodeId {
    const dim = builder.node(node.arg).shape[node.axis] ?? '';
    const view = { offset: negated(node.offset), stride: node.dilation, dilation: node.stride };
    return builder.window(cotangent, node.axis, dim, view, node.span);
  }

  function addTerm(param: string, term: GradientTerm): void {
    const terms = params[param] ?? [];
    params[param] = terms;
    terms.push(term);
  }

  const orZero = (names: readonly string[], found: Record<string, NodeId>) =>
    Object.fromEntries(names.map((name) => [name, found[name] ?? builder.constant(0)]));
  const inputs = new Set(
    forward.flatMap((node) => (node.op === 'input' || (node.op === 'delayed' && node.group === 'input') ? [node.name] : [])),
  );
  return {
    builder,
    step,
    readers,
    leaves: {
      seeds: Object.keys(step.outputs).flatMap((of) => readers.seeds(of).map((name) => ({ name, of }))),
      finals: Object.keys(step.next).flatMap((of) => readers.finals(of).map((name) => ({ name, of }))),
    },
    state: mapValues(orZero(Object.keys(step.next), leaves.state), (id) => clipped(builder, id, clip)),
    held: leaves.held,
    inputs: orZero([...inputs], leaves.input),
    delayed,
    traces: Object.fromEntries(
      Object.entries(step.traces).map(([name, id]) => {
        const { span, shape } = builder.node(id);
        const parts = cotangents.of(id).filter((part) => builder.node(part).shape.length === shape.length);
        const [first = builder.constant(0), ...rest] = parts;
        return [name, rest.reduce((sum, part) => builder.apply('add', [sum, part], span), first)];
      }),
    ),
    params,
  };
}

function clipped(builder: GraphBuilder, id: NodeId, clip: number | undefined): NodeId {
  if (clip === undefined) return id;
  const { span } = builder.node(id);
  return builder.apply('clamp', [id, builder.constant(-clip, span), builder.constant(clip, span)], span);
}

function mapValues<V>(table: Readonly<Record<string, V>>, change: (value: V) => V): Record<string, V> {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, change(value)]));
}

/** Which nodes depend on an input, a state or a trained parameter through numbers. */
function differentiable(nodes: readonly Node[], trained: (param: string) => boolean): ReadonlySet<NodeId> {
  const found = new Set<NodeId>();
  const reaches = (node: Node): boolean => {
    if (node.op === 'input' || node.op === 'state' || node.op === 'held' || node.op === 'delayed') return true;
    if (node.op === 'param') return trained(node.name);
    if (isContract(node) && node.terms.some(({ matrix }) => trained(matrix.param))) return true;
    if (isGather(node)) return trained(node.param);
    return argumentsOf(node).some((id) => found.has(id));
  };
  for (const node of nodes) if (node.type === 'number' && reaches(node)) found.add(node.id);
  return found;
}
