/** Gives every tensor that the host sees, and every leaf of a section's graph, a place on the device. */
import type { Signature } from '../frontend/tree.js';
import type { MatrixRef, Node, NodeId, Shape, StepGraph } from '../ir/graph.js';
import type { CotangentLeaves } from '../passes/adjoint.js';
import type { Sizes, Target } from '../plan.js';
import type { Matrices, MatrixPlace } from './matrices.js';
import type { Memory, Pool } from './memory.js';
import { type Access, accessTo, type Layout, type Place, widthOf } from './places.js';
import type { Shared } from './shared.js';

/** How a section's tensors are tied to those of others, and to the host. */
export interface Links {
  /** The axis that its steps are along; none for values without time, which have one. */
  readonly time: string | undefined;
  /** So many steps of the axis are one of the section's. */
  readonly chunk?: number | undefined;
  /** What it is that an input, or a cotangent of its results, reads in memory; `undefined` for what the host gives. */
  readonly source: (kind: 'input' | 'seed' | 'final', name: string) => Access | undefined;
  /** Where an output goes, where another section has a place for it, and where a state is, where it starts from such an output. */
  readonly target: (path: string) => Place | undefined;
  readonly state: (name: string) => Place | undefined;
  /** Whether it is the total over all sequences that the host sees of an output, and gives a cotangent of. */
  readonly isTotal: (output: string) => boolean;
  /** By what paths the host sees one of its tensors; none where it does not. */
  readonly paths: (path: string) => readonly string[];
}

/** A cell by itself: everything is the host's, under its own name. */
export const ALONE: Links = {
  time: 'T',
  source: () => undefined,
  target: () => undefined,
  state: () => undefined,
  isTotal: () => false,
  paths: (path) => [path],
};

export class Storage {
  private readonly leaves = new Map<string, Access>();
  /** `[T+1, B, …]` for every state: slot 0 is the initial state, slot t+1 the state after step t. */
  readonly states: Readonly<Record<string, Place>>;
  readonly finals: Readonly<Record<string, Place>>;
  /** How many it has at most. */
  readonly steps: number;
  /** How many of them the host sees. */
  private readonly seen: number;
  readonly target: Target;
  readonly memory: Memory;
  readonly matrices: Matrices;

  constructor(
    readonly shared: Shared,
    readonly signature: Signature,
    private readonly step: StepGraph,
    readonly links: Links = ALONE,
  ) {
    this.steps = links.time === undefined ? 1 : shared.steps(links.time) / (links.chunk ?? 1);
    this.seen = links.time === undefined ? 1 : shared.size(links.time);
    this.target = shared.target;
    this.memory = shared.memory;
    this.matrices = shared.matrices;
    for (const { name, shape, leading } of signature.inputs) {
      const leaf = leading === undefined ? `input ${name}` : `held ${name}`;
      const linked = links.source('input', name);
      if (linked !== undefined) {
        this.leaves.set(leaf, linked);
        continue;
      }
      const before = this.reachBack('input', name);
      const place = this.place('inputs', 'sequence', shape, this.steps, `inputs.${name}`, before);
      this.leaves.set(leaf, accessTo(place));
      this.expose(`inputs.${name}`, place, before + this.steps, -before);
    }
    const states: Record<string, Place> = {};
    const finals: Record<string, Place> = {};
    for (const { name, shape } of signature.state) {
      const what = `the sequence of state ${name}`;
      const before = this.reachBack('state', name);
      const place = links.state(name) ?? {
        ...this.place('values', 'sequence', shape, this.steps + 1, what, before),
        given: true,
      };
      if (before > 0) shared.move('before', place, before, this.steps - before, -before);
      states[name] = place;
      this.leaves.set(`state ${name}`, accessTo(place));
      this.expose(`state.${name}`, { ...place, layout: 'row' }, 1);
      finals[name] = this.place('values', 'row', shape, 1, `final.${name}`);
      this.expose(`final.${name}`, finals[name], 1);
    }
    this.states = states;
    this.finals = finals;
  }

  get sizes(): Sizes {
    return this.shared.sizes;
  }

  size(dim: string): number {
    return this.shared.size(dim);
  }

  /** How many values a shape has. */
  elements(shape: Shape): number {
    return this.shared.elements(shape);
  }

  /** What each axis takes in memory; see `Place`. */
  extents(shape: Shape): number[] {
    return this.shared.extents(shape);
  }

  /** How what others read, or give, at every step is laid out. */
  get layout(): 'sequence' | 'chunk' {
    return this.links.chunk === undefined ? 'sequence' : 'chunk';
  }

  /** How the cotangent of a held value is laid out: as the value is. */
  heldLayout(name: string): 'row' | 'memory' {
    return this.leaves.get(`held ${name}`)?.place.layout === 'memory' ? 'memory' : 'row';
  }

  /** Where a leaf's value is read at step t; `undefined` for what needs no memory. */
  leaf(node: Node): Access | undefined {
    if (node.op === 'delayed') {
      const access = this.leaves.get(`${node.group} ${node.name}`);
      if (access === undefined) return undefined;
      // What was before a segment's first step is in memory in front of it.
      if (this.shared.segmentsOf !== undefined) return { ...access, shift: access.shift - node.steps };
      // What lies ahead of a sequence's last step is the caller's where the caller filled it.
      const own = node.steps < 0 && access.place.given ? (access.own ?? 'ahead') : access.own;
      return { ...access, shift: access.shift - node.steps, guarded: true, ...(own === undefined ? {} : { own }) };
    }
    return 'name' in node && node.op !== 'param' ? this.leaves.get(`${node.op} ${node.name}`) : undefined;
  }

  /** How many steps before a segment's first one are read of an input or state. */
  private reachBack(group: 'input' | 'state', name: string): number {
    if (this.shared.segmentsOf === undefined) return 0;
    const delays = this.step.nodes.map((node) =>
      node.op === 'delayed' && node.group === group && node.name === name ? node.steps : 0,
    );
    return Math.max(0, ...delays);
  }

  /** Where an output is that is an input as it stands, and that only other sections read: nothing needs to be stored. */
  alias(path: string, node: Node): Access | undefined {
    const access = node.op === 'input' ? this.leaf(node) : undefined;
    const plain = access !== undefined && access.shift === 0 && access.own === undefined && !access.guarded;
    return plain && this.links.paths(path).length === 0 && this.links.target(path) === undefined ? access : undefined;
  }

  /** A parameter used per unit. */
  param(name: string): Place {
    return this.shared.param(name);
  }

  /** A matrix as a contraction reads it. */
  matrix(matrix: MatrixRef, transposed: boolean): MatrixPlace {
    return this.matrices.place(matrix, transposed);
  }

  /** @param before slots in front of its first one */
  place(pool: Pool, layout: Layout, shape: Shape, slots: number, what: string, before = 0): Place {
    const extents = this.extents(shape);
    const rows = layout === 'shared' ? 1 : (before + slots) * this.size('B');
    const { buffer, base } = this.memory.allocate(pool, rows * widthOf({ extents }), what);
    const start = base + before * this.size('B') * widthOf({ extents });
    return { buffer, base: start, layout, shape, extents, given: pool === 'inputs' };
  }

  /** Lets the host read or write a place: `[slots, B, …]`, `[B, …]` or `[…]`; what has no time has no slots. */
  expose(path: string, place: Place, slots: number, from = 0): void {
    const { time } = this.links;
    const timeless = time === undefined && place.layout === 'sequence';
    const seen: Place = timeless ? { ...place, layout: 'row' } : place;
    // Behind the last step of a run there may be steps that only fill a chunk.
    const own = slots === this.steps ? Math.min(slots, this.seen) : slots;
    for (const known of this.links.paths(path)) this.shared.expose(known, seen, own, from, time);
  }

  /** Cotangents of output sequences and of final states: another section's, or what the caller gives. */
  exposeCotangents(
    { seeds, finals }: CotangentLeaves,
    shapeOf: (id: NodeId) => Shape,
    outputs: Readonly<Record<string, NodeId>>,
  ): void {
    const slots = this.steps;
    for (const { name, of } of seeds) {
      const linked = this.links.source('seed', name);
      const path = `cotangents.outputs.${name}`;
      const layout = this.links.isTotal(of) ? 'shared' : 'sequence';
      const place = linked?.place ?? this.place('inputs', layout, shapeOf(outputs[of] ?? 0), slots, path);
      this.leaves.set(`seed ${name}`, linked ?? accessTo(place));
      if (linked === undefined) this.expose(path, place, slots);
    }
    for (const { name, of } of finals) {
      const linked = this.links.source('final', name);
      const path = `cotangents.state.${name}`;
      const shape = this.signature.state.find((state) => state.name === of)?.shape ?? [];
      const place = linked?.place ?? this.place('inputs', 'row', shape, 1, path);
      this.leaves.set(`final ${name}`, linked ?? accessTo(place));
      if (linked === undefined) this.expose(path, place, 1);
    }
  }

  /** The shape of a traced value. */
  traced(name: string): Shape {
    return this.step.nodes[this.step.traces[name] ?? -1]?.shape ?? [];
  }
}
