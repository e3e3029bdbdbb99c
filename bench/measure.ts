/** Times runs that take turns, so that a machine that slows down or heats up does so for everyone. */
import { Bench } from 'tinybench';

export interface Contender {
  readonly name: string;
  /** One run, from submitting it until the device has finished. */
  run(): Promise<void>;
  /** What the last run took in milliseconds, where something nearer to it has measured that. */
  lastMs?(): number | undefined;
}

/** All in milliseconds. */
export interface Timing {
  readonly median: number;
  readonly min: number;
  readonly mean: number;
  /** Median absolute deviation. */
  readonly deviation: number;
  readonly samples: number;
  /** Each of them, in the order in which they were taken. */
  readonly all: readonly number[];
}

export interface Effort {
  /** Untimed runs of everyone first: drivers compile at the first dispatch, and memory pools fill. */
  readonly warmups: number;
  /** Timed rounds are at least this many, */
  readonly minRounds: number;
  /** at most this many, */
  readonly maxRounds: number;
  /** and otherwise as many as fit, in milliseconds. */
  readonly budget: number;
}

export const DEFAULT_EFFORT: Effort = { warmups: 2, minRounds: 7, maxRounds: 60, budget: 6000 };
/** For many shapes in a few minutes. */
export const SWEEP_EFFORT: Effort = { warmups: 1, minRounds: 5, maxRounds: 30, budget: 1000 };

/**
 * Times every contender once a round, in turn; odd rounds go backwards, so that nobody always follows the same one.
 * Nothing else runs meanwhile: a wait for the device keeps Node's main thread.
 *
 * @param onRound called between rounds with the share of the work that is done, 0 to 1
 */
export async function measureInTurns(
  contenders: readonly Contender[],
  effort: Effort = DEFAULT_EFFORT,
  onRound: (share: number) => void = () => {},
): Promise<Timing[]> {
  for (let i = 0; i < effort.warmups; i++) {
    for (const contender of contenders) await contender.run();
  }
  const samples: number[][] = contenders.map(() => []);
  const start = performance.now();
  for (let round = 0; round < effort.maxRounds; round++) {
    const spent = performance.now() - start;
    if (round >= effort.minRounds && spent > effort.budget) break;
    onRound(Math.max(round / effort.maxRounds, Math.min(round / effort.minRounds, spent / effort.budget)));
    const order = contenders.map((_, index) => (round % 2 === 0 ? index : contenders.length - 1 - index));
    for (const index of order) {
      const begin = performance.now();
      await contenders[index]?.run();
      const taken = performance.now() - begin;
      samples[index]?.push(contenders[index]?.lastMs?.() ?? taken);
    }
  }
  return samples.map(summarize);
}

/**
 * Statistics of at least one duration, in milliseconds.
 * Tinybench computes them; its own loop would run one contender after the other.
 */
export function summarize(samples: readonly number[]): Timing {
  const bench = new Bench({ iterations: samples.length, time: 0, warmup: false });
  let next = 0;
  bench.add('samples', () => ({ overriddenDuration: samples[next++] }), { async: false });
  const { result } = bench.runSync()[0] ?? {};
  if (!result || !('latency' in result)) throw new Error('no statistics of no samples');
  const { p50, min, mean, mad, samplesCount } = result.latency;
  // The clock has microseconds.
  const all = samples.map((sample) => Math.round(1000 * sample) / 1000);
  return { median: p50, min, mean, deviation: mad, samples: samplesCount, all };
}
