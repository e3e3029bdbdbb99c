/** Copies between dense host tensors and their padded, step-ordered form on the device. */
import { elements } from '../data.js';
import type { PlacedTensor, Runs } from './slots.js';

export type Numbers = Float32Array | Float64Array;

/** How much of a plan a run uses, which sequence runs how far, and from which end. */
export interface Extent {
  /** Along each of the plan's time axes. */
  readonly along: Readonly<Record<string, Course>>;
  /** Sequences of the data: at most the plan's B. The others have no steps. */
  readonly batch: number;
  readonly reverse: boolean;
}

/** How far a run goes along one time axis. */
export interface Course {
  /** Steps of the data: at most the plan's. */
  readonly steps: number;
  /** Of each sequence of the data. */
  readonly lengths: readonly number[];
}

/** @throws a plain Error for an axis that the plan does not have: a defect of recurve */
export function courseOf({ along }: Extent, time: string): Course {
  const course = along[time];
  if (course === undefined) throw new Error(`a run says nothing of the time axis ${time}`);
  return course;
}

/** Steps of a sequence that a run reads or writes: of an input of a segment those before it, too. */
export function stepsIn({ slot: { before = 0 }, time }: PlacedTensor, extent: Extent): number {
  return before + courseOf(extent, time).steps;
}

/** The shape of a tensor's data in a run. */
export function shapeIn(tensor: PlacedTensor, extent: Extent): number[] {
  const { batch } = extent;
  const { shape } = tensor.slot;
  switch (tensor.leading) {
    case 'sequence':
      return [stepsIn(tensor, extent), batch, ...shape.slice(2)];
    case 'row':
      return [batch, ...shape.slice(1)];
    case 'shared':
      return [...shape];
  }
}

/** Words of a tensor on the device that a run uses, from its start. */
export function wordsIn(tensor: PlacedTensor, extent: Extent): number {
  const [T = 1] = tensor.slot.padded;
  return tensor.leading === 'sequence' ? (tensor.words / T) * stepsIn(tensor, extent) : tensor.words;
}

/**
 * Writes a dense tensor into zeroed padded memory. Sequences are put in step order: step `s` of a reversed
 * sequence of length `n` holds position `n - 1 - s`. What lies past a sequence's length is copied as it is: kernels let
 * none of it into a result, whatever it is.
 */
export function pad(tensor: PlacedTensor, dense: Numbers, padded: Float32Array, extent: Extent): void {
  padded.fill(0, 0, wordsIn(tensor, extent));
  eachUnit(tensor, extent, (from, to) => scatter(tensor.runs, dense, from, padded, to));
}

/**
 * The dense tensor of padded memory, sequences back in data order. What the device left past a sequence's length
 * is copied as it is, so that an element that no kernel wrote can be seen; as words, for a number may lose the bits
 * that tell one NaN from another.
 */
export function unpad(tensor: PlacedTensor, padded: Float32Array, extent: Extent): Float32Array {
  const dense = new Uint32Array(elements(shapeIn(tensor, extent)));
  const words = new Uint32Array(padded.buffer, padded.byteOffset, padded.length);
  eachUnit(tensor, extent, (to, from) => gather(tensor.runs, words, from, dense, to));
  return new Float32Array(dense.buffer);
}

/** Where each unit begins, in the dense tensor and in the padded one. */
function eachUnit(tensor: PlacedTensor, extent: Extent, visit: (dense: number, padded: number) => void): void {
  const [unit, paddedUnit] = [elements(tensor.unit.shape), elements(tensor.unit.padded)];
  if (tensor.leading === 'shared') {
    visit(0, 0);
    return;
  }
  const isSequence = tensor.leading === 'sequence';
  const [, paddedBatch = 1] = isSequence ? tensor.slot.padded : [1, tensor.slot.padded[0]];
  const { lengths } = isSequence ? courseOf(extent, tensor.time) : { lengths: [] };
  const steps = isSequence ? stepsIn(tensor, extent) : 1;
  for (let step = 0; step < steps; step++) {
    for (let sequence = 0; sequence < extent.batch; sequence++) {
      const position = isSequence ? positionOf(step, lengths[sequence] ?? steps, extent) : 0;
      visit((position * extent.batch + sequence) * unit, (step * paddedBatch + sequence) * paddedUnit);
    }
  }
}

/** Where in the data a step of a sequence is. */
export function positionOf(step: number, length: number, { reverse }: Pick<Extent, 'reverse'>): number {
  return reverse && step < length ? length - 1 - step : step;
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
