/**
 * Values of the reference and the tape that remembers how they were made.
 *
 * A value is float64, over the sequences that are still running (rows) and, within a row, over its axes, the last
 * one innermost. A parameter has one row, a scalar has no axes; both broadcast. The tape is walked backwards once,
 * after the last time step.
 */

import type { Span } from '../../codegen/frontend/tree.js';
import type { Operation } from './operations.js';

/** One axis of a value: the dim it stands for and its size. */
export interface Axis {
  readonly dim: string;
  readonly size: number;
}

/** Where the elements of a value are in the parameter that it was cut from or turned around. */
export interface Layout {
  readonly offset: number;
  /** One for each axis of the value. */
  readonly strides: readonly number[];
  /** Size of the parameter's last axis. */
  readonly width: number;
}

/** Numbers for every sequence: `[rows, ...axes]`. */
export class Value {
  gradient: Float64Array | undefined;
  /** Whether zeros of its cotangent may stand for branches that were not taken; see `Tape.spreadGates`. */
  gated = false;
  /** Elements of one row. */
  readonly columns: number;

  constructor(
    readonly rows: number,
    readonly axes: readonly Axis[],
    readonly data: Float64Array,
    /** Whether a cotangent can flow into it. */
    readonly tracked: boolean,
    private readonly cutFrom?: Layout,
  ) {
    this.columns = count(axes);
    if (data.length !== rows * this.columns) throw new Error(`${data.length} numbers for ${rows} rows of ${this}`);
  }

  /** Where its elements are in the parameter it comes from; in itself where it comes from none. */
  get layout(): Layout {
    return this.cutFrom ?? contiguous(this.axes);
  }

  /** The cotangent so far, zeros at first; callers add to it. */
  cotangent(): Float64Array {
    this.gradient ??= new Float64Array(this.data.length);
    return this.gradient;
  }

  /** Adds to the cotangent, if it has one. */
  add(cotangent: Float64Array): void {
    if (!this.tracked) return;
    const gradient = this.cotangent();
    for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] as number) + (cotangent[i] as number);
  }

  toString(): string {
    return `[${this.axes.map(({ dim, size }) => `${dim}=${size}`).join(', ')}]`;
  }
}

export function constant(value: number): Value {
  return new Value(1, [], Float64Array.of(value), false);
}

/** Elements over some axes. */
export function count(axes: readonly Axis[]): number {
  let product = 1;
  for (const { size } of axes) product *= size;
  return product;
}

/** A dim has one size in a run, so names are all there is to compare. */
export function sameAxes(a: readonly Axis[], b: readonly Axis[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let position = 0; position < a.length; position++) {
    if (a[position]?.dim !== b[position]?.dim) return false;
  }
  return true;
}

/** Rows of what is made of some values: one row stands for any number of them, also for none. */
export function commonRows(values: readonly Value[]): number {
  let rows = 1;
  for (const value of values) {
    if (value.rows === 1 || value.rows === rows) continue;
    if (rows !== 1) throw new Error(`values of ${value.rows} and ${rows} rows do not broadcast`);
    rows = value.rows;
  }
  return rows;
}

/** From one row to the next; 0 where one row stands for all. */
export function rowStride(value: Value): number {
  return value.rows === 1 ? 0 : value.columns;
}

function contiguous(axes: readonly Axis[]): Layout {
  const strides = axes.map((_, position) => count(axes.slice(position + 1)));
  return { offset: 0, strides, width: axes.at(-1)?.size ?? 1 };
}

/**
 * Adds the output's cotangent, taken back through the operation, to the cotangents of its inputs. Where the output is
 * `gated`, an element that is exactly zero adds exactly zero, whatever the slope: infinite and NaN slopes are what
 * branches guard against.
 */
type Backward = (cotangent: Float64Array, gated: boolean) => void;

interface Entry {
  readonly output: Value;
  readonly sources: readonly Value[];
  readonly held: readonly Value[];
  readonly backward: Backward;
}

export class Tape {
  /** The expression that is being evaluated, and the time step: where what is recorded next comes from. */
  place: Span | undefined;
  step = 0;
  private readonly entries: Entry[] = [];
  /** Values whose cotangents somebody asks for after the walk back. */
  private readonly watched = new Set<Value>();

  /**
   * Remembers `output` and what it was made of; an untracked one is not worth remembering. The operation holds the
   * cotangent back from some elements of those in `held`: branches not taken, elements not read.
   */
  record(output: Value, sources: readonly Value[], backward: Backward, held: readonly Value[] = []): Value {
    if (output.tracked) this.entries.push({ output, sources, held, backward });
    return output;
  }

  /** Keeps a value's cotangent when the tape is walked back. */
  watch(value: Value): void {
    this.watched.add(value);
  }

  /** Told of every per-unit operation, after its result was recorded. */
  applied(_operation: Operation, _args: readonly Value[], _output: Value): void {}

  /** A partial sum: a tape of another arithmetic rounds it. */
  rounded(sum: number): number {
    return sum;
  }

  /** Marks as gated what lies behind a held cotangent, or behind what is marked already. Call before `backward`. */
  spreadGates(): void {
    for (const { output, sources, held } of this.entries.toReversed()) {
      for (const source of output.gated ? sources : held) source.gated = true;
    }
  }

  /** Walks back from the newest entry. Call once, after the cotangents of the results were added to them. */
  backward(): void {
    for (let entry = this.entries.pop(); entry !== undefined; entry = this.entries.pop()) {
      const { gradient } = entry.output;
      if (gradient === undefined) continue;
      entry.backward(gradient, entry.output.gated);
      // Every later use was handled before this one, so the cotangent is complete and no longer needed.
      if (!this.watched.has(entry.output)) entry.output.gradient = undefined;
    }
  }
}
