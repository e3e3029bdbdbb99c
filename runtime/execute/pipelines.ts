/** Compute pipelines of a device, each compiled once for all plans that ask for it in a while. */

import { RecurveError } from '../../codegen/errors.js';
import type { KernelSpec } from '../../codegen/plan.js';
import type { Supervised } from '../device/supervise.js';
import { immediateBytes, timeLayout, wgslFor } from './clock.js';

export interface Kernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Kernels that a device keeps for plans to come: a driver's code for one may take a megabyte. Plans hold what they use. */
const MOST_KEPT = 64;

/** By device, then by everything that makes a pipeline what it is, the least recently asked for first. */
const compiled = new WeakMap<GPUDevice, Map<string, Promise<Kernel>>>();

/**
 * Compiles a kernel, or finds it compiled.
 * @throws RecurveError `LIMIT-BINDINGS`, `LIMIT-SUBGROUP`; Error with the kernel's source if it does not compile, which is our defect
 */
export function compileKernel(owner: Supervised, spec: KernelSpec): Promise<Kernel> {
  let known = compiled.get(owner.device);
  if (!known) {
    known = new Map();
    compiled.set(owner.device, known);
  }
  const key = `${spec.bindings.map((binding) => binding.access).join()} ${spec.usesTime && owner.time} ${spec.wgsl}`;
  const kernel = known.get(key) ?? build(owner, spec);
  known.delete(key);
  known.set(key, kernel);
  for (const [oldest] of known) {
    if (known.size <= MOST_KEPT) break;
    known.delete(oldest);
  }
  return kernel;
}

async function build(owner: Supervised, spec: KernelSpec): Promise<Kernel> {
  const { device } = owner;
  checkKernel(owner, spec);
  // What follows fails in three ways, and each of them is ours: the scope hears the layouts, the promise the pipeline.
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: spec.name, code: wgslFor(spec, owner.time) });
  // Explicit layouts: an inferred one leaves out a binding that the kernel happens not to use.
  const layout = device.createBindGroupLayout({
    label: spec.name,
    entries: spec.bindings.map(({ access }, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
    })),
  });
  const pipelineLayout = device.createPipelineLayout({
    label: spec.name,
    bindGroupLayouts: spec.usesTime && owner.time === 'uniform' ? [layout, timeLayout(device, spec)] : [layout],
    ...(spec.usesTime && owner.time === 'immediate' ? { immediateSize: immediateBytes(spec) } : {}),
  });
  const scope = device.popErrorScope();
  const compute = { module, entryPoint: spec.entryPoint };
  const pending = device.createComputePipelineAsync({ label: spec.name, layout: pipelineLayout, compute });
  const [pipeline, error] = await owner.settle(Promise.all([pending.catch((reason: unknown) => reason), scope]));
  if (error || !(pipeline instanceof GPUComputePipeline)) {
    throw await compilationDefect(owner, spec, module, error?.message ?? String(pipeline));
  }
  return { pipeline, layout };
}

function checkKernel(owner: Supervised, spec: KernelSpec): void {
  const most = owner.device.limits.maxStorageBuffersPerShaderStage;
  if (spec.bindings.length > most) {
    throw new RecurveError({
      code: 'LIMIT-BINDINGS',
      message: `kernel ${spec.name} binds ${spec.bindings.length} buffers, and maxStorageBuffersPerShaderStage of ${owner.name} is ${most}`,
      fix: 'Use an adapter with a larger limit, or a cell with fewer parameters and states.',
      where: spec.name,
    });
  }
  if (spec.subgroup !== undefined && widthOfSubgroups(owner.device) !== spec.subgroup) {
    throw new RecurveError({
      code: 'LIMIT-SUBGROUP',
      message: `kernel ${spec.name} is for subgroups of ${spec.subgroup} lanes, which ${owner.name} does not have`,
      fix: 'Compile it for this device, or by `recurve generate`, whose kernels need no subgroups.',
      where: spec.name,
    });
  }
}

/** Of lanes, where it is always the same. */
function widthOfSubgroups({ features, adapterInfo }: GPUDevice): number | undefined {
  const { subgroupMinSize: least, subgroupMaxSize: most } = adapterInfo ?? {};
  return features.has('subgroups') && least === most ? least : undefined;
}

async function compilationDefect(owner: Supervised, spec: KernelSpec, module: GPUShaderModule, reason: string): Promise<Error> {
  const { messages } = await owner.settle(module.getCompilationInfo());
  const listed = messages.map(({ type, lineNum, linePos, message }) => `  ${lineNum}:${linePos} ${type}: ${message}`);
  const source = spec.wgsl.split('\n').map((line, index) => `${String(index + 1).padStart(5)}  ${line}`);
  return new Error([`kernel ${spec.name} does not compile: ${reason}`, ...listed, ...source].join('\n'));
}
