/** Reports for tests, as `runBench` would give them. */
import type { BenchReport, BenchResult } from '../../bench/report.js';

export const timing = (median: number, deviation = median / 100) => ({
  median,
  min: 0.9 * median,
  mean: 1.1 * median,
  deviation,
  samples: 3,
  all: [0.9 * median, median, 1.4 * median],
});

/** Medians, in milliseconds, with a deviation for both. */
export const timed = (forwardMs: number, forwardBackwardMs: number, deviation?: number) => ({
  forwardMs,
  forwardBackwardMs,
  timings: { forward: timing(forwardMs, deviation), forwardBackward: timing(forwardBackwardMs, deviation) },
});

export const resultOf = (given: Partial<BenchResult> = {}): BenchResult => ({
  cell: 'lstm',
  options: {},
  strategy: 'stepwise',
  loops: { forward_loop: 'stepwise', backward_loop: 'stepwise' },
  chosen: true,
  bytes: 1024,
  dims: { T: 64, B: 1, I: 8, H: 8 },
  ...timed(10, 30),
  compileMs: 50,
  dispatches: { forward: 66, backward: 70 },
  gflops: { forward: 10, forwardBackward: 9.25 },
  peers: {},
  ...given,
});

export const reportOf = (results: readonly BenchResult[], given: Partial<BenchReport> = {}): BenchReport => ({
  versions: { recurve: '1.2.3', webgpu: '0.6.2', node: '22.1.0' },
  commit: '0123456789ab-dirty',
  date: '2026-11-27T09:30:00.000Z',
  processor: 'a processor, 2 cores',
  adapter: { name: 'an adapter' } as BenchReport['adapter'],
  results,
  ...given,
});
