/** How near to the roofline a run comes: of a plan that is small enough to be counted by hand. */
import { expect, it } from 'vitest';
import { reachOf } from '../../bench/roof.js';
import type { PassSpec, Plan } from '../../codegen/plan.js';
import { runningSumPlan } from '../execute/running-sum.js';
import { RATES } from '../roofline/rooflines.js';

const pass = (change: Partial<PassSpec>): PassSpec => ({
  name: 'a',
  kernel: 'k',
  region: 'before',
  direction: 'forward',
  strategy: 'parallel',
  workgroups: [10, 1, 1],
  dispatches: 1,
  bytesRead: 0,
  bytesWritten: 0,
  flops: 0,
  ...change,
});
const planOf = (...passes: PassSpec[]): Plan => ({ ...runningSumPlan({ T: 4, B: 1, H: 1 }), passes, forward: [], backward: [] });

it('adds up the passes of a run, of which packing weights is none', () => {
  const plan = planOf(
    pass({ flops: 100e6, bytesRead: 3e6, bytesWritten: 1e6 }),
    pass({ flops: 100e6, bytesRead: 30e6, bytesWritten: 6e6, direction: 'backward' }),
    pass({ region: 'pack', bytesRead: 1e9, flops: 1e9 }),
  );
  const found = reachOf(plan, RATES, 28);
  // 1 ms in registers, and 36 MB at 20 GB/s; products take 2 ms, and dispatches of ten workgroups 6 µs each; submitting takes 100.
  expect(found.roofMs).toBeCloseTo(2.8, 9);
  expect(found.predictedMs).toBeCloseTo(2 + 2 + 0.012 + 0.1, 9);
  expect(found.intensity).toBeCloseTo(5, 9);
  expect(found.share).toBeCloseTo(0.1, 9);
});

it('counts every segment of sequences that are cut, and none of them twice', () => {
  const whole = planOf(pass({ flops: 100e6, bytesRead: 4e6 }));
  const segments = { steps: 4, whole: 12, origin: { buffer: 'lengths', offset: 0 }, before: [], behind: [] };
  const found = reachOf({ ...whole, segments }, RATES, 30);
  expect(found.roofMs).toBeCloseTo(3, 9);
  expect(found.share).toBeCloseTo(0.1, 9);
  expect(found.intensity).toBe(25);
});
