/** The page of `recurve bench --report`: pictures of what one report holds, and all of its numbers. */
import { CHANGE_RULE, changeRow, countsText, isFaster } from '../bench/compare.js';
import {
  type BenchReport,
  type BenchResult,
  dimsText,
  formatBench,
  measuredWith,
  milliseconds,
  ratioText,
  SCOPES,
} from '../bench/report.js';
import { LOOP_STRATEGIES } from '../codegen/plan.js';
import { type Bar, ratiosPicture, sharesPicture } from './plots/bars.js';
import { documentOf, escaped, PAGE_TITLE } from './plots/page.js';
import { type Reached, rooflinePicture } from './plots/roofline.js';
import { isOnCurve, scalingPicture, scalingsOf } from './plots/scaling.js';

/** Tableau 10. */
const PALETTE = ['#4c78a8', '#f58518', '#54a24b', '#e45756', '#b279a2', '#9d755d', '#72b7b2', '#eeca3b', '#ff9da6', '#bab0ac'];
const PARTS = new Map([
  ['forward', '#4c78a8'],
  ['backward', '#f58518'],
  ['forward + backward', '#54a24b'],
]);

const STYLE = [
  'body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 74rem; padding: 0 1rem; color: #222 }',
  'h2 { margin-top: 2.5rem } .row { display: flex; flex-wrap: wrap; gap: 0.5rem } svg { max-width: 100%; height: auto }',
  'pre { overflow-x: auto; font-size: 12px } .key i { display: inline-block; width: 1.6em; height: 3px; vertical-align: middle }',
  '.key span { margin-right: 1.2em; white-space: nowrap } .faster { color: #15803d } .slower { color: #b91c1c }',
  'table { border-collapse: collapse } td { padding: 0.1rem 0.8rem 0.1rem 0 } p { max-width: 52rem }',
].join('\n');

export async function benchPage(report: BenchReport): Promise<string> {
  const colors = strategyColors(report.results);
  const cells = cellsOf(report.results);
  const curves = await Promise.all(cells.map((results) => curvesSection(results, colors)));
  return documentOf(PAGE_TITLE, STYLE, [
    `<p>${escaped(`Measured ${report.date} with ${measuredWith(report)}, on ${report.processor}.`)}</p>`,
    comparisonSection(report),
    curves.some((section) => section !== '') ? `<h2>How times grow</h2>\n${keyText(colors)}` : '',
    ...curves,
    await sharesSection(cells),
    await rooflineSection(report),
    await ratiosSection(report.results),
    `<h2>All numbers</h2>\n<p>Medians; ± is the median absolute deviation. <code>report.json</code> has every sample.</p>`,
    `<details><summary>${report.results.length} results</summary><pre>${escaped(formatBench(report))}</pre></details>`,
  ]);
}

/** By cell and options. */
function cellsOf(results: readonly BenchResult[]): BenchResult[][] {
  const cells = new Map<string, BenchResult[]>();
  for (const result of results) {
    const key = JSON.stringify([result.cell, result.options]);
    cells.set(key, [...(cells.get(key) ?? []), result]);
  }
  return [...cells.values()];
}

function strategyColors(results: readonly BenchResult[]): ReadonlyMap<string, string> {
  const found = new Set(results.map(({ strategy }) => strategy));
  const names = [...LOOP_STRATEGIES, ...[...found].filter((name) => !LOOP_STRATEGIES.some((known) => known === name))];
  // A strategy has its colour in every report, whichever others are in it.
  return new Map(names.flatMap((name, at) => (found.has(name) ? [[name, PALETTE[at % PALETTE.length] ?? '#000']] : [])));
}

function keyText(colors: ReadonlyMap<string, string>): string {
  const keys = [...colors].map(([name, color]) => `<span><i style="background: ${color}"></i> ${escaped(name)}</span>`);
  const words =
    'Solid: forward and backward. Dashed: forward alone, of a plan that keeps nothing for going back. Bars reach from the least to the median and its deviation; a full circle is what the compiler takes by itself.';
  return `<p class="key">${keys.join('\n')}</p>\n<p>${words} What is timed is one run on data that are on the device already, from submitting it until the device has finished; compilation is apart.</p>`;
}

async function curvesSection(results: readonly BenchResult[], colors: ReadonlyMap<string, string>): Promise<string> {
  const pictures = await Promise.all(scalingsOf(results).map((scaling) => scalingPicture(scaling, colors)));
  const name = results[0]?.cell ?? '';
  return pictures.length === 0 ? '' : `<h3>${escaped(name)}</h3>\n<div class="row">${pictures.join('\n')}</div>`;
}

/** What is on a curve is told there; shown are the shapes where curves begin, and those that lie on none. */
async function sharesSection(cells: readonly (readonly BenchResult[])[]): Promise<string> {
  const shown = cells.flatMap((results) => results.filter((result) => results[0] && !isOnCurve(results[0], result)));
  const notes = new Map<string, string>();
  const bars = shown.flatMap((result): Bar[] => {
    const { forwardMs, forwardBackwardMs } = result;
    const row = rowName(result);
    const share = Math.min(1, forwardMs / forwardBackwardMs);
    notes.set(row, `${milliseconds(forwardMs)} of ${milliseconds(forwardBackwardMs)} ms`);
    return [
      { row, from: 0, to: share, part: 'forward' },
      { row, from: share, to: 1, part: 'backward' },
    ];
  });
  if (bars.length === 0) return '';
  const title = 'forward and backward';
  const colors = new Map([...PARTS].slice(0, 2));
  const words = 'Backward is what a run with gradients takes beyond a run without: what it keeps on its way forward is in it.';
  return `<h2>What goes forward, what back</h2>\n<p>${words}</p>\n${await sharesPicture({ title, bars, notes, colors }, title)}`;
}

/** Of what the compiler takes by itself: other ways are told in the table. */
async function rooflineSection({ roofline, results }: BenchReport): Promise<string> {
  const reached = results.flatMap((result): Reached[] =>
    result.chosen && result.reach !== undefined ? [{ ...result, reach: result.reach }] : [],
  );
  if (roofline === undefined || reached.length === 0) return '';
  const notes = new Map<string, string>();
  const bars = reached.map((result): Bar => {
    const { share, roofMs, predictedMs } = result.reach.forwardBackward;
    const row = rowName(result);
    const [least, predicted, taken] = [roofMs, predictedMs, result.forwardBackwardMs].map(milliseconds);
    notes.set(row, `${(100 * share).toFixed(1)} %: at least ${least}, predicted ${predicted}, took ${taken} ms`);
    return { row, from: 0, to: Math.min(1, share), part: 'forward + backward' };
  });
  const colors = new Map([...PARTS].filter(([part]) => part === 'forward + backward'));
  const { rates, date } = roofline;
  const words = `The roof is what the machine can do at most, measured ${date.slice(0, 10)} by recurve doctor --roofline: ${milliseconds(rates.fma.value)} GFLOP/s in registers, ${milliseconds(rates.stream.value)} GB/s of memory. A run's share of it is the least time that any kernels would take over the time that it took; the dashed roof is that of products of matrices, ${milliseconds(rates.product.value)} GFLOP/s by recurve's own kernels.`;
  return [
    '<h2>Share of the roofline</h2>',
    `<p>${escaped(words)}</p>`,
    await rooflinePicture(rates, reached),
    await sharesPicture({ title: 'forward + backward', bars, notes, colors }, 'the roofline'),
  ].join('\n');
}

async function ratiosSection(results: readonly BenchResult[]): Promise<string> {
  const names = [...new Set(results.flatMap(({ peers }) => Object.keys(peers)))];
  const sections = await Promise.all(names.map((name) => ratioSection(name, results)));
  return sections.every((section) => section === '') ? '' : ['<h2>Beside others</h2>', ...sections].join('\n');
}

async function ratioSection(name: string, results: readonly BenchResult[]): Promise<string> {
  const notes = new Map<string, string>();
  const said = new Set<string>();
  const bars = results.flatMap((result): Bar[] => {
    const peer = Object.entries(result.peers).find(([other]) => other === name)?.[1];
    if (peer === undefined) return [];
    if ('unavailable' in peer) {
      said.add(`${result.cell}: ${peer.unavailable}`);
      return [];
    }
    if (peer.note !== undefined) said.add(`${result.cell}: ${peer.note}`);
    return SCOPES.flatMap((scope): Bar[] => {
      const [timing, ratio] = [peer.timings[scope], peer.ratio[scope]];
      if (timing === undefined || ratio === undefined) return [];
      const part = scope === 'forward' ? 'forward' : 'forward + backward';
      const row = `${rowName(result)}, ${part}`;
      const [ours, theirs] = [result.timings[scope].median, timing.median];
      notes.set(row, `${ratioText(ratio)}: ${milliseconds(theirs)} to ${milliseconds(ours)} ms`);
      return [{ row, from: 1, to: ratio, part }];
    });
  });
  const colors = new Map([...PARTS].filter(([part]) => part !== 'backward'));
  const picture = bars.length === 0 ? '' : await ratiosPicture({ title: `${name}: its time over ours`, bars, notes, colors });
  const words = [...said].map((line) => `<li>${escaped(line)}</li>`).join('\n');
  return `<p>${escaped(`To the right of 1 recurve is faster than ${name}, which was timed in turns with it, its numbers compared first.`)}</p>\n${picture}\n<ul>${words}</ul>`;
}

const rowName = ({ cell, dims, strategy }: BenchResult): string => `${cell} ${dimsText(dims)} ${strategy}`;

function comparisonSection({ comparison }: BenchReport): string {
  if (comparison === undefined) return '';
  const { changes, before, differs } = comparison;
  const rows = changes.map((change) => {
    const cells = changeRow(change).map((text) => `<td>${escaped(text)}</td>`);
    return `<tr class="${isFaster(change) ? 'faster' : 'slower'}">${cells.join('')}</tr>`;
  });
  const other = differs.length === 0 ? '' : ` It was measured with another ${differs.join(', another ')}.`;
  return [
    '<h2>What changed</h2>',
    `<p>${escaped(`Beside a report of ${before.date ?? 'an unknown day'}, ${measuredWith(before)}: ${countsText(comparison)}.${other} ${CHANGE_RULE}`)}</p>`,
    `<table>${rows.join('\n')}</table>`,
  ].join('\n');
}
