/** What the run of a model may say about the time of a sequence: other steps of it, all of them together, and all sequences. */
import { functions, operators } from '../operations.js';
import { constant, type Tape, Value } from '../tape.js';
import { addScaled, assemble, type Piece, pointwise, takeRows } from '../tensor.js';
import type { TimeAxis } from './axis.js';

/** Step t + k of the same sequence at step t, zero outside it. */
export function shift(tape: Tape, x: Value, axis: TimeAxis, k: number): Value {
  const rows = axis.places.map((_, row) => axis.rowOf((axis.steps[row] as number) + k, axis.sequences[row] as number));
  return takeRows(tape, x, rows, [x]);
}

/** One step of every sequence, `[B, …]`; zero for a sequence without it. */
export function stepOf(tape: Tape, x: Value, axis: TimeAxis, at: 'first' | 'last'): Value {
  const rows = axis.lengths.map((length, b) => axis.rowOf(at === 'first' ? 0 : length - 1, b));
  return takeRows(tape, x, rows, [x]);
}

/** `[B, …]`, step by step; zero for a sequence of no steps. */
export function sumOver(tape: Tape, x: Value, axis: TimeAxis): Value {
  const { columns } = x;
  const data = new Float64Array(axis.lengths.length * columns);
  axis.sequences.forEach((b, row) => {
    for (let k = 0; k < columns; k++) {
      const at = b * columns + k;
      data[at] = tape.rounded((data[at] as number) + (x.data[row * columns + k] as number));
    }
  });
  return tape.record(new Value(axis.lengths.length, x.axes, data, x.tracked), [x], (cotangent) => {
    const dx = x.cotangent();
    axis.sequences.forEach((b, row) => {
      addScaled(dx, row * columns, 1, cotangent, b * columns, columns);
    });
  });
}

/** The sum over the number of steps. */
export function meanOver(tape: Tape, x: Value, axis: TimeAxis): Value {
  const counts = Float64Array.from(axis.lengths, (length) => Math.max(length, 1));
  return pointwise(tape, operators['/'], [sumOver(tape, x, axis), new Value(counts.length, [], counts, false)]);
}

/** One number for all sequences, added up in their order. */
export function sumOfAll(tape: Tape, x: Value): Value {
  let total = 0;
  for (const share of x.data) total = tape.rounded(total + share);
  return tape.record(new Value(1, [], Float64Array.of(total), x.tracked), [x], ([cotangent = 0]) => {
    x.add(new Float64Array(x.data.length).fill(cotangent));
  });
}

/** The sum over the number of sequences. */
export function meanOfAll(tape: Tape, x: Value): Value {
  return pointwise(tape, operators['/'], [sumOfAll(tape, x), constant(x.data.length)]);
}

/** The maximum so far against the next step, in the order of time: which of several equal ones gets the cotangent is said by `max`. */
export function maxOver(tape: Tape, x: Value, axis: TimeAxis): Value {
  let running = axis.lengths.map((_, b) => b);
  let most: Value | undefined;
  const ended: Piece[] = [];
  for (let s = 0; ; s++) {
    const kept = [...running.keys()].filter((row) => s < (axis.lengths[running[row] as number] as number));
    if (kept.length === 0) break;
    const before: Value | undefined = most && takeRows(tape, most, kept);
    running = kept.map((row) => running[row] as number);
    const here = takeRows(
      tape,
      x,
      running.map((b) => axis.rowOf(s, b)),
      [x],
    );
    most = before === undefined ? here : pointwise(tape, functions.max, [before, here]);
    const rows = [...running.keys()].filter((row) => axis.lengths[running[row] as number] === s + 1);
    ended.push({ value: most, rows, to: rows.map((row) => running[row] as number) });
  }
  return assemble(tape, axis.lengths.length, x.axes, ended);
}

/** exp(x − max) over its sum; the maximum changes nothing but the size of the numbers, so no cotangent goes through it. */
export function softmaxOver(tape: Tape, x: Value, axis: TimeAxis): Value {
  const untracked = new Value(x.rows, x.axes, x.data, false);
  const most = takeRows(tape, maxOver(tape, untracked, axis), axis.sequences);
  const powers = pointwise(tape, functions.exp, [pointwise(tape, operators['-'], [x, most])]);
  return pointwise(tape, operators['/'], [powers, takeRows(tape, sumOver(tape, powers, axis), axis.sequences)]);
}

/** `[B, S, …]`: all steps of every sequence, zero behind its end. */
export function memoryOf(tape: Tape, x: Value, axis: TimeAxis): Value {
  const steps = Array.from({ length: axis.size }, (_, step) => step);
  const rows = axis.lengths.flatMap((_, b) => steps.map((step) => axis.rowOf(step, b)));
  const whole = takeRows(tape, x, rows, [x]);
  const axes = [{ dim: axis.name, size: axis.size }, ...x.axes];
  return tape.record(new Value(axis.lengths.length, axes, whole.data, whole.tracked), [whole], (cotangent) => {
    addScaled(whole.cotangent(), 0, 1, cotangent, 0, cotangent.length);
  });
}
