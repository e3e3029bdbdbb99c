/** The error function in float64, for constants (the reference has another, on purpose): its defining integrals, not the polynomials that the kernels use. */

const SCALE = 2 / Math.sqrt(Math.PI);

/** 2/√π ∫₀ˣ e^(−s²) ds. */
export function erf(x: number): number {
  if (Math.abs(x) > 0.5) return x > 0 ? 1 - erfc(x) : erfc(-x) - 1;
  // Maclaurin: Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1))
  let sum = x;
  for (let n = 1, power = x; n < 16; n++) {
    power *= -(x * x) / n;
    sum += power / (2 * n + 1);
  }
  return SCALE * sum;
}

/** 1 − erf(x), with full relative precision where it is small. */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  const scale = SCALE * Math.exp(-x * x);
  if (scale === 0) return 0;
  // e^(−x²) · 2/√π ∫₀^∞ e^(−s² − 2xs) ds, by the trapezoidal rule in u with s = e^(u − e^(−u)) (Takahasi & Mori 1974).
  const step = 1 / 32;
  let sum = 0;
  for (let u = -4; u <= 3; u += step) {
    const s = Math.exp(u - Math.exp(-u));
    sum += Math.exp(-s * (s + 2 * x)) * s * (1 + Math.exp(-u));
  }
  return scale * step * sum;
}
