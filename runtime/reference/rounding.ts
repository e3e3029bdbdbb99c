/** The reference in another arithmetic: what a number format makes of the same step. */
import { Tape, type Value } from './tape.js';

/** Smallest normal number of float32: adapters may take what is smaller for zero. */
export const TINY = 2 ** -126;

/** Rounds every value and cotangent that it records, and partial sums. */
export class RoundingTape extends Tape {
  /** Numbers rounded so far, and those of them that were not zero and became it. */
  rounds = 0;
  flushed = 0;

  /**
   * @param reordered an addend to what a cotangent holds already, as another order of its sum may count it
   * @param smallest what is smaller is taken for zero
   */
  constructor(
    private readonly rounding: (value: number) => number,
    private readonly reordered?: (addend: number) => number,
    private readonly smallest = TINY,
  ) {
    super();
  }

  override rounded(sum: number): number {
    const value = this.rounding(sum);
    this.rounds++;
    if (!(Math.abs(value) < this.smallest)) return value;
    if (sum !== 0) this.flushed++;
    return 0;
  }

  override record(...[output, sources, backward, held]: Parameters<Tape['record']>): Value {
    this.round(output.data);
    const rounded: typeof backward = (cotangent, gated) => {
      this.round(cotangent);
      const sums = new Map(sources.map((source) => [source, this.reordered && source.gradient?.slice()]));
      backward(cotangent, gated);
      for (const [source, before] of sums) this.readd(source, before);
    };
    return super.record(output, sources, rounded, held);
  }

  /**
   * The tape adds to a cotangent use by use, from the last one back; kernels add in an order of their own. Terms that
   * cancel without a trace in one of the orders leave their rounding behind in another.
   */
  private readd({ gradient }: Value, before: Float64Array | undefined): void {
    if (gradient === undefined || before === undefined || this.reordered === undefined) return;
    for (let i = 0; i < gradient.length; i++) {
      const [sum, term] = [gradient[i] as number, before[i] as number];
      if (term !== 0 && sum !== term) gradient[i] = term + this.reordered(sum - term);
    }
  }

  private round(values: Float64Array): void {
    for (let i = 0; i < values.length; i++) values[i] = this.rounded(values[i] as number);
  }
}
