/** What all sections of a program share: sizes, memory, parameters with their copies and gradients, and the tensors that the host sees. */
import type { Signature, TensorDeclaration } from '../frontend/tree.js';
import { isContract, isGather, type Shape, type StepGraph } from '../ir/graph.js';
import { sizeIn } from '../ir/sizes.js';
import type { Move, Sizes, Target, TensorSlot } from '../plan.js';
import { Matrices, type ParameterStorage } from './matrices.js';
import { Memory } from './memory.js';
import { type Place, quads, widthOf } from './places.js';

/** How sequences are cut. */
interface Cuts {
  /** T of those that are cut into segments, each a run of its own. */
  readonly segmentsOf?: number | undefined;
  /** Of which there are whole ones along a time axis, where a section takes so many steps at once. */
  readonly chunk?: number;
}

export class Shared implements ParameterStorage {
  readonly segmentsOf: number | undefined;
  /** Of which there are whole ones along a time axis. */
  readonly chunk: number;
  readonly memory: Memory;
  readonly tensors: Record<string, TensorSlot> = {};
  readonly matrices: Matrices;
  /** Time axes, in the order in which their lengths lie in memory. */
  readonly times: readonly string[];
  /** Parameters that are used as matrices: their rows are padded as well, so that tiles of them can be transposed. */
  private readonly contracted: ReadonlySet<string>;
  private readonly params = new Map<string, Place>();
  private readonly gradients = new Map<string, Place>();
  /** Of a plan for segments: what is moved between two of them, besides states and their cotangents. */
  readonly moves: Readonly<Record<'before' | 'behind', Move[]>> = { before: [], behind: [] };

  constructor(
    { params, times = ['T'] }: Pick<Signature, 'params' | 'times'>,
    readonly sizes: Sizes,
    readonly target: Target,
    steps: readonly Pick<StepGraph, 'nodes'>[],
    /** How sequences are cut. */
    { segmentsOf, chunk = 1 }: Cuts = {},
  ) {
    this.segmentsOf = segmentsOf;
    this.chunk = chunk;
    this.memory = new Memory(target);
    this.times = times;
    const used = steps
      .flatMap(({ nodes }) => nodes)
      .flatMap((node) => {
        if (isContract(node)) return node.terms.map(({ matrix }) => matrix.param);
        return isGather(node) ? [node.param] : [];
      });
    this.contracted = new Set(used);
    this.matrices = new Matrices(this);
    for (const { name, shape } of params) this.params.set(name, this.parameter('params', `params.${name}`, name, shape));
  }

  size(dim: string): number {
    return sizeIn(this.sizes, dim);
  }

  /** How many steps there are room for along a time axis: whole chunks. */
  steps(time: string): number {
    return Math.ceil(this.size(time) / this.chunk) * this.chunk;
  }

  /** Where the lengths along a time axis begin, in words of the buffer that has them; behind the last axis the seed follows. */
  lengthsAt(time: string): number {
    return this.times.indexOf(time) * 8 * quads(this.size('B'));
  }

  /** Where the numbers of the sequences begin, the longest along a time axis first. */
  orderAt(time: string): number {
    return this.lengthsAt(time) + 4 * quads(this.size('B'));
  }

  get seedAt(): number {
    return this.times.length * 8 * quads(this.size('B'));
  }

  /** Where it says how many sequences a run has. */
  get batchAt(): number {
    return this.seedAt + 1;
  }

  /** Where it says the number of a segment's first step. */
  get originAt(): number {
    return this.seedAt + 2;
  }

  /** Has slots of a sequence moved between two segments: so many from the one on to those from the other on. */
  move(when: 'before' | 'behind', place: Place, slots: number, from: number, to: number): void {
    const slot = 4 * this.size('B') * widthOf(place);
    const start = 4 * place.base;
    this.moves[when].push({ buffer: place.buffer, from: start + from * slot, to: start + to * slot, words: slots * slot });
  }

  /** How many values a shape has. */
  elements(shape: Shape): number {
    return shape.reduce((product, dim) => product * this.size(dim), 1);
  }

  /** What each axis takes in memory; see `Place`. */
  extents(shape: Shape): number[] {
    return shape.map((dim, axis) => (axis === shape.length - 1 ? quads(this.size(dim)) : this.size(dim)));
  }

  param(name: string): Place {
    const place = this.params.get(name);
    if (!place) throw new Error(`no place for parameter ${name}`);
    return place;
  }

  /** A parameter's gradient, and whether it was asked for before: sections add to what those before them wrote. */
  gradient({ name, shape }: Pick<TensorDeclaration, 'name' | 'shape'>): Place {
    const known = this.gradients.get(name);
    if (known !== undefined) return known;
    const place = this.parameter('gradients', `gradients.params.${name}`, name, shape);
    this.gradients.set(name, place);
    return place;
  }

  isContracted(param: string): boolean {
    return this.contracted.has(param);
  }

  /** Lets the host read or write a place. */
  expose(path: string, place: Place, slots: number, from = 0, time: string | undefined = undefined): void {
    const leading = place.layout === 'sequence' ? [slots, this.size('B')] : place.layout === 'row' ? [this.size('B')] : [];
    const inner = place.shape.length === 0 ? [4] : [...place.extents.slice(0, -1), 4 * (place.extents.at(-1) ?? 1)];
    this.tensors[path] = {
      buffer: place.buffer,
      offset: 4 * (place.base + from * this.size('B') * widthOf(place)),
      shape: [...leading, ...place.shape.map((dim) => this.size(dim))],
      padded: [...leading, ...inner],
      ...(place.layout === 'sequence' && time !== undefined && time !== 'T' ? { time } : {}),
      ...(place.layout === 'shared' && /\boutputs\./.test(path) ? { total: true as const } : {}),
      ...(place.layout === 'row' && /\b(inputs|outputs)\.[^.]*$/.test(path) ? { timeless: true as const } : {}),
      ...(from < 0 ? { before: -from } : {}),
    };
  }

  /** A parameter or its gradient, in the layout that the two share. */
  private parameter(pool: 'params' | 'gradients', path: string, name: string, shape: Shape): Place {
    const extents = this.extents(shape);
    const rows = shape.length - 2;
    if (this.contracted.has(name)) extents[rows] = 4 * quads(extents[rows] ?? 1);
    const region = this.memory.allocate(pool, widthOf({ extents }), path);
    const place: Place = { ...region, layout: 'shared', shape, extents, given: false };
    this.expose(path, place, 1);
    return place;
  }
}
