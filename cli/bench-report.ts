/** The files of `recurve bench`: the folder that a report goes to, and the earlier report that one is compared with. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { BenchReport } from '../bench/report.js';
import { readReport } from '../bench/saved.js';
import { RecurveError } from '../codegen/errors.js';
import { readUserFile } from '../codegen/read-file.js';
import { visible } from '../codegen/visible.js';
import { writeAll } from '../runtime/files/write-all.js';
import { writing } from './files.js';
import { displayPath } from './paths.js';
import { BENCH_JSON, BENCH_PAGE, refuseForeign } from './written.js';

const WRITER = { command: 'bench', flag: '--report' } as const;
/** A report of thousands of results. */
const MOST_BYTES = 2 ** 28;

/** @throws RecurveError `BENCH-REPORT` */
export function readEarlier(cwd: string, file: string): BenchReport {
  const form = {
    code: 'BENCH-REPORT',
    fix: 'Give the report.json of `recurve bench --report`, or what `recurve bench --json` printed.',
  } as const;
  const bytes = readUserFile(resolve(cwd, file), { ...form, source: file, most: MOST_BYTES });
  const found = readReport(Buffer.from(bytes).toString('utf8'));
  if (typeof found !== 'string') return found;
  throw new RecurveError({ ...form, message: `${visible(file)} ${found}`, where: '--compare' });
}

/**
 * Makes the folder, before the minutes begin.
 * @throws RecurveError `OUT-EXISTS` for files of others there; `OUT-WRITE`
 */
export async function prepareFolder(cwd: string, folder: string): Promise<void> {
  await writing(folder, async () => {
    mkdirSync(resolve(cwd, folder), { recursive: true });
    accessSync(resolve(cwd, folder), constants.W_OK);
  });
  refuseOthers(cwd, folder);
}

/**
 * Both files or none.
 * @returns a line that says what was written
 * @throws RecurveError `OUT-EXISTS`, `OUT-WRITE`
 */
export async function writeReport(cwd: string, folder: string, report: BenchReport): Promise<string> {
  // Vega is large, and most runs draw nothing.
  const { benchPage } = await import('./bench-page.js');
  const contents = { [BENCH_JSON]: jsonText(shareable(report)), [BENCH_PAGE]: await benchPage(report) };
  refuseOthers(cwd, folder);
  const writes = Object.entries(contents).map(([name, content]) => ({
    path: join(resolve(cwd, folder), name),
    content,
    existing: 'replace' as const,
  }));
  await writing(folder, () => writeAll({ writes }));
  return `wrote ${writes.map(({ path }) => displayPath(path, cwd)).join(' and ')}`;
}

function refuseOthers(cwd: string, folder: string): void {
  for (const name of [BENCH_JSON, BENCH_PAGE]) refuseForeign(join(resolve(cwd, folder), name), cwd, WRITER);
}

/** A report goes to others: where this machine keeps its drivers is nothing to them. */
function shareable(report: BenchReport): BenchReport {
  const { driver, ...rest } = report.adapter;
  return { ...report, adapter: driver === undefined ? rest : { ...rest, driver: basename(driver) } };
}

/** Indented, but for lists of numbers: samples are a line each time. A line break stands in no string of JSON. */
function jsonText(report: BenchReport): string {
  const lists = /\[\n\s*(-?\d[^[\]{}"]*?)\s*\n\s*\]/g;
  return `${JSON.stringify(report, null, 1).replace(lists, (_, list: string) => `[${list.replaceAll(/\s+/g, ' ')}]`)}\n`;
}
