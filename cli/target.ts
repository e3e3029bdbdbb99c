/** What to compile for when no adapter is asked. */
import type { Target } from '../codegen/plan.js';
import { MOST_INSTRUCTIONS } from '../runtime/device/adapter.js';
import type { Context } from './context.js';
import { withDevice } from './devices.js';

/** The limits that every WebGPU device grants without being asked, and a warp of 32 lanes. */
export const genericTarget: Target = {
  subgroup: 32,
  software: false,
  maxBufferBytes: 256 * 2 ** 20,
  maxBindingBytes: 128 * 2 ** 20,
  maxWorkgroupsPerDimension: 65_535,
  maxStorageBuffers: 8,
  maxKernelInstructions: MOST_INSTRUCTIONS.hardware,
};

/** The adapter's own target where `--adapter` names one, the generic one otherwise. @throws RecurveError exit code 3 */
export async function chooseTarget(context: Context, adapterIsGiven: 'given' | 'not given'): Promise<Target> {
  if (adapterIsGiven === 'not given') return genericTarget;
  return withDevice(context, 'check', async ({ target }) => target);
}
