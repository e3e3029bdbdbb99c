/** What to compile for when no adapter is asked. */
import type { Target } from '../codegen/plan.js';
import { MOST_INSTRUCTIONS, MOST_WORK } from '../runtime/device/adapter.js';
import type { Context } from './context.js';
import { withDevice } from './devices.js';
import type { Flags } from './flags.js';

/** The limits that every WebGPU device grants without being asked, and a warp of 32 lanes. */
export const genericTarget: Target = {
  subgroup: 32,
  software: false,
  broadcasts: false,
  maxBufferBytes: 256 * 2 ** 20,
  maxBindingBytes: 128 * 2 ** 20,
  maxWorkgroupsPerDimension: 65_535,
  maxStorageBuffers: 8,
  maxKernelInstructions: MOST_INSTRUCTIONS.hardware,
  maxDispatchWork: MOST_WORK,
};

/** A target, and what it is called where something is said of it. */
export interface NamedTarget {
  readonly target: Target;
  /** `generic`, or an adapter's own name. */
  readonly name: string;
}

export const generic: NamedTarget = { target: genericTarget, name: 'generic' };

/** The adapter's own target where `--adapter` names one, the generic one otherwise. @throws RecurveError exit code 3 */
export async function chooseTarget(context: Context, { adapter }: Pick<Flags, 'adapter'>): Promise<NamedTarget> {
  if (adapter === undefined) return generic;
  return withDevice(context, 'check', async ({ target, adapter: { name } }) => ({ target, name }));
}

/** One line, for people. */
export function targetText({ name }: NamedTarget): string {
  return name === generic.name
    ? 'for the generic target, with the limits that WebGPU guarantees everywhere; --adapter auto speaks for this machine'
    : `for the adapter ${name}`;
}
