/**
 * The world outside a command: streams, working folder, environment. Commands never touch `process`,
 * so that a test runs thousands of them in one process and sees every byte.
 */
import { RecurveError } from '../codegen/errors.js';
import type { RecurveDevice } from '../runtime/device/index.js';

export interface Output {
  /** Resolves when the text has been taken, and also when it cannot be: `failure` then says why. */
  write(text: string | Uint8Array): Promise<void>;
  readonly isTTY: boolean;
  /** Nothing more can be written: the disk is full, or the reader has gone away (code `EPIPE`). */
  readonly failure?: NodeJS.ErrnoException;
}

export interface Io {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** @throws RecurveError `CWD-MISSING` where it was deleted under the process */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since any fixed moment; `performance.now` where it is missing. Tests have a clock of their own. */
  readonly now?: () => number;
  /** Tests see each device that a command opens, and lose it. */
  readonly opened?: (device: RecurveDevice) => void;
}

/** The real process. */
export function processIo(): Io {
  return {
    stdin: process.stdin,
    stdout: new StreamOutput(process.stdout),
    stderr: new StreamOutput(process.stderr),
    get cwd() {
      return workingFolder();
    },
    env: process.env,
  };
}

/** A command goes on when its output fails, so that its exit code says what it found: a check may have failed. */
export class StreamOutput implements Output {
  readonly isTTY: boolean;
  readonly #stream: NodeJS.WritableStream;
  #failure: NodeJS.ErrnoException | undefined;

  constructor(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }) {
    this.isTTY = stream.isTTY === true;
    this.#stream = stream;
    // Without a listener the error would end the process with a stack trace.
    stream.on('error', (error: NodeJS.ErrnoException) => this.#fail(error));
  }

  get failure(): NodeJS.ErrnoException | undefined {
    return this.#failure;
  }

  write(text: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#failure !== undefined) return resolve();
      this.#stream.write(text, (error) => {
        if (error) this.#fail(error);
        resolve();
      });
    });
  }

  #fail(error: NodeJS.ErrnoException): void {
    this.#failure ??= error;
  }
}

function workingFolder(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new RecurveError(
      {
        code: 'CWD-MISSING',
        message: 'the working folder is gone, or may not be entered',
        fix: 'Change to another folder.',
        where: '.',
      },
      { cause },
    );
  }
}
