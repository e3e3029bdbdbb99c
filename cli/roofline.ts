/** The roofline of an adapter: measured, kept, and as a table for people. */
import { alignColumns, milliseconds } from '../bench/report.js';
import { keepRoofline, type Measured, measureRates, type RooflineRecord, recordOf } from '../runtime/roofline/index.js';
import type { Context } from './context.js';
import { withDevice } from './devices.js';

export interface MeasuredRoofline {
  readonly record: RooflineRecord;
  /** Where it was kept; `undefined` where no folder of the cache can be written to. */
  readonly file: string | undefined;
}

/** Measures the adapter that the command is for, and keeps what it finds. @throws RecurveError exit code 3 */
export function measureRoofline(context: Context): Promise<MeasuredRoofline> {
  return withDevice(context, 'bench', async (device) => {
    const record = recordOf(device, await measureRates(device, context.progress));
    return { record, file: await keepRoofline(record) };
  });
}

/** `SwiftShader driver 5.0.0 on AMD EPYC 7763, 2 cores`. */
export const machineName = ({ adapter, processor }: Pick<RooflineRecord, 'adapter' | 'processor'>): string =>
  processor === undefined ? adapter.name : `${adapter.name} on ${processor}`;

/** ± is how far the median of the runs was from the best. */
export function rooflineText({ record, file }: MeasuredRoofline): string {
  const { rates } = record;
  const row = (name: string, { value, spread }: Measured, unit: string) => [
    `  ${name}`,
    milliseconds(value),
    unit,
    `±${(100 * spread).toFixed(0)} %`,
  ];
  const rows = [
    row('multiplications and additions', rates.fma, 'GFLOP/s'),
    row('  by one workgroup alone', rates.fmaAlone, 'GFLOP/s'),
    row('products of matrices', rates.product, 'GFLOP/s'),
    ...rates.reads.map((read) => row(`reading ${sizeText(read.bytes)} again and again`, read, 'GB/s')),
    row('  by one workgroup alone', rates.readAlone, 'GB/s'),
    row('reading and writing what no cache holds', rates.stream, 'GB/s'),
    row('a dispatch behind another', rates.dispatch, 'µs'),
    row('  each of its workgroups', rates.workgroup, 'µs'),
    row('a barrier', rates.barrier, 'µs'),
    row('submitting, until the end is known', rates.submit, 'µs'),
  ];
  return [
    `roofline of ${machineName(record)}, the best of several runs:`,
    ...alignColumns(rows, 1),
    file === undefined ? 'It could not be kept: no folder of the cache can be written to.' : `kept in ${file}`,
  ].join('\n');
}

const sizeText = (bytes: number): string => (bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${bytes / 2 ** 20} MiB`);

/** In milliseconds, of passes that take microseconds, too. */
export const shortTime = (ms: number): string => (ms < 1 ? ms.toFixed(3) : milliseconds(ms));
