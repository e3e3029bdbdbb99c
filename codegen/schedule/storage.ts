/** Gives every tensor that the host sees, and every leaf of the graph, a place on the device. */
import type { Signature } from '../frontend/tree.js';
import { isContract, type MatrixRef, type Node, type Shape, type StepGraph } from '../ir/graph.js';
import { sizeIn } from '../ir/sizes.js';
import type { Sizes, Target, TensorSlot } from '../plan.js';
import { Matrices, type MatrixPlace } from './matrices.js';
import { Memory, type Pool } from './memory.js';
import { type Access, accessTo, type Layout, type Place, quads, widthOf } from './places.js';

export class Storage {
  readonly memory: Memory;
  readonly tensors: Record<string, TensorSlot> = {};
  readonly matrices: Matrices;
  private readonly leaves = new Map<string, Access>();
  /** `[T+1, B, …]` for every state: slot 0 is the initial state, slot t+1 the state after step t. */
  readonly states: Readonly<Record<string, Place>>;
  readonly finals: Readonly<Record<string, Place>>;
  /** Parameters that contractions use: their rows are padded as well, so that tiles of them can be transposed. */
  private readonly contracted: ReadonlySet<string>;

  constructor(
    readonly signature: Signature,
    readonly sizes: Sizes,
    readonly target: Target,
    private readonly step: StepGraph,
  ) {
    this.memory = new Memory(target);
    this.contracted = new Set(step.nodes.filter(isContract).flatMap(({ terms }) => terms.map(({ matrix }) => matrix.param)));
    this.matrices = new Matrices(this);
    for (const { name, shape } of signature.params) {
      this.leaves.set(`param ${name}`, accessTo(this.parameter('params', `params.${name}`, name, shape)));
    }
    for (const { name, shape } of signature.inputs) {
      const place = this.place('inputs', 'sequence', shape, this.size('T'), `inputs.${name}`);
      this.leaves.set(`input ${name}`, accessTo(place));
      this.expose(`inputs.${name}`, place, this.size('T'));
    }
    const states: Record<string, Place> = {};
    const finals: Record<string, Place> = {};
    for (const { name, shape } of signature.state) {
      const what = `the sequence of state ${name}`;
      const place = { ...this.place('values', 'sequence', shape, this.size('T') + 1, what), given: true };
      states[name] = place;
      this.leaves.set(`state ${name}`, accessTo(place));
      this.expose(`state.${name}`, { ...place, layout: 'row' }, 1);
      finals[name] = this.place('values', 'row', shape, 1, `final.${name}`);
      this.expose(`final.${name}`, finals[name], 1);
    }
    this.states = states;
    this.finals = finals;
  }

  size(dim: string): number {
    return sizeIn(this.sizes, dim);
  }

  /** How many values a shape has. */
  elements(shape: Shape): number {
    return shape.reduce((product, dim) => product * this.size(dim), 1);
  }

  /** What each axis takes in memory; see `Place`. */
  extents(shape: Shape): number[] {
    return shape.map((dim, axis) => (axis === shape.length - 1 ? quads(this.size(dim)) : this.size(dim)));
  }

  /** Where a leaf's value is read at step t; `undefined` for what needs no memory. */
  leaf(node: Node): Access | undefined {
    if (node.op === 'delayed') {
      const access = this.leaves.get(`${node.group} ${node.name}`);
      return access && { place: access.place, shift: -node.steps, guarded: true };
    }
    return 'name' in node && node.op !== 'param' ? this.leaves.get(`${node.op} ${node.name}`) : undefined;
  }

  /** A parameter used per unit. */
  param(name: string): Place {
    const access = this.leaves.get(`param ${name}`);
    if (!access) throw new Error(`no place for parameter ${name}`);
    return access.place;
  }

  /** A matrix as a contraction reads it. */
  matrix(matrix: MatrixRef, transposed: boolean): MatrixPlace {
    return this.matrices.place(matrix, transposed);
  }

  place(pool: Pool, layout: Layout, shape: Shape, slots: number, what: string): Place {
    const extents = this.extents(shape);
    const rows = layout === 'shared' ? 1 : slots * this.size('B');
    const region = this.memory.allocate(pool, rows * widthOf({ extents }), what);
    return { ...region, layout, shape, extents, given: pool === 'inputs' };
  }

  /** Lets the host read or write a place: `[slots, B, …]`, `[B, …]` or `[…]`. */
  expose(path: string, place: Place, slots: number, from = 0): void {
    const leading = place.layout === 'sequence' ? [slots, this.size('B')] : place.layout === 'row' ? [this.size('B')] : [];
    const inner = place.shape.length === 0 ? [4] : [...place.extents.slice(0, -1), 4 * (place.extents.at(-1) ?? 1)];
    this.tensors[path] = {
      buffer: place.buffer,
      offset: 4 * (place.base + from * this.size('B') * widthOf(place)),
      shape: [...leading, ...place.shape.map((dim) => this.size(dim))],
      padded: [...leading, ...inner],
    };
  }

  /** Cotangents that the caller gives: of every output sequence, and of every final state. */
  exposeCotangents(shapeOfOutput: (name: string) => Shape): void {
    const slots = this.size('T');
    for (const name of Object.keys(this.step.outputs)) {
      const place = this.place('inputs', 'sequence', shapeOfOutput(name), slots, `cotangents.outputs.${name}`);
      this.leaves.set(`seed ${name}`, accessTo(place));
      this.expose(`cotangents.outputs.${name}`, place, slots);
    }
    for (const { name, shape } of this.signature.state) {
      const place = this.place('inputs', 'row', shape, 1, `cotangents.state.${name}`);
      this.leaves.set(`final ${name}`, accessTo(place));
      this.expose(`cotangents.state.${name}`, place, 1);
    }
  }

  /** A parameter or its gradient, in the layout that the two share. */
  parameter(pool: Pool, path: string, name: string, shape: Shape): Place {
    const extents = this.extents(shape);
    const rows = shape.length - 2;
    if (this.contracted.has(name)) extents[rows] = 4 * quads(extents[rows] ?? 1);
    const region = this.memory.allocate(pool, widthOf({ extents }), path);
    const place: Place = { ...region, layout: 'shared', shape, extents, given: false };
    this.expose(path, place, 1);
    return place;
  }

  /** The shape of a traced value. */
  traced(name: string): Shape {
    return this.step.nodes[this.step.traces[name] ?? -1]?.shape ?? [];
  }

  isContracted(param: string): boolean {
    return this.contracted.has(param);
  }
}
