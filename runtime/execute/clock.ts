/**
 * How kernels are told the time step. Natively it is an immediate. Browsers have none yet: there it is a uniform whose
 * offset is set before each dispatch, and the kernel's text says so instead.
 */
import type { KernelSpec } from '../../codegen/plan.js';
import type { Supervised, TimeSource } from '../device/supervise.js';

/** Begins a compute pass: the function it returns sets the step that the dispatches to come see. */
export type Clock = (pass: GPUComputePassEncoder) => (time: number) => void;

/** Bytes of one `i32`. */
export const TIME_BYTES = 4;
/** The bind group of the uniform; the plan's own buffers are in group 0. */
const GROUP = 1;
/** A backward program ends at step -1, which prepares the initial state's gradients. */
const FIRST = -1;

/** Immediates are the pass's, not the pipeline's: they stay in force when the pipeline changes. */
const immediates: Clock = (pass) => {
  const words = new Int32Array(1);
  let current: number | undefined;
  return (time) => {
    if (time === current) return;
    current = time;
    words[0] = time;
    pass.setImmediates(0, words);
  };
};

/** @param steps T of the plan */
export function createClock(
  { device, time }: Supervised,
  steps: number,
): { readonly clock: Clock; readonly destroy: () => void } {
  if (time === 'immediate') return { clock: immediates, destroy() {} };
  const stride = device.limits.minUniformBufferOffsetAlignment;
  const buffer = device.createBuffer({
    label: 'time',
    size: (steps - FIRST) * stride,
    usage: GPUBufferUsage.UNIFORM,
    mappedAtCreation: true,
  });
  const words = new Int32Array(buffer.getMappedRange());
  for (let step = FIRST; step < steps; step++) words[((step - FIRST) * stride) / TIME_BYTES] = step;
  buffer.unmap();
  const bindings = device.createBindGroup({
    label: 'time',
    layout: timeLayout(device),
    entries: [{ binding: 0, resource: { buffer, size: TIME_BYTES } }],
  });
  const clock: Clock = (pass) => (step) => pass.setBindGroup(GROUP, bindings, [(step - FIRST) * stride]);
  return { clock, destroy: () => buffer.destroy() };
}

/** By device: bind groups and pipelines must name the same one. */
const layouts = new WeakMap<GPUDevice, GPUBindGroupLayout>();

export function timeLayout(device: GPUDevice): GPUBindGroupLayout {
  const known = layouts.get(device);
  if (known) return known;
  const buffer = { type: 'uniform', hasDynamicOffset: true, minBindingSize: TIME_BYTES } as const;
  const layout = device.createBindGroupLayout({
    label: 'time',
    entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer }],
  });
  layouts.set(device, layout);
  return layout;
}

/** A kernel's text for where its time step comes from. */
export function wgslFor({ wgsl, name, usesTime }: KernelSpec, time: TimeSource): string {
  if (time === 'immediate' || !usesTime) return wgsl;
  const text = wgsl
    .replace(/requires immediate_address_space;/, '')
    .replace(/var<immediate>/, `@group(${GROUP}) @binding(0) var<uniform>`);
  if (text.includes('immediate')) throw new Error(`kernel ${name} names its time step in a way that is not known here`);
  return text;
}
