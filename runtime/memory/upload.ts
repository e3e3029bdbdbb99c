/** Host numbers into a plan's buffers, through one staging array that every tensor uses again. */
import type { Plan } from '../../codegen/plan.js';
import { elements } from '../data.js';
import { bufferOf } from './buffers.js';
import { courseOf, type Extent, type Numbers, pad, shapeIn, wordsIn } from './copy.js';
import type { PlacedTensor } from './slots.js';

export interface Uploader {
  /** Sequences' lengths, their number, and the seed of the random masks: written where they are not what they were. */
  run(extent: Extent, seed: number): void;
  /**
   * A tensor, padding included: nothing of what was there is left. A number fills all of it; padding stays zero. What
   * is zero already stays as it is: kernels write nothing but zeros to a sequence or state that is given.
   */
  tensor(tensor: PlacedTensor, source: Numbers | number, extent: Extent): void;
  /** To be called when something else has written a tensor; of none, the whole memory. */
  changed(tensor?: PlacedTensor): void;
  /** From now on others may write a tensor without a word: it is always written. */
  expose(tensor: PlacedTensor): void;
}

/** Numbers of sequences, the longest first; of those that are as long as others, the first first. */
const longestFirst = (lengths: Uint32Array): Uint32Array<ArrayBuffer> =>
  Uint32Array.from(lengths.keys()).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);

export function createUploader(
  device: GPUDevice,
  plan: Plan,
  buffers: ReadonlyMap<string, GPUBuffer>,
  given: readonly PlacedTensor[],
): Uploader {
  const staging = new Float32Array(given.reduce((most, tensor) => Math.max(most, tensor.words), 0));
  const lengthWords = new Uint32Array(plan.sizes.B ?? 1);
  /** What the memory holds: lengths by axis, the seed, and how many sequences there are. */
  const written = new Map<string, string | number>();
  /** Tensors that are zero, with how many words of them. */
  const zeroed = new Map<PlacedTensor, number>();
  /** Parameters are written by other layers and by descent, too. */
  const exposed = new Set(given.filter(({ leading }) => leading === 'shared'));
  const batchPlace = plan.batch && { ...plan.batch, buffer: bufferOf(buffers, plan.batch.buffer) };
  const seedPlace = plan.seed && { ...plan.seed, buffer: bufferOf(buffers, plan.seed.buffer) };

  return {
    run(extent, seed) {
      for (const [time, { buffer, offset, order }] of Object.entries(plan.lengths)) {
        const { lengths } = courseOf(extent, time);
        const key = lengths.join();
        if (key === written.get(time)) continue;
        lengthWords.fill(0);
        lengthWords.set(lengths);
        device.queue.writeBuffer(bufferOf(buffers, buffer), offset * 4, lengthWords);
        if (order !== undefined) device.queue.writeBuffer(bufferOf(buffers, buffer), order * 4, longestFirst(lengthWords));
        written.set(time, key);
      }
      if (batchPlace && extent.batch !== written.get('the batch')) {
        device.queue.writeBuffer(batchPlace.buffer, batchPlace.offset * 4, Uint32Array.of(extent.batch));
        written.set('the batch', extent.batch);
      }
      if (seedPlace && seed !== written.get('the seed')) {
        device.queue.writeBuffer(seedPlace.buffer, seedPlace.offset * 4, Uint32Array.of(seed));
        written.set('the seed', seed);
      }
    },
    tensor(tensor, source, extent) {
      const words = wordsIn(tensor, extent);
      if (source === 0 && (zeroed.get(tensor) ?? -1) >= words) return;
      zeroed.delete(tensor);
      if (source === 0 && !exposed.has(tensor)) zeroed.set(tensor, words);
      if (source === 0) staging.fill(0, 0, words);
      else {
        const dense = typeof source === 'number' ? new Float32Array(elements(shapeIn(tensor, extent))).fill(source) : source;
        pad(tensor, dense, staging, extent);
      }
      device.queue.writeBuffer(bufferOf(buffers, tensor.slot.buffer), tensor.slot.offset * 4, staging, 0, words);
    },
    changed(tensor) {
      if (tensor !== undefined) {
        zeroed.delete(tensor);
        return;
      }
      zeroed.clear();
      written.clear();
    },
    expose(tensor) {
      exposed.add(tensor);
      zeroed.delete(tensor);
    },
  };
}
