/**
 * Says where a carried cotangent comes from, and moves the last phase of a backward step into the first of the next.
 *
 * A step's last contraction, dh = Σ U_gᵀ da_g, feeds nothing but the step before it in time. Instead of a dispatch
 * of its own, its operands da_g are kept, and the product is formed where it is used: at the head of the next
 * (earlier) step. The LSTM's backward loop so costs one dispatch a step, not two.
 *
 * After this pass no `carry` is left:
 *   carry(s) at step t  =  t is the sequence's last step ? final(s) : arrival(s)
 * where arrival(s) is built from `previous` leaves, values of the step that the loop visited before, t+1.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, isApply, isContract, type NodeId } from '../ir/graph.js';
import type { AdjointGraph, GradientTerm } from './adjoint.js';

/** A value that a backward step leaves for the next one, under the name that `previous` leaves use. */
export interface Handover {
  readonly of: NodeId;
  readonly value: NodeId;
}

export interface RetimedAdjoint {
  readonly builder: GraphBuilder;
  readonly handovers: readonly Handover[];
  /** Every state's cotangent from the steps behind; read at t = −1 it is the initial state's gradient. */
  readonly arrivals: Readonly<Record<string, NodeId>>;
  readonly inputs: Readonly<Record<string, NodeId>>;
  readonly params: Readonly<Record<string, readonly GradientTerm[]>>;
}

export function retime({ builder, state, inputs, params }: AdjointGraph): RetimedAdjoint {
  const facts = analyse(builder);
  const deepest = Math.max(0, ...Object.values(state).map((root) => facts.level(root)));
  const handedOver = new Set<NodeId>();

  /** The same expression, read one step later in loop order: what was complete by then is a `previous` leaf. */
  const arrive = (root: NodeId, cut: (id: NodeId) => boolean): NodeId =>
    rewrite(builder, root, (id) => {
      if (!facts.varies(id)) return id;
      const { shape, span, type } = builder.node(id);
      // A test is not kept in memory; what it compares is.
      if (type === 'boolean' || !cut(id)) return undefined;
      handedOver.add(id);
      return builder.leaf({ op: 'previous', of: id }, shape, span);
    });

  const arrivals = Object.fromEntries(
    Object.entries(state).map(([name, root]) => {
      const moved = deepest > 0 && facts.level(root) === deepest;
      return [name, arrive(root, moved ? (id) => facts.level(id) < deepest : () => true)];
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
        const { name, shape, span } = node;
        const arrival = arrivals[name];
        if (arrival === undefined) throw new Error(`no arrival for state ${name}`);
        const last = builder.leaf({ op: 'last' }, [], span);
        return builder.apply('select', [last, builder.leaf({ op: 'final', name }, shape, span), arrival], span);
      },
      carried,
    );

  const term = (t: GradientTerm): GradientTerm =>
    t.kind === 'sum'
      ? { kind: 'sum', value: substitute(t.value) }
      : { kind: 'outer', left: substitute(t.left), right: substitute(t.right) };
  return {
    builder,
    handovers: [...handedOver].map((of) => ({ of, value: substitute(of) })),
    arrivals,
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, id]) => [name, substitute(id)])),
    params: Object.fromEntries(Object.entries(params).map(([name, terms]) => [name, terms.map(term)])),
  };
}

/**
 * Level: how many contractions stand between the carried cotangents and a value within one step.
 * A value varies if it changes from step to step.
 */
function analyse(builder: GraphBuilder) {
  const levels = new Map<NodeId, number>();
  const carries = new Map<NodeId, boolean>();
  const varying = new Map<NodeId, boolean>();
  const memo =
    <V>(table: Map<NodeId, V>, compute: (id: NodeId) => V) =>
    (id: NodeId): V => {
      const known = table.get(id);
      if (known !== undefined) return known;
      const value = compute(id);
      table.set(id, value);
      return value;
    };
  const carried = memo(carries, (id): boolean => {
    const node = builder.node(id);
    return node.op === 'carry' || argumentsOf(node).some(carried);
  });
  const level = memo(levels, (id): number => {
    const node = builder.node(id);
    if (!carried(id)) return 0;
    const inner = Math.max(0, ...argumentsOf(node).map(level));
    return isContract(node) ? inner + 1 : inner;
  });
  const varies = memo(varying, (id): boolean => {
    const node = builder.node(id);
    if (node.op === 'constant' || node.op === 'param') return false;
    return isApply(node) || isContract(node) ? argumentsOf(node).some(varies) : true;
  });
  return { level, varies };
}

/** Rebuilds what `root` stands for, with `replace` deciding for some nodes what they become. */
export function rewrite(
  builder: GraphBuilder,
  root: NodeId,
  replace: (id: NodeId) => NodeId | undefined,
  done = new Map<NodeId, NodeId>(),
): NodeId {
  const visit = (id: NodeId): NodeId => {
    const known = done.get(id);
    if (known !== undefined) return known;
    const result = replace(id) ?? rebuild(id);
    done.set(id, result);
    return result;
  };
  const rebuild = (id: NodeId): NodeId => {
    const node = builder.node(id);
    if (isContract(node)) {
      return builder.product(
        node.terms.map((term) => ({ ...term, operand: visit(term.operand) })),
        node.shape,
        node.span,
      );
    }
    return isApply(node) ? builder.apply(node.op, node.args.map(visit), node.span) : id;
  };
  return visit(root);
}
