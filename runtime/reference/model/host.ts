/** Where a model's run is interpreted: operands of an operation get common rows, and some functions mean time. */
import type { Sizes, Span } from '../../../codegen/frontend/tree.js';
import type { StepContext } from '../context.js';
import { ALL, type Draws } from '../draws.js';
import type { Host, Made } from '../interpret.js';
import { describe, type Operand, toValue } from '../operand.js';
import { type Tape, Value } from '../tape.js';
import type { TimeAxis } from './axis.js';
import { maxOver, meanOfAll, meanOver, memoryOf, shift, softmaxOver, stepOf, sumOfAll, sumOver } from './overtime.js';
import type { Timing } from './timing.js';

interface Run {
  readonly tape: Tape;
  readonly sizes: Sizes;
  readonly timing: Timing;
  readonly random: Draws;
  readonly times: ReadonlyMap<string, TimeAxis>;
  /** Number of sequences. */
  readonly batch: number;
}

/** Functions of a sequence that give one value for all of its steps. */
const reductions: Readonly<Record<string, typeof sumOver>> = { sum: sumOver, mean: meanOver, maxOver };

export class RunHost implements Host {
  private readonly batch: readonly number[];

  constructor(private readonly run: Run) {
    this.batch = Array.from({ length: run.batch }, (_, sequence) => sequence);
  }

  apply(made: Made, operands: readonly Operand[], place: Span): Operand {
    const { timing } = this.run;
    this.enter(place);
    const axis = timing.axisOf(operands);
    const met = operands.map((operand) => (operand instanceof Value ? timing.spread(operand, axis) : operand));
    return timing.mark(made(this.contextOf(axis), met), axis);
  }

  own(name: string, operands: readonly Operand[], place: Span): Operand | undefined {
    const { tape, timing } = this.run;
    const [x, argument] = operands;
    this.enter(place);
    if (name === 'first' || name === 'last') return stepOf(tape, ...this.sequence(x), name);
    if (name === 'shift') {
      const [value, axis] = this.sequence(x);
      return timing.mark(shift(tape, value, axis, wholeNumber(argument)), axis);
    }
    if (name === 'memory') return memoryOf(tape, ...this.sequence(x));
    if (name === 'steps') return this.steps(x);
    if (argument === 'B' && (name === 'sum' || name === 'mean')) {
      const whole = timing.full(toValue(x), undefined);
      return name === 'sum' ? sumOfAll(tape, whole) : meanOfAll(tape, whole);
    }
    const over = typeof argument === 'string' ? this.run.times.get(argument) : undefined;
    if (over === undefined || (x instanceof Value && x.axes.some(({ dim }) => dim === over.name))) return undefined;
    const reduction = reductions[name];
    if (name !== 'softmax' && reduction === undefined) return undefined; // the axis is one of what is made
    const [value, axis] = this.sequence(x);
    if (axis !== over) throw new Error(`${name} over ${over.name} of a sequence over ${axis.name}`);
    if (name === 'softmax') return timing.mark(softmaxOver(tape, value, axis), axis);
    return reduction?.(tape, value, axis);
  }

  /** The tape is told where the next operation stands; it belongs to no step. */
  private enter(place: Span): void {
    this.run.tape.place = place;
    this.run.tape.step = 0;
  }

  private steps(operand: Operand | undefined): Value {
    const axis = typeof operand === 'string' ? this.run.times.get(operand) : undefined;
    if (axis === undefined) throw new Error(`${describe(operand)} names no time axis`);
    return new Value(axis.lengths.length, [], Float64Array.from(axis.lengths), false);
  }

  private sequence(operand: Operand | undefined): [Value, TimeAxis] {
    const value = toValue(operand);
    const axis = this.run.timing.axisOf([value]);
    if (axis === undefined) throw new Error(`${describe(operand)} is no sequence`);
    return [value, axis];
  }

  private contextOf(axis: TimeAxis | undefined): StepContext {
    const { tape, sizes, random } = this.run;
    const rows = axis ?? { sequences: this.batch, steps: this.batch.map(() => ALL) };
    const delayed = () => {
      throw new Error('a delay outside of a cell');
    };
    return { tape, sizes, random, steps: rows.steps, sequences: rows.sequences, delayed };
  }
}

function wholeNumber(operand: Operand | undefined): number {
  if (typeof operand === 'number' && Number.isInteger(operand)) return operand;
  throw new Error(`expected a whole number, found ${describe(operand)}`);
}
