/**
 * Changes several files wholly or not at all: everything is written beside its place first, so that a full disk changes
 * nothing, and what has been put in place is taken back should a later step fail.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isAlive } from './alive.js';
import { uninterrupted } from './uninterrupted.js';

export interface FileWrite {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** What happens to a file of that name: it is replaced, or the whole is refused (`EEXIST`). */
  readonly existing: 'replace' | 'refuse';
}

export interface Changes {
  /** Missing folders are made. */
  readonly writes: readonly FileWrite[];
  /** Files to remove once all is written; one that is not there is none the less gone. */
  readonly removes?: readonly string[];
}

/**
 * @throws the system's error of the first step that failed; nothing is changed then
 */
export function writeAll(changes: Changes): Promise<void> {
  return uninterrupted(() => applyChanges(changes));
}

/** The same without a pause, for a caller that is uninterrupted already. */
export function applyChanges({ writes, removes = [] }: Changes): void {
  const undo: (() => void)[] = [];
  const made: string[] = [];
  const scraps: string[] = [];
  for (const folder of new Set([...writes.map(({ path }) => path), ...removes].map(dirname))) removeAbandoned(folder);
  const scrapFor = (path: string) => {
    const scrap = join(dirname(path), `.${basename(path).slice(0, 100)}.${process.pid}.${randomUUID()}.tmp`);
    scraps.push(scrap);
    return scrap;
  };
  try {
    const staged = writes.map((write) => {
      made.push(...makeFolder(dirname(write.path)));
      if (isFolder(write.path)) throw systemError('EISDIR', 'it is a folder');
      const scrap = scrapFor(write.path);
      writeFlushed(scrap, write.content);
      return { ...write, scrap };
    });
    for (const { path, scrap, existing } of staged) {
      if (existing === 'refuse') putNew(scrap, path);
      else {
        // The last of the renames cannot be followed by a failure, so that a single file needs no copy to go back to.
        if (writes.length + removes.length > 1) keep(path, scrapFor, undo);
        renameSync(scrap, path);
      }
      if (existing === 'refuse') undo.push(() => rmSync(path, { force: true }));
    }
    for (const path of removes) {
      keep(path, scrapFor, undo);
      rmSync(path, { force: true });
    }
  } catch (cause) {
    // The first error is the one to be told: what cannot be taken back now failed for the same reason.
    for (const step of undo.reverse()) quietly(step);
    removeScraps();
    for (const folder of made.reverse()) quietly(() => rmdirSync(folder));
    throw cause;
  }
  removeScraps();

  function removeScraps(): void {
    for (const scrap of scraps) quietly(() => rmSync(scrap, { force: true }));
  }
}

/** What a process wrote beside its files: their name, its number, a name that nobody else gives. */
const SCRAP = /^\..*\.(?<process>\d+)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** Removes what processes left that were killed before they could put it in place. */
function removeAbandoned(folder: string): void {
  quietly(() => {
    for (const name of readdirSync(folder)) {
      const owner = SCRAP.exec(name)?.groups?.process;
      if (owner !== undefined && !isAlive(Number(owner))) quietly(() => rmSync(join(folder, name), { force: true }));
    }
  });
}

/** Makes `folder` and those above it that are missing; gives them, the outermost first. */
function makeFolder(folder: string): string[] {
  const first = madeFolder(folder);
  const made: string[] = [];
  if (first !== undefined) for (let at = folder; at.length >= first.length; at = dirname(at)) made.unshift(at);
  return made;
}

function madeFolder(folder: string): string | undefined {
  try {
    return mkdirSync(folder, { recursive: true });
  } catch (cause) {
    // A file of that name; `EEXIST` is what is said of files that are to be new.
    if (!hasCode(cause, 'EEXIST')) throw cause;
    throw systemError('ENOTDIR', 'not a directory');
  }
}

function systemError(code: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}`), { code, syscall: 'open', errno: 0 });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function writeFlushed(path: string, content: string | Uint8Array): void {
  const file = openSync(path, 'wx');
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Gives the file a second name to take it back from; what is not there is removed instead. */
function keep(path: string, scrapFor: (path: string) => string, undo: (() => void)[]): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) {
    undo.push(() => rmSync(path, { force: true }));
    return;
  }
  const old = scrapFor(path);
  linkOrCopy(path, old);
  undo.push(() => renameSync(old, path));
}

/** Where another process has made a file of that name meanwhile, this fails and leaves it alone. */
function putNew(scrap: string, path: string): void {
  linkOrCopy(scrap, path);
}

/** Not every file system has second names. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) throw cause;
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  }
}

function quietly(step: () => void): void {
  try {
    step();
  } catch {
    // What is told is why it came to this.
  }
}
