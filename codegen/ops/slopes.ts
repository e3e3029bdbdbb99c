/** Slopes that would lose their digits where the function saturates: ops of their own, computed from the argument. */
import { density, gate, gateSlope, logistic, normal } from './formulas.js';
import { always } from './interval.js';
import { type OpRecord, slope } from './record.js';

export const sigmoidSlope: OpRecord = slope({
  flops: 14,
  fold: (x) => Math.exp(-Math.abs(x)) / (1 + Math.exp(-Math.abs(x))) ** 2,
  wgsl: (x) => `rc_sigmoid_slope(${x})`,
  range: always(0, 0.25),
});

export const tanhSlope: OpRecord = slope({
  flops: 15,
  fold: (x) => 1 / Math.cosh(x) ** 2,
  wgsl: (x) => `rc_tanh_slope(${x})`,
  range: always(0, 1),
});

export const geluSlope: OpRecord = slope({
  flops: 38,
  fold: (x) => normal(x) + x * density(x),
  wgsl: (x) => `rc_gelu_slope(${x})`,
  range: always(-0.2, 1.2),
});

export const siluSlope: OpRecord = slope({
  flops: 18,
  fold: (x) => logistic(x) * (1 + x * logistic(-x)),
  wgsl: (x) => `rc_silu_slope(${x})`,
  range: always(-0.2, 1.2),
});

export const mishSlope: OpRecord = slope({
  flops: 28,
  fold: (x) => gate(x) + x * gateSlope(x),
  wgsl: (x) => `rc_mish_slope(${x})`,
  range: always(-0.2, 1.2),
});
