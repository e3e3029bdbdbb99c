/** How an operation is dispatched: by which kernel, over how many workgroups, and what it is told. */
import type { Target } from '../../../codegen/plan.js';
import { LANES, type Parameters, readsNumbers, SUM_LANES, type Tile, type Width } from './kernels.js';
import type { Memory } from './memory.js';
import type { ComputedOperation } from './places.js';

export interface Dispatch extends Pick<ComputedOperation, 'kind'> {
  readonly width: Width;
  readonly tile: Tile;
  readonly groups: readonly [x: number, y: number];
  readonly parameters: Parameters;
  /** Of the left operand, the right one (of those that have one alone, that again) and the result. */
  readonly buffers: readonly [number, number, number];
}

export function dispatchOf(operation: ComputedOperation, memory: Memory, widest: Width, target: Target): Dispatch {
  const { kind, operands, result } = operation;
  const [a, b = a] = operands;
  if (a === undefined || b === undefined) throw new Error(`${kind} has no operand`);
  const width = kind === 'transpose' ? 1 : widest;
  const [left, right, own] = [memory.of(a), memory.of(b), memory.of(result)];
  const ofLeft = readsNumbers(kind) ? 1 : width;
  const [rows, columns] = [result.rows, result.columns / width];
  const tile = tileOf(rows, columns, target);
  return {
    kind,
    width,
    tile,
    groups: groupsOf(operation, columns, tile, target),
    parameters: {
      rows,
      columns,
      inner: kind === 'product' ? a.columns : a.rows,
      aOffset: left.offset / ofLeft,
      // Of a transposed left operand the rows are its columns.
      aRow: kind === 'transposedProduct' ? 1 : left.stride / ofLeft,
      aColumn: kind === 'transposedProduct' ? left.stride : 1,
      bOffset: right.offset / width,
      bRow: kind === 'addRow' ? 0 : right.stride / width,
      offset: own.offset / width,
      row: own.stride / width,
    },
    buffers: [left.buffer, right.buffer, own.buffer],
  };
}

/** Of a product: many sums a lane, but on a GPU not so many that a part of it has nothing to do. */
function tileOf(rows: number, columns: number, { software }: Target): Tile {
  const lanes = [8, 16].find((count) => columns <= count) ?? 32;
  const enough = software ? 1 : 64;
  const groups = (each: number) => Math.ceil(columns / lanes) * Math.ceil(rows / each);
  const fitting = [8, 4, 2].find((each) => each < 2 * rows && groups(each) >= enough);
  return { lanes, rows: fitting ?? 1 };
}

function groupsOf({ kind, result }: ComputedOperation, columns: number, tile: Tile, target: Target): Dispatch['groups'] {
  if (kind === 'sumRows') return [Math.ceil(columns / SUM_LANES.columns), 1];
  if (kind === 'product' || kind === 'transposedProduct')
    return [Math.ceil(columns / tile.lanes), Math.ceil(result.rows / tile.rows)];
  const groups = Math.ceil((result.rows * columns) / LANES);
  const x = Math.min(groups, target.maxWorkgroupsPerDimension);
  return [x, Math.ceil(groups / x)];
}
