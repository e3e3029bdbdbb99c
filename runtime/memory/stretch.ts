/** Segments of long sequences in the data of the host: which steps each has, and copies of them. */
import { elements } from '../data.js';
import { courseOf, type Extent, type Numbers, positionOf } from './copy.js';
import type { PlacedTensor } from './slots.js';

/** Some steps of all sequences. */
export interface Segment {
  readonly index: number;
  /** The number of its first step. */
  readonly first: number;
  /** As a run of its own: in the order of the steps, whichever way the whole sequences go. */
  readonly extent: Extent;
}

/** @param most steps of one */
export function segmentsOf(extent: Extent, time: string, most: number): Segment[] {
  const { steps, lengths } = courseOf(extent, time);
  return Array.from({ length: Math.ceil(steps / most) }, (_, index): Segment => {
    const first = index * most;
    const own = Math.min(most, steps - first);
    const course = { steps: own, lengths: lengths.map((length) => Math.min(own, Math.max(0, length - first))) };
    return { index, first, extent: { along: { [time]: course }, batch: extent.batch, reverse: false } };
  });
}

/**
 * A segment of a dense tensor, its steps in order, behind those before it that `tensor`, the segment's, has: zero before the first
 * one. What lies past a sequence's end is copied as it is.
 */
export function cutOut(tensor: PlacedTensor, dense: Numbers, whole: Extent, { first, extent }: Segment): Numbers {
  const { before = 0 } = tensor.slot;
  const unit = elements(tensor.unit.shape);
  const { batch } = whole;
  const { steps } = courseOf(extent, tensor.time);
  const { lengths } = courseOf(whole, tensor.time);
  const row = batch * unit;
  if (before === 0 && !whole.reverse) return dense.subarray(first * row, (first + steps) * row);
  const cut = new Float32Array((before + steps) * row);
  for (let slot = 0; slot < before + steps; slot++) {
    const step = first + slot - before;
    for (let sequence = 0; sequence < batch; sequence++) {
      if (step < 0) continue;
      const from = (positionOf(step, lengths[sequence] ?? 0, whole) * batch + sequence) * unit;
      cut.set(dense.subarray(from, from + unit), (slot * batch + sequence) * unit);
    }
  }
  return cut;
}

/** Puts a segment's results where they belong in those of the whole sequences: as they are, bit by bit. */
export function putIn(tensor: PlacedTensor, found: Float32Array, dense: Float32Array, whole: Extent, segment: Segment): void {
  const unit = elements(tensor.unit.shape);
  const { batch, reverse } = whole;
  const { first } = segment;
  if (!reverse) {
    dense.set(found, first * batch * unit);
    return;
  }
  const { steps } = courseOf(segment.extent, tensor.time);
  const { lengths } = courseOf(whole, tensor.time);
  for (let step = 0; step < steps; step++) {
    for (let sequence = 0; sequence < batch; sequence++) {
      const from = (step * batch + sequence) * unit;
      const position = positionOf(first + step, lengths[sequence] ?? 0, whole);
      dense.set(found.subarray(from, from + unit), (position * batch + sequence) * unit);
    }
  }
}
