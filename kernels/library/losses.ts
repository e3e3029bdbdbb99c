import { abs, min, softplus, square } from 'recurve';

/** Of a logit, by how likely its unit is on: sums of what is never negative, so that nothing cancels far out. */
export function binaryCrossEntropy(logit: number, target: number): number {
  return target * softplus(-logit) + (1 - target) * softplus(logit);
}

/** Squared error. */
export function squaredError(x: number, target: number): number {
  return square(x - target);
}

/** Absolute error. */
export function absoluteError(x: number, target: number): number {
  return abs(x - target);
}

/** Square within `delta`, straight beyond (Huber 1964): the part of the distance that counts is never longer than `delta`, and no square overflows. */
export function huber(x: number, target: number, delta: number): number {
  const distance = abs(x - target);
  const near = min(distance, delta);
  return near * (distance - near / 2);
}
