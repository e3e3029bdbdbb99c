/**
 * The world outside a command: streams, working folder, environment. Commands never touch `process`,
 * so that a test runs thousands of them in one process and sees every byte.
 */
import { once } from 'node:events';
import { RecurveError } from '../codegen/errors.js';
import type { RecurveDevice } from '../runtime/device/index.js';

export interface Output {
  /** Resolves when the reader has room for more. */
  write(text: string | Uint8Array): Promise<void>;
  readonly isTTY: boolean;
}

export interface Io {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** @throws RecurveError `CWD-MISSING` where it was deleted under the process */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Tests see each device that a command opens, and lose it. */
  readonly opened?: (device: RecurveDevice) => void;
}

/** The real process. A reader that goes away (`recurve list | head -1`) ends it quietly. */
export function processIo(): Io {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
      throw error;
    });
  }
  return {
    stdin: process.stdin,
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    get cwd() {
      return workingFolder();
    },
    env: process.env,
  };
}

function output(stream: NodeJS.WriteStream): Output {
  return {
    isTTY: stream.isTTY === true,
    async write(text) {
      if (!stream.write(text)) await once(stream, 'drain');
    },
  };
}

function workingFolder(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new RecurveError(
      { code: 'CWD-MISSING', message: 'the working folder is gone, or may not be entered', fix: 'Change to another folder.' },
      { cause },
    );
  }
}
