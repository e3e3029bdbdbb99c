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

/** Maximum flow by shortest augmenting paths (Edmonds & Karp 1972). */
class Flow {
  private readonly capacity = new Map<string, Map<string, number>>();

  edge(from: string, to: string, capacity: number): void {
    const forward = this.row(from);
    forward.set(to, Math.max(forward.get(to) ?? 0, capacity));
    const backward = this.row(to);
    if (!backward.has(from)) backward.set(from, 0);
  }

  /** Pushes all flow through and returns the nodes from which the sink can still be reached. */
  saturate(source: string, sink: string): ReadonlySet<string> {
    this.row(source);
    this.row(sink);
    for (let path = this.path(source, sink); path; path = this.path(source, sink)) {
      const amount = Math.min(...path.map(([from, to]) => this.row(from).get(to) ?? 0));
      for (const [from, to] of path) {
        this.row(from).set(to, (this.row(from).get(to) ?? 0) - amount);
        this.row(to).set(from, (this.row(to).get(from) ?? 0) + amount);
      }
    }
    const reaching = new Set([sink]);
    const queue = [sink];
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      for (const neighbour of this.row(node).keys()) {
        if (reaching.has(neighbour) || (this.row(neighbour).get(node) ?? 0) <= 0) continue;
        reaching.add(neighbour);
        queue.push(neighbour);
      }
    }
    return reaching;
  }

  private path(source: string, sink: string): [string, string][] | undefined {
    const cameFrom = new Map<string, string>([[source, source]]);
    const queue = [source];
    for (let node = queue.shift(); node !== undefined && !cameFrom.has(sink); node = queue.shift()) {
      for (const [neighbour, capacity] of this.row(node)) {
        if (capacity <= 0 || cameFrom.has(neighbour)) continue;
        cameFrom.set(neighbour, node);
        queue.push(neighbour);
      }
    }
    if (!cameFrom.has(sink)) return undefined;
    const path: [string, string][] = [];
    for (let to = sink; to !== source; ) {
      const from = cameFrom.get(to) ?? source;
      path.unshift([from, to]);
      to = from;
    }
    return path;
  }

  private row(node: string): Map<string, number> {
    const row = this.capacity.get(node) ?? new Map<string, number>();
    this.capacity.set(node, row);
    return row;
  }
}
