import { sigmoid } from 'recurve';

/** g(x) = x + ½ for x ≥ 0, else σ(x): positive, continuous and increasing, so that its logarithm exists (Feng et al. 2024). */
export function positive(x: number): number {
  return x >= 0 ? x + 0.5 : sigmoid(x);
}
