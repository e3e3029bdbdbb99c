/** Which files recurve has written itself: nothing else is replaced or removed without a word. */
import { basename, extname, join } from 'node:path';
import { readReport } from '../bench/saved.js';
import { RecurveError } from '../codegen/errors.js';
import { FileFault, readRegularFile } from '../codegen/read-file.js';
import { isObject } from '../runtime/interop/fields.js';
import { WRITTEN_BY } from './module.js';
import { displayPath } from './paths.js';
import { PAGE_TITLE } from './plots/page.js';

export const PLAN = 'plan.json';
export const BENCH_JSON = 'report.json';
export const BENCH_PAGE = 'report.html';
const MOST_BYTES = 2 ** 28;

/** Who is about to write, and what names the place. */
export interface Writer {
  readonly command: string;
  readonly flag: `--${string}`;
}

/**
 * A file of the user's may have any name that a generated one has: what the cell itself imports, a plan of theirs.
 * @throws RecurveError `OUT-EXISTS`
 */
export function refuseForeign(path: string, cwd: string, { command, flag }: Writer): void {
  const found = ownership(path);
  if (found === 'free' || found === 'ours') return;
  throw new RecurveError({
    code: 'OUT-EXISTS',
    message: `${displayPath(path, cwd)} is there already, and ${found === 'foreign' ? `${command} did not write it` : found}`,
    fix: `Give ${flag} another folder, or move the file: it would be lost.`,
    where: flag,
  });
}

/** The files of kernels that an earlier plan in a folder names, and that are still such as it was written with. */
export function writtenKernels(folder: string): string[] {
  if (ownership(join(folder, PLAN)) !== 'ours') return [];
  const names = kernelsOf(textOf(join(folder, PLAN))) ?? [];
  const files = names.flatMap((name) => (typeof name === 'string' && /^\w+$/.test(name) ? [`${name}.wgsl`] : []));
  return files.filter((file) => ownership(join(folder, file)) === 'ours');
}

/** Whose a file is; a reason why that cannot be known. An empty file holds nothing that could be lost. */
function ownership(path: string): 'free' | 'ours' | 'foreign' | string {
  try {
    const text = textOf(path);
    return text === '' ? 'free' : isOurs(basename(path), text) ? 'ours' : 'foreign';
  } catch (error) {
    if (!(error instanceof FileFault)) throw error;
    // A folder in the way is told where the file would be written.
    return error.kind === 'missing' || error.kind === 'folder' ? 'free' : error.reason;
  }
}

function textOf(path: string): string {
  return Buffer.from(readRegularFile(path, MOST_BYTES)).toString('utf8');
}

/** By how each kind begins, whatever version wrote it, and whatever was changed in it since. */
function isOurs(name: string, text: string): boolean {
  if (name === PLAN) return kernelsOf(text) !== undefined;
  if (name === BENCH_JSON) return typeof readReport(text) !== 'string';
  if (name === BENCH_PAGE) return text.slice(0, 500).includes(`<title>${PAGE_TITLE}</title>`);
  return text.startsWith(extname(name) === '.wgsl' ? `// ${basename(name, '.wgsl')}: ` : WRITTEN_BY);
}

/** The names of a plan's kernels, such as they are; `undefined` for a text that is no plan. */
function kernelsOf(text: string): unknown[] | undefined {
  try {
    const plan: unknown = JSON.parse(text);
    if (!isObject(plan) || typeof plan.version !== 'number' || typeof plan.cell !== 'string') return undefined;
    const { buffers, passes, kernels } = plan;
    if (!Array.isArray(buffers) || !Array.isArray(passes) || !Array.isArray(kernels)) return undefined;
    return kernels.map((kernel: unknown) => (isObject(kernel) ? kernel.name : undefined));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
