/** The user's cache, where what was made once is kept for the next time. */
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { home } from './home.js';
import { writeAll } from './write-all.js';

/** Folders for it, best first. */
export function cacheFolders(): string[] {
  const { XDG_CACHE_HOME: named = '' } = process.env;
  // The rule of XDG: a relative path is as good as none.
  const caches = isAbsolute(named) ? named : join(home(), '.cache');
  // The temporary folder is everyone's: a folder of our own in it, or another user could plant a file there.
  return [join(caches, 'recurve'), join(tmpdir(), `recurve-${process.getuid?.()}`)].filter(isAbsolute);
}

/** Keeps a value as a readable file for the next time. @returns its path; `undefined` where no folder of the cache can be written to */
export async function keepJson(kind: string, file: string, value: object): Promise<string | undefined> {
  for (const cache of cacheFolders()) {
    const folder = join(cache, kind);
    const path = join(folder, file);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeAll({ writes: [{ path, content: `${JSON.stringify(value, undefined, 2)}\n`, existing: 'replace' }] });
      return path;
    } catch {
      // The next folder, then; where none will do, whoever asked is told.
    }
  }
  return undefined;
}
