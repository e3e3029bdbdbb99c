/** Results out of a plan's buffers: all that one run is asked for through one mapped buffer. */
import type { Plan } from '../../codegen/plan.js';
import type { ReadTensor } from '../data.js';
import type { Supervised } from '../device/supervise.js';
import { bufferOf, checkSize } from './buffers.js';
import { type Extent, shapeIn, unpad, wordsIn } from './copy.js';
import type { PlacedTensor } from './slots.js';

export interface Readback {
  /** Several may be under way. */
  begin(tensors: readonly PlacedTensor[], extent: Extent): Reading;
  destroy(): void;
}

/** Tensors on their way to the host. */
export interface Reading {
  /** Records the copies. */
  encode(encoder: GPUCommandEncoder): void;
  /** To be called once they are submitted: waits for them. @returns by path, in the order asked for */
  finish(): Promise<ReadonlyMap<string, ReadTensor>>;
}

/** Mapped buffers that wait for the next read. */
const MOST_KEPT = 2;

/** @throws RecurveError `LIMIT-BUFFER` where not all results fit one buffer */
export function createReadback(
  owner: Supervised,
  plan: Plan,
  buffers: ReadonlyMap<string, GPUBuffer>,
  results: readonly PlacedTensor[],
): Readback {
  const { device } = owner;
  const words = results.reduce((sum, tensor) => sum + tensor.words, 0);
  checkSize(owner, `for the results of ${plan.cell}`, words * 4, 'maxBufferSize');
  const free: GPUBuffer[] = [];
  const made = new Set<GPUBuffer>();

  const take = (bytes: number): GPUBuffer => {
    const fitting = free.findIndex(({ size }) => size >= bytes);
    const [found] = fitting < 0 ? [] : free.splice(fitting, 1);
    if (found !== undefined) return found;
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ label: 'results', size: Math.max(bytes, 4), usage });
    made.add(buffer);
    return buffer;
  };
  const giveBack = (buffer: GPUBuffer) => {
    free.push(buffer);
    if (free.length <= MOST_KEPT) return;
    // The smallest goes: a larger one serves in its place.
    const smallest = free.reduce((least, each) => (each.size < least.size ? each : least));
    free.splice(free.indexOf(smallest), 1);
    made.delete(smallest);
    smallest.destroy();
  };

  return {
    begin(tensors, extent) {
      const places = new Map<PlacedTensor, number>();
      let at = 0;
      for (const tensor of tensors) {
        places.set(tensor, at);
        at += wordsIn(tensor, extent);
      }
      const bytes = at * 4;
      if (bytes === 0) return emptyReading(tensors, extent);
      const mapped = take(bytes);
      return {
        encode(encoder) {
          for (const [tensor, start] of places) {
            const source = bufferOf(buffers, tensor.slot.buffer);
            const size = wordsIn(tensor, extent) * 4;
            if (size > 0) encoder.copyBufferToBuffer(source, tensor.slot.offset * 4, mapped, start * 4, size);
          }
        },
        async finish() {
          try {
            await owner.settle(mapped.mapAsync(GPUMapMode.READ, 0, bytes));
          } catch (error) {
            made.delete(mapped);
            mapped.destroy();
            throw error;
          }
          try {
            const memory = new Float32Array(mapped.getMappedRange(0, bytes));
            return new Map(
              [...places].map(([tensor, start]) => {
                const padded = memory.subarray(start, start + wordsIn(tensor, extent));
                return [tensor.path, { shape: shapeIn(tensor, extent), data: unpad(tensor, padded, extent) }];
              }),
            );
          } finally {
            mapped.unmap();
            giveBack(mapped);
          }
        },
      };
    },
    destroy() {
      for (const buffer of made) buffer.destroy();
    },
  };
}

function emptyReading(tensors: readonly PlacedTensor[], extent: Extent): Reading {
  const found = new Map(tensors.map((tensor) => [tensor.path, { shape: shapeIn(tensor, extent), data: new Float32Array() }]));
  return { encode() {}, finish: async () => found };
}
