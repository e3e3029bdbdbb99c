/** Copies between dense host tensors and their padded, step-ordered form on the device. */
import { elements } from '../data.js';
import type { PlacedTensor, Runs } from './slots.js';

export type Numbers = Float32Array | Float64Array;

/** Which sequence runs how far, and from which end. */
export interface Extent {
  readonly lengths: readonly number[];
  readonly reverse: boolean;
}

/**
 * Writes a dense tensor into zeroed padded memory. Sequences are put in step order: step `s` of a reversed
 * sequence of length `n` holds position `n - 1 - s`. What lies past a sequence's length is copied as it is: kernels let
 * none of it into a result, whatever it is.
 */
export function pad(tensor: PlacedTensor, dense: Numbers, padded: Float32Array, extent: Extent): void {
  padded.fill(0, 0, tensor.words);
  if (!tensor.sequence) {
    scatter(tensor.runs, dense, 0, padded, 0);
    return;
  }
  const [unit, paddedUnit] = unitSizes(tensor);
  const [steps = 0, batch = 0] = tensor.slot.shape;
  const [, paddedBatch = batch] = tensor.slot.padded;
  for (let step = 0; step < steps; step++) {
    for (let sequence = 0; sequence < batch; sequence++) {
      const position = positionOf(step, extent.lengths[sequence] ?? steps, extent);
      const from = (position * batch + sequence) * unit;
      scatter(tensor.runs, dense, from, padded, (step * paddedBatch + sequence) * paddedUnit);
    }
  }
}

/**
 * The dense tensor of padded memory, sequences back in data order. What the device left past a sequence's length
 * is copied as it is, so that an element that no kernel wrote can be seen; as words, for a number may lose the bits
 * that tell one NaN from another.
 */
export function unpad(tensor: PlacedTensor, padded: Float32Array, extent: Extent): Float32Array {
  const dense = new Uint32Array(elements(tensor.slot.shape));
  const words = new Uint32Array(padded.buffer, padded.byteOffset, padded.length);
  if (tensor.sequence) unpadSequences(tensor, words, dense, extent);
  else gather(tensor.runs, words, 0, dense, 0);
  return new Float32Array(dense.buffer);
}

function unpadSequences(tensor: PlacedTensor, padded: Uint32Array, dense: Uint32Array, extent: Extent): void {
  const [unit, paddedUnit] = unitSizes(tensor);
  const [steps = 0, batch = 0] = tensor.slot.shape;
  const [, paddedBatch = batch] = tensor.slot.padded;
  for (let step = 0; step < steps; step++) {
    for (let sequence = 0; sequence < batch; sequence++) {
      const position = positionOf(step, extent.lengths[sequence] ?? steps, extent);
      const to = (position * batch + sequence) * unit;
      gather(tensor.runs, padded, (step * paddedBatch + sequence) * paddedUnit, dense, to);
    }
  }
}

/** Where in the data a step of a sequence is. */
function positionOf(step: number, length: number, { reverse }: Extent): number {
  return reverse && step < length ? length - 1 - step : step;
}

/** Elements of one step of one sequence, dense and padded. */
function unitSizes({ slot }: PlacedTensor): [number, number] {
  return [elements(slot.shape.slice(2)), elements(slot.padded.slice(2))];
}

function scatter(runs: Runs, dense: Numbers, from: number, padded: Float32Array, to: number): void {
  for (let index = 0; index < runs.logical.length; index++) {
    const source = from + (runs.logical[index] ?? 0);
    const target = to + (runs.padded[index] ?? 0);
    for (let k = 0; k < runs.length; k++) padded[target + k] = dense[source + k] as number;
  }
}

function gather(runs: Runs, padded: Uint32Array, from: number, dense: Uint32Array, to: number): void {
  for (let index = 0; index < runs.logical.length; index++) {
    const source = from + (runs.padded[index] ?? 0);
    const target = to + (runs.logical[index] ?? 0);
    for (let k = 0; k < runs.length; k++) dense[target + k] = padded[source + k] as number;
  }
}
