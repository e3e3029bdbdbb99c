/**
 * Dawn instances. Each holds its own Vulkan instance, so the driver selected when an instance first meets its
 * adapters stays that instance's driver, and one process can use several drivers through several instances.
 */
import { RecurveError } from '../../codegen/errors.js';
import { selectDriver } from './vulkan.js';

/** `bench` gives exact timestamps and drops validation and bounds checks: never for checking results. */
export type DevicePurpose = 'check' | 'bench';

const TOGGLES: Readonly<Record<DevicePurpose, string[]>> = {
  check: [],
  bench: ['disable-dawn-features=timestamp_quantization', 'enable-dawn-features=skip_validation,disable_robustness'],
};

/**
 * Instances by driver and purpose, for the life of the process: Dawn's event loop runs on an instance
 * that JavaScript no longer mentions, and crashes when it has been collected.
 */
const instances = new Map<string, GPU>();

/** Requests are made one after the other, because the driver is selected through the process's environment. */
let queue: Promise<unknown> = Promise.resolve();

export interface FoundAdapter {
  readonly gpu: GPU;
  /** Single-use: one device can be requested of it. */
  readonly adapter: GPUAdapter;
}

/**
 * A fresh adapter of the driver whose manifest is given, or of the user's own environment; `undefined` if Dawn finds none.
 * @throws RecurveError `ADAPTER-NONE` if Dawn itself cannot be loaded here
 */
export function requestAdapter(manifest: string | undefined, purpose: DevicePurpose): Promise<FoundAdapter | undefined> {
  const request = queue.then(async () => {
    selectDriver(manifest);
    const gpu = await instance(manifest, purpose);
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    return adapter ? { gpu, adapter } : undefined;
  });
  queue = request.catch(() => undefined);
  return request;
}

async function instance(manifest: string | undefined, purpose: DevicePurpose): Promise<GPU> {
  const key = `${purpose} ${manifest ?? ''}`;
  const known = instances.get(key);
  if (known) return known;
  const { create, globals } = await loadDawn();
  // GPUBufferUsage and its like are globals wherever WebGPU is.
  if (!('GPUBufferUsage' in globalThis)) Object.assign(globalThis, globals);
  const gpu = create(TOGGLES[purpose]);
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
        exitCode: 3,
      },
      { cause: error },
    );
  }
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
