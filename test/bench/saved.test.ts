import { describe, expect, it } from 'vitest';
import { readReport } from '../../bench/saved.js';
import { reportOf, resultOf } from './reports.js';

const REPORT = reportOf([resultOf(), resultOf({ cell: 'gru' })]);

describe('readReport', () => {
  it('gives back what was written', () => {
    expect(readReport(JSON.stringify(REPORT))).toEqual(REPORT);
  });

  it('takes a report of a version that kept no samples, date or processor', () => {
    const { date: _, processor: __, ...older } = REPORT;
    const results = REPORT.results.map((result) => {
      const { all: ___, ...forward } = result.timings.forward;
      return { ...result, timings: { ...result.timings, forward } };
    });
    expect(readReport(JSON.stringify({ ...older, results }))).toMatchObject({ results: [{ cell: 'lstm' }, { cell: 'gru' }] });
  });

  const broken = (change: Record<string, unknown>) => JSON.stringify({ ...REPORT, ...change });
  const result = (change: Record<string, unknown>) => broken({ results: [resultOf(), { ...resultOf(), ...change }] });

  it.each([
    ['nothing', '', 'is not JSON'],
    ['a list', '[]', 'it is no object'],
    ['what another program measured', '{"results": []}', 'it names no versions'],
    ['versions without one of ours', broken({ versions: { recurve: '1.0.0' } }), 'it names no versions'],
    ['no adapter', broken({ adapter: 'an adapter' }), 'it names no adapter'],
    ['no results', broken({ results: {} }), 'it has no results'],
    ['a commit that is a number', broken({ commit: 7 }), 'its commit is no text'],
    ['a result that is null', broken({ results: [null] }), 'results[0] is no object'],
    ['a result without a cell', result({ cell: 7 }), 'results[1] names no cell'],
    ['a result without a strategy', result({ strategy: undefined }), 'results[1] names no strategy'],
    ['sizes that are text', result({ dims: { T: '64' } }), 'results[1] has no dims'],
    ['a result without options', result({ options: [] }), 'results[1] has no options'],
    [
      'medians without deviation',
      result({ timings: { forward: { median: 1 } } }),
      'results[1] has no median and deviation of forward',
    ],
    ['times below 0', result({ timings: { forward: { median: -1, deviation: 0 } } }), 'no median and deviation of forward'],
  ])('says what is wrong with %s', (_, text, reason) => {
    expect(readReport(text)).toEqual(expect.stringContaining(reason));
  });
});
