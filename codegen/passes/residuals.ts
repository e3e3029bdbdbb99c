/**
 * Which values of an earlier region a later one reads from memory, and which it computes again.
 *
 * A contraction is never computed twice; anything per unit may be. Of all sets of values that, kept in memory,
 * spare the later region every contraction of the earlier one, this takes a smallest: a minimum cut between the
 * contractions and the values needed, each value weighing the words it takes. Among equal cuts the one closest to
 * the values needed wins, which leaves the least to compute again. (The rematerialization of Chen et al. 2016,
 * arXiv:1604.06174, solved as in PyTorch's AOTAutograd partitioner.)
 */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, type Node, type NodeId } from '../ir/graph.js';
import { preorder } from '../ir/walk.js';

export interface ResidualProblem {
  readonly builder: GraphBuilder;
  /** Values that the later region uses. */
  readonly needed: Iterable<NodeId>;
  /** In memory anyway: nothing behind it counts. */
  readonly available: (id: NodeId) => boolean;
  /** What only the earlier region can compute: its contractions, and what it alone has from the step before. */
  readonly produced: (node: Node) => boolean;
  /** Words that a value takes for each row. */
  readonly words: (id: NodeId) => number;
}

export function residuals({ builder, needed, available, produced, words }: ResidualProblem): NodeId[] {
  const flow = new Flow();
  const seen = new Set<NodeId>();
  const wanted = [...needed].filter((id) => !available(id));
  preorder(wanted, (id) => {
    seen.add(id);
    const node = builder.node(id);
    flow.edge(into(id), outOf(id), words(id));
    if (produced(node)) {
      flow.edge(SOURCE, into(id), Number.POSITIVE_INFINITY);
      return [];
    }
    const reads = argumentsOf(node).filter((argument) => !available(argument));
    for (const argument of reads) flow.edge(outOf(argument), into(id), Number.POSITIVE_INFINITY);
    return reads;
  });
  for (const id of wanted) flow.edge(outOf(id), SINK, Number.POSITIVE_INFINITY);
  const reaching = flow.saturate(SOURCE, SINK);
  return [...seen].filter((id) => !reaching.has(into(id)) && reaching.has(outOf(id))).sort((a, b) => a - b);
}

const SOURCE = 'source';
const SINK = 'sink';
const into = (id: NodeId) => `${id} in`;
const outOf = (id: NodeId) => `${id} out`;

/**
 * Maximum flow by blocking flows (Dinic 1970). Which nodes reach the sink in the end is the same for every maximum flow.
 * Every edge has its reverse beside it, at the number with the last bit turned.
 */
class Flow {
  private readonly numbers = new Map<string, number>();
  /** Edges that leave each node. */
  private readonly leaving: number[][] = [];
  private readonly heads: number[] = [];
  private readonly capacities: number[] = [];

  edge(from: string, to: string, capacity: number): void {
    const [tail, head] = [this.number(from), this.number(to)];
    this.leaving[tail]?.push(this.heads.length);
    this.leaving[head]?.push(this.heads.length + 1);
    this.heads.push(head, tail);
    this.capacities.push(capacity, 0);
  }

  /** Pushes all flow through and returns the nodes from which the sink can still be reached. */
  saturate(from: string, to: string): ReadonlySet<string> {
    const [source, sink] = [this.number(from), this.number(to)];
    for (let levels = this.levels(source); levels[sink] !== UNREACHED; levels = this.levels(source)) {
      this.block(source, sink, levels);
    }
    const reaching = this.walk(sink, (edge) => this.capacity(edge ^ 1));
    return new Set([...this.numbers].flatMap(([node, number]) => (reaching[number] === UNREACHED ? [] : [node])));
  }

  /** How many edges every node is away from the source. */
  private levels(source: number): Int32Array {
    return this.walk(source, (edge) => this.capacity(edge));
  }

  private walk(start: number, capacity: (edge: number) => number): Int32Array {
    const levels = new Int32Array(this.leaving.length).fill(UNREACHED);
    levels[start] = 0;
    const queue = [start];
    for (let place = 0; place < queue.length; place++) {
      const node = queue[place] ?? start;
      for (const edge of this.leaving[node] ?? []) {
        const head = this.head(edge);
        if (levels[head] !== UNREACHED || capacity(edge) <= 0) continue;
        levels[head] = (levels[node] ?? 0) + 1;
        queue.push(head);
      }
    }
    return levels;
  }

  /** Pushes flow along paths that get one level further with each edge, until none is left. */
  private block(source: number, sink: number, levels: Int32Array): void {
    const tried = new Int32Array(this.leaving.length);
    const path: number[] = [];
    for (let node = source; ; ) {
      if (node === sink) {
        const amount = path.reduce((least, edge) => Math.min(least, this.capacity(edge)), Number.POSITIVE_INFINITY);
        for (const edge of path) {
          this.capacities[edge] = this.capacity(edge) - amount;
          this.capacities[edge ^ 1] = this.capacity(edge ^ 1) + amount;
        }
        const full = path.findIndex((edge) => this.capacity(edge) <= 0);
        node = this.head((path[full] ?? 0) ^ 1);
        path.length = full;
      }
      const edge = this.leaving[node]?.[tried[node] ?? 0];
      if (edge === undefined) {
        const back = path.pop();
        if (back === undefined) return;
        node = this.head(back ^ 1);
      } else if (this.capacity(edge) > 0 && levels[this.head(edge)] === (levels[node] ?? 0) + 1) {
        path.push(edge);
        node = this.head(edge);
        continue;
      }
      tried[node] = (tried[node] ?? 0) + 1;
    }
  }

  private head(edge: number): number {
    return this.heads[edge] ?? 0;
  }

  private capacity(edge: number): number {
    return this.capacities[edge] ?? 0;
  }

  private number(node: string): number {
    const known = this.numbers.get(node) ?? this.leaving.length;
    if (known === this.leaving.length) this.leaving.push([]);
    this.numbers.set(node, known);
    return known;
  }
}

const UNREACHED = -1;
