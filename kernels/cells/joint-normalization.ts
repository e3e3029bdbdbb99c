import { mean, sqrt, square } from 'recurve';

/** Added to the variance, as `layerNorm` of the language does. */
const EPSILON = 1e-5;

/** Mean of several gates' units together, and one over their standard deviation. */
export interface Moments {
  readonly center: number;
  readonly scale: number;
}

/**
 * Moments of the first `count` vectors, of one size, as if they were one long vector: layer normalization of stacked
 * gates (Ba et al. 2016, appendix) without stacking them. Static in `count`.
 */
export function momentsOf(gates: readonly number[], count: number): Moments {
  let total = 0;
  for (let k = 0; k < count; k++) total = total + mean(gates[k] as number);
  const center = total / count;
  let squares = 0;
  for (let k = 0; k < count; k++) squares = squares + mean(square((gates[k] as number) - center));
  return { center, scale: 1 / sqrt(squares / count + EPSILON) };
}

/** One of the gates, normalized by the moments of all. */
export function normalize(gate: number, moments: Moments, gain: number): number {
  return (gate - moments.center) * moments.scale * gain;
}
