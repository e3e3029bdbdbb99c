/** Paths in messages. */
import { isAbsolute, relative } from 'node:path';

import { visible } from '../codegen/visible.js';

/** A word of a shell's command line. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A path as a person would write it from `cwd`: relative below it, absolute elsewhere. */
export function displayPath(path: string, cwd: string): string {
  if (!isAbsolute(path)) return visible(path);
  const near = relative(cwd, path);
  return visible(near === '' || near.startsWith('..') || isAbsolute(near) ? path : near);
}
