/** Encodes a plan's schedule into compute passes. */

import { RecurveError } from '../../codegen/errors.js';
import { type PassSpec, type Plan, roomFor, type ScheduleItem } from '../../codegen/plan.js';
import type { Supervised } from '../device/supervise.js';
import { bufferOf } from '../memory/buffers.js';
import type { Clock } from './clock.js';
import { compileKernel, type Kernel } from './pipelines.js';

/** A pass with everything it needs made. */
export interface Step {
  /** The pass's. */
  readonly name: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroup;
  readonly usesTime: boolean;
  readonly region: PassSpec['region'];
  readonly workgroups: readonly [number, number, number];
  readonly rowsPerWorkgroup: number | undefined;
  readonly stepsAtOnce: number;
  /** The time axis of its rows, and how many steps of it are one of the pass. */
  readonly axis: string;
  readonly chunk: number;
}

export type Command =
  | { readonly kind: 'step'; readonly step: Step; readonly time: number | undefined }
  | {
      readonly kind: 'loop';
      readonly axis: string;
      readonly chunk: number;
      readonly from: number;
      readonly to: number;
      readonly by: 1 | -1;
      /** How many steps one dispatch takes at most, of kernels that walk over steps by themselves. */
      readonly stride: number | undefined;
      readonly steps: readonly Step[];
    }
  | {
      readonly kind: 'wave';
      readonly axis: string;
      /** Waves beside those of the steps. */
      readonly delay: number;
      readonly steps: readonly Step[];
    };

/**
 * Compiles a plan's kernels, all at once, and makes its bind groups.
 * @throws RecurveError `LIMIT-WORKGROUPS`, and what `compileKernel` throws
 */
export async function createSteps(
  owner: Supervised,
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
        name: pass.name,
        pipeline: lookUp(kernels, pass.kernel, 'kernel').pipeline,
        bindings: lookUp(groups, pass.kernel, 'kernel'),
        usesTime: lookUp(usesTime, pass.kernel, 'kernel'),
        region: pass.region,
        workgroups: pass.workgroups,
        rowsPerWorkgroup: pass.rowsPerWorkgroup,
        stepsAtOnce: pass.stepsAtOnce ?? 1,
        axis: pass.time ?? 'T',
        chunk: pass.chunk ?? 1,
      },
    ]),
  );
}

/** Replaces the names in a schedule by what they stand for. */
export function resolveSchedule(items: readonly ScheduleItem[], steps: ReadonlyMap<string, Step>): Command[] {
  return items.map((item) => {
    if (item.kind === 'pass') return { kind: 'step', step: lookUp(steps, item.pass, 'pass'), time: item.time };
    const named = item.passes.map((pass) => lookUp(steps, pass, 'pass'));
    if (item.kind === 'wave') return { kind: 'wave', axis: item.axis ?? 'T', delay: item.delay, steps: named };
    const { from, to, by, axis = 'T', chunk = 1, steps: stride } = item;
    // Counting the wrong way would never reach `to`.
    if ((to - from) * by < 0) throw new Error(`a loop of the plan counts from ${from} to ${to} by ${by}`);
    return { kind: 'loop', axis, chunk, from, to, by, stride, steps: named };
  });
}

/** How much of a schedule runs. */
export interface Reach {
  /** Steps of loops, and of passes over all rows, along each time axis: those from here on are left out. */
  readonly steps: Readonly<Record<string, number>>;
  /** Sequences of the plan. */
  readonly batch: number;
  /** Whether weights are packed: they are as they were where neither they nor the seed of their masks changed. */
  readonly pack: boolean;
}

export interface Commands {
  readonly commands: readonly Command[];
  readonly reach: Reach;
}

/** @param until the step to stop before, of a kernel that walks; of one of a wave, how many steps there are */
export type Dispatch = (step: Step, reach: Reach, time: number, until?: number) => void;

/** Where commands are recorded. */
export interface Recording {
  readonly pass: GPUComputePassEncoder;
  /** Submits what was recorded so far, and gives the pass for what follows. */
  readonly next: () => GPUComputePassEncoder;
}

/**
 * What one submission holds of a loop at most, that no watchdog takes it for one that hangs: so many dispatches of one step, or so
 * many that walk over as many steps as one may (each bounded by `maxDispatchWork`).
 */
const MOST_STEPS = 4096;
const MOST_WALKS = 16;

/** Records commands into compute passes, one for each submission. */
export function encode({ pass, next }: Recording, runs: readonly Commands[], clock: Clock): void {
  let dispatch = dispatcher(pass, clock);
  let taken = 0;
  forEachDispatch(runs, (step, reach, time, until, share) => {
    if (taken > 0 && taken + share > 1) {
      dispatch = dispatcher(next(), clock);
      taken = 0;
    }
    taken += share;
    dispatch(step, reach, time, until);
  });
}

/** What records one dispatch after the other into a compute pass, leaving out settings that are already in force. */
export function dispatcher(pass: GPUComputePassEncoder, clock: Clock): Dispatch {
  let pipeline: GPUComputePipeline | undefined;
  let bindings: GPUBindGroup | undefined;
  const setTime = clock(pass);
  return (step, reach, time, until) => {
    if (step.pipeline !== pipeline) {
      pipeline = step.pipeline;
      pass.setPipeline(pipeline);
    }
    if (step.bindings !== bindings) {
      bindings = step.bindings;
      pass.setBindGroup(0, bindings);
    }
    if (step.usesTime) setTime(time, until);
    const [x, y, z] = workgroupsIn(step, reach);
    pass.dispatchWorkgroups(x, y, z);
  };
}

/** Goes through all that is dispatched, in order, and says what share of a submission each dispatch takes. */
export function forEachDispatch(
  runs: readonly Commands[],
  dispatch: (step: Step, reach: Reach, time: number, until: number | undefined, share: number) => void,
): void {
  for (const { commands, reach } of runs) {
    for (const command of commands) {
      if (command.kind === 'step') {
        if (reach.pack || command.step.region !== 'pack') dispatch(command.step, reach, command.time ?? 0, undefined, 0);
        continue;
      }
      if (command.kind === 'wave') {
        const steps = stepsAlong(reach, { axis: command.axis, chunk: 1 });
        for (let wave = 0; wave < steps + command.delay; wave++)
          for (const step of command.steps) dispatch(step, reach, wave, steps, 1 / MOST_STEPS);
        continue;
      }
      const { by, steps, stride } = command;
      const last = stepsAlong(reach, command) - 1;
      const [from, to] =
        by > 0 ? [command.from, Math.min(command.to, last + 1)] : [Math.min(command.from, last), Math.max(command.to, -1)];
      for (let time = from, until = from; (to - time) * by > 0; time = until) {
        until = spanEnd(time, to, by, stride ?? 1);
        const share = stride === undefined ? 1 / MOST_STEPS : Math.abs(until - time) / stride / MOST_WALKS;
        for (const step of steps) dispatch(step, reach, time, stride === undefined ? undefined : until, share);
      }
    }
  }
}

/**
 * The step to stop before, for a kernel that begins at `time` and walks `stride` steps at most. Counted from step 0, wherever a run
 * begins: the same steps are then cut at the same places, and give the same bits.
 */
function spanEnd(time: number, to: number, by: number, stride: number): number {
  const block = Math.floor(time / stride);
  return by > 0 ? Math.min(to, (block + 1) * stride) : Math.max(to, block * stride - 1);
}

/** The largest number that any kernel of a plan is told as a step. */
export function lastNumber(plan: Plan): number {
  const { lengths, forward, backward } = plan;
  const steps = Object.keys(lengths).map((time) => roomFor(plan, time));
  const waves = [...forward, ...backward].flatMap((item) => (item.kind === 'wave' ? [item.waves - 1] : []));
  return Math.max(...steps, ...waves);
}

/** What has no time has one step, and names no axis of the plan. */
const stepsAlong = ({ steps }: Reach, { axis, chunk }: Pick<Step, 'axis' | 'chunk'>): number =>
  Math.ceil((steps[axis] ?? 1) / chunk);

/** The workgroups that the first rows take; kernels find their rows by y, then z. */
function workgroupsIn({ workgroups, rowsPerWorkgroup, stepsAtOnce, axis, chunk }: Step, reach: Reach): Step['workgroups'] {
  if (rowsPerWorkgroup === undefined) return workgroups;
  const [x, y, z] = workgroups;
  const rows = Math.ceil(stepsAlong(reach, { axis, chunk }) / stepsAtOnce) * reach.batch;
  const tiles = Math.ceil(rows / rowsPerWorkgroup);
  return tiles < y ? [x, tiles, 1] : [x, y, Math.min(z, Math.ceil(tiles / y))];
}

function checkWorkgroups(owner: Supervised, pass: PassSpec): void {
  const most = owner.device.limits.maxComputeWorkgroupsPerDimension;
  const largest = Math.max(...pass.workgroups);
  if (largest <= most) return;
  throw new RecurveError({
    code: 'LIMIT-WORKGROUPS',
    message: `pass ${pass.name} needs ${largest} workgroups in one dimension, and maxComputeWorkgroupsPerDimension of ${owner.name} is ${most}`,
    fix: 'Use smaller dims (T, B or the largest of the cell’s own).',
    where: '--dims',
  });
}

function lookUp<T>(map: ReadonlyMap<string, T>, name: string, what: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`the plan names a ${what} ${name} that it does not list`);
  return found;
}
