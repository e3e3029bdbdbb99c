/**
 * Matrices as contractions read them: a row of `vec4f` for each unit that is summed over. Wᵀy reads a parameter as it
 * came; W x wants its transpose, and a matrix with entries left out wants a copy without them. Copies are made once a
 * run, before everything else.
 */
import type { MatrixRef } from '../ir/graph.js';
import type { Place } from './places.js';
import { quads, type Storage } from './storage.js';

export interface MatrixPlace {
  readonly buffer: string;
  /** In `vec4f`. */
  readonly base: number;
  /** `vec4f` from one head's matrix to the next; 0 where one matrix serves all. */
  readonly headStride: number;
  /** The dim that is summed over, and that of the units. */
  readonly sum: string;
  readonly units: string;
  /** Which of the units that are summed over count for a unit; `undefined` where all do. */
  readonly range: SumRange | undefined;
}

/**
 * Both dims are cut into blocks. A unit sums over those from the start of its own block (`from`), or up to its end (`to`).
 */
export interface SumRange {
  readonly blocks: number;
  readonly bound: 'from' | 'to';
}

/** A copy that has to be made. */
export interface MatrixCopy {
  readonly matrix: MatrixRef;
  readonly from: Place;
  /** In `vec4f` from the parameter's start: which matrix of a stack or kernel. */
  readonly skipped: number;
  readonly to: { readonly buffer: string; readonly base: number };
  readonly rows: string;
  readonly columns: string;
  readonly heads: number;
  readonly form: 'transposed' | 'straight';
}

export class Matrices {
  private readonly made = new Map<string, MatrixCopy>();

  constructor(private readonly storage: Storage) {}

  copies(): readonly MatrixCopy[] {
    return [...this.made.values()];
  }

  place(matrix: MatrixRef, transposed: boolean): MatrixPlace {
    const { heads, rows, columns, skipped, size } = this.parts(matrix);
    const headStride = heads === 1 ? 0 : size;
    const whole = matrix.triangle === undefined && matrix.drop === undefined;
    const [sum, units] = transposed ? [rows, columns] : [columns, rows];
    const from = this.storage.param(matrix.param);
    if (transposed && whole) return { buffer: from.buffer, base: from.base + skipped, headStride, sum, units, range: undefined };
    const form = transposed ? 'straight' : 'transposed';
    const key = `${form} ${JSON.stringify(matrix)}`;
    let copy = this.made.get(key);
    if (!copy) {
      const to = this.storage.memory.allocate('weights', heads * size, `params.${matrix.param}, ${form}`);
      copy = { matrix, from, skipped, to, rows, columns, heads, form };
      this.made.set(key, copy);
    }
    return { ...copy.to, headStride, sum, units, range: rangeOf(matrix, transposed) };
  }

  /** Which part of its parameter a matrix is; `size` in `vec4f` of one head's matrix, padding included. */
  parts({ param, slice }: MatrixRef): {
    heads: number;
    rows: string;
    columns: string;
    skipped: number;
    size: number;
  } {
    const { shape } = this.storage.param(param);
    const inner = shape.slice(slice?.axes ?? 0);
    const [rows, columns] = inner.slice(-2);
    if (rows === undefined || columns === undefined) throw new Error(`parameter ${param} [${shape}] is no matrix`);
    const heads = inner.length === 3 ? this.storage.size(inner[0] ?? '') : 1;
    const size = 4 * quads(this.storage.size(rows)) * quads(this.storage.size(columns));
    return { heads, rows, columns, skipped: (slice?.index ?? 0) * heads * size, size };
  }
}

/** In an upper triangle a row counts columns from its block on; a column, rows up to its block. */
function rangeOf({ triangle }: MatrixRef, transposed: boolean): SumRange | undefined {
  if (triangle === undefined) return undefined;
  const { blocks, side } = triangle;
  return { blocks, bound: (side === 'upper') !== transposed ? 'from' : 'to' };
}
