/**
 * Matrices as contractions read them: a row of `vec4f` for each unit that is summed over. Wᵀy reads a parameter as it
 * came; W x wants its transpose, and a matrix with entries left out wants a copy without them. Copies are made once a
 * run, before everything else.
 */
import type { MatrixRef } from '../ir/graph.js';
import type { Memory, Region } from './memory.js';
import { type Place, quads } from './places.js';

export interface MatrixPlace {
  readonly buffer: string;
  /** In `vec4f`. */
  readonly base: number;
  /** `vec4f` from one head's matrix to the next; 0 where one matrix serves all. */
  readonly headStride: number;
  readonly summed: Summed;
}

/** What a unit's sum runs over. */
export interface Summed {
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

/** What copies in one kernel have in common. */
export interface CopyForm {
  /** Buffers. */
  readonly from: string;
  readonly to: string;
  readonly form: 'transposed' | 'straight';
  /** A matrix with entries left out: which ones depends on the matrix. */
  readonly partial: MatrixRef | undefined;
}

/** A copy of one matrix, or of one head of a block-diagonal matrix. */
export interface MatrixCopy {
  readonly head: number;
  /** In `vec4f` from the start of each buffer. */
  readonly from: number;
  readonly to: number;
  /** In `vec4f`; rows are padded like columns. */
  readonly rows: number;
  readonly columns: number;
}

/** Where parameters lie, and where copies of them can. */
export interface ParameterStorage {
  readonly memory: Memory;
  param(name: string): Place;
  size(dim: string): number;
}

export class Matrices {
  private readonly made = new Map<string, { matrix: MatrixRef; form: CopyForm['form']; to: Region }>();

  constructor(private readonly storage: ParameterStorage) {}

  /** Every copy that has to be made. */
  copies(): { common: CopyForm; own: MatrixCopy }[] {
    return [...this.made.values()].flatMap(({ matrix, form, to }) => {
      const { heads, rows, columns, skipped, size } = this.parts(matrix);
      const from = this.storage.param(matrix.param);
      const common = { from: from.buffer, to: to.buffer, form, partial: isWhole(matrix) ? undefined : matrix };
      const [n, k] = [quads(this.storage.size(rows)), quads(this.storage.size(columns))];
      return Array.from({ length: heads }, (_, head) => {
        return { common, own: { head, from: from.base + skipped + head * size, to: to.base + head * size, rows: n, columns: k } };
      });
    });
  }

  place(matrix: MatrixRef, transposed: boolean): MatrixPlace {
    const { heads, rows, columns, skipped, size } = this.parts(matrix);
    const headStride = heads === 1 ? 0 : size;
    const [sum, units] = transposed ? [rows, columns] : [columns, rows];
    const from = this.storage.param(matrix.param);
    const summed = { sum, units, range: rangeOf(matrix, transposed) };
    if (transposed && isWhole(matrix)) return { buffer: from.buffer, base: from.base + skipped, headStride, summed };
    const form = transposed ? 'straight' : 'transposed';
    const key = `${form} ${JSON.stringify(matrix)}`;
    let copy = this.made.get(key);
    if (!copy) {
      const to = this.storage.memory.allocate('weights', heads * size, `params.${matrix.param}, ${form}`);
      copy = { matrix, form, to };
      this.made.set(key, copy);
    }
    return { ...copy.to, headStride, summed };
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

/** Whether all entries of a matrix count. */
export const isWhole = ({ triangle, drop }: MatrixRef): boolean => triangle === undefined && drop === undefined;

/** In an upper triangle a row counts columns from its block on; a column, rows up to its block. */
function rangeOf({ triangle }: MatrixRef, transposed: boolean): SumRange | undefined {
  if (triangle === undefined) return undefined;
  const { blocks, side } = triangle;
  return { blocks, bound: (side === 'upper') !== transposed ? 'from' : 'to' };
}
