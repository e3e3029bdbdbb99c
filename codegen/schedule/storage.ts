/** Gives every tensor that the host sees, and every leaf of the graph, a place on the device. */
import type { Signature } from '../frontend/tree.js';
import type { Node, Shape, StepGraph } from '../ir/graph.js';
import type { Sizes, Target, TensorSlot } from '../plan.js';
import { Memory, type Pool } from './memory.js';
import type { Access, Layout, Place } from './places.js';

export const quads = (units: number): number => Math.ceil(units / 4);

export class Storage {
  readonly memory: Memory;
  readonly tensors: Record<string, TensorSlot> = {};
  private readonly leaves = new Map<string, Access>();
  /** `[T+1, B, units]` for every state: slot 0 is the initial state, slot t+1 the state after step t. */
  readonly states: Readonly<Record<string, Place>>;
  readonly finals: Readonly<Record<string, Place>>;
  private readonly matrices = new Map<string, { readonly raw: Place; readonly shape: Shape }>();
  private readonly packed = new Map<string, Place>();

  constructor(
    readonly signature: Signature,
    readonly sizes: Sizes,
    target: Target,
    private readonly step: StepGraph,
  ) {
    this.memory = new Memory(target);
    for (const { name, shape } of signature.params) this.parameter(name, shape);
    for (const { name, shape } of signature.inputs) {
      const place = this.place('inputs', 'sequence', shape[0], this.size('T'), `inputs.${name}`);
      this.leaves.set(`input ${name}`, { place, shift: 0 });
      this.expose(`inputs.${name}`, place, this.size('T'));
    }
    const states: Record<string, Place> = {};
    const finals: Record<string, Place> = {};
    for (const { name, shape } of signature.state) {
      const place = this.place('values', 'sequence', shape[0], this.size('T') + 1, `the sequence of state ${name}`);
      states[name] = place;
      this.leaves.set(`state ${name}`, { place, shift: 0 });
      this.expose(`state.${name}`, { ...place, layout: 'row' }, 1);
      finals[name] = this.place('values', 'row', shape[0], 1, `final.${name}`);
      this.expose(`final.${name}`, finals[name], 1);
    }
    this.states = states;
    this.finals = finals;
  }

  size(dim: string): number {
    const size = this.sizes[dim];
    if (size === undefined) throw new Error(`no size for dim ${dim}`);
    return size;
  }

  /** Where a leaf's value is read at step t; `undefined` for what needs no memory. */
  leaf(node: Node): Access | undefined {
    return 'name' in node && node.op !== 'param' ? this.leaves.get(`${node.op} ${node.name}`) : undefined;
  }

  /** A vector or scalar parameter. */
  param(name: string): Place {
    const access = this.leaves.get(`param ${name}`);
    if (!access) throw new Error(`no place for parameter ${name}`);
    return access.place;
  }

  /** A matrix as a contraction reads it: one row of `vec4f` per unit that is summed over. */
  matrix(name: string, transposed: boolean): { readonly place: Place; readonly sum: string; readonly units: string } {
    const matrix = this.matrices.get(name);
    const [rows, columns] = matrix?.shape ?? [];
    if (!matrix || rows === undefined || columns === undefined) throw new Error(`no place for matrix ${name}`);
    // As it came, a matrix has its columns side by side, which suits Wᵀy; W x wants the transpose.
    if (transposed) return { place: matrix.raw, sum: rows, units: columns };
    let place = this.packed.get(name);
    if (!place) {
      const vectors = quads(this.size(columns)) * 4 * quads(this.size(rows));
      place = { ...this.memory.allocate('weights', vectors, `params.${name}, transposed`), layout: 'vector', dim: rows };
      this.packed.set(name, place);
    }
    return { place, sum: columns, units: rows };
  }

  /** The matrices that a pack pass must transpose. */
  transposes(): { readonly from: Place; readonly to: Place; readonly rows: string; readonly columns: string }[] {
    return [...this.packed].map(([name, to]) => {
      const matrix = this.matrices.get(name);
      const [rows = '', columns = ''] = matrix?.shape ?? [];
      return { from: matrix?.raw ?? to, to, rows, columns };
    });
  }

  place(pool: Pool, layout: Layout, dim: string | undefined, slots: number, what: string): Place {
    const width = dim === undefined ? 1 : quads(this.size(dim));
    const rows = layout === 'vector' || layout === 'word' ? 1 : slots * this.size('B');
    return { ...this.memory.allocate(pool, rows * width, what), layout, dim };
  }

  /** Lets the host read or write a place: `[slots, B, units]`, `[B, units]`, `[units]` or one number. */
  expose(path: string, place: Place, slots: number, from = 0): void {
    const units = place.dim === undefined ? [] : [this.size(place.dim)];
    const leading = place.layout === 'sequence' ? [slots, this.size('B')] : place.layout === 'row' ? [this.size('B')] : [];
    const padded = place.dim === undefined ? [] : [quads(this.size(place.dim)) * 4];
    const skipped = from * this.size('B') * (padded[0] ?? 4);
    this.tensors[path] = {
      buffer: place.buffer,
      offset: place.base * 4 + skipped,
      shape: [...leading, ...units],
      padded: [...leading, ...padded],
    };
  }

  /** Cotangents that the caller gives: of every output sequence, and of every final state. */
  exposeCotangents(shapeOfOutput: (name: string) => Shape): void {
    const slots = this.size('T');
    for (const name of Object.keys(this.step.outputs)) {
      const place = this.place('inputs', 'sequence', shapeOfOutput(name)[0], slots, `cotangents.outputs.${name}`);
      this.leaves.set(`seed ${name}`, { place, shift: 0 });
      this.expose(`cotangents.outputs.${name}`, place, slots);
    }
    for (const { name, shape } of this.signature.state) {
      const place = this.place('inputs', 'row', shape[0], 1, `cotangents.state.${name}`);
      this.leaves.set(`final ${name}`, { place, shift: 0 });
      this.expose(`cotangents.state.${name}`, place, 1);
    }
  }

  /** A matrix in the padded layout that parameters and their gradients share. */
  matrixPlace(pool: Pool, path: string, shape: Shape): Place {
    const [rows = '', columns = ''] = shape;
    const padded = [quads(this.size(rows)) * 4, quads(this.size(columns)) * 4] as const;
    const region = this.memory.allocate(pool, (padded[0] * padded[1]) / 4, path);
    this.tensors[path] = { buffer: region.buffer, offset: region.base * 4, shape: [this.size(rows), this.size(columns)], padded };
    return { ...region, layout: 'vector', dim: columns };
  }

  private parameter(name: string, shape: Shape): void {
    const path = `params.${name}`;
    if (shape.length === 2) {
      this.matrices.set(name, { raw: this.matrixPlace('params', path, shape), shape });
      return;
    }
    const place = this.place('params', shape.length === 0 ? 'word' : 'vector', shape[0], 1, path);
    this.leaves.set(`param ${name}`, { place, shift: 0 });
    this.expose(path, place, 1);
  }
}
