/**
 * The error function in float64, by its series and its continued fraction (Abramowitz & Stegun 7.1.6 and 7.1.14): another way
 * than that of the compiler, on purpose.
 */

/** 2/√π ∫₀ˣ e^(−s²) ds. */
export function erf(x: number): number {
  if (Math.abs(x) > 2) return Math.sign(x) * (1 - erfc(Math.abs(x)));
  // erf x = 2/√π e^(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n + 1)); all terms have one sign.
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** 1 − erf(x), with full relative precision where it is small. */
export function erfc(x: number): number {
  if (!(x > 2)) return 1 - erf(x);
  // √π e^(x²) erfc x = 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …))))
  let tail = x;
  for (let n = 80; n > 0; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}
