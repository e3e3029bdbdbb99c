import { describe, expect, it } from 'vitest';
import { compareReports } from '../../bench/compare.js';
import { benchPage } from '../../cli/bench-page.js';
import { roofAt } from '../../cli/plots/roofline.js';
import { scalingsOf } from '../../cli/plots/scaling.js';
import { reportOf, resultOf, timed } from '../bench/reports.js';
import { recordWith } from '../roofline/rooflines.js';

const shape = (T: number, B: number, width: number, strategy = 'stepwise') =>
  resultOf({ dims: { T, B, I: width, H: width }, strategy, ...timed(T, 3 * T) });
const BASE = shape(64, 1, 8);
const SWEPT = [BASE, shape(256, 1, 8), shape(16, 1, 8), shape(64, 4, 8), shape(64, 1, 16)];

describe('scalingsOf', () => {
  it('makes a curve of all that differs from the first shape in the same dims, in the order of their size', () => {
    const found = scalingsOf(SWEPT).map(({ grows, fixed, points }) => ({ grows, fixed, sizes: points.map(({ size }) => size) }));
    expect(found).toEqual([
      { grows: 'T', fixed: 'B=1, I=8, H=8', sizes: [16, 16, 64, 64, 256, 256] },
      { grows: 'B', fixed: 'T=64, I=8, H=8', sizes: [1, 1, 4, 4] },
      { grows: 'I = H', fixed: 'T=64, B=1', sizes: [8, 8, 16, 16] },
    ]);
  });

  it('keeps strategies and passes apart, with what lies around each median', () => {
    const [{ points } = { points: [] }] = scalingsOf([BASE, { ...BASE, strategy: 'resident', chosen: false }, shape(256, 1, 8)]);
    expect(points).toHaveLength(6);
    expect(points[2]).toMatchObject({ size: 64, strategy: 'resident', scope: 'forward', median: 64, chosen: false });
    expect(points[0]?.low).toBeCloseTo(57.6);
    expect(points[0]?.high).toBeCloseTo(64.64);
  });

  it('makes none of shapes that have nothing to do with each other, or of one', () => {
    expect(scalingsOf([BASE, shape(64, 32, 128)])).toEqual([]);
    expect(scalingsOf([BASE])).toEqual([]);
    expect(scalingsOf([])).toEqual([]);
  });
});

describe('the page of a report', () => {
  const peer = { ...timed(128, 1920), ratio: { forward: 2, forwardBackward: 10 }, note: 'it runs <otherwise>' };
  const results = [{ ...BASE, peers: { 'tfjs-webgpu': peer } }, ...SWEPT.slice(1)];
  const pictures = (page: string) => page.match(/<svg/g)?.length ?? 0;

  it('has a curve for what grew, shares, ratios and every number, and asks nothing of the network', async () => {
    const page = await benchPage(reportOf(results));
    expect(pictures(page)).toBe(5);
    expect(page).toContain('over I = H (T=64, B=1)');
    expect(page).toContain('10.0x: 1920 to 192 ms');
    expect(page).toContain('64.0 of 192 ms');
    expect(page).toContain('recurve 1.2.3 (0123456789ab-dirty)');
    expect(page).toMatch(/lstm +T=64,B=4,I=8,H=8 +stepwise +forward/);
    expect(page).not.toMatch(/<script|<link|<img|src=|url\(http|@import/);
  });

  it('shows a peer that has no gradients forward alone', async () => {
    const { forwardMs, timings } = timed(8, 1);
    const alone = { forwardMs, timings: { forward: timings.forward }, ratio: { forward: 0.125 }, note: 'it has no gradients' };
    const page = await benchPage(reportOf([{ ...BASE, peers: { onnxruntime: alone } }]));
    expect(page).toContain('0.13x: 8.00 to 64.0 ms');
    expect(page).toContain('<li>lstm: it has no gradients</li>');
    expect(page).not.toMatch(/stepwise, forward \+ backward/);
  });

  it('shows what it was given as text', async () => {
    const page = await benchPage(reportOf([...results, resultOf({ cell: '<script>alert(1)</script>' })]));
    expect(page).not.toContain('<script>');
    expect(page).toContain('<li>lstm: it runs &lt;otherwise&gt;</li>');
  });

  it('shows how near to the roofline the chosen ways come, where the machine was measured', async () => {
    const reach = { intensity: 4, roofMs: 24, predictedMs: 96, share: 0.125 };
    const reached = { ...BASE, reach: { forward: reach, forwardBackward: reach } };
    const other = { ...reached, strategy: 'resident', chosen: false };
    const page = await benchPage(reportOf([reached, other], { roofline: recordWith() }));
    expect(pictures(page)).toBe(3);
    expect(page).toContain('<h2>Share of the roofline</h2>');
    expect(page).toContain('100 GFLOP/s in registers, 20.0 GB/s of memory');
    // The other way is in the table alone.
    expect(page.match(/12\.5 %: at least 24\.0, predicted 96\.0, took 192 ms/g)).toHaveLength(1);
    expect(page).toMatch(/lstm +T=64,B=1,I=8,H=8 +resident .* 12\.5 %/);
    expect(await benchPage(reportOf([BASE]))).not.toMatch(/roofline|of the roof/);
  });

  it('has a roof that is memory up to where it is arithmetic', () => {
    expect([0.5, 2, 5, 5000].map((intensity) => roofAt(intensity, 100, 20))).toEqual([10, 40, 100, 100]);
  });

  it('leaves out what there is nothing to show of', async () => {
    const page = await benchPage(reportOf([BASE, shape(64, 32, 128)]));
    expect(pictures(page)).toBe(1);
    expect(page).not.toMatch(/How times grow|Beside others|What changed/);
    expect(page).toContain('T=64,B=32,I=128,H=128');
  });

  it('says what changed since another', async () => {
    const now = reportOf(results.map((result) => ({ ...result, ...timed(result.forwardMs / 2, result.forwardBackwardMs * 2) })));
    const page = await benchPage({ ...now, comparison: compareReports(reportOf(results), now) });
    expect(page).toContain('5 faster, 5 slower, 0 as before');
    expect([page.match(/<tr class="faster"/g)?.length, page.match(/<tr class="slower"/g)?.length]).toEqual([5, 5]);
  });
});
