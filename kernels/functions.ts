/**
 * The per-unit functions of the cell language. Written by `npm run declarations` from the records in codegen/ops, which
 * is where to change them.
 */
import { notExecuted } from './not-executed.js';

/** |x|. The slope at 0 is 0. */
export function abs(_x: number): number {
  return notExecuted('abs');
}

/** min(max(x, low), high). The cotangent passes to x between the bounds and on them, and beyond to the bound. */
export function clamp(_x: number, _low: number, _high: number): number {
  return notExecuted('clamp');
}

/** cos x, x in radians. To float32's precision for |x| up to 50,000, and within ±1 beyond. */
export function cos(_x: number): number {
  return notExecuted('cos');
}

/** x > 0 ? x : alpha·(eˣ − 1). `alpha` is static, and 1 unless given. The slope at 0 is that of the left side. */
export function elu(_x: number, _alpha?: number): number {
  return notExecuted('elu');
}

/** 2/√π ∫₀ˣ e^(−s²) ds. The error function. */
export function erf(_x: number): number {
  return notExecuted('erf');
}

/** eˣ. */
export function exp(_x: number): number {
  return notExecuted('exp');
}

/** eˣ − 1. It is exact also where x is small. */
export function expm1(_x: number): number {
  return notExecuted('expm1');
}

/** ⌊x⌋, the next whole number down. No cotangent passes. */
export function floor(_x: number): number {
  return notExecuted('floor');
}

/**
 * x·Φ(x), Φ the normal distribution. The exact form by `erf`, not the one by `tanh` (Hendrycks & Gimpel 2016,
 * arXiv:1606.08415).
 */
export function gelu(_x: number): number {
  return notExecuted('gelu');
}

/** clamp(0.2·x + 0.5, 0, 1). As ONNX has it. The slope where its line ends, at ±2.5, is 0. */
export function hardSigmoid(_x: number): number {
  return notExecuted('hardSigmoid');
}

/** x·clamp(x/6 + 1/2, 0, 1). The slopes at −3 and 3 are 0 and 1 (Howard et al. 2019, arXiv:1905.02244). */
export function hardSwish(_x: number): number {
  return notExecuted('hardSwish');
}

/** x > 0 ? x : slope·x. `slope` is static, and 0.01 unless given. The slope at 0 is that of the left side. */
export function leakyRelu(_x: number, _slope?: number): number {
  return notExecuted('leakyRelu');
}

/** ln x. */
export function log(_x: number): number {
  return notExecuted('log');
}

/** log(1 + x). It is exact also where x is small. */
export function log1p(_x: number): number {
  return notExecuted('log1p');
}

/** log(sigmoid(x)). It is −softplus(−x). */
export function logSigmoid(_x: number): number {
  return notExecuted('logSigmoid');
}

/** max(a, b). On a tie the cotangent goes to the first argument. */
export function max(_a: number, _b: number): number {
  return notExecuted('max');
}

/** min(a, b). On a tie the cotangent goes to the first argument. */
export function min(_a: number, _b: number): number {
  return notExecuted('min');
}

/** x·tanh(softplus(x)). Misra 2019, arXiv:1908.08681. */
export function mish(_x: number): number {
  return notExecuted('mish');
}

/**
 * a − b·trunc(a/b), also written `a % b`. The sign is a's, as in JavaScript. Exact while |a/b| is below 2²³, below |b|
 * beyond. The slopes are 1 and −trunc(a/b) everywhere.
 */
export function mod(_a: number, _b: number): number {
  return notExecuted('mod');
}

/**
 * xʸ, also written `x ** y`. With the values of JavaScript's `Math.pow`: NaN for a negative x and a y that is not whole,
 * 1 for y = 0. The slope by y is xʸ·log(x): NaN for negative x, and 0 at x = 0 where y ≥ 0; a constant y needs none.
 */
export function pow(_x: number, _y: number): number {
  return notExecuted('pow');
}

/** max(x, 0). The slope at 0 is 0. */
export function relu(_x: number): number {
  return notExecuted('relu');
}

/** the nearest whole number, halves to the even one. Unlike `Math.round`. No cotangent passes. */
export function round(_x: number): number {
  return notExecuted('round');
}

/** test ? a : b. The side that is not taken gets a zero cotangent. */
export function select(_test: boolean, _a: number, _b: number): number {
  return notExecuted('select');
}

/** 1 / (1 + e⁻ˣ). */
export function sigmoid(_x: number): number {
  return notExecuted('sigmoid');
}

/** −1, 0 or 1, as x is negative, zero or positive. No cotangent passes. */
export function sign(_x: number): number {
  return notExecuted('sign');
}

/** x·sigmoid(x). It is also called swish (Elfwing et al. 2017, arXiv:1702.03118). */
export function silu(_x: number): number {
  return notExecuted('silu');
}

/** sin x, x in radians. To float32's precision for |x| up to 50,000, and within ±1 beyond. */
export function sin(_x: number): number {
  return notExecuted('sin');
}

/** log(1 + eˣ). */
export function softplus(_x: number): number {
  return notExecuted('softplus');
}

/** x / (1 + |x|). */
export function softsign(_x: number): number {
  return notExecuted('softsign');
}

/** √x. */
export function sqrt(_x: number): number {
  return notExecuted('sqrt');
}

/** x·x. */
export function square(_x: number): number {
  return notExecuted('square');
}

/** x ≥ 0 ? 1 : 0. No cotangent passes. */
export function step(_x: number): number {
  return notExecuted('step');
}

/** x. No cotangent passes. */
export function stopGradient(_x: number): number {
  return notExecuted('stopGradient');
}

/**
 * forward. The cotangent goes to `surrogate` unchanged, and none to `forward` (straight-through estimator, Bengio et al.
 * 2013, arXiv:1308.3432). A spike: `straightThrough(step(v - 1), sigmoid(4 * (v - 1)))`.
 */
export function straightThrough(_forward: number, _surrogate: number): number {
  return notExecuted('straightThrough');
}

/** (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ). */
export function tanh(_x: number): number {
  return notExecuted('tanh');
}
