/** The step of memories from one chunk to the next; the equations stand in chunked.ts, whose names are these. */
import type { Span } from '../../frontend/tree.js';
import { GraphBuilder } from '../../ir/builder.js';
import type { NodeId, Shape } from '../../ir/graph.js';
import { Einsum, type Labelled } from './einsum.js';
import type { Memory } from './memories.js';
import type { Varying } from './support.js';

/** Dims that a chunkwise program has besides a cell's: no dim of a user begins with `_`. */
export const CHUNK = '_c';
export const ONE = '_1';

/** What is left of a memory between steps of a chunk; all `undefined` where nothing decays. */
interface Left {
  /** G[i, j], what is left before step i of what step j wrote. */
  readonly between: Labelled | undefined;
  /** g[i], before step i of what the chunk began with. */
  readonly before: Labelled | undefined;
  /** At the end of the chunk, of what step i wrote. */
  readonly atEnd: Labelled | undefined;
  /** At the end, of what the chunk began with. */
  readonly ofAll: Labelled | undefined;
}

export class ChunkStep {
  readonly builder = new GraphBuilder();
  /** The shape of each input, by its name. */
  readonly given = new Map<string, Shape>();

  /**
   * @param source of what the memories are made of
   * @param steps of a chunk
   * @param leave says under which name a value of the source is left for a chunk
   */
  constructor(
    private readonly source: GraphBuilder,
    private readonly steps: number,
    private readonly leave: (id: NodeId) => string,
  ) {}

  /** The memory behind the chunk, and its reads at each step, `[chunk, …]`. */
  add(memory: Memory, span: Span): { next: NodeId; reads: NodeId[] } {
    return new MemoryStep(this, memory, span).build();
  }

  /** The same value at all steps of a chunk. */
  chunk({ id, axes }: Varying, span: Span): Labelled {
    const { builder, given } = this;
    const node = this.source.node(id);
    if (node.op === 'constant') return { id: builder.constant(node.value, span), labels: [] };
    const name = this.leave(id);
    const shape = [CHUNK, ...(node.shape.length === 0 ? [ONE] : node.shape)];
    given.set(name, shape);
    const leaf = builder.input(name, shape, span);
    // A number is alone on its axis.
    if (node.shape.length === 0) return { id: builder.reduce('sum', leaf, [1], span), labels: ['i'] };
    return { id: leaf, labels: ['i', ...axes.map(String)] };
  }

  /** The number of each step in the chunk. */
  index(span: Span): NodeId {
    return this.builder.leaf({ op: 'index', blocks: undefined }, [CHUNK], span);
  }

  /** Whether each step of the chunk is one of the sequence. */
  active(span: Span): NodeId {
    const { builder, steps } = this;
    const first = builder.apply('mul', [builder.leaf({ op: 'time' }, [], span), builder.constant(steps, span)], span);
    const at = builder.apply('add', [first, this.index(span)], span);
    return builder.apply('lt', [at, builder.leaf({ op: 'steps', time: 'T' }, [], span)], span);
  }

  /** The last of a chunk. */
  get last(): number {
    return this.steps - 1;
  }
}

/** Labels are `i` and `j` for steps, and `0`, `1` … for the axes of the memory. */
class MemoryStep {
  private readonly einsum: Einsum;
  private readonly builder: GraphBuilder;
  private readonly axes: readonly string[];
  private readonly key: string;
  /** The axes but the keys'. */
  private readonly others: readonly string[];

  constructor(
    private readonly chunk: ChunkStep,
    private readonly memory: Memory,
    private readonly span: Span,
  ) {
    const { shape, keys } = memory;
    this.builder = chunk.builder;
    this.axes = shape.map((_, axis) => String(axis));
    const dims = new Map([['i', CHUNK], ['j', CHUNK], ['one', ONE], ...shape.map((dim, axis) => [String(axis), dim] as const)]);
    this.einsum = new Einsum(this.builder, (label) => dims.get(label) ?? ONE, span);
    this.key = String(keys);
    this.others = this.axes.filter((label) => label !== this.key);
  }

  build(): { next: NodeId; reads: NodeId[] } {
    const { builder, memory, einsum, axes, others, span } = this;
    const { erasing } = memory;
    const old: Labelled = { id: builder.state(memory.state, memory.shape, span), labels: axes };
    const left = this.left();
    const reads = memory.reads.map((key) => this.chunk.chunk(key, span));
    const keys = memory.writes.map(({ key }) => this.chunk.chunk(key, span));
    const scores = reads.map((read) => keys.map((key) => this.scores(read, key, left)));
    const rests = memory.writes.map(({ value: { rest } }) => rest && this.chunk.chunk(rest, span));
    const coefficients = memory.writes.map(({ value }) => {
      const coefficient = erasing === undefined ? undefined : value.reads.get(erasing);
      return coefficient && this.chunk.chunk(coefficient, span);
    });
    const erased =
      erasing === undefined
        ? undefined
        : this.erased({ old, left, read: at(reads, erasing), scores: at(scores, erasing), rests, coefficients });
    const values = memory.writes.map((_, write): Labelled => {
      const [rest, coefficient] = [rests[write], coefficients[write]];
      if (erased === undefined || coefficient === undefined) return rest ?? { id: builder.constant(0), labels: [] };
      const through = einsum.sum([coefficient, erased], ['i', ...others]);
      return rest === undefined ? through : einsum.total([rest, through], ['i', ...others]);
    });
    const next = einsum.total(
      [
        einsum.sum(left.ofAll === undefined ? [old] : [left.ofAll, old], axes),
        ...keys.map((key, write) => einsum.sum([at(values, write), ...present(left.atEnd), key], axes)),
      ],
      axes,
    );
    const results = reads.map((read, index) => {
      if (index === erasing && erased !== undefined) return this.stored(erased);
      const before = einsum.sum([read, old], ['i', ...others]);
      return this.stored(
        einsum.total(
          [
            left.before === undefined ? before : einsum.sum([left.before, before], ['i', ...others]),
            ...values.map((value, write) => this.fromBefore(at(at(scores, index), write), asJ(value))),
          ],
          ['i', ...others],
        ),
      );
    });
    return { next: next.id, reads: results };
  }

  /** A[i, j] = G[i, j] (w_j·r_i). */
  private scores(read: Labelled, key: Labelled, left: Left): Labelled {
    const { einsum, builder, span } = this;
    const labels = [...this.heads(read, key), 'i', 'j'];
    const products = einsum.sum([read, asJ(key)], labels);
    const all = left.between === undefined ? labels : [...this.heads(left.between, products), 'i', 'j'];
    const weighted = left.between === undefined ? products : einsum.sum([left.between, products], all);
    // What a later step has, be it no number, is not known to an earlier one.
    const index = this.chunk.index(span);
    const [i, j] = ['i', 'j'].map((label) => einsum.arranged({ id: index, labels: [label] }, all).id);
    const earlier = builder.apply('lt', [j ?? index, i ?? index], span);
    return { id: builder.apply('select', [earlier, weighted.id, builder.constant(0, span)], span), labels: all };
  }

  /** Σ_{j<i} A[i, j] u_j. */
  private fromBefore(scores: Labelled, values: Labelled): Labelled {
    const { einsum, others } = this;
    // Without axes of its own the sum is over the units of the scores, which are zero from i on.
    return einsum.sum([scores, values], ['i', ...others], others.length === 0 ? undefined : 'i');
  }

  /** X = W Sᵀ + U. */
  private erased(of: {
    readonly old: Labelled;
    readonly left: Left;
    readonly read: Labelled;
    readonly scores: readonly Labelled[];
    readonly rests: readonly (Labelled | undefined)[];
    readonly coefficients: readonly (Labelled | undefined)[];
  }): Labelled {
    const { einsum, others } = this;
    const { old, left, read, scores, rests, coefficients } = of;
    const products = scores.flatMap((score, write) => {
      const coefficient = coefficients[write];
      return coefficient === undefined
        ? []
        : [einsum.sum([score, asJ(coefficient)], [...this.heads(score, coefficient), 'i', 'j'])];
    });
    const heads = this.heads(...products);
    const matrix = einsum.total(products, [...heads, 'i', 'j']);
    const before =
      left.before === undefined ? read : einsum.sum([left.before, read], [...this.heads(left.before, read), 'i', this.key]);
    const ofStart = this.solved(matrix, before, this.key);
    const known = scores.flatMap((score, write) => {
      const rest = rests[write];
      return rest === undefined ? [] : [this.fromBefore(score, asJ(rest))];
    });
    const fromStart = einsum.sum([ofStart, old], ['i', ...others]);
    if (known.length === 0) return fromStart;
    const last = others.at(-1);
    const total = einsum.total(known, ['i', ...others]);
    const solved = this.solved(matrix, last === undefined ? einsum.arranged(total, ['i', 'one']) : total, last ?? 'one');
    return einsum.total([fromStart, einsum.sum([solved], ['i', ...others])], ['i', ...others]);
  }

  /** The solution for a right-hand side with one column for each index of an axis. */
  private solved(matrix: Labelled, side: Labelled, column: string): Labelled {
    const { builder, einsum, span } = this;
    const lead = this.axes.filter((label) => label !== column && (matrix.labels.includes(label) || side.labels.includes(label)));
    const [square, columns] = [einsum.arranged(matrix, [...lead, 'i', 'j']), einsum.arranged(side, [...lead, 'i', column])];
    return { id: builder.solve(square.id, columns.id, 'forward', span), labels: columns.labels };
  }

  private left(): Left {
    const { chunk, builder, einsum, memory, span } = this;
    if (memory.decay === undefined) return { between: undefined, before: undefined, atEnd: undefined, ofAll: undefined };
    const decay = chunk.chunk(memory.decay, span);
    const heads = this.heads(decay);
    // Behind a sequence's end all is left as it is.
    const active = einsum.arranged({ id: chunk.active(span), labels: ['i'] }, [...heads, 'i']);
    const given = einsum.arranged(decay, [...heads, 'i']);
    const kept: Labelled = {
      id: builder.apply('select', [active.id, given.id, builder.constant(1, span)], span),
      labels: [...heads, 'i'],
    };
    const between: Labelled = { id: builder.decays(kept.id, span), labels: [...heads, 'i', 'j'] };
    const [first, last] = [this.one(0), this.one(chunk.last)];
    const ofFirst = this.picked(kept, 'i', 0);
    const ofLast = this.picked(kept, 'i', chunk.last);
    const behindFirst = einsum.sum([this.picked(between, 'j', 0), ofFirst], kept.labels);
    const before = einsum.total([behindFirst, first], kept.labels);
    const behind = [...heads, 'j'];
    const atEnd = einsum.total([einsum.sum([this.picked(between, 'i', chunk.last), ofLast], behind), asJ(last)], behind);
    const ofAll = einsum.sum([this.picked(before, 'i', chunk.last), ofLast], heads);
    return { between, before, atEnd: asI(atEnd), ofAll };
  }

  /** A value at one step; what it is at others, be it no number, has no part in it. */
  private picked(value: Labelled, label: 'i' | 'j', step: number): Labelled {
    const { builder, einsum, span } = this;
    const { labels } = value;
    const is = einsum.arranged({ id: this.is(step), labels: [label] }, labels).id;
    const alone = builder.apply('select', [is, value.id, builder.constant(0, span)], span);
    return einsum.sum(
      [{ id: alone, labels }],
      labels.filter((one) => one !== label),
    );
  }

  /** One at this step of the chunk, and zero at all others. */
  private one(step: number): Labelled {
    const { builder, span } = this;
    return {
      id: builder.apply('select', [this.is(step), builder.constant(1, span), builder.constant(0, span)], span),
      labels: ['i'],
    };
  }

  private is(step: number): NodeId {
    const { builder, chunk, span } = this;
    return builder.apply('eq', [chunk.index(span), builder.constant(step, span)], span);
  }

  private stored(value: Labelled): NodeId {
    return this.einsum.arranged(value, this.others.length === 0 ? ['i', 'one'] : ['i', ...this.others]).id;
  }

  /** The axes of the memory, but the keys', that some of these have. */
  private heads(...values: readonly Labelled[]): string[] {
    return this.others.filter((label) => values.some(({ labels }) => labels.includes(label)));
  }
}

const renamed = ({ id, labels }: Labelled, from: string, to: string): Labelled => ({
  id,
  labels: labels.map((label) => (label === from ? to : label)),
});
const asJ = (value: Labelled): Labelled => renamed(value, 'i', 'j');
const asI = (value: Labelled): Labelled => renamed(value, 'j', 'i');
const present = (value: Labelled | undefined): Labelled[] => (value === undefined ? [] : [value]);

function at<V>(all: readonly V[], index: number): V {
  const found = all[index];
  if (found === undefined) throw new Error(`no value ${index}`);
  return found;
}
