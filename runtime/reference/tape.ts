/**
 * Values of the reference and the tape that remembers how they were made.
 *
 * A value is float64, over the sequences that are still running (rows) and over units. A parameter has one row,
 * a scalar has no units; both broadcast. The tape is walked backwards once, after the last time step.
 */

/** Per-sequence, per-unit values: `[rows, units]`, or `[rows]` when `units` is undefined. */
export class Value {
  gradient: Float64Array | undefined;

  constructor(
    readonly rows: number,
    readonly units: number | undefined,
    readonly data: Float64Array,
    /** Whether a cotangent can flow into it. */
    readonly tracked: boolean,
  ) {}

  get columns(): number {
    return this.units ?? 1;
  }

  /** The cotangent so far, zeros at first; callers add to it. */
  cotangent(): Float64Array {
    this.gradient ??= new Float64Array(this.data.length);
    return this.gradient;
  }
}

/** A matrix parameter `[rows, columns]`; only `matvec` reads it. */
export class Matrix {
  gradient: Float64Array | undefined;

  constructor(
    readonly rows: number,
    readonly columns: number,
    readonly data: Float64Array,
    readonly tracked: boolean,
  ) {}

  cotangent(): Float64Array {
    this.gradient ??= new Float64Array(this.data.length);
    return this.gradient;
  }
}

export function constant(value: number): Value {
  return new Value(1, undefined, Float64Array.of(value), false);
}

interface Entry {
  readonly output: Value;
  /** Adds the output's cotangent, taken back through the operation, to the cotangents of its inputs. */
  readonly backward: (cotangent: Float64Array) => void;
}

export class Tape {
  private readonly entries: Entry[] = [];

  /** Remembers `output`; an untracked one is not worth remembering. */
  record(output: Value, backward: (cotangent: Float64Array) => void): Value {
    if (output.tracked) this.entries.push({ output, backward });
    return output;
  }

  /** Walks back from the newest entry. Call once, after the cotangents of the results were added to them. */
  backward(): void {
    for (let entry = this.entries.pop(); entry !== undefined; entry = this.entries.pop()) {
      const { gradient } = entry.output;
      if (gradient === undefined) continue;
      entry.backward(gradient);
      // Every later use was handled before this one, so the cotangent is complete and no longer needed.
      entry.output.gradient = undefined;
    }
  }
}
