/** A plan's buffers on a device: made once, checked against the device's limits before. */
import { RecurveError } from '../../codegen/errors.js';
import type { BufferSpec, Plan } from '../../codegen/plan.js';
import type { Supervised } from '../device/supervise.js';

/**
 * Makes some of a plan's buffers.
 * @throws RecurveError `LIMIT-BUFFER` if one is larger than the device allows, `DEVICE-MEMORY` if they do not fit
 */
export async function createBuffers(
  owner: Supervised,
  plan: Plan,
  specs: readonly BufferSpec[],
): Promise<ReadonlyMap<string, GPUBuffer>> {
  const { device } = owner;
  const bound = new Set(plan.kernels.flatMap((kernel) => kernel.bindings.map((binding) => binding.buffer)));
  for (const { name, bytes } of specs) {
    checkSize(owner, name, bytes, 'maxBufferSize');
    if (bound.has(name)) checkSize(owner, name, bytes, 'maxStorageBufferBindingSize');
  }
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffers = new Map(specs.map(({ name, bytes }) => [name, device.createBuffer({ label: name, size: bytes, usage })]));
  // Both at once: the scopes are a stack of the device's, and another plan may be loading meanwhile.
  const [memory, invalid] = await owner.settle(Promise.all([device.popErrorScope(), device.popErrorScope()]));
  if (!memory && !invalid) return buffers;
  for (const buffer of buffers.values()) buffer.destroy();
  if (invalid) throw new Error(`buffers of the plan for ${plan.cell}: ${invalid.message}`);
  const total = plan.buffers.reduce((sum, { bytes }) => sum + bytes, 0);
  throw new RecurveError({
    code: 'DEVICE-MEMORY',
    message: `the device ${owner.name} has no room for the ${formatBytes(total)} of ${plan.cell}'s buffers at these dims`,
    fix: 'Use smaller dims: T and B count most.',
    where: '--dims',
  });
}

/** A buffer of constants that kernels read. */
export function constants(device: GPUDevice, label: string, usage: GPUBufferUsageFlags, words: ArrayLike<number>): GPUBuffer {
  const buffer = device.createBuffer({ label, size: Math.max(4, words.length * 4), usage, mappedAtCreation: true });
  new Uint32Array(buffer.getMappedRange()).set(words);
  buffer.unmap();
  return buffer;
}

/** @throws RecurveError `LIMIT-BUFFER` naming the limit, its value, and the size asked for */
export function checkSize(
  owner: Supervised,
  name: string,
  bytes: number,
  limit: 'maxBufferSize' | 'maxStorageBufferBindingSize',
): void {
  const most = owner.device.limits[limit];
  if (bytes <= most) return;
  throw new RecurveError({
    code: 'LIMIT-BUFFER',
    message: `buffer ${name} needs ${bytes} bytes, and ${limit} of ${owner.name} is ${most}`,
    fix: 'Use smaller dims (T, B or the largest of the cell’s own), or an adapter with larger limits.',
    where: '--dims',
  });
}

/** The buffer of a name. A plan that names a buffer it does not list is a defect of the compiler. */
export function bufferOf(buffers: ReadonlyMap<string, GPUBuffer>, name: string): GPUBuffer {
  const buffer = buffers.get(name);
  if (!buffer) throw new Error(`the plan names a buffer ${name} that it does not list`);
  return buffer;
}

function formatBytes(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
