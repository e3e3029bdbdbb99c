/** Runs command lines in this process, with every byte captured. */
import { tmpdir } from 'node:os';
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
  readonly now?: Io['now'];
}

/** One command line; `argv` without node and script. */
export async function recurve(
  argv: readonly string[],
  { cwd = tmpdir(), stdin, env = {}, opened, now }: Surroundings = {},
): Promise<Ran> {
  const stdout = new Captured();
  const stderr = new Captured();
  const code = await runCli(argv, { stdin: stdin ?? nothing(), stdout, stderr, cwd, env, opened, now });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

class Captured implements Output {
  readonly isTTY = false;
  text = '';

  async write(text: string | Uint8Array): Promise<void> {
    this.text += typeof text === 'string' ? text : Buffer.from(text).toString('utf8');
  }
}
