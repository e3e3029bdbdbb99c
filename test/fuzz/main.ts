/**
 * `npm run fuzz -- --cells 10000 --seed 1 --adapter swiftshader`: random cells against the reference.
 * `npm run fuzz -- --files 10000 --seed 1`: damaged specs, requests, safetensors and ONNX files.
 * `npm run fuzz -- --stream 100000`: that many requests, good and bad, through one `recurve run --data -`.
 * Exit code 1 where one fails; its smallest spec, or the file, is printed.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { ADAPTER_CHOICES, type AdapterChoice } from '../../runtime/device/adapter.js';
import { describeFinding, type Report, runCampaign } from './campaign.js';
import type { MutantReport } from './files/campaign.js';
import { countsOf, watchMutants } from './files/watch.js';
import { runStream } from './stream.js';

interface Arguments {
  readonly cells: number;
  readonly files?: number;
  readonly stream?: number;
  readonly seed: number;
  readonly from: number;
  readonly failures: number;
  readonly adapter: AdapterChoice;
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

const command = new Command('fuzz')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .option('--cells <number>', 'how many cells', whole, 300)
  .option('--files <number>', 'damaged files in place of cells: how many', whole)
  .option('--stream <number>', 'requests in one stream in place of cells: how many', whole)
  .option('--seed <number>', 'of the cells and their data, or of the damage', whole, 1)
  .option('--from <number>', 'number of the first cell or file', whole, 0)
  .option('--failures <number>', 'stop after so many', whole, 10)
  .addOption(new Option('--adapter <name>', 'where to run').choices(ADAPTER_CHOICES).default('swiftshader'))
  .parse();
const { cells, files, stream, seed, from, failures, adapter } = command.opts<Arguments>();

/** Every so many cells one is compared with a plan in which nothing is merged. */
const APART = 3;

const started = Date.now();
let printed = 0;
let spoke = 0;

function progress(done: number, { findings, illConditioned, worst }: Report): void {
  for (const finding of findings.slice(printed)) console.log(describeFinding(finding, seed));
  printed = findings.length;
  if (Date.now() - spoke < 10_000) return;
  spoke = Date.now();
  const rate = (1000 * done) / (Date.now() - started);
  console.error(
    `${done} of ${cells} cells, ${rate.toFixed(1)} a second, ${findings.length} failed, ${illConditioned.length} ill-conditioned, worst error ${worst.toExponential(1)}`,
  );
}

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

async function fuzzCells(): Promise<number> {
  const report = await runCampaign({ adapter, seed, from, to: from + cells, apart: APART, most: failures, onCell: progress });
  spoke = 0;
  progress(report.cells, report);
  const missing = report.coverage.missing();
  console.log(
    `${report.cells} cells in ${Math.round((Date.now() - started) / 1000)} s on ${adapter}, seed ${seed}: ${report.findings.length} failed, ` +
      `${report.illConditioned.length} ill-conditioned (${((100 * report.illConditioned.length) / report.cells).toFixed(2)} %, ` +
      `at most ${report.excess.toFixed(1)} times what float32 explains), ` +
      `worst error ${report.worst.toExponential(2)}, ${report.coverage.size} operations and nodes met` +
      (missing.length > 0 ? `, not met: ${missing.join(', ')}` : ''),
  );
  return report.findings.length;
}

async function failed(): Promise<number> {
  if (files !== undefined) return fuzzFiles(files);
  return stream === undefined ? fuzzCells() : fuzzStream(stream);
}

process.exitCode = (await failed()) > 0 ? 1 : 0;
