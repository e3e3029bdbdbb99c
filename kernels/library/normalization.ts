import { mean, sqrt, square, variance } from 'recurve';

/** Added to the variance: how small a spread still counts. */
const EPSILON = 1e-5;

/** Layer normalization over all units (Ba et al. 2016). */
export function layerNorm(x: number, gain: number, bias: number): number {
  return ((x - mean(x)) / sqrt(variance(x) + EPSILON)) * gain + bias;
}

/** Root-mean-square normalization over all units (Zhang & Sennrich 2019). */
export function rmsNorm(x: number, gain: number): number {
  return (x / sqrt(mean(square(x)) + EPSILON)) * gain;
}
