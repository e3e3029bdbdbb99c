/**
 * In which phase of a region a value can be computed: in place, or at any other unit. And what a value takes: where
 * that is more than half a kernel, parts of it are cut off, to be stored by an earlier phase.
 */
import type { GraphBuilder } from '../ir/builder.js';
import {
  argumentsOf,
  findsRows,
  isApply,
  isContract,
  isExpand,
  isGather,
  isReduce,
  isWindow,
  mixesUnits,
  type NodeId,
  type Shape,
} from '../ir/graph.js';
import { preorder } from '../ir/walk.js';
import { ops } from '../ops/index.js';
import { comparedWithMaximum } from './compared.js';
import { throughWindows } from './operands.js';
import type { Store } from './places.js';
import { DRAWING, LOAD, Weights } from './weights.js';

/** What decides in which phase a value can be computed. */
export interface Surroundings {
  readonly builder: GraphBuilder;
  /** Whether a value is in memory before the region starts. */
  readonly available: (id: NodeId) => boolean;
  /** How many values a shape has. */
  readonly elements: (shape: Shape) => number;
  /** The most instructions of one kernel. */
  readonly instructions: number;
  /** What another phase is worth: operations a row by which a value is computed again along axes that it is spread over. */
  readonly anotherPhase?: number | undefined;
}

/** Of a phase that runs once, over all steps; in a loop it costs a dispatch at every step, and none is worth it. */
export const ONCE = 2 ** 15;

export type Where = 'here' | 'elsewhere';

/** A reduction over more than this has a phase of its own: lanes that use it do not each repeat it. */
const LONGEST_REPEATED = 4096;
/** Floating-point operations that computing a value again at other units may cost. */
const MOST_REPEATED = 40;
/** What takes fewer is computed again rather than loaded, wherever it is wanted. */
const LEAST_STORED = 10;

export class Levels {
  private known = { here: new Map<NodeId, number>(), elsewhere: new Map<NodeId, number>() };
  private readonly mixing = new Map<NodeId, boolean>();
  private readonly costs = new Map<NodeId, number>();
  /** At how many more units than it has a value is wanted where it is spread along new axes. */
  private readonly spread = new Map<NodeId, number>();

  private readonly compared: ReadonlySet<NodeId>;
  private readonly weights: Weights;

  /** `roots` are what the region computes. */
  constructor(
    private readonly request: Surroundings,
    roots: readonly NodeId[],
  ) {
    const { builder, available, instructions } = request;
    this.compared = comparedWithMaximum(builder);
    const found: NodeId[] = [];
    preorder(roots, (id) => {
      if (available(id)) return [];
      found.push(id);
      return argumentsOf(builder.node(id));
    });
    // In the order of the graph what a value is made of is known before it: no question recurses.
    const region = found.sort((a, b) => a - b);
    for (const id of region) {
      const node = builder.node(id);
      if (!isExpand(node)) continue;
      const more = request.elements(node.shape) - request.elements(builder.node(node.arg).shape);
      this.spread.set(node.arg, Math.max(more, this.spread.get(node.arg) ?? 0));
    }
    for (const id of region) {
      this.mixes(id);
      this.cost(id);
    }
    this.weights = new Weights({
      builder,
      available,
      level: (id) => this.here(id),
      mixes: (id) => this.mixes(id),
      isCostly: (id) => this.isCostly(id),
    });
    // A cut moves what uses it to a later phase, and with it the bounds between phases.
    for (let cuts = -1; cuts < this.weights.cuts.size; ) {
      cuts = this.weights.cuts.size;
      this.known = { here: new Map(), elsewhere: new Map() };
      for (const id of region) {
        if (argumentsOf(builder.node(id)).length === 0) continue;
        this.at(id, 'here');
        this.at(id, 'elsewhere');
        this.weights.weigh(id, instructions / 2);
      }
    }
  }

  /** Whether a value is stored for its users because what it is made of would be too much for their kernels. */
  isCut(id: NodeId): boolean {
    return this.weights.cuts.has(id) && !this.request.available(id);
  }

  /** A level's stores in kernels that are not too large, in order. */
  batches(stores: readonly Store[], level: number): { stores: Store[]; instructions: number }[] {
    const batches: { stores: Store[]; instructions: number; seen: Set<NodeId> }[] = [];
    for (const store of stores) {
      const last = batches.at(-1);
      const more = LOAD + this.weights.added(store.value, level, last?.seen ?? new Set());
      if (last && last.instructions + more <= this.request.instructions) {
        last.stores.push(store);
        last.instructions += more;
        this.weights.mark(store.value, level, last.seen);
      } else {
        const batch = { stores: [store], instructions: LOAD, seen: new Set<NodeId>() };
        batch.instructions += this.weights.mark(store.value, level, batch.seen);
        batches.push(batch);
      }
    }
    return batches.map(({ stores: own, instructions }) => ({ stores: own, instructions }));
  }

  at(id: NodeId, where: Where): number {
    const known = this.known[where].get(id);
    if (known !== undefined) return known;
    const level = this.request.available(id) ? 0 : where === 'here' ? this.computeHere(id) : this.computeElsewhere(id);
    this.known[where].set(id, level);
    return level;
  }

  here(id: NodeId): number {
    return this.at(id, 'here');
  }

  /** Whether a contraction or reduction of this region stands behind a value; views pass it on to their argument alone. */
  mixes(id: NodeId): boolean {
    const known = this.mixing.get(id);
    if (known !== undefined) return known;
    const node = this.request.builder.node(id);
    const mixes =
      !this.request.available(id) &&
      (mixesUnits(node) || ((isApply(node) || isGather(node)) && argumentsOf(node).some((arg) => this.mixes(arg))));
    this.mixing.set(id, mixes);
    return mixes;
  }

  /** Whether a value is better stored than computed again wherever a view or a reduction wants it. */
  isCostly(id: NodeId): boolean {
    const { shape, type } = this.request.builder.node(id);
    if (shape.length === 0 || type === 'boolean') return false;
    if (this.request.available(id)) return false;
    const cost = this.cost(id);
    const { anotherPhase = Number.POSITIVE_INFINITY } = this.request;
    const spread = cost >= LEAST_STORED ? cost * (this.spread.get(id) ?? 0) : 0;
    return this.compared.has(id) || cost > MOST_REPEATED || spread >= anotherPhase;
  }

  private computeHere(id: NodeId): number {
    const node = this.request.builder.node(id);
    if (isContract(node)) {
      return Math.max(
        ...node.terms.map(({ operand }) => {
          const { source } = throughWindows(this.request.builder, operand, this.request.available);
          return this.request.available(source) ? 0 : this.here(source) + 1;
        }),
      );
    }
    if (findsRows(node)) {
      // What it is made of is in memory, and what is made of it waits.
      return Math.max(...argumentsOf(node).map((arg) => (this.request.available(arg) ? 0 : this.here(arg) + 1)));
    }
    if (isReduce(node) || isExpand(node) || isWindow(node)) return this.at(node.arg, 'elsewhere');
    if (isApply(node) || isGather(node)) return Math.max(0, ...argumentsOf(node).map((arg) => this.ready(arg)));
    return this.leaf(id);
  }

  private computeElsewhere(id: NodeId): number {
    const node = this.request.builder.node(id);
    if (node.shape.length === 0) return this.ready(id);
    if (mixesUnits(node) || this.isCostly(id) || this.isCut(id)) return this.here(id) + 1;
    if (isExpand(node) || isWindow(node)) return this.at(node.arg, 'elsewhere');
    if (isApply(node) || isGather(node)) return Math.max(0, ...argumentsOf(node).map((arg) => this.at(arg, 'elsewhere')));
    return this.leaf(id);
  }

  /** When a value can be used in place: one that is too long to repeat, or cut off, comes from a phase of its own. */
  private ready(id: NodeId): number {
    const node = this.request.builder.node(id);
    const long =
      isReduce(node) &&
      !this.request.available(id) &&
      this.request.elements(this.request.builder.node(node.arg).shape) > LONGEST_REPEATED * this.request.elements(node.shape);
    const apart = findsRows(node) && !this.request.available(id);
    return this.here(id) + (long || apart || this.isCut(id) ? 1 : 0);
  }

  private leaf(id: NodeId): number {
    const node = this.request.builder.node(id);
    const free = ['constant', 'param', 'last', 'time', 'index', 'extent', 'steps', 'batch', 'random'].includes(node.op);
    if (!free) throw new Error(`${node.op} leaf ${id} has no place in memory`);
    return 0;
  }

  private cost(id: NodeId): number {
    const known = this.costs.get(id);
    if (known !== undefined) return known;
    const node = this.request.builder.node(id);
    // A scalar is computed once for all units, and what mixes units is in memory by then, as is what costs too much.
    const there = node.shape.length === 0 || this.request.available(id) || mixesUnits(node);
    const own = isApply(node) ? ops[node.op].flops : node.op === 'random' ? DRAWING : 0;
    const repeated = (arg: NodeId) => (this.isCostly(arg) ? 0 : this.cost(arg));
    const cost = there ? 0 : argumentsOf(node).reduce((sum, arg) => sum + repeated(arg), own);
    this.costs.set(id, cost);
    return cost;
  }
}
