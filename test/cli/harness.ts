/** What tests of the command line share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Ran } from './captured.js';

export { type Ran, recurve } from './captured.js';

/** The one document that `--json` prints; fails where there is anything else. */
export function documentOf({ stdout }: Ran): unknown {
  return JSON.parse(stdout);
}

/** A folder for this test file, removed at its end. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'recurve-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function* bytes(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
