/**
 * About how many instructions a value takes in a kernel, and where it is cut when these are too many. A value is
 * printed once in a kernel, so what it takes is the sum over what is behind it up to memory, each counted once.
 */
import { RecurveError } from '../errors.js';
import type { GraphBuilder } from '../ir/builder.js';
import {
  argumentsOf,
  findsRows,
  isApply,
  isContract,
  isExpand,
  isReduce,
  isWindow,
  type Node,
  type NodeId,
} from '../ir/graph.js';
import { ops } from '../ops/index.js';

/** A load or store with its address. */
export const LOAD = 6;
/** One draw. */
export const DRAWING = 40;
/** The loop of a contraction with its accumulators, and what each term adds to the tables of the loop. */
const CONTRACTION = 30;
const TERM = 2;
/** The loops of a reduction. */
const LOOP = 12;
/** An index moved by a window, for each of four lanes. */
const VIEW = 8;
/** The call of an operation beside its arithmetic. */
const CALL = 2;

/** A value is cut to this part of a kernel, of which the emitter bears twice the size. */
const MOST_PARTS = 2;
/** So many times what a value is cut to is refused before more is made of it; the emitter counts what it prints. */
const HOPELESS = 5;

/** What a user reads where a kernel would be larger than the adapter's compiler bears. */
export function tooLarge({ span: { file, line } }: Node, what: string, instructions: number, most: number): RecurveError {
  return new RecurveError({
    code: 'LIMIT-KERNEL',
    message: `${what}, for ${file}:${line}, would have about ${instructions} instructions, and ${most} are what this adapter's compiler is trusted with`,
    fix: 'A test made of very many tests cannot be cut: add up `test ? 1 : 0` and compare the sum.',
    where: `${file}:${line}`,
  });
}

export interface WeightRequest {
  readonly builder: GraphBuilder;
  readonly available: (id: NodeId) => boolean;
  /** The phase that computes a value. */
  readonly level: (id: NodeId) => number;
  /** Whether a later phase loads it: a contraction or reduction is behind it. */
  readonly mixes: (id: NodeId) => boolean;
  /** Whether reductions and views load it. */
  readonly isCostly: (id: NodeId) => boolean;
}

export class Weights {
  /** Values that are stored for their users, which so become small enough. */
  readonly cuts = new Set<NodeId>();
  /** Upper bounds on what a value takes in a kernel of its own phase. */
  private readonly bounds = new Map<NodeId, number>();
  private readonly repeated = new Map<NodeId, { readonly weight: number; readonly scalars: readonly NodeId[] }>();
  /** Values that take too much although nothing more behind them can be stored. */
  private readonly exhausted = new Set<NodeId>();

  constructor(private readonly request: WeightRequest) {}

  /**
   * Weighs a value whose arguments were weighed before, and cuts it until it takes no more than `most`.
   * @throws RecurveError `LIMIT-KERNEL` where what cannot be cut is far too much
   */
  weigh(id: NodeId, most: number): void {
    const level = this.request.level(id);
    const { own, inside } = this.parts(id, level);
    const node = this.request.builder.node(id);
    let bound = inside.reduce((sum, part) => sum + (this.bounds.get(part) ?? this.parts(part, level).own), own);
    // A chain of tests is walked again for every number that is chosen by it, and not for every link.
    if (node.type === 'boolean' && inside.some((part) => this.exhausted.has(part))) this.exhausted.add(id);
    else if (bound > most) {
      bound = this.added(id, level, new Set());
      while (bound > most) {
        const heaviest = this.heaviestPart(inside, level);
        // Nothing left that could be stored: a test made of tests. The emitter refuses what is really too large.
        if (heaviest === undefined) {
          this.exhausted.add(id);
          if (bound > HOPELESS * most) throw tooLarge(node, 'a value', bound, 2 * MOST_PARTS * most);
          break;
        }
        this.cuts.add(heaviest);
        bound = this.added(id, level, new Set());
      }
    }
    this.bounds.set(id, bound);
    this.elsewhere(id, level);
  }

  /** What computing a value adds to a kernel of a phase that holds the values `seen`. */
  added(id: NodeId, level: number, seen: ReadonlySet<NodeId>): number {
    return this.mark(id, level, new Set(seen));
  }

  /** The same, and notes what is then in the kernel. */
  mark(id: NodeId, level: number, seen: Set<NodeId>): number {
    let sum = 0;
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      // A value that is cut off is computed where it is stored.
      const { own, inside } = next !== id && this.isLoaded(next, level) ? { own: LOAD, inside: [] } : this.parts(next, level);
      sum += own;
      open.push(...inside);
    }
    return sum;
  }

  /** The part, or what a test is made of, that takes most of what can be stored. */
  private heaviestPart(inside: readonly NodeId[], level: number): NodeId | undefined {
    let heaviest: NodeId | undefined;
    const weightOf = (id: NodeId | undefined) => (id === undefined ? 2 * LOAD : (this.bounds.get(id) ?? 0));
    const seen = new Set<NodeId>();
    const open = [...inside];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (seen.has(id) || this.isLoaded(id, level)) continue;
      seen.add(id);
      const node = this.request.builder.node(id);
      if (node.type === 'boolean') open.push(...argumentsOf(node));
      else if (argumentsOf(node).length > 0 && weightOf(id) > weightOf(heaviest)) heaviest = id;
    }
    return heaviest;
  }

  private isLoaded(id: NodeId, level: number): boolean {
    const { available, mixes, builder } = this.request;
    if (available(id) || this.cuts.has(id)) return true;
    return builder.node(id).type === 'number' && mixes(id) && this.request.level(id) < level;
  }

  /** What a value itself takes, and what else is then printed in place. */
  private parts(id: NodeId, level: number): { own: number; inside: readonly NodeId[] } {
    const node = this.request.builder.node(id);
    if (this.request.available(id)) return { own: LOAD, inside: [] };
    if (isContract(node)) return { own: takes(node), inside: [] };
    if (isApply(node)) return { own: takes(node), inside: node.args };
    if (findsRows(node)) return { own: takes(node), inside: [] };
    if (isReduce(node) || isExpand(node) || isWindow(node)) {
      const { weight, scalars } = this.elsewhere(node.arg, level);
      // A window on the units looks at four of them one by one.
      const looks = isWindow(node) && node.axis === node.shape.length - 1 ? 4 : 1;
      return { own: looks * weight + takes(node), inside: scalars };
    }
    return { own: takes(node), inside: argumentsOf(node) };
  }

  /** What a value takes at other units, where it is printed again for each use; scalars are printed in place. */
  private elsewhere(id: NodeId, level: number): { weight: number; scalars: readonly NodeId[] } {
    const known = this.repeated.get(id);
    if (known !== undefined) return known;
    const { builder, available, mixes, isCostly } = this.request;
    const node = builder.node(id);
    let found: { weight: number; scalars: readonly NodeId[] };
    if (node.shape.length === 0) found = { weight: 0, scalars: [id] };
    else if (available(id) || mixes(id) || isCostly(id) || this.cuts.has(id)) found = { weight: LOAD, scalars: [] };
    else {
      const parts = argumentsOf(node).map((argument) => this.elsewhere(argument, level));
      found = {
        weight: parts.reduce((sum, { weight }) => sum + weight, takes(node)),
        scalars: [...new Set(parts.flatMap(({ scalars }) => scalars))],
      };
    }
    this.repeated.set(id, found);
    return found;
  }
}

/** What a node takes where it is printed, without what it is made of. */
export function takes(node: Node): number {
  if (isContract(node)) return CONTRACTION + TERM * node.terms.length;
  if (isApply(node)) return CALL + ops[node.op].flops;
  if (isReduce(node) || findsRows(node)) return LOOP;
  if (isWindow(node)) return 4 * VIEW;
  if (node.op === 'param' || node.op === 'gather') return LOAD;
  return node.op === 'random' ? DRAWING : 1;
}
