/** `recurve tune`: how the loops over time run fastest on this adapter, found by running them. */
import { alignColumns, milliseconds } from '../bench/report.js';
import { SHAPES, sizesFor } from '../bench/suites.js';
import { loadSpec } from '../runtime/node/cells.js';
import { type Candidate, describe, type Loops, tune as measure, type Tuned, type TuneRecord } from '../runtime/tune/index.js';
import type { Context, Outcome } from './context.js';
import { withDevice } from './devices.js';
import type { Flags } from './flags.js';
import { chooseForEach } from './several.js';

export interface TuneFlags extends Flags {
  readonly forward?: boolean;
}

/** @throws RecurveError, SpecError */
export async function tune(context: Context, cells: readonly string[], flags: TuneFlags): Promise<Outcome> {
  const trees = cells.map((cell) => loadSpec(cell, context.io.cwd));
  const shapes = flags.dims === undefined ? SHAPES : SHAPES.slice(0, 1);
  const cases = chooseForEach(trees, flags).flatMap(({ tree, signature, dims }) =>
    shapes.map((shape) => ({ tree, options: signature.options, sizes: sizesFor(signature, shape, dims) })),
  );
  return withDevice(context, 'bench', async (device) => {
    const found: Tuned[] = [];
    for (const { tree, ...rest } of cases) {
      const request = { ...rest, gradients: flags.forward !== true, onProgress: context.progress };
      found.push(await measure(device, tree, request));
    }
    return {
      document: { adapter: device.adapter, results: found.map(({ record, path }) => ({ ...record, file: path })) },
      text: found.map(textOf).join('\n\n'),
    };
  });
}

function textOf({ record, path }: Tuned): string {
  const { cell, sizes, gradients, loops, chosen, candidates } = record;
  const dims = Object.entries(sizes).map(([dim, size]) => `${dim}=${size}`);
  const rows = candidates.map((one) => [
    `  ${describe(one.loops)}`,
    one.median === undefined ? '-' : milliseconds(one.median),
    one.min === undefined ? '-' : milliseconds(one.min),
    String(one.samples),
    remarkOn(one, record),
  ]);
  return [
    `${cell} ${dims.join(',')}, ${gradients ? 'forward and backward' : 'forward'}`,
    ...alignColumns([['  loops', 'ms', 'min', 'runs', ''], ...rows], 1),
    same(loops, chosen)
      ? 'The compiler takes the fastest by itself.'
      : `The fastest is not what the compiler takes: ${describe(chosen)}.`,
    path === undefined ? 'It could not be kept: no folder of the cache can be written to.' : `kept in ${path}`,
  ].join('\n');
}

function remarkOn({ verdict, loops }: Candidate, { chosen }: TuneRecord): string {
  return [verdict, ...(same(loops, chosen) ? ['as the compiler takes it'] : [])].join(', ');
}

const same = (a: Loops, b: Loops): boolean => describe(a) === describe(b);
