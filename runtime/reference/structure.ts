/** Operations that move elements about: broadcast along named axes, concatenation and slices of the last axis. */
import { type Axis, commonRows, count, type Tape, Value } from './tape.js';

/** `value` repeated along the axes it lacks; its own are found in `axes` by name, in order. */
export function broadcast(tape: Tape, value: Value, axes: readonly Axis[]): Value {
  const source = sourceOf(value, axes);
  const columns = source.length;
  const data = new Float64Array(value.rows * columns);
  for (let row = 0; row < value.rows; row++) {
    for (let at = 0; at < columns; at++) {
      data[row * columns + at] = value.data[row * value.columns + (source[at] as number)] as number;
    }
  }
  return tape.record(new Value(value.rows, axes, data, value.tracked), [value], (cotangent) => {
    const gradient = value.cotangent();
    for (let row = 0; row < value.rows; row++) {
      for (let at = 0; at < columns; at++) {
        const from = row * value.columns + (source[at] as number);
        gradient[from] = (gradient[from] as number) + (cotangent[row * columns + at] as number);
      }
    }
  });
}

/** Which element of a row of `value` each element over `axes` repeats. */
function sourceOf(value: Value, axes: readonly Axis[]): Int32Array {
  let position = 0;
  const strides = axes.map(({ dim }) => {
    const own = value.axes[position];
    if (own?.dim !== dim) return 0;
    position++;
    return count(value.axes.slice(position));
  });
  if (position < value.axes.length) throw new Error(`${value} has an axis that [${axes.map(({ dim }) => dim)}] lacks`);
  return Int32Array.from({ length: count(axes) }, (_, at) => {
    let rest = at;
    let from = 0;
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      const { size } = axes[axis] as Axis;
      from += (rest % size) * (strides[axis] as number);
      rest = Math.floor(rest / size);
    }
    return from;
  });
}

/** Parts one after the other along the last axis, which they make up. */
export function concat(tape: Tape, whole: Axis, parts: readonly Value[]): Value {
  const lead = parts[0]?.axes.slice(0, -1) ?? [];
  const widths = parts.map((part) => part.axes.at(-1)?.size ?? 0);
  const leadNames = lead.map(({ dim }) => dim).join();
  for (const part of parts) {
    const names = part.axes.slice(0, -1).map(({ dim }) => dim);
    if (part.axes.length === 0 || names.join() !== leadNames) throw new Error(`concat of ${parts.join(', ')}`);
  }
  if (widths.reduce((sum, width) => sum + width, 0) !== whole.size) {
    throw new Error(`concat of ${parts.join(', ')} does not add up to ${whole.dim}=${whole.size}`);
  }
  const rows = commonRows(parts);
  const leads = count(lead);
  const data = new Float64Array(rows * leads * whole.size);
  /** Calls back for every stretch of neighbours: its place in the part and in the whole. */
  const each = (part: Value, offset: number, width: number, visit: (from: number, to: number) => void) => {
    for (let row = 0; row < rows; row++) {
      const own = part.rows === 1 ? 0 : row;
      for (let j = 0; j < leads; j++) visit((own * leads + j) * width, (row * leads + j) * whole.size + offset);
    }
  };
  const offsets = widths.map((_, position) => widths.slice(0, position).reduce((sum, width) => sum + width, 0));
  parts.forEach((part, position) => {
    const width = widths[position] as number;
    each(part, offsets[position] as number, width, (from, to) => data.set(part.data.subarray(from, from + width), to));
  });
  const tracked = parts.some((part) => part.tracked);
  return tape.record(new Value(rows, [...lead, whole], data, tracked), parts, (cotangent) => {
    parts.forEach((part, position) => {
      if (!part.tracked) return;
      const gradient = part.cotangent();
      const width = widths[position] as number;
      each(part, offsets[position] as number, width, (from, to) => {
        for (let k = 0; k < width; k++) gradient[from + k] = (gradient[from + k] as number) + (cotangent[to + k] as number);
      });
    });
  });
}

/** Neighbours on the last axis, from `from` on, as many as `part` has. */
export function slice(tape: Tape, value: Value, part: Axis, from: number): Value {
  const last = value.axes.at(-1);
  if (last === undefined || !Number.isInteger(from) || from < 0 || from + part.size > last.size) {
    throw new Error(`${value} has no ${part.size} units from ${from}`);
  }
  const strips = value.data.length / last.size;
  const data = new Float64Array(strips * part.size);
  for (let strip = 0; strip < strips; strip++) {
    const start = strip * last.size + from;
    data.set(value.data.subarray(start, start + part.size), strip * part.size);
  }
  const pullback = (cotangent: Float64Array) => {
    const gradient = value.cotangent();
    for (let strip = 0; strip < strips; strip++) {
      for (let k = 0; k < part.size; k++) {
        const at = strip * last.size + from + k;
        gradient[at] = (gradient[at] as number) + (cotangent[strip * part.size + k] as number);
      }
    }
  };
  const axes = [...value.axes.slice(0, -1), part];
  return tape.record(new Value(value.rows, axes, data, value.tracked), [value], pullback, [value]);
}

/** Consecutive slices of the last axis, which they use up. */
export function split(tape: Tape, value: Value, parts: readonly Axis[]): Value[] {
  const whole = value.axes.at(-1)?.size;
  if (parts.reduce((sum, { size }) => sum + size, 0) !== whole)
    throw new Error(`${value} is not the sum of ${parts.length} parts`);
  let from = 0;
  return parts.map((part) => {
    const piece = slice(tape, value, part, from);
    from += part.size;
    return piece;
  });
}

/** A constant for every unit of an axis. */
export function perUnit(axis: Axis, of: (unit: number) => number): Value {
  return new Value(
    1,
    [axis],
    Float64Array.from({ length: axis.size }, (_, unit) => of(unit)),
    false,
  );
}
