/** Paths in messages. */
import { isAbsolute, relative } from 'node:path';

/** A path as a person would write it from `cwd`: relative below it, absolute elsewhere. */
export function displayPath(path: string, cwd: string): string {
  if (!isAbsolute(path)) return path;
  const near = relative(cwd, path);
  return near === '' || near.startsWith('..') || isAbsolute(near) ? path : near;
}
