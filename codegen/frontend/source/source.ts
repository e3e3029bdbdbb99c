/** Reads spec files as text, refusing by name what is not one. */

import { readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, normalize, relative, sep } from 'node:path';
import { type ErrorDetail, RecurveError } from '../../errors.js';
import { FileFault, readRegularFile } from '../../read-file.js';
import { nearest } from '../../suggest.js';
import { visible } from '../../visible.js';

/** A cell is a page of equations; more than this is some other file. */
export const MOST_CHARACTERS = 512 * 1024;

/** TypeScript's parser takes twice as long for each `async` inside another, and no cell has any. */
const MOST_ASYNCS = 12;

/**
 * The text of a spec file.
 * @throws RecurveError `SPEC-NOT-FOUND`, `SPEC-DIRECTORY`, `SPEC-NOT-A-FILE`, `SPEC-UNREADABLE`, `SPEC-FILE-SIZE`, `SPEC-BINARY`, `SPEC-ASYNC`
 */
export function readSource(path: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readRegularFile(path, MOST_CHARACTERS * 4);
  } catch (error) {
    throw error instanceof FileFault ? refuseFault(path, error) : error;
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refuse('SPEC-BINARY', path, 'is not UTF-8 text', 'Name a `*.cell.ts` file saved as UTF-8.');
  }
  return checkText(path, text);
}

/**
 * Whether an import is led out of a folder that its path goes through, by a symbolic link in it. What an import can show
 * of a file, in its diagnostics, must not depend on links that came with somebody's archive.
 */
export function leavesByLink(file: string, from: string): boolean {
  const parts = normalize(importedPath(from)).split(sep);
  const ups = parts.filter((part) => part === '..');
  let folder = join(dirname(file), ...ups);
  try {
    for (const part of parts.slice(ups.length)) {
      const next = join(folder, part);
      const way = relative(realpathSync(folder), realpathSync(next));
      if (isAbsolute(way) || way.split(sep)[0] === '..') return true;
      folder = next;
    }
  } catch {
    // Reading the file says why it cannot be found.
  }
  return false;
}

/** The path that an import means: specs write `./gate.js`, and the file is `./gate.ts`. */
export function importedPath(from: string): string {
  return from.replace(/\.js$/, '.ts').replace(/(?<!\.ts)$/, '.ts');
}

/** Refuses text that cannot be a spec, and drops a byte-order mark. */
export function checkText(path: string, text: string): string {
  if (text.includes('\0')) {
    throw refuse('SPEC-BINARY', path, 'holds zero bytes, so it is not text', 'Name a `*.cell.ts` file saved as UTF-8.');
  }
  if (text.length > MOST_CHARACTERS) throw tooLarge(path);
  const asyncs = text.match(/\basync\b/g)?.length ?? 0;
  if (asyncs > MOST_ASYNCS)
    throw refuse(
      'SPEC-ASYNC',
      path,
      `says \`async\` ${asyncs} times, and ${MOST_ASYNCS} are read`,
      'Remove them: a step waits for nothing.',
    );
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function refuse(code: ErrorDetail['code'], path: string, what: string, fix: string): RecurveError {
  return new RecurveError({ code, message: `${visible(path)} ${what}`, fix, where: path });
}

function tooLarge(path: string): RecurveError {
  const limit = `${MOST_CHARACTERS / 1024} KiB`;
  return refuse('SPEC-FILE-SIZE', path, `is larger than ${limit}`, 'Name a `*.cell.ts` file; write repeated gates with `for`.');
}

function refuseFault(path: string, { kind, reason }: FileFault): RecurveError {
  switch (kind) {
    case 'missing':
      return missing(path);
    case 'folder':
      return refuse('SPEC-DIRECTORY', path, reason, 'Name a file in it, e.g. `mine.cell.ts`.');
    case 'special':
      return refuse('SPEC-NOT-A-FILE', path, reason, 'Name a `*.cell.ts` file.');
    case 'too large':
      return tooLarge(path);
    case 'unreadable':
      return refuse('SPEC-UNREADABLE', path, reason, 'Check the path, and the permissions of the file and its folders.');
  }
}

function missing(path: string): RecurveError {
  const near = nearest(basename(path), specsBeside(path));
  return new RecurveError({
    code: 'SPEC-NOT-FOUND',
    message: `there is no file ${visible(path)}`,
    fix:
      near === undefined
        ? 'Check the path; `npx recurve new <name>` writes a spec.'
        : `Did you mean ${visible(join(dirname(path), near))}?`,
    where: path,
  });
}

function specsBeside(path: string): string[] {
  try {
    return readdirSync(dirname(path)).filter((name) => name.endsWith('.ts'));
  } catch {
    return [];
  }
}
