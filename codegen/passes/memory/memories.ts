/**
 * States that are memories: what they hold decays by a number a head, products of two vectors are added, and it is seen only through
 * products with vectors, the keys. Found in the graph of the step, whatever algebra it is written in:
 *
 *   S′ = a S + Σ u wᵀ        a decay, writes u under keys w
 *   R = S r                  reads, before the writes of the step; those of S′ or of a sum in between are made of them
 *
 * where no w, r and a comes through the memory, and u does so only as an affine function of one read (the erasure of a delta rule).
 *
 * A worked example, S′ = S + β (v − S k) kᵀ and y = S′ q. There are two reads, S k and S q; one write, with w = k and
 * u = β v − β (S k); and y = S q + u (k·q).
 */
import type { GraphBuilder } from '../../ir/builder.js';
import { argumentsOf, isApply, isReduce, type Node, type NodeId, type StepGraph } from '../../ir/graph.js';
import { inherited } from '../../ir/walk.js';
import { type AffineInReads, Erasures, type ReadResult } from './erasures.js';
import { NoMemory } from './no-memory.js';
import { isWithin, Support, union, type Varying } from './support.js';

export interface MemoryWrite {
  readonly value: AffineInReads;
  readonly key: Varying;
}

export interface Memory {
  readonly state: string;
  readonly shape: readonly string[];
  /** The axis that is summed over by reads. */
  readonly keys: number;
  /** `undefined` where nothing decays. */
  readonly decay: Varying | undefined;
  readonly writes: readonly MemoryWrite[];
  /** The number of the read that what is written comes of, if of any. */
  readonly erasing: number | undefined;
  /** Keys that the state before the step is read by. */
  readonly reads: readonly Varying[];
  /** What each sum over the state's units is, by its node. */
  readonly results: ReadonlyMap<NodeId, ReadResult>;
}

/** A product: of the old state where `old`, else of values that lack one of its axes each. */
interface Monomial {
  readonly old: boolean;
  readonly negative: boolean;
  readonly factors: readonly NodeId[];
}

/** A sum of more products than these is not taken apart. */
const MOST_PRODUCTS = 16;

export function memoryOf(
  builder: GraphBuilder,
  step: Pick<StepGraph, 'next' | 'outputs' | 'traces'>,
  state: string,
): Memory | NoMemory {
  const next = step.next[state];
  if (next === undefined) throw new Error(`no state ${state}`);
  const finder = new Finder(builder, step, state, next);
  try {
    return finder.find();
  } catch (refusal) {
    if (refusal instanceof NoMemory) return refusal;
    throw refusal;
  }
}

class Finder {
  private readonly shape: readonly string[];
  private readonly support: Support;
  /** Whether a value holds units of the state, and not only sums over them. */
  private readonly holds: (id: NodeId) => boolean;
  /** Whether it comes through sums over the state's units. */
  private readonly comesThrough: (id: NodeId) => boolean;
  private readonly reads: Varying[] = [];
  private readonly results = new Map<NodeId, ReadResult>();
  private keys: number | undefined;

  constructor(
    private readonly builder: GraphBuilder,
    private readonly step: Pick<StepGraph, 'next' | 'outputs' | 'traces'>,
    private readonly state: string,
    private readonly next: NodeId,
  ) {
    const { shape } = builder.node(next);
    this.shape = shape;
    this.support = new Support(builder, shape);
    this.holds = inherited<boolean>((id, known) => {
      const node = builder.node(id);
      if (node.op === 'state' || (node.op === 'delayed' && node.group === 'state')) return node.name === state;
      return !isReduce(node) && argumentsOf(node).some(known);
    });
    const { holds } = this;
    this.comesThrough = inherited<boolean>((id, known) => {
      const args = argumentsOf(builder.node(id));
      return args.some((arg) => known(arg) || holds(arg));
    });
  }

  find(): Memory {
    const { builder, next, shape } = this;
    if (!this.holds(next)) throw new NoMemory(builder.node(next), 'its next value is not made of it');
    this.requireReadsOnly();
    const sum = this.products(next);
    const old = sum.filter((product) => product.old);
    const keys = this.keys;
    if (keys === undefined) throw new NoMemory(builder.node(next), 'it is never read by a sum over one axis');
    const decays = old
      .map((product) => this.split(product, keys))
      .map(({ key, coefficient }) => this.support.product([key, coefficient]));
    const split = sum.filter((product) => !product.old).map((product) => this.split(product, keys));
    const heads = union(...split.map(({ key }) => key.axes), ...this.reads.map(({ axes }) => axes)).filter(
      (axis) => axis !== keys,
    );
    const { comesThrough, results } = this;
    const erasures = new Erasures(builder, this.support, { keys, heads, results, comesThrough });
    const writes = split.map(({ key, coefficient }): MemoryWrite => {
      if (!key.axes.includes(keys)) throw new NoMemory(builder.node(next), 'it is given what is the same under all keys');
      if (this.comesThrough(key.id)) throw new NoMemory(builder.node(key.id), 'it writes under keys that come through it');
      return { key, value: erasures.of(coefficient) };
    });
    const decay = decays.reduce<Varying | undefined>((all, one) => this.support.sum(all, one), undefined);
    if (decay === undefined) throw new NoMemory(builder.node(next), 'it keeps nothing of itself');
    if (!isWithin(decay.axes, heads))
      throw new NoMemory(builder.node(decay.id), 'it decays by a number of its own along keys or values');
    const reading = new Set(writes.flatMap(({ value }) => [...value.reads.keys()]));
    if (reading.size > 1)
      throw new NoMemory(builder.node(next), `its writes come of ${reading.size} reads, and of one at most they may`);
    const { state, reads } = this;
    const one = builder.node(decay.id);
    const stays = one.op === 'constant' && one.value === 1;
    const [erasing] = reading;
    return { state, shape, keys, decay: stays ? undefined : decay, writes, erasing, reads, results };
  }

  /** Finds all sums over the state's units; whatever else is made of these is refused. */
  private requireReadsOnly(): void {
    const { builder, step, state, shape } = this;
    for (const [group, values] of [
      ['an output', step.outputs],
      ['traced', step.traces],
    ] as const) {
      const kept = Object.values(values).find((id) => this.holds(id));
      if (kept !== undefined)
        throw new NoMemory(
          builder.node(kept),
          group === 'traced' ? 'all of it is traced' : 'all of it is an output, for `outputs` does not say otherwise',
        );
    }
    const held = Object.entries(step.next).find(([name, id]) => name !== state && this.holds(id));
    if (held !== undefined) throw new NoMemory(builder.node(held[1]), `the state ${held[0]} holds its units, too`);
    for (const node of builder.nodes) {
      if (node.op === 'delayed' && node.group === 'state' && node.name === state)
        throw new NoMemory(node, 'it is read with a delay');
      if (!argumentsOf(node).some((arg) => this.holds(arg))) continue;
      if (isReduce(node)) {
        this.results.set(node.id, this.result(node));
        continue;
      }
      const same = isApply(node) && node.shape.join() === shape.join();
      if (!same) throw new NoMemory(node, 'its units are used other than by sums over an axis');
    }
  }

  private result(node: Extract<Node, { op: 'reduce' }>): ReadResult {
    const [axis, ...others] = node.axes;
    if (axis === undefined || others.length > 0 || node.kind !== 'sum')
      throw new NoMemory(node, 'it is read other than by sums over one axis');
    this.keys ??= axis;
    if (axis !== this.keys) throw new NoMemory(node, 'it is read along two axes');
    const reads: { read: number; coefficient: Varying }[] = [];
    const rests: { coefficient: Varying; keys: Varying }[] = [];
    for (const product of this.products(node.arg)) {
      const { key, coefficient } = this.split(product, axis);
      if (!product.old) rests.push({ coefficient, keys: key });
      else if (this.comesThrough(key.id)) throw new NoMemory(node, 'it is read by keys that come through it');
      else reads.push({ read: this.read(key, axis), coefficient });
    }
    return { reads, rests };
  }

  /** The number of a read by this key. */
  private read(key: Varying, axis: number): number {
    const axes = union(key.axes, [axis]);
    const id =
      key.axes.length === 0 ? this.builder.expand(key.id, [this.shape[axis] ?? ''], [], this.builder.node(key.id).span) : key.id;
    const full: Varying = { id: this.support.spread({ id, axes: key.axes.length === 0 ? [axis] : key.axes }, axes), axes };
    const known = this.reads.findIndex((one) => one.id === full.id);
    return known >= 0 ? known : this.reads.push(full) - 1;
  }

  /** What varies along the keys, and the rest. */
  private split({ negative, factors }: Monomial, keys: number): { readonly key: Varying; readonly coefficient: Varying } {
    const { support } = this;
    const along = (factor: NodeId) => support.of(factor).includes(keys);
    const key = support.product(factors.filter(along).map((factor) => support.narrowed(factor)));
    const rest = support.product(factors.filter((factor) => !along(factor)).map((factor) => support.narrowed(factor)));
    return { key, coefficient: negative ? support.negated(rest) : rest };
  }

  /** A value of the state's shape as a sum of products. */
  private products(id: NodeId): Monomial[] {
    const { builder } = this;
    const node = builder.node(id);
    const one = (factors: readonly NodeId[]): Monomial => ({ old: false, negative: false, factors });
    if (node.op === 'state' && node.name === this.state) return [{ ...one([]), old: true }];
    const whole = node.shape.length === this.shape.length && this.support.of(id).length === this.shape.length;
    if (!this.holds(id) && (!whole || !isApply(node))) return [one([id])];
    if (!isApply(node)) throw new NoMemory(node, 'its units are used other than by sums over an axis');
    const [a = -1, b = -1] = node.args;
    const negative = (all: Monomial[]) => all.map((product) => ({ ...product, negative: !product.negative }));
    switch (node.op) {
      case 'add':
        return this.few(node, [...this.products(a), ...this.products(b)]);
      case 'sub':
        return this.few(node, [...this.products(a), ...negative(this.products(b))]);
      case 'neg':
        return negative(this.products(a));
      case 'mul': {
        if (this.holds(a) && this.holds(b)) throw new NoMemory(node, 'it is multiplied with itself');
        const right = this.products(b);
        const both = this.products(a).flatMap((left) =>
          right.map((other) => ({
            old: left.old || other.old,
            negative: left.negative !== other.negative,
            factors: [...left.factors, ...other.factors],
          })),
        );
        return this.few(node, both);
      }
      case 'div': {
        if (this.holds(b)) throw new NoMemory(node, 'something is divided by it');
        const inverse = builder.apply('div', [builder.constant(1), b], node.span);
        return this.products(a).map((product) => ({ ...product, factors: [...product.factors, inverse] }));
      }
      default:
        if (!this.holds(id)) return [one([id])];
        throw new NoMemory(node, `its units go through \`${node.op}\``);
    }
  }

  private few(node: Node, all: Monomial[]): Monomial[] {
    if (all.length > MOST_PRODUCTS) throw new NoMemory(node, `it is a sum of more than ${MOST_PRODUCTS} products`);
    return all;
  }
}
