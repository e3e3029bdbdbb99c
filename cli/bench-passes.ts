/** `recurve bench --passes`: where the time of a training step goes, measured and predicted. */
import type { BenchCase } from '../bench/bench.js';
import { type PassesResult, type PassResult, runPasses } from '../bench/passes.js';
import { alignColumns, dimsText, measuredWith } from '../bench/report.js';
import type { LoopStrategy } from '../codegen/plan.js';
import { readRoofline } from '../runtime/roofline/index.js';
import { describe as describeLoops } from '../runtime/tune/index.js';
import type { Context, Outcome } from './context.js';
import { withDevice } from './devices.js';
import { machineName, shortTime } from './roofline.js';

/** @throws RecurveError `TIMESTAMPS`; exit code 3: no usable adapter */
export function benchPasses(
  context: Context,
  cases: readonly BenchCase[],
  strategies: readonly LoopStrategy[],
): Promise<Outcome> {
  return withDevice(context, 'bench', async (device) => {
    const { record, told } = await readRoofline(device.adapter);
    const report = await runPasses({
      device,
      cases,
      strategies: strategies.length === 0 ? [undefined] : strategies,
      rates: record?.rates,
      onProgress: context.progress,
    });
    const measure = context.adapter === 'auto' ? '' : ` --adapter ${context.adapter}`;
    const by = record && { adapter: record.adapter, processor: record.processor, date: record.date };
    return {
      document: { ...report, roofline: by ?? null, ...(told.length === 0 ? {} : { told }) },
      text: [
        ...report.results.map((result) => `${resultText(result, context.colors)}\n`),
        context.colors.dim(measuredWith(report)),
        record === undefined
          ? `No roofline of it is kept: \`recurve doctor --roofline${measure}\` measures it, and predictions then stand beside the times.`
          : `Predicted by the roofline of ${machineName(record)} of ${record.date.slice(0, 10)}.`,
        ...told,
      ].join('\n'),
    };
  });
}

const HEAD = ['pass', 'region', 'strategy', 'dispatches', 'ms', '±', 'min', 'runs'];
const PREDICTED = ['predicted ms', 'ratio', 'of the roof', 'bound by'];

function resultText(result: PassesResult, colors: Context['colors']): string {
  const { cell, dims, loops, passes, sum, whole } = result;
  const loopText = describeLoops(loops);
  const isPredicted = passes.some(({ predictedMs }) => predictedMs !== undefined);
  const rows = alignColumns([[...HEAD, ...(isPredicted ? PREDICTED : [])], ...passes.map(rowOf)], 3);
  return [
    colors.bold(`${cell} ${dimsText(dims)}, forward and backward${loopText === '' ? '' : `: ${loopText}`}`),
    ...rows,
    `${shortTime(sum.median)} ms pass by pass, ${shortTime(whole.median)} ms undivided (± ${shortTime(whole.deviation)}): ${(sum.median / whole.median).toFixed(2)} times as long`,
    ...(passes.some(({ pairs }) => pairs > 1)
      ? ['Passes of a loop that take turns are timed at every dispatch, with what stopping between them costs.']
      : []),
  ].join('\n');
}

function rowOf(pass: PassResult): string[] {
  const { timing, predictedMs, bound, ratio, share } = pass;
  const predicted =
    predictedMs === undefined || bound === undefined || ratio === undefined || share === undefined
      ? []
      : [shortTime(predictedMs), ratio.toFixed(2), `${(100 * share).toFixed(0)} %`, bound];
  return [
    pass.name,
    `${pass.direction} ${pass.region}`,
    pass.strategy,
    String(pass.dispatches),
    shortTime(timing.median),
    shortTime(timing.deviation),
    shortTime(timing.min),
    String(timing.samples),
    ...predicted,
  ];
}
