/** `recurve bench`: timings on this adapter, beside a peer where one is asked for. */
import { type BenchCase, runBench } from '../bench/bench.js';
import type { PeerName } from '../bench/peers/peer.js';
import { formatBench, measuredWith } from '../bench/report.js';
import { SHAPES, sizesFor } from '../bench/suites.js';
import type { LoopStrategy } from '../codegen/plan.js';
import { loadSpec } from '../runtime/node/cells.js';
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
}

/** @throws RecurveError, SpecError; a peer that is not installed is reported, not thrown */
export async function bench(context: Context, cells: readonly string[], flags: BenchFlags): Promise<Outcome> {
  const names = cells.length === 0 ? ['lstm', 'gru'] : cells;
  // Everything is read and refused before the device opens and the minutes begin.
  const cases = casesOf(names, context.io.cwd, flags);
  return withDevice(context, 'bench', async (device) => {
    const report = await runBench({
      device,
      cases,
      against: flags.against === undefined ? [] : [flags.against],
      strategies: [...(flags.strategy ?? []), ...(flags.tune === true ? (['tuned'] as const) : [])],
      onProgress: (line) => context.progress(line),
    });
    return {
      document: report,
      text: `${formatBench(report, context.colors)}\n${context.colors.dim(measuredWith(report))}`,
    };
  });
}

/** The suite's shapes, or with `--dims` the first of them with those sizes in it. */
function casesOf(cells: readonly string[], cwd: string, flags: BenchFlags): BenchCase[] {
  const trees = cells.map((cell) => loadSpec(cell, cwd));
  const shapes = flags.dims === undefined ? SHAPES : SHAPES.slice(0, 1);
  return chooseForEach(trees, flags).flatMap(({ tree, signature, dims }) =>
    shapes.map((shape) => ({ tree, options: signature.options, sizes: sizesFor(signature, shape, dims) })),
  );
}
