/** Eager float64 operations on values; each puts itself on the tape. */
import { type Operation, stretch } from './operations.js';
import { type Axis, commonRows, constant, count, rowStride, sameAxes, type Tape, Value } from './tape.js';

const nothing = constant(0);

/** Applies `operation` per sequence and element; arguments with one row or without axes broadcast. */
export function pointwise(tape: Tape, operation: Operation, args: readonly Value[]): Value {
  const [a = nothing, b = nothing, c = nothing] = args;
  const rows = commonRows(args);
  const axes = commonAxes(args);
  const [rowA, rowB, rowC] = [rowStride(a), rowStride(b), rowStride(c)];
  const [unitA, unitB, unitC] = [unitStride(a), unitStride(b), unitStride(c)];
  const { forward } = operation;
  const columns = count(axes);
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
  const pullAll = (cotangent: Float64Array, gated: boolean) => {
    args.forEach((arg, position) => {
      const pullback = operation.pullbacks[position];
      if (!arg.tracked || pullback === undefined) return;
      const gradient = arg.cotangent();
      const [rowArg, unitArg] = [rowStride(arg), unitStride(arg)];
      for (let row = 0; row < rows; row++) {
        for (let unit = 0; unit < columns; unit++) {
          const g = cotangent[row * columns + unit] as number;
          if (gated && g === 0) continue;
          const at = row * rowArg + unit * unitArg;
          gradient[at] =
            (gradient[at] as number) +
            pullback(
              g,
              a.data[row * rowA + unit * unitA] as number,
              b.data[row * rowB + unit * unitB] as number,
              c.data[row * rowC + unit * unitC] as number,
            );
        }
      }
    });
  };
  const sources = args.filter((_, position) => operation.pullbacks[position] !== undefined);
  const output = tape.record(new Value(rows, axes, data, tracked), sources, pullAll, operation.gates ? sources : []);
  tape.applied(operation, args, output);
  return output;
}

/** The axes that all arguments have but the scalars among them. */
export function commonAxes(args: readonly Value[]): readonly Axis[] {
  const first = args.find(({ axes }) => axes.length > 0);
  if (first === undefined) return [];
  for (const arg of args) {
    if (arg.axes.length > 0 && !sameAxes(arg.axes, first.axes)) throw new Error(`values of ${first} and ${arg} do not broadcast`);
  }
  return first.axes;
}

/** From one element of a row to the next; 0 where one number stands for all. */
export function unitStride(value: Value): number {
  return value.axes.length === 0 ? 0 : 1;
}

/** `value` at exactly `rows` sequences and these axes. */
export function stretchTo(tape: Tape, value: Value, rows: number, axes: readonly Axis[]): Value {
  if (value.rows === rows && sameAxes(value.axes, axes)) return value;
  const shape = new Value(rows, axes, new Float64Array(rows * count(axes)), false);
  return pointwise(tape, stretch, [value, shape]);
}

/**
 * The same numbers under a name of their own, so that two names for one value can be told apart; with other names for its
 * axes where they are given.
 */
export function alias(tape: Tape, value: Value, axes: readonly Axis[] = value.axes): Value {
  return tape.record(new Value(value.rows, axes, value.data, value.tracked), [value], (cotangent) => {
    addScaled(value.cotangent(), 0, 1, cotangent, 0, cotangent.length);
  });
}

/** The given rows in that order, a row of zeros where it says so. What is `held`, see `Tape.record`. */
export function takeRows(tape: Tape, value: Value, rows: readonly (number | 'zeros')[], held: readonly Value[] = []): Value {
  const { columns } = value;
  const data = new Float64Array(rows.length * columns);
  rows.forEach((row, position) => {
    if (row !== 'zeros') data.set(value.data.subarray(row * columns, (row + 1) * columns), position * columns);
  });
  const pullback = (cotangent: Float64Array) => {
    const gradient = value.cotangent();
    rows.forEach((row, position) => {
      if (row !== 'zeros') addScaled(gradient, row * columns, 1, cotangent, position * columns, columns);
    });
  };
  return tape.record(new Value(rows.length, value.axes, data, value.tracked), [value], pullback, held);
}

/** Some rows of a value, and the rows of the whole where they go. */
export interface Piece {
  readonly value: Value;
  readonly rows: readonly number[];
  readonly to: readonly number[];
}

/** A value of so many rows over these axes, put together from pieces; zero where nothing is put. */
export function assemble(tape: Tape, rows: number, axes: readonly Axis[], pieces: readonly Piece[]): Value {
  const columns = count(axes);
  const data = new Float64Array(rows * columns);
  const tracked = pieces.filter(({ value }) => value.tracked);
  for (const { value, rows: from, to } of pieces) {
    from.forEach((row, position) => {
      data.set(value.data.subarray(row * columns, (row + 1) * columns), (to[position] as number) * columns);
    });
  }
  const pullback = (cotangent: Float64Array) => {
    for (const { value, rows: from, to } of tracked) {
      const gradient = value.cotangent();
      from.forEach((row, position) => {
        addScaled(gradient, row * columns, 1, cotangent, (to[position] as number) * columns, columns);
      });
    }
  };
  const sources = pieces.map(({ value }) => value);
  return tape.record(new Value(rows, axes, data, tracked.length > 0), sources, pullback);
}

/** Adds `g` times some numbers to as many others. */
export function addScaled(
  to: Float64Array,
  toFrom: number,
  g: number,
  from: Float64Array,
  fromFrom: number,
  count: number,
): void {
  for (let k = 0; k < count; k++) {
    to[toFrom + k] = (to[toFrom + k] as number) + g * (from[fromFrom + k] as number);
  }
}
