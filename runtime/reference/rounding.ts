/** The reference in another arithmetic: what a number format makes of the same step. */
import { Tape, type Value } from './tape.js';

/** Smallest normal number of float32: adapters may take what is smaller for zero. */
const TINY = 2 ** -126;

/** Rounds every value and cotangent that it records, and partial sums. */
export class RoundingTape extends Tape {
  /** Numbers rounded so far, and those of them that were not zero and became it. */
  rounds = 0;
  flushed = 0;

  constructor(private readonly rounding: (value: number) => number) {
    super();
  }

  override rounded(sum: number): number {
    const value = this.rounding(sum);
    this.rounds++;
    if (!(Math.abs(value) < TINY)) return value;
    if (sum !== 0) this.flushed++;
    return 0;
  }

  override record(...[output, sources, backward, held]: Parameters<Tape['record']>): Value {
    this.round(output.data);
    const rounded: typeof backward = (cotangent, gated) => {
      this.round(cotangent);
      backward(cotangent, gated);
    };
    return super.record(output, sources, rounded, held);
  }

  private round(values: Float64Array): void {
    for (let i = 0; i < values.length; i++) values[i] = this.rounded(values[i] as number);
  }
}
