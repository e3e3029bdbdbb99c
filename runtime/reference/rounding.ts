/** The reference in another arithmetic: what a number format makes of the same step. */
import { Tape, type Value } from './tape.js';

/** Smallest normal number of float32: adapters may take what is smaller for zero. */
const TINY = 2 ** -126;

/** Rounds every value and cotangent that it records, and partial sums. */
export class RoundingTape extends Tape {
  constructor(private readonly rounding: (value: number) => number) {
    super();
  }

  override rounded(sum: number): number {
    const value = this.rounding(sum);
    return Math.abs(value) < TINY ? 0 : value;
  }

  override record(output: Value, backward: (cotangent: Float64Array) => void): Value {
    this.round(output.data);
    return super.record(output, (cotangent) => {
      this.round(cotangent);
      backward(cotangent);
    });
  }

  private round(values: Float64Array): void {
    for (let i = 0; i < values.length; i++) values[i] = this.rounded(values[i] as number);
  }
}
