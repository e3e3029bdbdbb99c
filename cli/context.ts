/** What every command gets, and what it gives back. */
import pc from 'picocolors';
import type { AdapterChoice, RecurveDevice } from '../runtime/device/index.js';
import type { Io } from './io.js';
import type { CliExit } from './report.js';

/** A command's result: `--json` prints the document, otherwise, or where there is none, the text is printed. */
export interface Outcome {
  readonly document?: unknown;
  readonly text: string;
  /** Default 0. */
  readonly exitCode?: CliExit;
}

export type Colors = ReturnType<typeof pc.createColors>;

export interface Context {
  readonly io: Io;
  readonly adapter: AdapterChoice;
  readonly colors: Colors;
  /** One line on stderr that stays. */
  note(line: string): Promise<void>;
  /** One line on stderr that the next one replaces; nothing where stderr is not a terminal. */
  progress(line: string): void;
  clearProgress(): void;
}

export function createContext(io: Io, adapter: AdapterChoice): Context {
  const wanted = io.stdout.isTTY && io.env.NO_COLOR === undefined;
  let shown = false;
  const clearProgress = () => {
    if (shown) void io.stderr.write('\r\x1b[K');
    shown = false;
  };
  return {
    io,
    adapter,
    colors: pc.createColors(wanted),
    async note(line) {
      clearProgress();
      await io.stderr.write(`${line}\n`);
    },
    progress(line) {
      if (!io.stderr.isTTY) return;
      shown = true;
      void io.stderr.write(`\r\x1b[K${line.slice(0, 100)}`);
    },
    clearProgress,
  };
}

/**
 * Opens the chosen adapter, says so in one line where it is software, and closes it whatever happens.
 * @throws RecurveError exit code 3: no usable adapter, or the device was lost.
 */
export async function withDevice<R>(
  context: Context,
  purpose: 'check' | 'bench',
  use: (device: RecurveDevice) => Promise<R>,
): Promise<R> {
  const device = await openNoticed(context, purpose);
  try {
    return await use(device);
  } finally {
    device.close();
  }
}

/** As `withDevice`, for a caller that closes the device itself. */
export async function openNoticed(context: Context, purpose: 'check' | 'bench'): Promise<RecurveDevice> {
  // Loaded only here: Dawn is a large native library that half of the commands do not need.
  const { openDevice } = await import('../runtime/device/index.js');
  const device = await openDevice(context.adapter, { purpose });
  if (device.adapter.notice !== undefined) await context.note(device.adapter.notice);
  return device;
}
