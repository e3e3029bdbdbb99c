/** `recurve bench`: timings on this adapter, beside a peer where one is asked for. */
import { type BenchCase, runBench } from '../bench/bench.js';
import { compareReports, formatComparison } from '../bench/compare.js';
import { DEFAULT_EFFORT, SWEEP_EFFORT } from '../bench/measure.js';
import type { PeerName } from '../bench/peers/peer.js';
import { formatBench, measuredWith } from '../bench/report.js';
import { SHAPES, SWEEP, SWEEP_CELLS, sizesFor } from '../bench/suites.js';
import type { LoopStrategy } from '../codegen/plan.js';
import { visible } from '../codegen/visible.js';
import { loadSpec } from '../runtime/node/cells.js';
import { readRoofline } from '../runtime/roofline/index.js';
import { prepareFolder, readEarlier, writeReport } from './bench-report.js';
import type { Context, Outcome } from './context.js';
import { withDevice } from './devices.js';
import type { Flags } from './flags.js';
import { chooseForEach } from './several.js';

export interface BenchFlags extends Omit<Flags, 'strategy'> {
  /** Several are timed in turns. */
  readonly strategy?: readonly LoopStrategy[];
  /** Times the fastest way that was found on this adapter, beside the others. */
  readonly tune?: boolean;
  readonly against?: PeerName;
  /** Many shapes, steps, sequences and widths growing one after the other, by every strategy. */
  readonly sweep?: true;
  /** The folder of a report. */
  readonly report?: string;
  /** An earlier report. */
  readonly compare?: string;
  /** Times each pass of a training step by itself, in place of all that is above but `strategy`. */
  readonly passes?: true;
}

/**
 * @throws RecurveError `BENCH-REPORT`, `OUT-EXISTS`, `OUT-WRITE`, `STRATEGY-REFUSED`, `TIMESTAMPS`; SpecError; a peer that is not installed is
 *   reported, not thrown
 */
export async function bench(context: Context, cells: readonly string[], flags: BenchFlags): Promise<Outcome> {
  const { cwd } = context.io;
  const names = cells.length > 0 ? cells : flags.sweep === true ? SWEEP_CELLS : ['lstm', 'gru'];
  // Everything is read and refused before the device opens and the minutes begin.
  const cases = casesOf(names, cwd, flags);
  if (flags.passes === true) {
    const { benchPasses } = await import('./bench-passes.js');
    return benchPasses(context, cases, flags.strategy ?? []);
  }
  const earlier = flags.compare === undefined ? undefined : readEarlier(cwd, flags.compare);
  if (flags.report !== undefined) await prepareFolder(cwd, flags.report);
  const measured = await withDevice(context, 'bench', async (device) => {
    const { record, told } = await readRoofline(device.adapter);
    for (const line of told) await context.note(line);
    return runBench({
      device,
      cases,
      roofline: record,
      against: flags.against === undefined ? [] : [flags.against],
      strategies: [...strategiesOf(flags), ...(flags.tune === true ? (['tuned'] as const) : [])],
      memory: flags.memory,
      effort: flags.sweep === true ? SWEEP_EFFORT : DEFAULT_EFFORT,
      onProgress: (line) => context.progress(line),
    });
  });
  const comparison = earlier && compareReports(earlier, measured);
  const report = comparison === undefined ? measured : { ...measured, comparison };
  const written = flags.report === undefined ? [] : [await writeReport(cwd, flags.report, report)];
  return {
    document: report,
    text: [
      formatBench(report, context.colors),
      context.colors.dim(measuredWith(report)),
      ...(comparison === undefined ? [] : ['', formatComparison(comparison, visible(flags.compare ?? ''), context.colors)]),
      ...written,
    ].join('\n'),
  };
}

const strategiesOf = ({ strategy, sweep }: BenchFlags) => strategy ?? (sweep === true ? (['every'] as const) : []);

/**
 * The suite's shapes, or with `--dims` the first of them with those sizes in it. Of a sweep the peers run the shape of the
 * most sequences alone: they take many times as long, least so for many at once.
 */
function casesOf(cells: readonly string[], cwd: string, flags: BenchFlags): BenchCase[] {
  const trees = cells.map((cell) => loadSpec(cell, cwd));
  const shapes = flags.sweep === true ? SWEEP : flags.dims === undefined ? SHAPES : SHAPES.slice(0, 1);
  return chooseForEach(trees, flags).flatMap(({ tree, signature, dims }) => {
    // Sizes that are given stay: what would differ in them alone is one shape.
    const sizes = new Map(shapes.map((shape) => sizesFor(signature, shape, dims)).map((found) => [JSON.stringify(found), found]));
    const [beside] = [...sizes.values()].toSorted((a, b) => (b.B ?? 0) - (a.B ?? 0));
    return [...sizes.values()].map((found): BenchCase => {
      const peers = flags.sweep === true && found !== beside ? ('none' as const) : undefined;
      return { tree, options: signature.options, sizes: found, peers };
    });
  });
}
