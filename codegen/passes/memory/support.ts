/** Along which axes of a state a value really varies, and the value without the others. */
import type { GraphBuilder } from '../../ir/builder.js';
import { argumentsOf, isApply, isExpand, type NodeId } from '../../ir/graph.js';

/** Axes of a state, ascending. */
export type Axes = readonly number[];

/** A value of a step as it varies along axes of a state: of `[]` it is one number. */
export interface Varying {
  readonly id: NodeId;
  readonly axes: Axes;
}

export const union = (...all: readonly Axes[]): Axes => [...new Set(all.flat())].sort((a, b) => a - b);
export const isWithin = (axes: Axes, outer: Axes): boolean => axes.every((axis) => outer.includes(axis));

export class Support {
  private readonly known = new Map<NodeId, Axes>();

  /** @param shape the state's */
  constructor(
    private readonly builder: GraphBuilder,
    private readonly shape: readonly string[],
  ) {}

  /** The axes of its own along which a node varies. */
  of(id: NodeId): Axes {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const found = this.find(id);
    this.known.set(id, found);
    return found;
  }

  /** A node of the state's shape, or a scalar, without the axes along which it is the same. */
  narrowed(id: NodeId): Varying {
    const axes = this.of(id);
    return { id: this.along(id, axes), axes };
  }

  product(factors: readonly Varying[]): Varying {
    const { builder } = this;
    const axes = union(...factors.map((factor) => factor.axes));
    const [first, ...rest] = factors.map((factor) => this.spread(factor, axes));
    if (first === undefined) return { id: builder.constant(1), axes: [] };
    return { id: rest.reduce((left, right) => builder.apply('mul', [left, right], builder.node(left).span), first), axes };
  }

  sum(left: Varying | undefined, right: Varying | undefined): Varying | undefined {
    if (left === undefined || right === undefined) return left ?? right;
    const axes = union(left.axes, right.axes);
    const args = [left, right].map((one) => this.spread(one, axes));
    return { id: this.builder.apply('add', args, this.builder.node(left.id).span), axes };
  }

  negated(value: Varying): Varying {
    return { ...value, id: this.builder.apply('neg', [value.id], this.builder.node(value.id).span) };
  }

  /** The sum over an axis, along which the value may be the same. */
  summed({ id, axes }: Varying, axis: number): Varying {
    const { builder } = this;
    const { span } = builder.node(id);
    const at = axes.indexOf(axis);
    if (at >= 0) return { id: builder.reduce('sum', id, [at], span), axes: axes.filter((one) => one !== axis) };
    const count = builder.leaf({ op: 'extent', dims: [this.shape[axis] ?? ''] }, [], span);
    return { id: builder.apply('mul', [id, count], span), axes };
  }

  /** The value along more axes. */
  spread({ id, axes }: Varying, wanted: Axes): NodeId {
    // A scalar is the same for all units wherever it is used.
    if (axes.length === 0) return id;
    const { span } = this.builder.node(id);
    return this.builder.expand(
      id,
      wanted.map((axis) => this.shape[axis] ?? ''),
      axes.map((axis) => wanted.indexOf(axis)),
      span,
    );
  }

  private find(id: NodeId): Axes {
    const node = this.builder.node(id);
    if (isExpand(node)) return union(this.of(node.arg).map((axis) => node.axes[axis] ?? 0));
    if (isApply(node))
      return union(...argumentsOf(node).map((arg) => (this.builder.node(arg).shape.length === 0 ? [] : this.of(arg))));
    return [...node.shape.keys()];
  }

  /** A node without its axes that are not among these, which are all along which it varies. */
  private along(id: NodeId, axes: Axes): NodeId {
    const { builder } = this;
    const node = builder.node(id);
    if (axes.length === node.shape.length) return id;
    if (isExpand(node)) {
      const own = this.of(node.arg);
      const inner = this.along(node.arg, own);
      const places = own.map((axis) => axes.indexOf(node.axes[axis] ?? 0));
      return builder.expand(
        inner,
        axes.map((axis) => node.shape[axis] ?? ''),
        places,
        node.span,
      );
    }
    if (!isApply(node)) throw new Error(`node ${id} varies along [${this.of(id)}], and is asked along [${axes}]`);
    const args = argumentsOf(node).map((arg) => {
      if (builder.node(arg).shape.length === 0) return arg;
      const inner = this.of(arg);
      const narrow = this.along(arg, inner);
      if (inner.length === 0) return narrow;
      return builder.expand(
        narrow,
        axes.map((axis) => node.shape[axis] ?? ''),
        inner.map((axis) => axes.indexOf(axis)),
        node.span,
      );
    });
    return builder.apply(node.op, args, node.span);
  }
}
