/** `--dims T=16,B=8` and `--set option=value`, read strictly. */
import { type ErrorDetail, RecurveError } from '../codegen/errors.js';
import type { Signature } from '../codegen/frontend/tree.js';
import { chooseSizes } from '../codegen/ir/sizes.js';
import { LOOP_STRATEGIES, type LoopStrategy, type Sizes } from '../codegen/plan.js';
import { didYouMean } from '../codegen/suggest.js';
import { dimsOf, refuseUnknownDims, requireSize } from '../runtime/dims.js';
import { own } from '../runtime/interop/describe.js';
import { MOST_JSON_BYTES } from '../runtime/interop/limits.js';

/** Sizes of dims that nobody gives. */
const DEFAULT_SIZES: Sizes = { T: 16, B: 8, I: 16, H: 32 };
/** Of `gradients`: enough steps for a plain RNN's gradient to vanish. */
export const GRADIENT_SIZES: Sizes = { ...DEFAULT_SIZES, T: 100 };
const DEFAULT_OTHER = 16;

/**
 * Commander's collector for `--dims`; may be given several times.
 * @throws RecurveError `DIMS-SYNTAX`, `DIMS-SIZE`, `DIMS-TWICE`
 */
export function collectDims(text: string, before: Sizes | undefined): Sizes {
  const sizes = new Map(Object.entries(before ?? {}));
  for (const part of text.split(',')) {
    const match = /^\s*([A-Za-z_]\w*)\s*=\s*(\S+)\s*$/.exec(part);
    const [, name, value] = match ?? [];
    if (name === undefined || value === undefined) {
      throw dimsError('DIMS-SYNTAX', `--dims has ${JSON.stringify(part)}, which is not name=size`);
    }
    const size = /^[0-9]+$/.test(value) ? Number(value) : Number.NaN;
    requireSize(name, size, '--dims', value);
    if (sizes.has(name)) throw dimsError('DIMS-TWICE', `--dims gives ${name} twice`);
    sizes.set(name, size);
  }
  // Unlike an assignment, this keeps a dim called __proto__, to be refused by its name.
  return Object.fromEntries(sizes);
}

function dimsError(code: ErrorDetail['code'], message: string): RecurveError {
  return new RecurveError({ code, message, fix: 'Write for example --dims T=64,B=32,I=28,H=128.', where: '--dims' });
}

/**
 * Commander's collector for `--set`, repeatable. Values stay text: only the cell knows their types.
 * @throws RecurveError `SET-SYNTAX`, `SET-TWICE`
 */
export function collectSet(text: string, before: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const at = text.indexOf('=');
  const name = text.slice(0, at).trim();
  if (at < 0 || !/^[A-Za-z_]\w*$/.test(name)) {
    throw setError('SET-SYNTAX', `--set has ${JSON.stringify(text)}, which is not option=value`);
  }
  if (before !== undefined && Object.hasOwn(before, name)) throw setError('SET-TWICE', `--set gives ${name} twice`);
  return { ...before, [name]: text.slice(at + 1).trim() };
}

function setError(code: ErrorDetail['code'], message: string): RecurveError {
  return new RecurveError({
    code,
    message,
    fix: 'Write for example --set activation=relu, once for every option.',
    where: '--set',
  });
}

/**
 * Commander's parser for `--max-line`: bytes, or with a unit.
 * @throws RecurveError `MAX-LINE`
 */
export function parseMaxLine(text: string): number {
  const bytes = bytesOf(text);
  if (bytes >= 1 && bytes <= MOST_JSON_BYTES) return bytes;
  throw new RecurveError({
    code: 'MAX-LINE',
    message: `--max-line ${JSON.stringify(text)} is not a number of bytes from 1 to ${MOST_JSON_BYTES}`,
    fix: 'Write for example --max-line 64MB.',
    where: '--max-line',
  });
}

/**
 * Commander's parser for `--memory`, likewise.
 * @throws RecurveError `MEMORY-SIZE`
 */
export function parseMemory(text: string): number {
  const bytes = bytesOf(text);
  if (bytes >= 1) return bytes;
  throw new RecurveError({
    code: 'MEMORY-SIZE',
    message: `--memory ${JSON.stringify(text)} is not a number of bytes above 0`,
    fix: 'Write for example --memory 256MiB.',
    where: '--memory',
  });
}

/** NaN where it is none. */
function bytesOf(text: string): number {
  const [, digits, unit = 'B'] = /^([0-9]{1,12})(B|KB|MB|GB|KiB|MiB|GiB)?$/i.exec(text.trim()) ?? [];
  return Number(digits) * (BYTES.get(unit.toLowerCase()) ?? Number.NaN);
}

const BYTES: ReadonlyMap<string, number> = new Map([
  ['b', 1],
  ['kb', 1e3],
  ['mb', 1e6],
  ['gb', 1e9],
  ['kib', 2 ** 10],
  ['mib', 2 ** 20],
  ['gib', 2 ** 30],
]);

/**
 * Sizes for T, B and every dim of the signature: what follows from others is computed, defaults are filled in.
 * @throws RecurveError `DIMS-UNKNOWN` for a size of a dim that the cell does not use, `DIMS-RULE` for sizes that do
 *   not fit each other
 */
export function fillSizes(signature: Signature, given: Sizes = {}, defaults: Sizes = DEFAULT_SIZES): Sizes {
  refuseUnknownDims(given, signature, '--dims');
  const suggested = Object.fromEntries(dimsOf(signature).map((name) => [name, own(defaults, name) ?? DEFAULT_OTHER]));
  return chooseSizes(signature.rules, suggested, given);
}

/** What `--help` says of `--dims`. Every default is told where it is used from: nothing is written down twice. */
export function dimsHelp(defaults: string): string {
  return `sizes, e.g. T=64,B=32,I=28,H=128 (default ${defaults})`;
}

/** `T=16,B=8,I=16,H=32, any other 16`. */
export function sizesText(sizes: Sizes = DEFAULT_SIZES, other = DEFAULT_OTHER): string {
  const given = Object.entries(sizes).map(([dim, size]) => `${dim}=${size}`);
  return `${given.join(',')}, any other ${other}`;
}

/** Commander's collector for names given one at a time. */
export function collectNames(name: string, before: readonly string[] = []): readonly string[] {
  return [...before, name];
}

/** Commander's parser for `--seed`. @throws RecurveError `SEED` */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^[0-9]{1,10}$/.test(text) && value < 2 ** 32) return value;
  throw new RecurveError({
    code: 'SEED',
    message: `--seed is ${JSON.stringify(text)}, which is not a whole number from 0 to ${2 ** 32 - 1}`,
    fix: 'Write for example --seed 7.',
    where: '--seed',
  });
}

/** Commander's parser of a flag for numbers above 0. @throws RecurveError `SCALE`, `CLIP` */
function positiveNumber({ flag, code }: { readonly flag: string; readonly code: ErrorDetail['code'] }) {
  return (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value > 0 && Number.isFinite(Math.fround(value)) && Math.fround(value) > 0) return value;
    throw new RecurveError({
      code,
      message: `${flag} is ${JSON.stringify(text)}, which is not a number above 0 that float32 holds`,
      fix: `Write for example ${flag} 0.1.`,
      where: flag,
    });
  };
}

/** The flags that take one. */
export const SCALE = positiveNumber({ flag: '--scale', code: 'SCALE' });
export const CLIP = positiveNumber({ flag: '--clip', code: 'CLIP' });

/**
 * Commander's collector for `--strategy thread,stepwise`.
 * @throws RecurveError `STRATEGY-UNKNOWN`
 */
export function collectStrategies(text: string, before: readonly LoopStrategy[] = []): readonly LoopStrategy[] {
  const names = text.split(',').map((name) => name.trim());
  const found = names.map((name) => {
    const strategy = LOOP_STRATEGIES.find((known) => known === name);
    if (strategy !== undefined) return strategy;
    throw new RecurveError({
      code: 'STRATEGY-UNKNOWN',
      message: `--strategy has ${JSON.stringify(name)}`,
      fix: didYouMean(name, LOOP_STRATEGIES, `Choose among ${LOOP_STRATEGIES.join(', ')}.`, ''),
      where: '--strategy',
    });
  });
  return [...new Set([...before, ...found])];
}
