/** One kernel for each kind of operation, plainly: no two operations share a dispatch. */
import { type Computed, ELEMENTWISE, type Elementwise } from './operations.js';

/** Numbers that a lane takes at once: four where all widths allow it. */
export type Width = 1 | 4;

/** In `u32`; offsets and strides of `a` count numbers in products and transposes, those of all else count elements. */
export const PARAMETERS = ['rows', 'columns', 'inner', 'aOffset', 'aRow', 'aColumn', 'bOffset', 'bRow', 'offset', 'row'] as const;
export type Parameters = Readonly<Record<(typeof PARAMETERS)[number], number>>;

/** A workgroup of products: `lanes` elements wide, and as many rows as each lane has sums. */
export interface Tile {
  readonly lanes: number;
  readonly rows: number;
}

export const LANES = 64;
/** Columns and rows of the lanes that sum up rows. */
export const SUM_LANES = { columns: 8, rows: 8 } as const;

const isElementwise = (kind: Computed): kind is Elementwise => Object.hasOwn(ELEMENTWISE, kind);
/** Whether its left operand is read number by number. */
export const readsNumbers = (kind: Computed) => kind === 'product' || kind === 'transposedProduct' || kind === 'transpose';

export function kernelOf(kind: Computed, width: Width, tile: Tile): string {
  const text = isElementwise(kind)
    ? elementwise(ELEMENTWISE[kind])
    : { product: product(tile), transposedProduct: product(tile), transpose: TRANSPOSE, sumRows: SUM_ROWS }[kind];
  const [element, left] = [width === 4 ? 'vec4f' : 'f32', readsNumbers(kind) ? 'f32' : 'Element'];
  return `alias Element = ${element};
struct Parameters { ${PARAMETERS.map((name) => `${name}: u32`).join(', ')} }
@group(0) @binding(0) var<uniform> p: Parameters;
@group(0) @binding(1) var<storage> left: array<${left}>;
@group(0) @binding(2) var<storage> right: array<Element>;
@group(0) @binding(3) var<storage, read_write> result: array<${kind === 'transpose' ? 'f32' : 'Element'}>;
${text}`;
}

/** Lanes take elements of the result in order; there may be more than one dimension has workgroups for. */
const EACH = `@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * ${LANES}u + lane;
  let y = index / p.columns;
  let x = index % p.columns;
  if (y >= p.rows) { return; }`;

function elementwise(expression: string): string {
  const operand = (name: string, buffer: string) =>
    new RegExp(`\\b${name}\\b`).test(expression) ? `  let ${name} = ${buffer}[p.${name}Offset + y * p.${name}Row + x];\n` : '';
  return `${EACH}
${operand('a', 'left')}${operand('b', 'right')}  result[p.offset + y * p.row + x] = ${expression};
}`;
}

const TRANSPOSE = `${EACH}
  result[p.offset + y * p.row + x] = left[p.aOffset + x * p.aRow + y];
}`;

/** A lane adds up every eighth row of its column, and the first of a column's lanes what they found. */
const SUM_ROWS = `var<workgroup> sums: array<Element, ${SUM_LANES.columns * SUM_LANES.rows}>;
@compute @workgroup_size(${SUM_LANES.columns}, ${SUM_LANES.rows})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u, @builtin(local_invocation_index) at: u32) {
  let x = group.x * ${SUM_LANES.columns}u + lane.x;
  var sum = Element(0.0);
  if (x < p.columns) {
    for (var k = lane.y; k < p.inner; k += ${SUM_LANES.rows}u) { sum += left[p.aOffset + k * p.aRow + x]; }
  }
  sums[at] = sum;
  workgroupBarrier();
  if (lane.y > 0u || x >= p.columns) { return; }
  for (var k = 1u; k < ${SUM_LANES.rows}u; k++) { sum += sums[k * ${SUM_LANES.columns}u + lane.x]; }
  result[p.offset + x] = sum;
}`;

/**
 * A lane holds sums of one column of elements in several rows. The rows are the workgroup's, so that what is read of the left operand is
 * the same for all lanes; of the right one lanes read what lies side by side.
 */
function product({ lanes, rows }: Tile): string {
  const each = (line: (row: number) => string) => Array.from({ length: rows }, (_, row) => `  ${line(row)}`).join('\n');
  return `@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let x = group.x * ${lanes}u + lane;
  if (x >= p.columns) { return; }
  let y = group.y * ${rows}u;
${each((row) => `var sum${row} = Element(0.0);`)}
${each((row) => `var at${row} = p.aOffset + min(y + ${row}u, p.rows - 1u) * p.aRow;`)}
  for (var k = 0u; k < p.inner; k++) {
    let b = right[p.bOffset + k * p.bRow + x];
${each((row) => `  sum${row} += left[at${row} + k * p.aColumn] * b;`)}
  }
${each((row) => `if (y + ${row}u < p.rows) { result[p.offset + (y + ${row}u) * p.row + x] = sum${row}; }`)}
}`;
}
