/** Host numbers into a plan's buffers, through one staging array that every tensor uses again. */
import type { Plan } from '../../codegen/plan.js';
import { elements } from '../data.js';
import { bufferOf } from './buffers.js';
import { type Extent, type Numbers, pad, shapeIn, wordsIn } from './copy.js';
import type { PlacedTensor } from './slots.js';

export interface Uploader {
  /** Sequences' lengths, and the seed of the random masks. */
  run(extent: Extent, seed: number): void;
  /** A tensor, padding included: nothing of what was there is left. A number fills all of it; padding stays zero. */
  tensor(tensor: PlacedTensor, source: Numbers | number, extent: Extent): void;
}

export function createUploader(
  device: GPUDevice,
  plan: Plan,
  buffers: ReadonlyMap<string, GPUBuffer>,
  given: readonly PlacedTensor[],
): Uploader {
  const staging = new Float32Array(given.reduce((most, tensor) => Math.max(most, tensor.words), 0));
  const lengthWords = new Uint32Array(plan.sizes.B ?? 1);
  const lengths = { ...plan.lengths, buffer: bufferOf(buffers, plan.lengths.buffer) };
  const seedPlace = plan.seed && { ...plan.seed, buffer: bufferOf(buffers, plan.seed.buffer) };

  return {
    run(extent, seed) {
      lengthWords.fill(0);
      lengthWords.set(extent.lengths);
      device.queue.writeBuffer(lengths.buffer, lengths.offset * 4, lengthWords);
      if (seedPlace) device.queue.writeBuffer(seedPlace.buffer, seedPlace.offset * 4, Uint32Array.of(seed));
    },
    tensor(tensor, source, extent) {
      const words = wordsIn(tensor, extent);
      if (source === 0) staging.fill(0, 0, words);
      else {
        const dense = typeof source === 'number' ? new Float32Array(elements(shapeIn(tensor, extent))).fill(source) : source;
        pad(tensor, dense, staging, extent);
      }
      device.queue.writeBuffer(bufferOf(buffers, tensor.slot.buffer), tensor.slot.offset * 4, staging, 0, words);
    },
  };
}
