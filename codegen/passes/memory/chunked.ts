/**
 * A cell whose matrix memories take many steps at once (chunkwise), as three sections:
 *
 *   steps     what does not come through the memories, at every step: what is written, keys, decays, other states
 *   chunks    the memories, from chunk to chunk of c steps, and what is read of them at each step of a chunk
 *   results   what is made of the reads, at every step again
 *
 * Inside a chunk that begins with the memory S, step i reads, with G[i, j] what is left before step i of what step j wrote, and g[i] of
 * what the chunk began with,
 *   R_i = g[i] S r_i + Σ_{j<i} G[i, j] (w_j·r_i) u_j                 two products of matrices for all steps
 * and the next chunk begins with g[c] S + Σ_j G[c, j] u_j w_jᵀ. Where what is written comes of a read itself, u_j = u⁰_j + c_j X_j,
 * those X are the solution of a triangular system, X = (g ⊙ r) Sᵀ + A u⁰ + L X with A[i, j] = G[i, j] (w_j·r_i) and L = A ⊙ c, found by
 * forward substitution for both right-hand sides before the loop over chunks:
 *   X = W Sᵀ + U,   W = (I − L)⁻¹ (g ⊙ r),   U = (I − L)⁻¹ A u⁰
 * (Yang et al. 2024, arXiv:2406.06484, for the delta rule; here for what is found in the graph.) All of it are ordinary step graphs: their
 * adjoints are derived, and no chunk's states are kept but those that it begins with.
 */
import { GraphBuilder } from '../../ir/builder.js';
import { argumentsOf, type NodeId, type StepGraph } from '../../ir/graph.js';
import type { ModelGraph, ModelSection, SectionInput, SectionState } from '../../ir/model.js';
import { inherited } from '../../ir/walk.js';
import { extract } from '../extract.js';
import { recurrencesOf } from '../recurrence.js';
import { rewrite } from '../rewrite.js';
import { CHUNK, ChunkStep, ONE } from './chunk-step.js';
import { type Memory, memoryOf } from './memories.js';
import { NoMemory } from './no-memory.js';
import { Support, type Varying } from './support.js';

export { CHUNK, ONE };

const [STEPS, CHUNKS, RESULTS] = [0, 1, 2];

const NO_MATRIX = 'no state is a matrix that gains products of vectors';

/** Why a cell is not run chunkwise. */
export interface NotChunked {
  readonly why: string;
}

/**
 * @param inputs of the cell
 * @param steps of a chunk
 */
export function chunked(
  step: StepGraph,
  inputs: readonly Pick<SectionInput, 'name' | 'shape'>[],
  steps: number,
): ModelGraph | NotChunked {
  const isMatrix = (id: NodeId) => (step.nodes[id]?.shape.length ?? 0) > 1;
  // Most cells have none, and some have hundreds of states.
  if (!Object.values(step.next).some(isMatrix)) return { why: NO_MATRIX };
  const builder = new GraphBuilder();
  const copy = extract(step, builder);
  if (Object.keys(step.traces).length > 0) return { why: 'values of its steps are traced' };
  const classes = recurrencesOf(copy);
  const memories: Memory[] = [];
  let refusal: NoMemory | undefined;
  for (const state of Object.keys(copy.next)) {
    const found = memoryOf(builder, copy, state);
    if (!(found instanceof NoMemory)) memories.push(found);
    else if (builder.node(copy.next[state] ?? 0).shape.length > 1) refusal ??= found;
  }
  const chunking = new Chunking(builder, copy, memories, steps);
  const served = memories.filter((memory) => chunking.isGivenBefore(memory));
  const matrix = served.some(({ state }) => classes[state] === 'matrix memory');
  if (matrix) return chunking.graph(served, inputs);
  if (refusal === undefined)
    return {
      why: served.length < memories.length ? 'what it writes comes through another memory' : NO_MATRIX,
    };
  return { why: `${refusal.why} (spec line ${refusal.node.span.line})` };
}

class Chunking {
  /** Whether a value comes through a memory, or a state that does. */
  private late: (id: NodeId) => boolean = () => false;
  /** What the first section leaves, by the node of it. */
  private readonly left = new Map<NodeId, string>();

  constructor(
    private readonly builder: GraphBuilder,
    private readonly step: StepGraph,
    memories: readonly Memory[],
    private readonly steps: number,
  ) {
    this.defer(new Set(memories.map(({ state }) => state)));
  }

  /** Whether all that a memory is made of is known before any memory. */
  isGivenBefore(memory: Memory): boolean {
    const writes = memory.writes.flatMap(({ key, value }) => [key, value.rest, ...value.reads.values()]);
    return [...writes, ...memory.reads, memory.decay].every((value) => value === undefined || !this.late(value.id));
  }

  graph(memories: readonly Memory[], given: readonly Pick<SectionInput, 'name' | 'shape'>[]): ModelGraph {
    const { builder, step } = this;
    const chunks = new Set(memories.map(({ state }) => state));
    const isLate = this.defer(chunks);
    const own = (of: 'steps' | 'results') =>
      Object.entries(step.next).filter(([name]) => !chunks.has(name) && isLate.has(name) === (of === 'results'));
    const middle = new ChunkStep(builder, this.steps, (id) => this.leave(id));
    const memoryNext: Record<string, NodeId> = {};
    const memoryReads: Record<string, NodeId> = {};
    for (const memory of memories) {
      const { next, reads } = middle.add(memory, builder.node(step.next[memory.state] ?? 0).span);
      memoryNext[memory.state] = next;
      for (const [read, id] of reads.entries()) memoryReads[readName(memory, read)] = id;
    }
    const chunkStep = middle.builder.finish(memoryNext, memoryReads);
    // What is made of the reads.
    const results = new Map<NodeId, NodeId>();
    const read = this.readsOf(memories);
    const inputs = new Map<string, SectionInput>();
    const replaced = (id: NodeId): NodeId | undefined => {
      const node = builder.node(id);
      const value = read.get(id);
      if (value !== undefined) return rewrite(builder, value, replaced, results);
      if (node.op === 'input' && node.name.startsWith(READ)) {
        inputs.set(node.name, { name: node.name, shape: node.shape, seen: 'step', source: output(CHUNKS, node.name) });
        return id;
      }
      if (this.late(id) || isEverywhere(node.op) || node.type === 'boolean') return undefined;
      const name = this.leave(id);
      inputs.set(name, { name, shape: node.shape, seen: 'step', source: output(STEPS, name) });
      return builder.input(name, node.shape, node.span);
    };
    const rewritten = (all: readonly (readonly [string, NodeId])[]) =>
      Object.fromEntries(all.map(([name, id]) => [name, rewrite(builder, id, replaced, results)]));
    const ofResults = (id: NodeId) => this.late(id);
    const outputs = Object.entries(step.outputs);
    const after: StepGraph = {
      nodes: builder.nodes,
      next: rewritten(own('results')),
      outputs: rewritten(outputs.filter(([, id]) => ofResults(id))),
      traces: {},
      rules: [],
    };
    const before: StepGraph = {
      nodes: builder.nodes,
      next: Object.fromEntries(own('steps')),
      outputs: Object.fromEntries([
        ...outputs.filter(([, id]) => !ofResults(id)),
        ...[...this.left].map(([id, name]) => [name, id] as const),
      ]),
      traces: {},
      rules: [],
    };
    const section = (graph: StepGraph, read: readonly SectionInput[], chunk?: number): ModelSection => ({
      time: 'T',
      order: 'ahead',
      ...(chunk === undefined ? {} : { chunk }),
      step: graph,
      inputs: read,
      states: Object.entries(graph.next).map(
        ([name, id]): SectionState => ({ name, shape: graph.nodes[id]?.shape ?? [], initial: { kind: 'host', name } }),
      ),
    });
    return {
      sections: [
        section(
          before,
          given.map(({ name, shape }) => ({ name, shape, seen: 'step', source: { kind: 'host', name } })),
        ),
        section(chunkStep, this.chunkInputs(middle), this.steps),
        section(after, [...inputs.values()]),
      ],
      outputs: Object.fromEntries(outputs.map(([name, id]) => [name, output(ofResults(id) ? RESULTS : STEPS, name)])),
      rules: step.rules,
    };
  }

  /** @returns the states that come through those of `chunks` */
  private defer(chunks: ReadonlySet<string>): ReadonlySet<string> {
    const { builder, step } = this;
    const late = new Set(chunks);
    for (let before = -1; before < late.size; ) {
      before = late.size;
      this.late = inherited<boolean>((id, known) => {
        const node = builder.node(id);
        if (node.op === 'state' || (node.op === 'delayed' && node.group === 'state')) return late.has(node.name);
        return (node.op === 'input' && node.name.startsWith(READ)) || argumentsOf(node).some(known);
      });
      for (const [name, id] of Object.entries(step.next)) if (this.late(id)) late.add(name);
    }
    return late;
  }

  /** The name under which the first section leaves a value. */
  private leave(id: NodeId): string {
    const name = this.left.get(id) ?? `v${id}`;
    this.left.set(id, name);
    return name;
  }

  /** What each sum over a memory's units is, made of reads. */
  private readsOf(memories: readonly Memory[]): ReadonlyMap<NodeId, NodeId> {
    const { builder } = this;
    return new Map(
      memories.flatMap((memory) => {
        const { shape, keys } = memory;
        const support = new Support(builder, shape);
        const axes = [...shape.keys()].filter((axis) => axis !== keys);
        const inner = axes.map((axis) => shape[axis] ?? '');
        return [...memory.results].map(([id, { reads, rests }]): [NodeId, NodeId] => {
          const { span } = builder.node(id);
          const parts = [
            ...reads.map(({ read, coefficient }) =>
              support.product([{ id: builder.input(readName(memory, read), inner, span), axes }, coefficient]),
            ),
            ...rests.map(({ coefficient, keys: along }) => support.product([coefficient, support.summed(along, keys)])),
          ];
          const sum = parts.reduce<Varying | undefined>((all, one) => support.sum(all, one), undefined);
          if (sum === undefined) throw new Error(`the sum ${id} over a memory is of nothing`);
          // What is the same for all is spread again.
          return [
            id,
            sum.axes.length === 0 && inner.length > 0 ? builder.expand(sum.id, inner, [], span) : support.spread(sum, axes),
          ];
        });
      }),
    );
  }

  private chunkInputs({ given }: ChunkStep): SectionInput[] {
    return [...given].map(([name, shape]) => ({ name, shape, seen: 'chunk', source: output(STEPS, name) }));
  }
}

/** Leaves that are the same in whatever section they stand: nothing is kept of them. */
const isEverywhere = (op: string): boolean =>
  ['constant', 'param', 'time', 'index', 'extent', 'steps', 'batch', 'random', 'last'].includes(op);

/** How the leaves begin by which reads come in; names of users begin with a letter. */
const READ = '_read ';
const readName = ({ state }: Memory, read: number): string => `${READ}${state} ${read}`;
const output = (section: number, name: string): Extract<SectionInput['source'], { kind: 'output' }> => ({
  kind: 'output',
  section,
  name,
});
