/** The user's cache, where what was made once is kept for the next time. */
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { home } from './home.js';

/** Folders for it, best first. */
export function cacheFolders(): string[] {
  const { XDG_CACHE_HOME: named = '' } = process.env;
  // The rule of XDG: a relative path is as good as none.
  const caches = isAbsolute(named) ? named : join(home(), '.cache');
  // The temporary folder is everyone's: a folder of our own in it, or another user could plant a file there.
  return [join(caches, 'recurve'), join(tmpdir(), `recurve-${process.getuid?.()}`)].filter(isAbsolute);
}
