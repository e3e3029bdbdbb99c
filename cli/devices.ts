/** The device that a command works on: opened when it is first needed, and once more where it is lost on the way. */
import { RecurveError } from '../codegen/errors.js';
import type { DevicePurpose, RecurveDevice } from '../runtime/device/index.js';
import type { Context } from './context.js';

/** A device for the life of a command. */
export class Devices {
  readonly #context: Context;
  readonly #lost: () => void;
  #device: RecurveDevice | undefined;

  /** @param lost frees what was made on a device that is gone, before another is opened */
  constructor(context: Context, lost: () => void = () => {}) {
    this.#context = context;
    this.#lost = lost;
  }

  /**
   * Does some work on the device. Where the device is lost meanwhile, the user is told, another is opened and the work
   * is done from its beginning: once. Drivers lose devices for reasons that pass, such as sleep or an update.
   *
   * @throws RecurveError exit code 3: no usable adapter, or the second device was lost, too
   */
  async use<R>(work: (device: RecurveDevice) => Promise<R>): Promise<R> {
    try {
      return await work(await this.#open());
    } catch (error) {
      if (!(error instanceof RecurveError) || error.code !== 'DEVICE-LOST') throw error;
      this.#lost();
      this.close();
      await this.#context.note(`${error.message}; it is opened again, and what was running is repeated.`);
      return work(await this.#open());
    }
  }

  close(): void {
    this.#device?.close();
    this.#device = undefined;
  }

  async #open(): Promise<RecurveDevice> {
    this.#device ??= await openNoticed(this.#context, 'check');
    return this.#device;
  }
}

/**
 * Opens the chosen adapter, says so in one line where it is software, and closes it whatever happens. For work that
 * cannot be repeated: a measurement.
 * @throws RecurveError exit code 3: no usable adapter, or the device was lost.
 */
export async function withDevice<R>(
  context: Context,
  purpose: DevicePurpose,
  use: (device: RecurveDevice) => Promise<R>,
): Promise<R> {
  const device = await openNoticed(context, purpose);
  try {
    return await use(device);
  } finally {
    device.close();
  }
}

async function openNoticed({ io, adapter, note }: Context, purpose: DevicePurpose): Promise<RecurveDevice> {
  // Loaded only here: Dawn is a large native library that half of the commands do not need.
  const { openDevice } = await import('../runtime/device/index.js');
  const device = await openDevice(adapter, { purpose });
  io.opened?.(device);
  if (device.adapter.notice !== undefined) await note(device.adapter.notice);
  return device;
}
