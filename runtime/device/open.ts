/** Opens a device with everything the adapter offers and reports its faults as errors a person can act on. */
import { RecurveError } from '../../codegen/errors.js';
import type { Target } from '../../codegen/plan.js';
import { type AdapterChoice, type AdapterReport, COMPUTE_LIMITS, describeAdapter, targetOf } from './adapter.js';
import { chooseAdapter } from './choose.js';
import type { DevicePurpose } from './instance.js';
import { type Supervised, supervise } from './supervise.js';
import { withoutSpinning } from './wait.js';

/** Asked for where the adapter has them. */
const FEATURES = ['timestamp-query', 'subgroups', 'subgroup-size-control', 'shader-f16'];

/** A device that we opened, with what is known of its adapter. */
export interface RecurveDevice extends Supervised {
  /** The Dawn instance it came from: its further adapters are of the same driver. */
  readonly gpu: GPU;
  readonly adapter: AdapterReport;
  readonly target: Target;
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
  const device = await requestDevice(chosen.adapter, report);
  const time = report.languageFeatures.includes('immediate_address_space') ? 'immediate' : 'uniform';
  const supervised = supervise(device, { name: report.name, time, maker: 'recurve', wait: withoutSpinning });
  return { ...supervised, gpu: chosen.gpu, adapter: report, target: targetOf(report) };
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
        where: '--adapter',
        exitCode: 3,
      },
      { cause: error },
    );
  }
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
