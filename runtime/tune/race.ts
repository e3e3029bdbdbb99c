/** Runs that take turns, until it is clear which is the fastest. */
import type { Loops } from './record.js';

export interface Entrant {
  readonly loops: Loops;
  /** One run, from submitting it until the device has finished. */
  run(): Promise<void>;
  /** Milliseconds of each timed run so far. */
  readonly samples: number[];
}

/** Rounds, and the milliseconds after which no further one begins. */
const LEAST_ROUNDS = 5;
const MOST_ROUNDS = 25;
const BUDGET = 4000;
/** After how many rounds those whose fastest run is so many times the fastest of all stay behind. */
type Drops = readonly { readonly after: number; readonly behind: number }[];
const DROPPED: Drops = [
  { after: 1, behind: 3 },
  { after: 3, behind: 1.5 },
  { after: 5, behind: 1.2 },
];

/**
 * @param dropped who stays behind when: nobody where the last few are to be told apart
 * @returns them all, the fastest by its median first; those that stayed behind by what they had
 */
export async function race<E extends Entrant>(entrants: readonly E[], dropped: Drops = DROPPED): Promise<E[]> {
  let running = [...entrants];
  for (const { run } of running) await run();
  const start = performance.now();
  for (let round = 1; round <= MOST_ROUNDS && entrants.length > 1; round++) {
    if (round > LEAST_ROUNDS && (running.length === 1 || performance.now() - start > BUDGET)) break;
    // Odd rounds go backwards, so that nobody always follows the same one.
    for (const entrant of round % 2 === 0 ? running : running.toReversed()) {
      const begin = performance.now();
      await entrant.run();
      entrant.samples.push(performance.now() - begin);
    }
    const best = Math.min(...running.map(least));
    const limit = Math.min(...dropped.map(({ after, behind }) => (round >= after ? behind : Number.POSITIVE_INFINITY)));
    running = running.filter((entrant) => least(entrant) <= limit * best);
  }
  // One that nobody is left to be compared with has not been timed, perhaps.
  for (const entrant of running.filter(({ samples }) => samples.length === 0)) {
    const begin = performance.now();
    await entrant.run();
    entrant.samples.push(performance.now() - begin);
  }
  const behind = entrants.filter((entrant) => !running.includes(entrant));
  const byMedian = (a: Entrant, b: Entrant) => median(a) - median(b);
  return [...running.sort(byMedian), ...behind.sort(byMedian)];
}

const least = ({ samples }: Entrant): number => Math.min(...samples);

export const median = ({ samples }: Entrant): number => samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? 0;
