import { describe, expect, it } from 'vitest';
import { type BenchReport, formatBench, measuredWith, milliseconds } from '../../bench/report.js';
import { resultOf } from './reports.js';

const timing = (median: number) => ({
  median,
  min: 0.9 * median,
  mean: 1.1 * median,
  deviation: median / 100,
  samples: 60,
  all: [],
});
const timed = (forwardMs: number, forwardBackwardMs: number) => ({
  forwardMs,
  forwardBackwardMs,
  timings: { forward: timing(forwardMs), forwardBackward: timing(forwardBackwardMs) },
});

const REPORT: BenchReport = {
  versions: { recurve: '1.2.3', webgpu: '0.6.2', node: '22.1.0' },
  commit: '0123456789ab-dirty',
  date: '2026-11-27T09:30:00.000Z',
  processor: 'a processor, 2 cores',
  adapter: { name: 'an adapter' } as BenchReport['adapter'],
  results: [
    resultOf({
      dims: { T: 64, B: 32, I: 128, H: 128 },
      ...timed(12.34, 123.4),
      peers: {
        'tfjs-webgpu': {
          ...timed(200, 1400),
          ratio: { forward: 16.2, forwardBackward: 11.3 },
          difference: 1e-6,
        },
      },
    }),
    resultOf({
      cell: 'mine',
      dims: { T: 3, B: 1, H: 5 },
      ...timed(0.5, 1),
      compileMs: 20,
      dispatches: { forward: 3, backward: 4 },
      gflops: { forward: 0.1, forwardBackward: 0.1 },
      peers: { 'tfjs-webgpu': { unavailable: 'Keras has no layer for the cell mine' } },
    }),
  ],
};

describe('formatBench', () => {
  it('aligns the columns, leaves out what a peer cannot do and says why', () => {
    expect(`\n${formatBench(REPORT)}\n`).toMatchInlineSnapshot(`
      "
      cell  dims                   strategy  pass                dispatches    ms     ±   min  runs  GFLOP/s  tfjs-webgpu ms  ratio
      lstm  T=64,B=32,I=128,H=128  stepwise  forward                     66  12.3  0.12  11.1    60     10.0             200  16.2x
                                             forward + backward     66 + 70   123  1.23   111    60      9.3            1400  11.3x
      mine  T=3,B=1,H=5            stepwise  forward                      3  0.50  0.01  0.45    60      0.1               -      -
                                             forward + backward       3 + 4  1.00  0.01  0.90    60      0.1               -      -
      mine: no tfjs-webgpu: Keras has no layer for the cell mine
      "
    `);
  });

  it('has a dash where a peer has no gradients, and a ratio of the digits that tell where it is faster', () => {
    const forward = timing(1.5);
    const peer = {
      forwardMs: 1.5,
      timings: { forward },
      ratio: { forward: 0.1216 },
      difference: 1e-7,
      note: 'it has no gradients',
    };
    const results = [resultOf({ ...timed(12.34, 123.4), peers: { onnxruntime: peer } })];
    const [, first, second, note] = formatBench({ ...REPORT, results }).split('\n');
    expect(first).toMatch(/ 1\.50 {2}0\.12x$/);
    expect(second).toMatch(/ - {6}-$/);
    expect(note).toBe('lstm: onnxruntime: it has no gradients');
  });

  it('has no peer columns where nobody is compared with', () => {
    const alone = { ...REPORT, results: REPORT.results.map((result) => ({ ...result, peers: {} })) };
    expect(formatBench(alone)).not.toContain('tfjs');
  });
});

describe('measuredWith', () => {
  it('names versions, adapter, and the commit where there is one', () => {
    expect(measuredWith(REPORT)).toBe('recurve 1.2.3 (0123456789ab-dirty), webgpu 0.6.2, Node 22.1.0, an adapter');
    expect(measuredWith({ ...REPORT, commit: undefined })).toBe('recurve 1.2.3, webgpu 0.6.2, Node 22.1.0, an adapter');
  });
});

describe('milliseconds', () => {
  it('keeps three digits', () => {
    expect([1234.5, 12.345, 1.2345, 0.012].map(milliseconds)).toEqual(['1235', '12.3', '1.23', '0.01']);
  });
});
