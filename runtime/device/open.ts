/** Opens a device with everything the adapter offers and reports its faults as errors a person can act on. */
import { RecurveError } from '../../codegen/errors.js';
import type { Target } from '../../codegen/plan.js';
import { type AdapterChoice, type AdapterReport, COMPUTE_LIMITS, describeAdapter, targetOf } from './adapter.js';
import { type ChosenAdapter, chooseAdapter } from './choose.js';
import type { DevicePurpose } from './instance.js';
import { withoutSpinning } from './wait.js';

/** Asked for where the adapter has them. */
const FEATURES = ['timestamp-query', 'subgroups', 'subgroup-size-control', 'shader-f16'];

export interface RecurveDevice {
  readonly device: GPUDevice;
  /** The Dawn instance it came from: its further adapters are of the same driver. */
  readonly gpu: GPU;
  readonly adapter: AdapterReport;
  readonly target: Target;
  /** Rejects with `DEVICE-LOST` if the device is lost, not when we close it. Otherwise it never settles. */
  readonly lost: Promise<never>;
  /** Throws what went wrong on the device since the last call, if anything did. */
  check(): void;
  /** Waits for something of the device's. Faults on the way are thrown: a lost device, an uncaptured error. */
  settle<T>(pending: Promise<T>): Promise<T>;
  /** Frees the device and everything made on it. */
  close(): void;
}

/**
 * Opens a device on the adapter of a choice.
 * @throws RecurveError exit code 3: `ADAPTER-NONE`, `ADAPTER-REFUSED`, `DEVICE-REFUSED`; exit code 2: `ADAPTER-UNKNOWN`
 */
export async function openDevice(
  choice: AdapterChoice,
  { purpose = 'check' }: { readonly purpose?: DevicePurpose } = {},
): Promise<RecurveDevice> {
  const chosen = await chooseAdapter(choice, purpose);
  const report = describeAdapter(chosen.gpu, chosen.adapter, { driver: chosen.driver, notice: chosen.notice });
  return superviseDevice(chosen, await requestDevice(chosen.adapter, report), report);
}

async function requestDevice(adapter: GPUAdapter, report: AdapterReport): Promise<GPUDevice> {
  try {
    return await adapter.requestDevice({
      label: 'recurve',
      requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)) as GPUFeatureName[],
      requiredLimits: Object.fromEntries(COMPUTE_LIMITS.map((name) => [name, adapter.limits[name]])),
    });
  } catch (error) {
    throw new RecurveError(
      {
        code: 'DEVICE-REFUSED',
        message: `the adapter ${report.name} gives no device: ${firstLine(error)}`,
        fix: 'Choose another with --adapter; recurve doctor lists them.',
        exitCode: 3,
      },
      { cause: error },
    );
  }
}

function superviseDevice({ gpu }: ChosenAdapter, device: GPUDevice, adapter: AdapterReport): RecurveDevice {
  const faults: RecurveError[] = [];
  let closed = false;
  let loss: RecurveError | undefined;

  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault(); // or Dawn prints it as well
    faults.push(deviceFault(event.error));
  });
  const lost = device.lost.then((info) => {
    if (closed) return new Promise<never>(() => {});
    loss = new RecurveError({
      code: 'DEVICE-LOST',
      message: `the device ${adapter.name} was lost: ${info.message || info.reason}`,
      fix: 'Run it again; if it is lost again, try smaller dims or another --adapter.',
      exitCode: 3,
    });
    throw loss;
  });
  // A loss that nobody waits for shows at the next check instead of ending the process.
  lost.catch(() => {});

  const check = () => {
    if (loss) throw loss;
    const fault = faults.shift();
    faults.length = 0; // what follows the first fault follows from it
    if (fault) throw fault;
  };
  return {
    device,
    gpu,
    adapter,
    target: targetOf(adapter),
    lost,
    check,
    async settle(pending) {
      try {
        const value = await withoutSpinning(pending);
        check();
        return value;
      } catch (error) {
        // Whatever is pending on a lost device fails in some way of its own. Let the loss itself be heard first.
        await new Promise((resolve) => setImmediate(resolve));
        check();
        throw error;
      }
    },
    close() {
      closed = true;
      device.destroy();
    },
  };
}

function deviceFault(error: GPUError): RecurveError {
  if (error instanceof (globalThis.GPUOutOfMemoryError ?? Array)) {
    return new RecurveError({
      code: 'DEVICE-MEMORY',
      message: `the device has no memory left: ${error.message}`,
      fix: 'Use smaller dims.',
    });
  }
  return new RecurveError({
    code: 'DEVICE-ERROR',
    message: `the device refused a command: ${error.message}`,
    fix: 'This is a defect of recurve: please report it with the command that led here.',
    exitCode: 3,
  });
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
