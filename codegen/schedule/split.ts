/**
 * Weight gradients of many rows: where a matrix has fewer entries than a GPU has lanes, the rows are split into parts. Lanes of a
 * workgroup take some and add them up through its memory; workgroups take the others, and a pass behind adds their sums.
 */
import type { Target } from '../plan.js';
import { quads } from './places.js';

/** How the rows of a product are shared out. */
export interface Split {
  /** Lanes side by side on quads of columns. */
  readonly columns: number;
  /** Parts of rows within a workgroup … */
  readonly slices: number;
  /** … and over workgroups; what each sums is in memory, unless it is one. */
  readonly chunks: number;
}

/** Lanes that fill a machine, and those of a workgroup. */
const FULL = 2 ** 17;
const WORKGROUP = 256;
/** Neighbouring lanes that load neighbouring columns. */
const MOST_COLUMNS = 32;
/** Quads of a matrix's rows that a lane holds at most where it isn't on a processor. */
export const TILE = 2;
/** Rows of a part, at least: within a workgroup, and where one more pass must be worth it. */
const LEAST_ROWS = { slice: 4, chunk: 32 };

/** Of a matrix `[n, k]` that sums over so many rows; `undefined` where one lane sums all rows of its entries. */
export function splitOver(
  { software }: Target,
  { n, k, rows }: { readonly n: number; readonly k: number; readonly rows: number },
): Split | undefined {
  if (software) return undefined;
  const [height, width] = [quads(n), quads(k)];
  const lanes = Math.ceil(height / TILE) * width;
  const columns = Math.min(MOST_COLUMNS, 2 ** Math.ceil(Math.log2(width)));
  const worth = (parts: number, least: number) => lanes * parts <= FULL && parts * least <= rows;
  let slices = 1;
  while (slices * 2 * columns <= WORKGROUP && worth(slices * 2, LEAST_ROWS.slice)) slices *= 2;
  let chunks = 1;
  while (worth(slices * chunks * 2, LEAST_ROWS.chunk)) chunks *= 2;
  return slices * chunks === 1 ? undefined : { columns, slices, chunks };
}
