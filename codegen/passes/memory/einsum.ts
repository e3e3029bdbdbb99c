/**
 * Sums of products of values whose axes have labels, as `einsum` writes them: Σ_k a[i, k] b[j, k] is `ik, jk → ij`. What lies innermost
 * in all factors is summed quad by quad; else the result's units are its lanes, and the sum is over what lies further out.
 */
import type { Span } from '../../frontend/tree.js';
import type { GraphBuilder } from '../../ir/builder.js';
import type { NodeId } from '../../ir/graph.js';

/** A value with a label for each axis; a constant has none. */
export interface Labelled {
  readonly id: NodeId;
  readonly labels: readonly string[];
}

export class Einsum {
  constructor(
    private readonly builder: GraphBuilder,
    /** The dim of each label. */
    private readonly dims: (label: string) => string,
    private readonly span: Span,
  ) {}

  /**
   * The product of the factors, summed over what `of` lacks, with its axes in that order.
   * @param before a label that the one summed over stays below, as in `Reduce`
   */
  sum(factors: readonly Labelled[], of: readonly string[], before?: string): Labelled {
    const { builder, span } = this;
    const summed = [...new Set(factors.flatMap(({ labels }) => labels))].filter((label) => !of.includes(label));
    const innermost = summed.find((label) => factors.every(({ labels }) => !labels.includes(label) || labels.at(-1) === label));
    const outer = summed.filter((label) => label !== innermost);
    const all = [...of.slice(0, -1), ...outer, ...of.slice(-1), ...(innermost === undefined ? [] : [innermost])];
    const [first, ...rest] = factors.map((factor) => this.spread(factor, all));
    if (first === undefined) throw new Error('a product of nothing');
    const product = rest.reduce((left, right) => builder.apply('mul', [left, right], span), first);
    const axes = all.flatMap((label, axis) => (of.includes(label) ? [] : [axis]));
    const limit = before === undefined ? undefined : all.indexOf(before);
    return { id: axes.length === 0 ? product : builder.reduce('sum', product, axes, span, limit), labels: of };
  }

  /** The same value along other axes besides, in this order. */
  arranged(value: Labelled, labels: readonly string[]): Labelled {
    return { id: this.spread(value, labels), labels };
  }

  /** The sum of values along all their axes, in the order of `labels`. */
  total(values: readonly Labelled[], labels: readonly string[]): Labelled {
    const [first, ...rest] = values.map((value) => this.spread(value, labels));
    if (first === undefined) throw new Error('a sum of nothing');
    return { id: rest.reduce((left, right) => this.builder.apply('add', [left, right], this.span), first), labels };
  }

  private spread({ id, labels }: Labelled, all: readonly string[]): NodeId {
    const { builder, span, dims } = this;
    if (labels.length === 0) return builder.node(id).shape.length === 0 && all.length > 0 ? this.filled(id, all) : id;
    const axes = labels.map((label) => all.indexOf(label));
    if (axes.includes(-1)) throw new Error(`[${labels}] does not fit into [${all}]`);
    return builder.expand(id, all.map(dims), axes, span);
  }

  /** One number everywhere. */
  private filled(id: NodeId, all: readonly string[]): NodeId {
    const { builder, span, dims } = this;
    return builder.expand(id, all.map(dims), [], span);
  }
}
