/** Encodes a plan's schedule into one compute pass. */

import { RecurveError } from '../../codegen/errors.js';
import type { PassSpec, Plan, ScheduleItem } from '../../codegen/plan.js';
import type { RecurveDevice } from '../device/index.js';
import { bufferOf } from '../memory/buffers.js';
import { compileKernel, type Kernel } from './pipelines.js';

/** A pass with everything it needs made. */
export interface Step {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroup;
  readonly usesTime: boolean;
  readonly workgroups: readonly [number, number, number];
}

export type Command =
  | { readonly kind: 'step'; readonly step: Step; readonly time: number | undefined }
  | { readonly kind: 'loop'; readonly from: number; readonly to: number; readonly by: number; readonly steps: readonly Step[] };

/**
 * Compiles a plan's kernels, all at once, and makes its bind groups.
 * @throws RecurveError `LIMIT-WORKGROUPS`, and what `compileKernel` throws
 */
export async function createSteps(
  owner: RecurveDevice,
  plan: Plan,
  buffers: ReadonlyMap<string, GPUBuffer>,
): Promise<ReadonlyMap<string, Step>> {
  const { device } = owner;
  for (const pass of plan.passes) checkWorkgroups(owner, pass);
  const kernels = new Map(
    await Promise.all(plan.kernels.map(async (spec) => [spec.name, await compileKernel(owner, spec)] as const)),
  );
  device.pushErrorScope('validation');
  const groups = new Map(
    plan.kernels.map((spec) => {
      const { layout } = lookUp<Kernel>(kernels, spec.name, 'kernel');
      const entries = spec.bindings.map(({ buffer }, binding) => ({
        binding,
        resource: { buffer: bufferOf(buffers, buffer) },
      }));
      return [spec.name, device.createBindGroup({ label: spec.name, layout, entries })];
    }),
  );
  const error = await owner.settle(device.popErrorScope());
  if (error) throw new Error(`bind groups of the plan for ${plan.cell}: ${error.message}`);

  const usesTime = new Map(plan.kernels.map((spec) => [spec.name, spec.usesTime]));
  return new Map(
    plan.passes.map((pass) => [
      pass.name,
      {
        pipeline: lookUp(kernels, pass.kernel, 'kernel').pipeline,
        bindings: lookUp(groups, pass.kernel, 'kernel'),
        usesTime: lookUp(usesTime, pass.kernel, 'kernel'),
        workgroups: pass.workgroups,
      },
    ]),
  );
}

/** Replaces the names in a schedule by what they stand for. */
export function resolveSchedule(items: readonly ScheduleItem[], steps: ReadonlyMap<string, Step>): Command[] {
  return items.map((item) => {
    if (item.kind === 'pass') return { kind: 'step', step: lookUp(steps, item.pass, 'pass'), time: item.time };
    const { from, to, by } = item;
    // Counting the wrong way would never reach `to`.
    if ((to - from) * by < 0) throw new Error(`a loop of the plan counts from ${from} to ${to} by ${by}`);
    return { kind: 'loop', from, to, by, steps: item.passes.map((pass) => lookUp(steps, pass, 'pass')) };
  });
}

/** Records commands into a compute pass, leaving out settings that are already in force. */
export function encode(pass: GPUComputePassEncoder, commands: readonly Command[]): void {
  const immediate = new Int32Array(1);
  let pipeline: GPUComputePipeline | undefined;
  let bindings: GPUBindGroup | undefined;
  let current: number | undefined;

  const dispatch = (step: Step, time: number) => {
    if (step.pipeline !== pipeline) {
      pipeline = step.pipeline;
      pass.setPipeline(pipeline);
    }
    if (step.bindings !== bindings) {
      bindings = step.bindings;
      pass.setBindGroup(0, bindings);
    }
    // Immediates are the pass's, not the pipeline's: they stay in force when the pipeline changes.
    if (step.usesTime && time !== current) {
      current = time;
      immediate[0] = time;
      pass.setImmediates(0, immediate);
    }
    const [x, y, z] = step.workgroups;
    pass.dispatchWorkgroups(x, y, z);
  };

  for (const command of commands) {
    if (command.kind === 'step') {
      dispatch(command.step, command.time ?? 0);
      continue;
    }
    for (let time = command.from; time !== command.to; time += command.by) {
      for (const step of command.steps) dispatch(step, time);
    }
  }
}

function checkWorkgroups(owner: RecurveDevice, pass: PassSpec): void {
  const most = owner.device.limits.maxComputeWorkgroupsPerDimension;
  const largest = Math.max(...pass.workgroups);
  if (largest <= most) return;
  throw new RecurveError({
    code: 'LIMIT-WORKGROUPS',
    message: `pass ${pass.name} needs ${largest} workgroups in one dimension, and maxComputeWorkgroupsPerDimension of ${owner.adapter.name} is ${most}`,
    fix: 'Use smaller dims (T, B or the largest of the cell’s own).',
    where: '--dims',
  });
}

function lookUp<T>(map: ReadonlyMap<string, T>, name: string, what: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`the plan names a ${what} ${name} that it does not list`);
  return found;
}
