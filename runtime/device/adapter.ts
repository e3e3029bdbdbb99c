/** What an adapter is, in plain data: for reports, for the compiler and for people. */
import type { Target } from '../../codegen/plan.js';

/** Which adapter to open. `auto` takes hardware where there is any, then an installed lavapipe, then the embedded SwiftShader. */
export type AdapterChoice = 'auto' | 'hardware' | 'lavapipe' | 'swiftshader';
export const ADAPTER_CHOICES: readonly AdapterChoice[] = ['auto', 'hardware', 'lavapipe', 'swiftshader'];

/** `software` is any other processor posing as a GPU (WARP on Windows, say). */
export type AdapterKind = 'hardware' | 'lavapipe' | 'swiftshader' | 'software';

/** Everything known about an opened adapter; plain JSON. */
export interface AdapterReport {
  /** For people: `NVIDIA H100`, `SwiftShader driver 5.0.0`. */
  readonly name: string;
  /** Where the work is done. */
  readonly kind: AdapterKind;
  /** As Dawn says, as are `architecture`, `device` and `description`; empty where it does not know. */
  readonly vendor: string;
  /** `hopper`, `swiftshader`. */
  readonly architecture: string;
  /** The vendor's own number of it. */
  readonly device: string;
  /** The driver's name for it. */
  readonly description: string;
  /** Lanes that run in step, at least and at most; 0 where Dawn does not say. */
  readonly subgroup: { readonly min: number; readonly max: number };
  /** WebGPU's names of what it offers beyond the least. */
  readonly features: readonly string[];
  /** The limits that compute passes meet, in WebGPU's names and units. */
  readonly limits: Readonly<Record<string, number>>;
  /** WGSL's, such as `immediate_address_space`. */
  readonly languageFeatures: readonly string[];
  /** The Vulkan driver manifest that was chosen, where we chose one. */
  readonly driver?: string;
  /** One line to print: `auto` was asked for and a software adapter serves. */
  readonly notice?: string;
}

/** Limits asked of the device: the adapter's own, because the defaults are too small for recurrent layers. */
export const COMPUTE_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
  'maxImmediateSize',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

/** What kind of adapter Dawn's description speaks of. */
export function adapterKind(info: GPUAdapterInfo): AdapterKind {
  const words = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  if (words.includes('llvmpipe')) return 'lavapipe';
  if (words.includes('swiftshader')) return 'swiftshader';
  return info.isFallbackAdapter ? 'software' : 'hardware';
}

/** Reads an adapter's info, features and limits into plain data. */
export function describeAdapter(gpu: GPU, adapter: GPUAdapter, notes: Pick<AdapterReport, 'driver' | 'notice'>): AdapterReport {
  const { info } = adapter;
  return {
    name: info.description || info.device || `${info.vendor} ${info.architecture}`.trim() || 'unnamed adapter',
    kind: adapterKind(info),
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    description: info.description,
    subgroup: { min: info.subgroupMinSize ?? 0, max: info.subgroupMaxSize ?? 0 },
    features: [...adapter.features].sort(),
    limits: Object.fromEntries(COMPUTE_LIMITS.map((name) => [name, adapter.limits[name] ?? 0])),
    languageFeatures: [...gpu.wgslLanguageFeatures].sort(),
    ...notes,
  };
}

/**
 * About how many instructions (as `schedule/weights.ts` counts them) a kernel may have. SwiftShader's compiler, Subzero,
 * gives up on a routine whose spilled values outgrow its stack frame, and the driver then reads a null pointer: a chain
 * of 500 tanh (8,000 instructions) compiles in 7 s on a quiet core, one of 1,000 (16,000) ends the process. Half of
 * 8,000 is kept clear for what the count leaves out, and an emitted kernel is held to 8,000 before a driver sees it.
 * Time to compile grows faster than the kernel, there and with LLVM in lavapipe, so several small kernels compile
 * sooner than a large one. No hardware driver was measured: it gets no more.
 */
export const MOST_INSTRUCTIONS: Readonly<Record<AdapterKind, number>> = {
  swiftshader: 4000,
  lavapipe: 4000,
  software: 4000,
  hardware: 4000,
};

/** Well below the second or two after which drivers take a GPU to hang; in operations, whose rate nobody tells. */
export const MOST_WORK = 2 ** 28;

/** What the compiler needs to know of an adapter. */
export function targetOf(report: AdapterReport): Target {
  const limit = (name: (typeof COMPUTE_LIMITS)[number]) => report.limits[name] ?? 0;
  const software = report.kind !== 'hardware';
  return {
    // A width that is a multiple of the widest subgroup is a multiple of every narrower one (they are powers of two).
    subgroup: report.subgroup.max || (software ? 4 : 32),
    software,
    broadcasts:
      software && report.features.includes('subgroups') && report.subgroup.min > 0 && report.subgroup.min === report.subgroup.max,
    maxBufferBytes: limit('maxBufferSize'),
    maxBindingBytes: limit('maxStorageBufferBindingSize'),
    maxWorkgroupsPerDimension: limit('maxComputeWorkgroupsPerDimension'),
    maxStorageBuffers: limit('maxStorageBuffersPerShaderStage'),
    maxKernelInstructions: MOST_INSTRUCTIONS[report.kind],
    maxDispatchWork: MOST_WORK,
  };
}
