/**
 * Says where a carried cotangent comes from, and moves the last phase of a backward step into the first of the next.
 *
 * A step's last contraction, dh = Σ U_gᵀ da_g, feeds nothing but the step before it in time. Instead of a dispatch
 * of its own, its operands da_g are kept, and the product is formed where it is used: at the head of the next
 * (earlier) step. The LSTM's backward loop so costs one dispatch a step, not two.
 *
 * After this pass no `carry` is left:
 *   carry(s) at step t  =  t is the sequence's last step ? final(s) : arrival(s)
 * where t = −1 is the last step of a sequence without steps, and arrival(s) is built from `previous` leaves, values of the
 * steps that the loop visited before: t+1, and where a state was read with a delay of k, t+1+k.
 *
 * A worked example, h′ = tanh(W x + U h + b). `recurve inspect rnn --stage adjoint` prints, %6 being the sum inside tanh:
 *   %10 = add (carry h) (seed h)
 *   %12 = mul %10 (tanhSlope %6)       the cotangent da of %6
 *   d state h = Uᵀ · %12               each unit needs all units of %12, which would be a second phase
 * This pass makes of it, at step t:
 *   da(t) = ((last ? final h : Uᵀ · da(t+1)) + seed h) ⊙ tanhSlope(%6 at t)
 * where da(t+1) is the leaf `previous`, of %12, 1 step later. So %12 is handed over: it is kept as a sequence, which the
 * gradients of U, W and b read as well. The only product stands at the head, and the step is one phase. At t = −1 the choice
 * alone, without the seed, is the gradient of the initial state.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, isContract, isExpand, isWindow, mixesUnits, type Node, type NodeId } from '../ir/graph.js';
import { inherited } from '../ir/walk.js';
import { accrued } from './accrued.js';
import type { AdjointGraph, CotangentLeaves, GradientTerm } from './adjoint.js';
import { rewrite } from './rewrite.js';

/** A value that a backward step leaves for later ones, under the name that `previous` leaves use. */
export interface Handover {
  readonly of: NodeId;
  readonly value: NodeId;
  /** The most steps later, or before, that it is read; guarded reads ask for zeros outside the steps. */
  readonly reach: number;
}

export interface RetimedAdjoint {
  readonly builder: GraphBuilder;
  readonly leaves: CotangentLeaves;
  readonly handovers: readonly Handover[];
  /** What every state's `carry` became: at t = −1 it is the initial state's gradient. */
  readonly carries: Readonly<Record<string, NodeId>>;
  /** The cotangent of every held value, of all steps together, in `accrued` leaves. */
  readonly held: Readonly<Record<string, NodeId>>;
  readonly inputs: Readonly<Record<string, NodeId>>;
  readonly traces: Readonly<Record<string, NodeId>>;
  readonly params: Readonly<Record<string, readonly GradientTerm[]>>;
}

/**
 * @param ends whether a step's last phase is done at the head of the next; where its sums are of far more than comes of them, and steps
 *   are few, that is handed over instead
 */
export function retime(differentiated: AdjointGraph, ends: 'in the next' | 'in its own' = 'in the next'): RetimedAdjoint {
  const { builder, step, readers, leaves, state, held, inputs, delayed, traces, params } = differentiated;
  const facts = analyse(builder);
  const deepest = Math.max(0, ...Object.values(state).map((root) => facts.level(root)));
  const handedOver = new Map<NodeId, number>();

  /** The same expression, read some steps later in loop order: what is cut was complete by then, a `previous` leaf. */
  const arrive = (root: NodeId, steps: number, guarded: boolean, cut: (node: Node) => boolean): NodeId =>
    rewrite(builder, root, (id) => {
      if (!facts.varies(id)) return id;
      const node = builder.node(id);
      // A boolean has no place in memory: it is computed again from what has. A view is looked through where it arrives.
      if (node.type === 'boolean' || isWindow(node) || isExpand(node) || !cut(node)) return undefined;
      handedOver.set(id, Math.max(Math.abs(steps), handedOver.get(id) ?? 0));
      return builder.leaf({ op: 'previous', of: id, steps, guarded }, node.shape, node.span);
    });
  /** Products are formed where they arrive: their operands are in memory anyway. */
  const finished = (node: Node) => !(isContract(node) || node.op === 'add');
  const delays = (group: 'input' | 'state', name: string) => delayed.filter((one) => one.group === group && one.name === name);
  const sum = (ids: readonly NodeId[]) => ids.reduce((total, id) => builder.apply('add', [total, id], builder.node(id).span));

  const arrivals = Object.fromEntries(
    Object.entries(state).map(([name, root]) => {
      const moved = ends === 'in the next' && deepest > 0 && facts.level(root) === deepest;
      const next = arrive(root, 1, false, moved ? ({ id }) => facts.level(id) < deepest : () => true);
      const later = delays('state', name).map(({ value, steps }) => arrive(value, steps + 1, true, finished));
      return [name, sum([next, ...later])];
    }),
  );

  const carries = Object.fromEntries(
    Object.entries(arrivals).map(([name, arrival]) => {
      const { span } = builder.node(state[name] ?? arrival);
      const { shape } = builder.node(step.next[name] ?? arrival);
      const last = builder.leaf({ op: 'last' }, [], span);
      const given = readers.finals(name).map((final) => builder.leaf({ op: 'final', name: final }, shape, span));
      const final = given.length === 0 ? builder.constant(0) : sum(given);
      return [name, builder.apply('select', [last, final, arrival], span)];
    }),
  );
  const carried = new Map<NodeId, NodeId>();
  const substitute = (root: NodeId): NodeId =>
    rewrite(
      builder,
      root,
      (id) => {
        const node = builder.node(id);
        if (node.op !== 'carry') return undefined;
        const carry = carries[node.name];
        if (carry === undefined) throw new Error(`no arrival for state ${node.name}`);
        return carry;
      },
      carried,
    );

  const term = (t: GradientTerm): GradientTerm =>
    t.kind === 'sum' ? { ...t, value: substitute(t.value) } : { ...t, left: substitute(t.left), right: substitute(t.right) };
  const inputCotangents = Object.fromEntries(
    Object.entries(inputs).map(([name, id]) => {
      const later = delays('input', name).map(({ value, steps }) => arrive(value, steps, true, finished));
      return [name, sum([substitute(id), ...later])];
    }),
  );
  return {
    builder,
    leaves,
    handovers: [...handedOver].map(([of, reach]) => ({ of, value: substitute(of), reach })),
    carries,
    held: Object.fromEntries(Object.entries(held).map(([name, id]) => [name, accrued(builder, substitute(id))])),
    inputs: inputCotangents,
    traces: Object.fromEntries(Object.entries(traces).map(([name, id]) => [name, substitute(id)])),
    params: Object.fromEntries(Object.entries(params).map(([name, terms]) => [name, terms.map(term)])),
  };
}

/**
 * Level: how many contractions and reductions stand between the carried cotangents and a value within one step.
 * A value varies if it changes from step to step.
 */
function analyse(builder: GraphBuilder) {
  const carried = inherited<boolean>((id, known) => {
    const node = builder.node(id);
    return node.op === 'carry' || argumentsOf(node).some(known);
  });
  const level = inherited<number>((id, known) => {
    const node = builder.node(id);
    if (!carried(id)) return 0;
    const inner = argumentsOf(node).reduce((most, argument) => Math.max(most, known(argument)), 0);
    return mixesUnits(node) ? inner + 1 : inner;
  });
  const varies = inherited<boolean>((id, known) => {
    const node = builder.node(id);
    if (node.op === 'constant' || node.op === 'param' || node.op === 'index' || node.op === 'extent') return false;
    const reads = argumentsOf(node);
    return reads.length === 0 || reads.some(known);
  });
  return { level, varies };
}
