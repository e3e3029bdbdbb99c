/**
 * `npm run fuzz -- --cells 10000 --seed 1 --adapter swiftshader`: random cells against the reference.
 * `npm run fuzz -- --models 1000 --seed 1`: random models in place of cells.
 * `npm run fuzz -- --as-hardware`: with kernels as a GPU gets them, on whichever adapter.
 * `npm run fuzz -- --files 10000 --seed 1`: damaged specs, requests, safetensors and ONNX files.
 * `npm run fuzz -- --stream 100000`: that many requests, good and bad, through one `recurve run --data -`.
 * Exit code 1 where one fails; its smallest spec, or the file, is printed.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { ADAPTER_CHOICES, type AdapterChoice } from '../../runtime/device/adapter.js';
import { describeFinding, type Report, runCampaign, type Subject } from './campaign.js';
import { cells as cellsOf } from './cells.js';
import { Coverage } from './coverage.js';
import type { MutantReport } from './files/campaign.js';
import { countsOf, watchMutants } from './files/watch.js';
import { networks } from './models/networks.js';
import { runStream } from './stream.js';

interface Arguments {
  readonly cells: number;
  readonly models?: number;
  readonly files?: number;
  readonly stream?: number;
  readonly seed: number;
  readonly from: number;
  readonly failures: number;
  readonly adapter: AdapterChoice;
  readonly asHardware?: true;
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

const command = new Command('fuzz')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .option('--cells <number>', 'how many cells', whole, 300)
  .option('--models <number>', 'models in place of cells: how many', whole)
  .option('--files <number>', 'damaged files in place of cells: how many', whole)
  .option('--stream <number>', 'requests in one stream in place of cells: how many', whole)
  .option('--seed <number>', 'of the cells and their data, or of the damage', whole, 1)
  .option('--from <number>', 'number of the first cell, model or file', whole, 0)
  .option('--failures <number>', 'stop after so many', whole, 10)
  .option('--as-hardware', 'kernels of cells and models as a GPU gets them')
  .addOption(new Option('--adapter <name>', 'where to run').choices(ADAPTER_CHOICES).default('swiftshader'))
  .parse();
const { cells, models, files, stream, seed, from, failures, adapter, asHardware } = command.opts<Arguments>();

/** Every so many one is compared with a plan in which nothing is merged. */
const APART = 3;

const started = Date.now();
let printed = 0;
let spoke = 0;

async function fuzzFiles(count: number): Promise<number> {
  const reports: MutantReport[] = [];
  const onReport = (report: MutantReport) => {
    reports.push(report);
    if (report.outcome === 'wrong') console.log(`file ${report.index} of seed ${seed}, ${report.kind}: ${report.message}\n`);
    if (Date.now() - spoke < 10_000) return;
    spoke = Date.now();
    console.error(`${reports.length} of ${count} files; ${countsOf(reports)}`);
  };
  const tried = await watchMutants({ seed, from, to: from + count, most: failures, onReport });
  console.log(`${tried} damaged files in ${Math.round((Date.now() - started) / 1000)} s, seed ${seed}: ${countsOf(reports)}`);
  return reports.filter(({ outcome }) => outcome === 'wrong').length;
}

async function fuzzStream(count: number): Promise<number> {
  const onProgress = (answered: number, memory: number) => console.error(`${answered} answered, ${memory} MiB resident`);
  const { complaints, ...totals } = await runStream({ count, seed, adapter, onProgress });
  for (const complaint of complaints) console.log(complaint);
  console.log(`${JSON.stringify(totals)} in ${Math.round((Date.now() - started) / 1000)} s on ${adapter}, seed ${seed}`);
  return complaints.length + (totals.answered === count && totals.exitCode === 0 ? 0 : 1);
}

/** `what`: cells or models. */
async function fuzz<M, S>(what: string, subject: Subject<M, S>, count: number, more: () => string): Promise<number> {
  const onCell = (done: number, { findings, illConditioned, worst }: Report<M>) => {
    for (const finding of findings.slice(printed)) console.log(describeFinding(subject, finding, seed));
    printed = findings.length;
    if (Date.now() - spoke < 10_000) return;
    spoke = Date.now();
    const rate = (1000 * done) / (Date.now() - started);
    console.error(
      `${done} of ${count} ${what}, ${rate.toFixed(1)} a second, ${findings.length} failed, ${illConditioned.length} ill-conditioned, worst error ${worst.toExponential(1)}`,
    );
  };
  const kernels = asHardware ? ({ kernels: 'for hardware' } as const) : {};
  const report = await runCampaign(subject, {
    adapter,
    ...kernels,
    seed,
    from,
    to: from + count,
    apart: APART,
    most: failures,
    onCell,
  });
  spoke = 0;
  onCell(report.cells, report);
  console.log(
    `${report.cells} ${what} in ${Math.round((Date.now() - started) / 1000)} s on ${adapter}, seed ${seed}: ${report.findings.length} failed, ` +
      `${report.illConditioned.length} ill-conditioned (${((100 * report.illConditioned.length) / report.cells).toFixed(2)} %, ` +
      `at most ${report.excess.toFixed(1)} times what float32 explains), ` +
      `worst error ${report.worst.toExponential(2)}${more()}`,
  );
  return report.findings.length;
}

function fuzzCells(): Promise<number> {
  const coverage = new Coverage();
  return fuzz('cells', cellsOf(coverage), cells, () => {
    const missing = coverage.missing();
    return `, ${coverage.size} operations and nodes met${missing.length > 0 ? `, not met: ${missing.join(', ')}` : ''}`;
  });
}

async function failed(): Promise<number> {
  if (files !== undefined) return fuzzFiles(files);
  if (stream !== undefined) return fuzzStream(stream);
  return models === undefined ? fuzzCells() : fuzz('models', networks, models, () => '');
}

process.exitCode = (await failed()) > 0 ? 1 : 0;
