/** Predictions of plans that are small enough to be predicted by hand, on a machine of round numbers. */
import { expect, it } from 'vitest';
import type { PassSpec, Plan, ScheduleItem } from '../../codegen/plan.js';
import { intensityOf, predict } from '../../runtime/roofline/index.js';
import { runningSumPlan } from '../execute/running-sum.js';
import { exactly, RATES } from './rooflines.js';

const PASS: PassSpec = {
  name: 'a',
  kernel: 'k',
  region: 'before',
  direction: 'forward',
  strategy: 'parallel',
  workgroups: [10, 2, 1],
  dispatches: 1,
  bytesRead: 0,
  bytesWritten: 0,
  flops: 0,
};

const planOf = (
  pass: Partial<PassSpec>,
  { wgsl = '', forward = [] }: { wgsl?: string; forward?: ScheduleItem[] } = {},
): Plan => ({
  ...runningSumPlan({ T: 4, B: 1, H: 1 }),
  kernels: [{ name: 'k', wgsl, entryPoint: 'main', bindings: [], usesTime: false }],
  passes: [{ ...PASS, ...pass }],
  forward,
  backward: [],
});
const loop = (steps: number, more: object = {}): ScheduleItem => ({
  kind: 'loop',
  from: 0,
  to: steps,
  by: 1,
  passes: ['a'],
  ...more,
});
const predicted = (...given: Parameters<typeof planOf>) => {
  const [found] = predict(planOf(...given), RATES);
  if (found === undefined) throw new Error('nothing was predicted');
  return found;
};

it('what computes much takes its operations at the rate of products, and its dispatch', () => {
  const found = predicted({ flops: 100e6, bytesRead: 6e6, bytesWritten: 2e6 });
  // 100 M at 50 G/s; 8 MB, of no cache, at 20 GB/s; 5 µs and 20 workgroups of 0.1 µs.
  expect(found.parts).toEqual({ compute: 2, memory: 0.4, dispatch: expect.closeTo(0.007), barrier: 0 });
  expect(found.ms).toBeCloseTo(2.007);
  expect(found.bound).toBe('compute');
  expect(found.intensity).toBe(12.5);
  // In registers it would have been half of that.
  expect(found.roofMs).toBe(1);
});

it('what moves much takes its bytes at the rate of memory', () => {
  const found = predicted({ flops: 1e6, bytesRead: 30e6, bytesWritten: 10e6 });
  expect(found).toMatchObject({ parts: { memory: 2 }, bound: 'memory', roofMs: 2, intensity: 0.025 });
  expect(found.ms).toBeCloseTo(2.007);
});

it('what fits a cache at every step comes from there, whichever way its loop runs', () => {
  const bytes = { bytesRead: 60_000, bytesWritten: 40_000 };
  // 100 kB of each step, or all at once, at 40 GB/s; 1 kB of each of a hundred steps at 80.
  expect(predicted(bytes).parts.memory).toBeCloseTo(0.0025, 7);
  const stepwise = { ...bytes, region: 'loop', strategy: 'stepwise', dispatches: 100 } as const;
  expect(predicted(stepwise, { forward: [loop(100)] }).parts.memory).toBeCloseTo(0.00125, 7);
  const thread = { ...bytes, region: 'loop', strategy: 'thread' } as const;
  expect(predicted(thread, { forward: [loop(100, { steps: 100 })] }).parts.memory).toBeCloseTo(0.00125, 7);
  // The stretches of a scan lie side by side: all of it is touched at once.
  const scan = { ...bytes, region: 'loop', strategy: 'scan' } as const;
  expect(predicted(scan, { forward: [loop(100, { steps: 100 })] }).parts.memory).toBeCloseTo(0.0025, 7);
});

it('small steps take their dispatches, each with its workgroups', () => {
  const stepwise = { region: 'loop', strategy: 'stepwise', dispatches: 64, flops: 64_000, workgroups: [3, 1, 1] } as const;
  const found = predicted(stepwise, { forward: [loop(64)] });
  expect(found.parts.dispatch).toBeCloseTo(64 * 0.0053, 7);
  expect(found.bound).toBe('dispatch');
});

it('a resident loop waits at each of its barriers at every step, and as often as the machine is full before all had their turn', () => {
  const resident = { region: 'loop', strategy: 'resident', workgroups: [1, 1, 1] } as const;
  const wgsl = 'phase0();\nstorageBarrier();\nphase1();\nstorageBarrier();';
  const forward = [loop(1000, { steps: 1000 })];
  const found = predicted(resident, { wgsl, forward });
  expect(found.parts.barrier).toBeCloseTo(1);
  expect(found.bound).toBe('barrier');
  expect(found.ms).toBeCloseTo(1.0051);
  // Ten at once: eleven take as long as twenty.
  const many = (count: number) => predicted({ ...resident, workgroups: [count, 1, 1] }, { wgsl, forward }).parts.barrier;
  expect([many(10), many(11), many(20), many(21)].map(Math.round)).toEqual([1, 2, 2, 3]);
  // A loop of another kind has none, whatever its text says.
  expect(predicted({ ...resident, strategy: 'thread' }, { wgsl, forward }).parts.barrier).toBe(0);
});

it('few workgroups have only their part of the machine', () => {
  const of = (workgroups: PassSpec['workgroups']) => predicted({ flops: 50e6, bytesRead: 8e6, workgroups });
  // One has a tenth of the arithmetic, and of memory too.
  expect(of([1, 1, 1]).parts).toMatchObject({ compute: expect.closeTo(10), memory: expect.closeTo(4) });
  expect(of([5, 1, 1]).parts).toMatchObject({ compute: expect.closeTo(2), memory: expect.closeTo(0.8) });
  expect(of([5, 4, 1]).parts).toMatchObject({ compute: 1, memory: 0.4 });
  // The roof is the whole machine's.
  expect(of([1, 1, 1]).roofMs).toBe(0.5);
});

it('a pass that does nothing has no intensity, and one that moves nothing neither', () => {
  expect(intensityOf(PASS)).toBe(0);
  expect(intensityOf({ ...PASS, flops: 8 })).toBe(0);
  expect(predicted({}).ms).toBeCloseTo(0.007, 7);
});

it('a machine whose one workgroup is as fast as all is full with each', () => {
  const rates = { ...RATES, fmaAlone: exactly(120) };
  const [found] = predict(planOf({ flops: 50e6, workgroups: [1, 1, 1] }), rates);
  expect(found?.parts.compute).toBe(1);
});
