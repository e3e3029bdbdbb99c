/** Two reports side by side: which times changed by more than runs of one report differ among themselves. */
import pc from 'picocolors';
import {
  alignColumns,
  type BenchReport,
  type BenchResult,
  type Change,
  type Colors,
  type Comparison,
  dimsText,
  measuredWith,
  milliseconds,
  SCOPES,
} from './report.js';

/** Runs of one report lie about as far from their median as its deviation: a change is further off than this many of the larger, */
const DEVIATIONS = 3;
/** and more than this share of what was: the speed of a machine drifts by some percent from one run of everything to the next. */
const SHARE = 0.05;

export const CHANGE_RULE = `A change is one of the median by more than ${DEVIATIONS} times the larger median absolute deviation of the two, and by more than ${100 * SHARE} %.`;

export function compareReports(before: BenchReport, now: BenchReport): Comparison {
  const earlier = new Map(before.results.map((result) => [keyOf(result), result]));
  const both = now.results.flatMap((result) => {
    const found = earlier.get(keyOf(result));
    return found === undefined ? [] : [{ result, found }];
  });
  const times = both.flatMap(({ result, found }) => SCOPES.map((scope) => changeOf(found, result, scope)));
  const changes = times.filter(isBeyondNoise);
  return {
    before: {
      versions: before.versions,
      commit: before.commit,
      date: before.date,
      processor: before.processor,
      adapter: before.adapter.name,
    },
    differs: differences(before, now),
    changes,
    unchanged: times.length - changes.length,
    added: now.results.length - both.length,
    missing: before.results.length - both.length,
  };
}

/** Where one report has a result twice, the last counts. */
function keyOf({ cell, options, dims, strategy }: BenchResult): string {
  const sorted = (record: Readonly<Record<string, unknown>>) => Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([cell, sorted(options), sorted(dims), strategy]);
}

function changeOf(before: BenchResult, now: BenchResult, scope: Change['scope']): Change {
  const { cell, options, dims, strategy } = now;
  const timing = ({ timings }: BenchResult) => ({ median: timings[scope].median, deviation: timings[scope].deviation });
  return { cell, options, dims, strategy, scope, before: timing(before), now: timing(now) };
}

function isBeyondNoise({ before, now }: Change): boolean {
  const change = Math.abs(now.median - before.median);
  return change > DEVIATIONS * Math.max(before.deviation, now.deviation) && change > SHARE * before.median;
}

function differences(before: BenchReport, now: BenchReport): string[] {
  const pairs = {
    adapter: [before.adapter.name, now.adapter.name],
    processor: [before.processor, now.processor],
    webgpu: [before.versions.webgpu, now.versions.webgpu],
    node: [before.versions.node, now.versions.node],
  };
  return Object.entries(pairs).flatMap(([name, [old, current]]) => (old === current ? [] : [name]));
}

/** What was found in words, and a row for every change. */
export function formatComparison(comparison: Comparison, name: string, colors: Colors = pc.createColors(false)): string {
  const { changes, differs, before } = comparison;
  const rows = alignColumns(changes.map(changeRow), 4);
  return [
    colors.bold(`Compared with ${name}: ${countsText(comparison)}`),
    ...rows.map((row, at) => ((changes[at] && isFaster(changes[at])) === true ? colors.green(row) : colors.red(row))),
    ...(differs.length === 0
      ? []
      : [`That one was measured with another ${differs.join(', another ')}: ${measuredWith(before)}.`]),
    colors.dim(CHANGE_RULE),
  ].join('\n');
}

/** `2 faster, 1 slower, 9 as before`. */
export function countsText({ changes, unchanged, added, missing }: Comparison): string {
  const faster = changes.filter(isFaster).length;
  const counts: readonly (readonly [number, string])[] = [
    [faster, 'faster'],
    [changes.length - faster, 'slower'],
    [unchanged, 'as before'],
  ];
  const results = (count: number) => (count === 1 ? 'result' : 'results');
  return [
    ...counts.map(([count, what]) => `${count} ${what}`),
    ...(added === 0 ? [] : [`${added} ${results(added)} not there before`]),
    ...(missing === 0 ? [] : [`${missing} ${results(missing)} not timed now`]),
  ].join(', ');
}

export const isFaster = ({ before, now }: Change): boolean => now.median < before.median;

/** What was timed, both times, and the new over the old. */
export function changeRow(change: Change): string[] {
  const { cell, dims, strategy, scope, before, now } = change;
  return [
    cell,
    dimsText(dims),
    strategy,
    scope === 'forward' ? 'forward' : 'forward + backward',
    `${milliseconds(before.median)} ms`,
    '→',
    `${milliseconds(now.median)} ms`,
    `${(now.median / before.median).toFixed(2)}x`,
  ];
}
