/** What programs ask of WebGPU, counted where every call has to pass. */
import { vi } from 'vitest';

export interface Counted {
  /** Of everything that makes something on the device, by the method's name. */
  readonly made: Record<string, number>;
  encoders: number;
  submissions: number;
  /** Bytes from the host, each with the label of the buffer that it goes to. */
  readonly uploads: { readonly to: string; readonly bytes: number }[];
  /** Bytes to the host. */
  readonly downloads: number[];
  /** Bytes on the device, from one buffer to another. */
  readonly copies: { readonly from: string; readonly bytes: number }[];
  maps: number;
}

const MAKERS = [
  'createBuffer',
  'createBindGroup',
  'createBindGroupLayout',
  'createPipelineLayout',
  'createShaderModule',
  'createComputePipeline',
  'createComputePipelineAsync',
] as const;

/** Counts what happens while `use` runs. */
export async function counted(use: () => Promise<void>): Promise<Counted> {
  const found: Counted = { made: {}, encoders: 0, submissions: 0, uploads: [], downloads: [], copies: [], maps: 0 };
  const undo: (() => void)[] = [];
  /** Calls `note` before each call of a method. */
  const watch = <T extends object, K extends keyof T & string>(type: T, method: K, note: (self: T, args: unknown[]) => void) => {
    const original = type[method] as (...args: unknown[]) => unknown;
    const spy = vi.fn(function (this: T, ...args: unknown[]) {
      note(this, args);
      return original.apply(this, args);
    });
    type[method] = spy as T[K];
    undo.push(() => {
      type[method] = original as T[K];
    });
  };
  for (const maker of MAKERS) {
    watch(GPUDevice.prototype, maker, () => {
      found.made[maker] = (found.made[maker] ?? 0) + 1;
    });
  }
  watch(GPUDevice.prototype, 'createCommandEncoder', () => found.encoders++);
  watch(GPUQueue.prototype, 'submit', () => found.submissions++);
  watch(GPUQueue.prototype, 'writeBuffer', (_, [buffer, , data, , size]) => {
    const { BYTES_PER_ELEMENT, length } = data as Float32Array;
    found.uploads.push({ to: (buffer as GPUBuffer).label, bytes: BYTES_PER_ELEMENT * ((size as number | undefined) ?? length) });
  });
  watch(GPUBuffer.prototype, 'mapAsync', () => found.maps++);
  watch(GPUBuffer.prototype, 'getMappedRange', (_, [, size]) => found.downloads.push(size as number));
  watch(GPUCommandEncoder.prototype, 'copyBufferToBuffer', (_, args) =>
    found.copies.push({ from: (args[0] as GPUBuffer).label, bytes: args.at(-1) as number }),
  );
  try {
    await use();
  } finally {
    for (const each of undo) each();
  }
  return found;
}
