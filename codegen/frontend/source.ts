/** Reads spec files as text, refusing by name what is not one. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RecurveError } from '../errors.js';
import { nearest } from '../suggest.js';

/** A cell is a page of equations; more than this is some other file. */
export const MOST_CHARACTERS = 512 * 1024;

/**
 * The text of a spec file.
 * @throws RecurveError `SPEC-NOT-FOUND`, `SPEC-DIRECTORY`, `SPEC-NOT-A-FILE`, `SPEC-UNREADABLE`, `SPEC-FILE-SIZE`, `SPEC-BINARY`
 */
export function readSource(path: string): string {
  let bytes: Uint8Array;
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) {
      throw refuse('SPEC-DIRECTORY', path, 'is a folder', 'Name a file in it, e.g. `mine.cell.ts`.');
    }
    // A pipe or a device could block or never end.
    if (!stat.isFile()) throw refuse('SPEC-NOT-A-FILE', path, 'is not a regular file', 'Name a `*.cell.ts` file.');
    if (stat.size > MOST_CHARACTERS * 4) throw tooLarge(path);
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof RecurveError) throw error;
    throw unreadable(path, error);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refuse('SPEC-BINARY', path, 'is not UTF-8 text', 'Name a `*.cell.ts` file saved as UTF-8.');
  }
  return checkText(path, text);
}

/** Refuses text that cannot be a spec, and drops a byte-order mark. */
export function checkText(path: string, text: string): string {
  if (text.includes('\0')) {
    throw refuse('SPEC-BINARY', path, 'holds zero bytes, so it is not text', 'Name a `*.cell.ts` file saved as UTF-8.');
  }
  if (text.length > MOST_CHARACTERS) throw tooLarge(path);
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function refuse(code: string, path: string, what: string, fix: string): RecurveError {
  return new RecurveError({ code, message: `${path} ${what}`, fix, where: path });
}

function tooLarge(path: string): RecurveError {
  const limit = `${MOST_CHARACTERS / 1024} KiB`;
  return refuse('SPEC-FILE-SIZE', path, `is larger than ${limit}`, 'Name a `*.cell.ts` file; write repeated gates with `for`.');
}

function unreadable(path: string, error: unknown): RecurveError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ERR_INVALID_ARG_VALUE') {
    const near = nearest(basename(path), specsBeside(path));
    const fix =
      near === undefined
        ? 'Check the path; `npx recurve new <name>` writes a spec.'
        : `Did you mean ${join(dirname(path), near)}?`;
    return new RecurveError({
      code: 'SPEC-NOT-FOUND',
      message: `there is no file ${path.replaceAll('\0', '\\0')}`,
      fix,
      where: path,
    });
  }
  return refuse(
    'SPEC-UNREADABLE',
    path,
    `cannot be read (${code || 'unknown reason'})`,
    'Check the permissions of the file and its folders.',
  );
}

function specsBeside(path: string): string[] {
  try {
    return readdirSync(dirname(path)).filter((name) => name.endsWith('.ts'));
  } catch {
    return [];
  }
}
