import { describe, expect, it } from 'vitest';
import { compareReports, formatComparison } from '../../bench/compare.js';
import { reportOf, resultOf, timed } from './reports.js';

/** The forward times that changed from one median to the other, each with its deviation. */
function changesBetween(before: readonly [number, number], now: readonly [number, number]): number {
  const report = ([median, deviation]: readonly [number, number]) =>
    reportOf([resultOf(timed(median, 100 * median, deviation * 100))].map((result) => withForward(result, median, deviation)));
  const { changes } = compareReports(report(before), report(now));
  return changes.filter(({ scope }) => scope === 'forward').length;
}

const withForward = (result: ReturnType<typeof resultOf>, median: number, deviation: number) => ({
  ...result,
  timings: { ...result.timings, forward: { ...result.timings.forward, median, deviation } },
});

describe('a time', () => {
  it('has changed where its median did by more than 5 % and three deviations', () => {
    expect(changesBetween([10, 0.1], [10.6, 0.1])).toBe(1);
    expect(changesBetween([10, 0.1], [9.4, 0.1])).toBe(1);
  });

  it('has not where that is 5 % or less, however little runs differ', () => {
    expect(changesBetween([10, 0], [10.5, 0])).toBe(0);
    expect(changesBetween([10, 0], [9.5, 0])).toBe(0);
  });

  it('has not within three times the deviation of either report', () => {
    expect(changesBetween([10, 1], [12.9, 0.1])).toBe(0);
    expect(changesBetween([10, 0.1], [12.9, 1])).toBe(0);
    expect(changesBetween([10, 1], [13.1, 0.1])).toBe(1);
  });
});

describe('compareReports', () => {
  const lstm = resultOf(timed(10, 30));
  const gru = resultOf({ cell: 'gru', ...timed(8, 20) });

  it('pairs results of one cell, options, dims and strategy, in whatever order, and counts the others', () => {
    const reordered = { ...lstm, dims: Object.fromEntries(Object.entries(lstm.dims).toReversed()) };
    const scan = { ...lstm, strategy: 'scan' };
    const longer = { ...lstm, dims: { ...lstm.dims, T: 128 } };
    const peephole = { ...lstm, options: { peepholes: true } };
    const compared = compareReports(reportOf([lstm, gru]), reportOf([scan, longer, peephole, reordered]));
    expect(compared).toMatchObject({ changes: [], unchanged: 2, added: 3, missing: 1 });
  });

  it('says what was measured otherwise', () => {
    const other = {
      adapter: { name: 'another adapter' } as never,
      versions: { recurve: '1.0.0', webgpu: '0.6.2', node: '20.0.0' },
    };
    expect(compareReports(reportOf([], other), reportOf([])).differs).toEqual(['adapter', 'node']);
    expect(compareReports(reportOf([]), reportOf([], { commit: 'another' })).differs).toEqual([]);
  });
});

describe('formatComparison', () => {
  it('counts, lists every change with both medians, and states the rule', () => {
    const before = reportOf([resultOf(), resultOf({ cell: 'gru' }), resultOf({ cell: 'rnn' })], { processor: 'an older one' });
    const now = reportOf([resultOf(timed(5, 30)), resultOf({ cell: 'gru', ...timed(10, 60) }), resultOf({ cell: 'indrnn' })]);
    expect(`\n${formatComparison(compareReports(before, now), 'old.json')}\n`).toMatchInlineSnapshot(`
      "
      Compared with old.json: 1 faster, 1 slower, 2 as before, 1 result not there before, 1 result not timed now
      lstm  T=64,B=1,I=8,H=8  stepwise  forward             10.0 ms  →  5.00 ms  0.50x
      gru   T=64,B=1,I=8,H=8  stepwise  forward + backward  30.0 ms  →  60.0 ms  2.00x
      That one was measured with another processor: recurve 1.2.3 (0123456789ab-dirty), webgpu 0.6.2, Node 22.1.0, an adapter.
      A change is one of the median by more than 3 times the larger median absolute deviation of the two, and by more than 5 %.
      "
    `);
  });

  it('says that nothing changed where nothing did', () => {
    const same = reportOf([resultOf()]);
    expect(formatComparison(compareReports(same, same), 'old.json').split('\n')[0]).toBe(
      'Compared with old.json: 0 faster, 0 slower, 2 as before',
    );
  });
});
