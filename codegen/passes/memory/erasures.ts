/**
 * What a memory is given, as an affine function of what is read of it before: u = Σ c ⊙ R + u⁰, with a coefficient a head. A worked
 * example, the delta rule's u = β (v − S k): of the read S k the coefficient −β, and β v besides.
 */
import type { GraphBuilder } from '../../ir/builder.js';
import { isApply, type Node, type NodeId } from '../../ir/graph.js';
import { NoMemory } from './no-memory.js';
import { type Axes, isWithin, type Support, type Varying } from './support.js';

/** `coefficient ⊙ read + … + rest`. */
export interface AffineInReads {
  /** What does not come through the memory; `undefined` for zero. */
  readonly rest: Varying | undefined;
  /** By the number of the read. */
  readonly reads: ReadonlyMap<number, Varying>;
}

/** Σ coefficient ⊙ read + Σ rest, where rests come through reads at most. */
export interface ReadResult {
  readonly reads: readonly { readonly read: number; readonly coefficient: Varying }[];
  readonly rests: readonly { readonly coefficient: Varying; readonly keys: Varying }[];
}

/** What is known of a memory before what it is given. */
export interface ReadMemory {
  readonly keys: number;
  readonly heads: Axes;
  /** What each sum over the state's units is. */
  readonly results: ReadonlyMap<NodeId, ReadResult>;
  /** Whether a value comes through such sums. */
  readonly comesThrough: (id: NodeId) => boolean;
}

export class Erasures {
  constructor(
    private readonly builder: GraphBuilder,
    private readonly support: Support,
    private readonly memory: ReadMemory,
  ) {}

  /** @throws NoMemory */
  of(value: Varying): AffineInReads {
    const { builder } = this;
    const node = builder.node(value.id);
    if (!this.memory.comesThrough(value.id)) return { rest: value, reads: new Map() };
    const result = this.memory.results.get(value.id);
    if (result !== undefined) return this.ofResult(result);
    const part = (id: NodeId): AffineInReads => {
      // A scalar among values is the same for all.
      const axes = builder.node(id).shape.length === 0 ? [] : value.axes;
      return this.of({ id, axes });
    };
    if (!isApply(node)) throw new NoMemory(node, 'what is written is not affine in one read');
    const [a = -1, b = -1] = node.args;
    switch (node.op) {
      case 'add':
        return this.added(part(a), part(b));
      case 'sub':
        return this.added(part(a), this.scaled(part(b), { id: builder.constant(-1), axes: [] }, node));
      case 'neg':
        return this.scaled(part(a), { id: builder.constant(-1), axes: [] }, node);
      case 'mul': {
        const [through, by] = this.memory.comesThrough(a) ? [a, b] : [b, a];
        if (this.memory.comesThrough(by)) break;
        return this.scaled(part(through), this.own(by, value.axes), node);
      }
      case 'div': {
        if (this.memory.comesThrough(b)) break;
        const inverse = builder.apply('div', [builder.constant(1), b], node.span);
        return this.scaled(part(a), this.own(inverse, value.axes), node);
      }
    }
    throw new NoMemory(node, 'what is written is not affine in one read');
  }

  /** A value along axes of the state as it varies. */
  private own(id: NodeId, axes: Axes): Varying {
    const { shape } = this.builder.node(id);
    if (shape.length === 0) return { id, axes: [] };
    const narrow = this.support.narrowed(id);
    return { id: narrow.id, axes: narrow.axes.map((axis) => axes[axis] ?? 0) };
  }

  private ofResult({ reads, rests }: ReadResult): AffineInReads {
    let sum: AffineInReads = { rest: undefined, reads: new Map() };
    for (const { read, coefficient } of reads) {
      const node = this.builder.node(coefficient.id);
      if (this.memory.comesThrough(coefficient.id)) throw new NoMemory(node, 'what is written is not affine in one read');
      sum = this.added(
        sum,
        this.scaled({ rest: undefined, reads: new Map([[read, { id: this.builder.constant(1), axes: [] }]]) }, coefficient, node),
      );
    }
    for (const { coefficient, keys } of rests) {
      const node = this.builder.node(keys.id);
      if (this.memory.comesThrough(keys.id)) throw new NoMemory(node, 'what is written is not affine in one read');
      sum = this.added(sum, this.scaled(this.of(coefficient), this.support.summed(keys, this.memory.keys), node));
    }
    return sum;
  }

  private added(left: AffineInReads, right: AffineInReads): AffineInReads {
    const reads = new Map(left.reads);
    for (const [read, coefficient] of right.reads) {
      const sum = this.support.sum(reads.get(read), coefficient);
      if (sum !== undefined) reads.set(read, sum);
    }
    return { rest: this.support.sum(left.rest, right.rest), reads };
  }

  private scaled({ rest, reads }: AffineInReads, by: Varying, node: Node): AffineInReads {
    if (reads.size > 0 && !isWithin(by.axes, this.memory.heads))
      throw new NoMemory(node, 'a read is scaled by more than a number a head before it is written');
    const scale = (value: Varying) => this.support.product([value, by]);
    return {
      rest: rest === undefined ? undefined : scale(rest),
      reads: new Map([...reads].map(([read, coefficient]) => [read, scale(coefficient)])),
    };
  }
}
