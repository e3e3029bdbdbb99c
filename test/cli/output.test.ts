import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createContext } from '../../cli/context.js';
import { type Output, StreamOutput } from '../../cli/io.js';
import { runCli } from '../../cli/program.js';
import { bytes, scratchFolder } from './harness.js';

const cwd = scratchFolder();

/** A stream of the system that fails from the first byte on. */
function failing(code: string, text: string): Writable {
  return new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error(`${code}: ${text}, write`), { code, errno: -1, syscall: 'write' }));
    },
  });
}

async function runInto(stdout: Output, argv: readonly string[]): Promise<{ code: number; stderr: string }> {
  const said: string[] = [];
  const stderr: Output = { isTTY: false, write: async (text) => void said.push(String(text)) };
  const code = await runCli(argv, { stdin: bytes(''), stdout, stderr, cwd, env: {} });
  return { code, stderr: said.join('') };
}

const pipe = () => new StreamOutput(failing('EPIPE', 'broken pipe'));
const full = () => new StreamOutput(failing('ENOSPC', 'no space left on device'));
const LOST =
  'error OUT-WRITE: stdout cannot be written: no space left on device\nfix: Make room, or redirect stdout elsewhere.\n';
const inspect = ['inspect', 'rnn', '--stage', 'signature'];

describe('an output that fails', () => {
  it('because nobody reads leaves the exit code as it is, and says nothing', async () => {
    expect(await runInto(pipe(), inspect)).toEqual({ code: 0, stderr: '' });
    expect(await runInto(pipe(), ['--help'])).toEqual({ code: 0, stderr: '' });
    expect(await runInto(pipe(), [...inspect, '--json', '--dims', 'Q=1'])).toEqual({ code: 2, stderr: '' });
  });

  it('because the disk is full is told, and exits with 2 where all else went well', async () => {
    expect(await runInto(full(), inspect)).toEqual({ code: 2, stderr: LOST });
    expect(await runInto(full(), ['--version'])).toEqual({ code: 2, stderr: LOST });
    expect(await runInto(full(), ['doctor', '--adapter', 'lavapipe', '--colour', '--json'])).toEqual({ code: 2, stderr: LOST });
  });

  it('does not hide the exit code of a command that failed', async () => {
    expect(await runInto(full(), ['check', 'gone', '--json'])).toEqual({ code: 2, stderr: LOST });
    const stdout = full();
    await stdout.write('taken by nobody');
    expect(stdout.failure?.code).toBe('ENOSPC');
  });

  it('takes no stderr for granted either', async () => {
    const io = { stdin: bytes(''), stdout: full(), stderr: full(), cwd, env: {} };
    expect(await runCli(['inspect', 'nothing', '--stage', 'graph'], io)).toBe(2);
    expect(await runCli(inspect, io)).toBe(2);
  });
});

describe('progress', () => {
  it('is one line every ten seconds where stderr is no terminal', () => {
    const said: string[] = [];
    let now = 5_000;
    const stderr: Output = { isTTY: false, write: async (text) => void said.push(String(text)) };
    const { progress } = createContext({ stdin: bytes(''), stdout: stderr, stderr, cwd, env: {}, now: () => now }, 'auto');
    for (const seconds of [0, 4, 9.9, 10, 10.1, 19.9, 20, 60]) {
      now = 5_000 + 1000 * seconds;
      progress(`at ${seconds}`);
    }
    expect(said).toEqual(['at 10\n', 'at 20\n', 'at 60\n']);
  });
});
