/**
 * Other matrices made of a matrix: slices, the transpose, block-triangular and dropped entries. Each remembers where
 * its entries are in the parameter as declared, because that is what numbers the draws of `dropConnect`.
 */
import { matrices } from './matvec.js';
import { type Tape, Value } from './tape.js';
import { addScaled } from './tensor.js';

/** `p.U[k]`: matrix k of a stack, tap k of a kernel. */
export function entryOf(tape: Tape, value: Value, k: number): Value {
  const [leading, ...axes] = value.axes;
  if (leading === undefined || value.rows !== 1 || !Number.isInteger(k) || k < 0 || k >= leading.size) {
    throw new Error(`${value} has no entry ${k}`);
  }
  const { offset, strides, width } = value.layout;
  const [stride = 0, ...inner] = strides;
  const size = value.columns / leading.size;
  const data = value.data.subarray(k * size, (k + 1) * size);
  const layout = { offset: offset + k * stride, strides: inner, width };
  return tape.record(new Value(1, axes, data, value.tracked, layout), [value], (cotangent) => {
    addScaled(value.cotangent(), k * size, 1, cotangent, 0, size);
  });
}

/** Rows and columns exchanged, in every block. */
export function transpose(tape: Tape, matrix: Value): Value {
  const { blocks, output, input } = matrices(matrix);
  const [O, I] = [output.size, input.size];
  const data = new Float64Array(matrix.data.length);
  for (let from = 0; from < data.length; from += O * I) {
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) data[from + i * O + o] = matrix.data[from + o * I + i] as number;
    }
  }
  const { offset, strides, width } = matrix.layout;
  const [rowStride = 0, columnStride = 0] = strides.slice(-2);
  const layout = { offset, strides: [...strides.slice(0, -2), columnStride, rowStride], width };
  return tape.record(new Value(matrix.rows, [...blocks, input, output], data, matrix.tracked, layout), [matrix], (cotangent) => {
    const gradient = matrix.cotangent();
    for (let from = 0; from < data.length; from += O * I) {
      for (let o = 0; o < O; o++) {
        for (let i = 0; i < I; i++) {
          const at = from + o * I + i;
          gradient[at] = (gradient[at] as number) + (cotangent[from + i * O + o] as number);
        }
      }
    }
  });
}

/** Zero left (or, `lower`, right) of the diagonal of n by n blocks; unit u is in block ⌊u·n/size⌋. */
export function blockTriangular(tape: Tape, matrix: Value, n: number, side: 'upper' | 'lower'): Value {
  const { output, input } = matrices(matrix);
  const [O, I] = [output.size, input.size];
  const counts = (at: number) => {
    const row = Math.floor(at / I) % O;
    const [rowBlock, columnBlock] = [blockOf(row, n, O), blockOf(at % I, n, I)];
    return side === 'lower' ? columnBlock <= rowBlock : columnBlock >= rowBlock;
  };
  return masked(tape, matrix, counts, 1);
}

/** The block of a unit when `size` units are cut into n. */
export function blockOf(unit: number, n: number, size: number): number {
  return Math.floor((unit * n) / size);
}

/** Entries divided by `divisor` where they are kept, zero elsewhere, whatever stands there. */
export function masked(tape: Tape, matrix: Value, kept: (at: number) => boolean, divisor: number): Value {
  const { columns, rows } = matrix;
  const mask = Uint8Array.from({ length: columns }, (_, at) => (kept(at) ? 1 : 0));
  const data = new Float64Array(rows * columns);
  for (let at = 0; at < data.length; at++) {
    if (mask[at % columns] === 1) data[at] = (matrix.data[at] as number) / divisor;
  }
  const pullback = (cotangent: Float64Array) => {
    const gradient = matrix.cotangent();
    for (let at = 0; at < data.length; at++) {
      if (mask[at % columns] === 1) gradient[at] = (gradient[at] as number) + (cotangent[at] as number) / divisor;
    }
  };
  return tape.record(new Value(rows, matrix.axes, data, matrix.tracked, matrix.layout), [matrix], pullback, [matrix]);
}
