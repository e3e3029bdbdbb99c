/**
 * Dawn instances. Each holds its own Vulkan instance, so the driver selected when an instance first meets its
 * adapters stays that instance's driver, and one process can use several drivers through several instances.
 */
import { RecurveError } from '../../codegen/errors.js';
import { shielded } from './shield.js';
import { selectDriver } from './vulkan.js';

/** `bench` gives exact timestamps and drops validation and bounds checks: never for checking results. */
export type DevicePurpose = 'check' | 'bench';

/**
 * Features of Dawn that are not at their defaults. Where Vulkan is asked for the zeros that a workgroup's memory begins with, SwiftShader
 * compiles a store for each number of them, which takes seconds where there are thousands; else Dawn has lanes clear them in a loop.
 */
function togglesOf(manifest: string | undefined, purpose: DevicePurpose): string[] {
  const bench = purpose === 'bench';
  const disabled = [
    ...(bench ? ['timestamp_quantization'] : []),
    ...(manifest === undefined ? [] : ['use_vulkan_zero_initialize_workgroup_memory_extension']),
  ];
  return [
    ...(disabled.length > 0 ? [`disable-dawn-features=${disabled.join()}`] : []),
    ...(bench ? ['enable-dawn-features=skip_validation,disable_robustness'] : []),
  ];
}

/**
 * Instances by driver and purpose, for the life of the process: Dawn's event loop runs on an instance
 * that JavaScript no longer mentions, and crashes when it has been collected.
 */
const instances = new Map<string, GPU>();

export interface FoundAdapter {
  readonly gpu: GPU;
  /** Single-use: one device can be requested of it. */
  readonly adapter: GPUAdapter;
}

/**
 * A fresh adapter of the driver whose manifest is given, or of the user's own environment; `undefined` if Dawn finds none.
 * @throws RecurveError `ADAPTER-NONE` if Dawn itself cannot be loaded here
 */
export async function requestAdapter(manifest: string | undefined, purpose: DevicePurpose): Promise<FoundAdapter | undefined> {
  const gpu = await instance(manifest, purpose);
  // Nothing may come between these two: the request reads the environment before it returns its promise,
  // and another request may change it at any await.
  selectDriver(manifest);
  const pending = shielded(() => gpu.requestAdapter({ powerPreference: 'high-performance' }));
  const adapter = await pending;
  return adapter ? { gpu, adapter } : undefined;
}

async function instance(manifest: string | undefined, purpose: DevicePurpose): Promise<GPU> {
  const key = `${purpose} ${manifest ?? ''}`;
  const { create, globals } = await loadDawn();
  // Looked up after the wait: two callers must not both make one, or the first would be forgotten and collected.
  const known = instances.get(key);
  if (known) return known;
  // GPUBufferUsage and its like are globals wherever WebGPU is.
  if (!('GPUBufferUsage' in globalThis)) Object.assign(globalThis, globals);
  const gpu = create(togglesOf(manifest, purpose));
  instances.set(key, gpu);
  return gpu;
}

/** Dawn is a large native library: loaded when a device is first asked for, not with the program. */
async function loadDawn(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu');
  } catch (error) {
    throw new RecurveError(
      {
        code: 'ADAPTER-NONE',
        message: `Dawn (npm package webgpu) does not load on ${process.platform} ${process.arch}: ${firstLine(error)}`,
        fix: 'It runs on x64 and arm64 Linux with glibc, Windows, and macOS; run npm ci there.',
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
