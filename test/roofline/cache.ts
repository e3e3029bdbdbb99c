/** A user's cache of the test's own: what is kept on this machine is neither found nor replaced. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** For every test of the file or the block, a new one. @returns a function that gives its folder */
export function ownCache(): () => string {
  const { XDG_CACHE_HOME: before } = process.env;
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'recurve-cache-'));
    process.env.XDG_CACHE_HOME = folder;
  });
  afterEach(() => {
    if (before === undefined) Reflect.deleteProperty(process.env, 'XDG_CACHE_HOME');
    else process.env.XDG_CACHE_HOME = before;
    rmSync(folder, { recursive: true, force: true });
  });
  return () => folder;
}
