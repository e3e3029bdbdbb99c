/**
 * Which values of a model's run are sequences, and how others meet them.
 *
 * A sequence is one value whose rows are those of its time axis. A value without time has a row for each sequence of the
 * batch, or one row for all: a parameter, a constant.
 */
import { isArray, type Operand } from '../operand.js';
import { type Tape, Value } from '../tape.js';
import { alias, stretchTo, takeRows } from '../tensor.js';
import type { TimeAxis } from './axis.js';

export class Timing {
  private readonly axes = new WeakMap<Value, TimeAxis>();

  /** @param batch number of sequences */
  constructor(
    private readonly tape: Tape,
    private readonly batch: number,
  ) {}

  /** The time axis of a value, or the one that several have in common; `undefined` for what has no time. */
  axisOf(operands: Iterable<Operand>): TimeAxis | undefined {
    let common: TimeAxis | undefined;
    for (const operand of operands) {
      const own = operand instanceof Value ? this.axes.get(operand) : undefined;
      if (own !== undefined && common !== undefined && own !== common) {
        throw new Error(`values over ${common.name} and over ${own.name} meet`);
      }
      common ??= own;
    }
    return common;
  }

  /** Says of what an operation made that it is over this axis. */
  mark<Made extends Operand>(made: Made, axis: TimeAxis | undefined): Made {
    if (made instanceof Value && axis !== undefined) this.axes.set(made, axis);
    if (isArray(made)) for (const item of made) this.mark(item, axis);
    return made;
  }

  /** A value with the rows of an axis, or with one row that stands for all of them. */
  spread(value: Value, axis: TimeAxis | undefined): Value {
    if (axis === undefined || value.rows === 1 || this.axes.get(value) === axis) return value;
    return takeRows(this.tape, value, axis.sequences);
  }

  /** A value with exactly the rows of an axis; without one, of the batch. */
  full(value: Value, axis: TimeAxis | undefined): Value {
    const rows = axis === undefined ? this.batch : axis.sequences.length;
    const whole = stretchTo(this.tape, this.spread(value, axis), rows, value.axes);
    // Of one sequence of one step a value without time has all the rows: as a sequence it is another value still.
    const other = whole === value && this.axes.get(value) !== axis;
    return this.mark(other ? alias(this.tape, whole, whole.axes) : whole, axis);
  }
}
