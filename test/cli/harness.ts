/** Runs command lines in this process, with every byte captured. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Io, Output } from '../../cli/io.js';
import { runCli } from '../../cli/program.js';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly cwd?: string;
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly env?: Io['env'];
  readonly opened?: Io['opened'];
}

/** One command line; `argv` without node and script. */
export async function recurve(
  argv: readonly string[],
  { cwd = tmpdir(), stdin, env = {}, opened }: Surroundings = {},
): Promise<Ran> {
  const stdout = new Captured();
  const stderr = new Captured();
  const code = await runCli(argv, { stdin: stdin ?? nothing(), stdout, stderr, cwd, env, opened });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

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

async function* nothing(): AsyncGenerator<Uint8Array> {}

class Captured implements Output {
  readonly isTTY = false;
  text = '';

  async write(text: string | Uint8Array): Promise<void> {
    this.text += typeof text === 'string' ? text : Buffer.from(text).toString('utf8');
  }
}
