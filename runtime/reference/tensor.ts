/** Eager float64 operations on values; each puts itself on the tape. */
import { type Operation, stretch } from './operations.js';
import { constant, type Matrix, type Tape, Value } from './tape.js';

const nothing = constant(0);

/** Applies `operation` per sequence and unit; arguments with one row or without units broadcast. */
export function pointwise(tape: Tape, operation: Operation, args: readonly Value[]): Value {
  const [a = nothing, b = nothing, c = nothing] = args;
  const rows = Math.max(a.rows, b.rows, c.rows);
  const units = a.units ?? b.units ?? c.units;
  const columns = units ?? 1;
  for (const arg of args) {
    if ((arg.rows !== 1 && arg.rows !== rows) || (arg.units !== undefined && arg.units !== units)) {
      throw new Error(`values of ${arg.rows} by ${arg.units} and ${rows} by ${units} do not broadcast`);
    }
  }
  const [rowA, rowB, rowC] = [rowStride(a), rowStride(b), rowStride(c)];
  const [unitA, unitB, unitC] = [unitStride(a), unitStride(b), unitStride(c)];
  const { forward } = operation;
  const data = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < columns; unit++) {
      data[row * columns + unit] = forward(
        a.data[row * rowA + unit * unitA] as number,
        b.data[row * rowB + unit * unitB] as number,
        c.data[row * rowC + unit * unitC] as number,
      );
    }
  }
  const tracked = args.some((arg, position) => arg.tracked && operation.pullbacks[position] !== undefined);
  return tape.record(new Value(rows, units, data, tracked), (cotangent) => {
    args.forEach((arg, position) => {
      const pullback = operation.pullbacks[position];
      if (!arg.tracked || pullback === undefined) return;
      const gradient = arg.cotangent();
      const [rowArg, unitArg] = [rowStride(arg), unitStride(arg)];
      for (let row = 0; row < rows; row++) {
        for (let unit = 0; unit < columns; unit++) {
          const at = row * rowArg + unit * unitArg;
          gradient[at] =
            (gradient[at] as number) +
            pullback(
              cotangent[row * columns + unit] as number,
              a.data[row * rowA + unit * unitA] as number,
              b.data[row * rowB + unit * unitB] as number,
              c.data[row * rowC + unit * unitC] as number,
            );
        }
      }
    });
  });
}

function rowStride(value: Value): number {
  return value.rows === 1 ? 0 : value.columns;
}

function unitStride(value: Value): number {
  return value.units === undefined ? 0 : 1;
}

/** `value` at exactly `rows` sequences and `units` units. */
export function stretchTo(tape: Tape, value: Value, rows: number, units: number | undefined): Value {
  if (value.rows === rows && value.units === units) return value;
  const shape = new Value(rows, units, new Float64Array(rows * (units ?? 1)), false);
  return pointwise(tape, stretch, [value, shape]);
}

/** `W x` for every sequence: `[R, C]` with `[rows, C]` gives `[rows, R]`. */
export function matvec(tape: Tape, matrix: Matrix, x: Value): Value {
  const { rows: outputs, columns } = matrix;
  if (x.units !== columns) throw new Error(`matvec: a matrix of ${columns} columns and ${x.units} units`);
  const weights = matrix.data;
  const data = new Float64Array(x.rows * outputs);
  for (let row = 0; row < x.rows; row++) {
    multiply(data, row * outputs, outputs, weights, x.data, row * columns, columns);
  }
  return tape.record(new Value(x.rows, outputs, data, matrix.tracked || x.tracked), (cotangent) => {
    if (x.tracked) {
      const dx = x.cotangent();
      for (let row = 0; row < x.rows; row++) {
        addCombination(dx, row * columns, columns, cotangent, row * outputs, 1, outputs, weights);
      }
    }
    if (matrix.tracked) {
      const dW = matrix.cotangent();
      for (let output = 0; output < outputs; output++) {
        addCombination(dW, output * columns, columns, cotangent, output, outputs, x.rows, x.data);
      }
    }
  });
}

/** y = W x for one sequence, four outputs at a time: one sum alone would wait for its own additions. */
function multiply(
  y: Float64Array,
  yFrom: number,
  outputs: number,
  W: Float64Array,
  x: Float64Array,
  xFrom: number,
  columns: number,
): void {
  let output = 0;
  for (; output + 3 < outputs; output += 4) {
    const first = output * columns;
    const [second, third, fourth] = [first + columns, first + 2 * columns, first + 3 * columns];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let k = 0; k < columns; k++) {
      const factor = x[xFrom + k] as number;
      a += (W[first + k] as number) * factor;
      b += (W[second + k] as number) * factor;
      c += (W[third + k] as number) * factor;
      d += (W[fourth + k] as number) * factor;
    }
    y[yFrom + output] = a;
    y[yFrom + output + 1] = b;
    y[yFrom + output + 2] = c;
    y[yFrom + output + 3] = d;
  }
  for (; output < outputs; output++) {
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += (W[output * columns + k] as number) * (x[xFrom + k] as number);
    y[yFrom + output] = sum;
  }
}

/** Adds Σⱼ gⱼ · rowⱼ to one row, j < count, four terms at a time to spare reads and writes of the sum. */
function addCombination(
  to: Float64Array,
  toFrom: number,
  columns: number,
  g: Float64Array,
  gFrom: number,
  gStride: number,
  count: number,
  rows: Float64Array,
): void {
  let j = 0;
  for (; j + 3 < count; j += 4) {
    const at = gFrom + j * gStride;
    const [a, b] = [g[at] as number, g[at + gStride] as number];
    const [c, d] = [g[at + 2 * gStride] as number, g[at + 3 * gStride] as number];
    const first = j * columns;
    const [second, third, fourth] = [first + columns, first + 2 * columns, first + 3 * columns];
    for (let k = 0; k < columns; k++) {
      to[toFrom + k] =
        (to[toFrom + k] as number) +
        a * (rows[first + k] as number) +
        b * (rows[second + k] as number) +
        c * (rows[third + k] as number) +
        d * (rows[fourth + k] as number);
    }
  }
  for (; j < count; j++) addScaled(to, toFrom, g[gFrom + j * gStride] as number, rows, j * columns, columns);
}

function addScaled(to: Float64Array, toFrom: number, g: number, from: Float64Array, fromFrom: number, count: number): void {
  for (let k = 0; k < count; k++) {
    to[toFrom + k] = (to[toFrom + k] as number) + g * (from[fromFrom + k] as number);
  }
}

/** Keeps the given rows, in that order. */
export function takeRows(tape: Tape, value: Value, rows: readonly number[]): Value {
  const { columns } = value;
  const data = new Float64Array(rows.length * columns);
  rows.forEach((row, position) => {
    data.set(value.data.subarray(row * columns, (row + 1) * columns), position * columns);
  });
  return tape.record(new Value(rows.length, value.units, data, value.tracked), (cotangent) => {
    const gradient = value.cotangent();
    rows.forEach((row, position) => {
      addScaled(gradient, row * columns, 1, cotangent, position * columns, columns);
    });
  });
}
