/**
 * How kernels are told the time step. Natively it is an immediate. Browsers have none yet: there it is a uniform whose
 * offset is set before each dispatch, and the kernel's text says so instead.
 */
import type { KernelSpec } from '../../codegen/plan.js';
import type { Supervised, TimeSource } from '../device/supervise.js';

/**
 * Begins a compute pass: the function it returns sets the step that the dispatches to come see, and, for kernels that walk, the
 * step to stop before.
 */
export type Clock = (pass: GPUComputePassEncoder) => (time: number, until?: number) => void;

/** Bytes of one `i32`. */
const WORD = 4;
/** The bind group of the uniform; the plan's own buffers are in group 0. */
const GROUP = 1;
/** A backward program ends at step -1, which prepares the initial state's gradients. */
const FIRST = -1;

/** Immediates are the pass's, not the pipeline's: they stay in force when the pipeline changes. */
const immediates: Clock = (pass) => {
  const step = new Int32Array(1);
  const span = new Int32Array(2);
  let current: number | undefined;
  return (time, until) => {
    if (until !== undefined) {
      span.set([time, until]);
      pass.setImmediates(0, span);
    } else if (time !== current) {
      step[0] = time;
      pass.setImmediates(0, step);
    }
    current = time;
  };
};

/** @param steps T of the plan, or the last wave's number where that is larger */
export function createClock(
  { device, time }: Supervised,
  steps: number,
): { readonly clock: Clock; readonly destroy: () => void } {
  if (time === 'immediate') return { clock: immediates, destroy() {} };
  const stride = device.limits.minUniformBufferOffsetAlignment;
  const buffer = device.createBuffer({
    label: 'time',
    size: (steps + 1 - FIRST) * stride,
    usage: GPUBufferUsage.UNIFORM,
    mappedAtCreation: true,
  });
  const words = new Int32Array(buffer.getMappedRange());
  // One behind the last is what a loop stops before.
  for (let step = FIRST; step <= steps; step++) words[((step - FIRST) * stride) / WORD] = step;
  buffer.unmap();
  const bound = ({ walks }: Pick<KernelSpec, 'walks'>) =>
    device.createBindGroup({
      label: 'time',
      layout: timeLayout(device, { walks }),
      entries: numbersOf({ walks }).map((binding) => ({ binding, resource: { buffer, size: WORD } })),
    });
  const [step, span] = [bound({}), bound({ walks: true })];
  const offset = (time: number) => (time - FIRST) * stride;
  const clock: Clock = (pass) => (time, until) => {
    if (until === undefined) pass.setBindGroup(GROUP, step, [offset(time)]);
    else pass.setBindGroup(GROUP, span, [offset(time), offset(until)]);
  };
  return { clock, destroy: () => buffer.destroy() };
}

/** How many numbers a kernel takes, as bindings or as words of immediates. */
const numbersOf = ({ walks }: Pick<KernelSpec, 'walks'>): readonly number[] => (walks ? [0, 1] : [0]);

/** Of a kernel that takes the time. */
export const immediateBytes = (kernel: Pick<KernelSpec, 'walks'>): number => WORD * numbersOf(kernel).length;

/** By device: bind groups and pipelines must name the same one. */
const layouts = new WeakMap<GPUDevice, { step?: GPUBindGroupLayout; span?: GPUBindGroupLayout }>();

export function timeLayout(device: GPUDevice, kernel: Pick<KernelSpec, 'walks'>): GPUBindGroupLayout {
  const kind = kernel.walks ? 'span' : 'step';
  const own = layouts.get(device) ?? {};
  layouts.set(device, own);
  const buffer = { type: 'uniform', hasDynamicOffset: true, minBindingSize: WORD } as const;
  own[kind] ??= device.createBindGroupLayout({
    label: 'time',
    entries: numbersOf(kernel).map((binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer })),
  });
  return own[kind];
}

const uniform = (binding: number, name: string) => `@group(${GROUP}) @binding(${binding}) var<uniform> ${name}: i32;`;

/** A kernel's text for where its time step comes from. */
export function wgslFor({ wgsl, name, usesTime }: KernelSpec, time: TimeSource): string {
  if (time === 'immediate' || !usesTime) return wgsl;
  const text = wgsl
    .replace(/requires immediate_address_space;/, '')
    .replace(/var<immediate> span: vec2i;/, `${uniform(0, 'span_x')}\n${uniform(1, 'span_y')}`)
    .replaceAll(/\bspan\.([xy])\b/g, 'span_$1')
    .replace(/var<immediate> time: i32;/, uniform(0, 'time'));
  if (text.includes('immediate')) throw new Error(`kernel ${name} names its time step in a way that is not known here`);
  return text;
}
