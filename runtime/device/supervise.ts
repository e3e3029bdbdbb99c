/** A device whose faults are told as errors that a person can act on. Nothing here needs Node. */
import { RecurveError } from '../../codegen/errors.js';

/** How kernels learn the time step: from immediates, or from a uniform with a dynamic offset where there are none. */
export type TimeSource = 'immediate' | 'uniform';

/** What running a plan needs of a device, whoever made it. */
export interface Supervised {
  /** For buffers and kernels of one's own. */
  readonly device: GPUDevice;
  /** The adapter's, for messages. */
  readonly name: string;
  /** How kernels of its plans learn the time step. */
  readonly time: TimeSource;
  /** Rejects with `DEVICE-LOST` if the device is lost, not when we close it. Otherwise it never settles. */
  readonly lost: Promise<never>;
  /** Throws what went wrong on the device since the last call, if anything did. */
  check(): void;
  /** Waits for something of the device's. Faults on the way are thrown: a lost device, an uncaptured error. */
  settle<T>(pending: Promise<T>): Promise<T>;
  /** Ends the supervision, and with it a device of our own and everything made on it. */
  close(): void;
}

export interface Supervision {
  readonly name: string;
  readonly time: TimeSource;
  /** Who made the device. Errors that nobody captured are ours to tell on a device of our own; on another's they stay the owner's. */
  readonly maker: 'recurve' | 'caller';
  /** How to wait; a plain `await` where it is missing. */
  readonly wait?: <T>(pending: Promise<T>) => Promise<T>;
}

export function supervise(device: GPUDevice, { name, time, maker, wait = (pending) => pending }: Supervision): Supervised {
  const faults: RecurveError[] = [];
  let closed = false;
  let loss: RecurveError | undefined;

  const uncaptured = (event: GPUUncapturedErrorEvent) => {
    event.preventDefault(); // or Dawn prints it as well
    faults.push(deviceFault(event.error, name));
  };
  if (maker === 'recurve') device.addEventListener('uncapturederror', uncaptured);
  const lost = device.lost.then((info) => {
    if (closed) return new Promise<never>(() => {});
    loss = new RecurveError({
      code: 'DEVICE-LOST',
      message: `the device ${name} was lost: ${info.message || info.reason}`,
      fix: 'Run it again; if it is lost again, try smaller dims or another --adapter.',
      where: name,
      exitCode: 3,
    });
    throw loss;
  });
  // A loss that nobody waits for shows at the next check instead of ending the process.
  lost.catch(() => {});

  const check = () => {
    if (closed && maker === 'recurve') {
      throw new RecurveError({
        code: 'DEVICE-CLOSED',
        message: `the device ${name} was closed`,
        fix: 'Await what was started before you close it, and open another for more.',
        where: name,
      });
    }
    if (loss) throw loss;
    const fault = faults.shift();
    faults.length = 0; // what follows the first fault follows from it
    if (fault) throw fault;
  };
  return {
    device,
    name,
    time,
    lost,
    check,
    async settle(pending) {
      try {
        const value = await wait(pending);
        check();
        return value;
      } catch (error) {
        // Whatever is pending on a lost device fails in some way of its own. Let the loss itself be heard first.
        await new Promise((resolve) => setTimeout(resolve));
        check();
        throw error;
      }
    },
    close() {
      closed = true;
      if (maker === 'caller') return;
      device.destroy();
      // Dawn holds a listener, which holds what stands around it here, the device too: neither would ever be freed.
      device.removeEventListener('uncapturederror', uncaptured);
    },
  };
}

function deviceFault(error: GPUError, name: string): RecurveError {
  if (error instanceof (globalThis.GPUOutOfMemoryError ?? Array)) {
    return new RecurveError({
      code: 'DEVICE-MEMORY',
      message: `the device ${name} has no memory left: ${error.message}`,
      fix: 'Use smaller dims: T and B count most.',
      where: name,
    });
  }
  return new RecurveError({
    code: 'DEVICE-ERROR',
    message: `the device ${name} refused a command: ${error.message}`,
    fix: 'A buffer that you give has to be of this device, not destroyed, and no memory of the plan. If none is given, this is a defect of recurve: please report it with the command that led here.',
    where: name,
    exitCode: 3,
  });
}
