/**
 * Records of the smooth functions that WGSL's built-ins do not give precisely enough, or not at all. Slopes that
 * would lose their digits where the function saturates are ops of their own, computed from the argument.
 */
import { erf, erfc } from './erf.js';
import { at, elsewhere, type NodeId, type OpName, type OpRecord, type RuleBuilder, slope, unary } from './records.js';

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
/** Normal distribution: probability below x, and density. */
const normal = (x: number) => erfc(-x * Math.SQRT1_2) / 2;
const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
/** tanh(softplus(x)) and its slope. */
const gate = (x: number) => Math.tanh(softplus(x));
const gateSlope = (x: number) => logistic(x) / Math.cosh(softplus(x)) ** 2;

const scaled = (g: RuleBuilder, factor: number, x: NodeId) => g.apply('mul', g.constant(factor), x);
const gaussian = (g: RuleBuilder, exponent: NodeId) => g.apply('exp', g.apply('neg', exponent));

export const smooth = {
  sin: unary({
    flops: 20,
    calls: ['rc_sin'],
    fold: Math.sin,
    wgsl: (x) => `rc_sin(${x})`,
    adjoint: (g, x, _y, cot) => g.apply('mul', cot, g.apply('cos', x)),
  }),
  cos: unary({
    flops: 20,
    calls: ['rc_cos'],
    fold: Math.cos,
    wgsl: (x) => `rc_cos(${x})`,
    adjoint: (g, x, _y, cot) => g.apply('neg', g.apply('mul', cot, g.apply('sin', x))),
  }),
  erf: unary({
    flops: 40,
    calls: ['rc_erf'],
    fold: erf,
    wgsl: (x) => `rc_erf(${x})`,
    // erf' = 2/√π e^(−x²)
    adjoint: (g, x, _y, cot) => g.apply('mul', cot, scaled(g, 2 / Math.sqrt(Math.PI), gaussian(g, g.apply('square', x)))),
  }),
  log1p: unary({
    flops: 36,
    calls: ['rc_log1p'],
    fold: Math.log1p,
    wgsl: (x) => `rc_log1p(${x})`,
    adjoint: (g, x, _y, cot) => g.apply('div', cot, g.apply('add', g.constant(1), x)),
  }),
  expm1: unary({
    flops: 20,
    calls: ['rc_expm1'],
    fold: Math.expm1,
    wgsl: (x) => `rc_expm1(${x})`,
    adjoint: (g, x, _y, cot) => g.apply('mul', cot, g.apply('exp', x)),
  }),
  logSigmoid: unary({
    flops: 24,
    calls: ['rc_softplus'],
    fold: (x) => -softplus(-x),
    wgsl: (x) => `(-rc_softplus(-${x}))`,
    adjoint: (g, x, _y, cot) => g.apply('mul', cot, g.apply('sigmoid', g.apply('neg', x))),
  }),
  gelu: unary({
    flops: 36,
    calls: ['rc_gelu'],
    fold: (x) => x * normal(x),
    wgsl: (x) => `rc_gelu(${x})`,
    adjoint: (g, x, _y, cot) => g.apply('mul', cot, g.apply('geluSlope', x)),
  }),
  geluSlope: slope({
    flops: 38,
    calls: ['rc_gelu_slope'],
    fold: (x) => normal(x) + x * density(x),
    wgsl: (x) => `rc_gelu_slope(${x})`,
  }),
  silu: unary({
    flops: 13,
    calls: ['rc_sigmoid'],
    fold: (x) => x * logistic(x),
    wgsl: (x) => `(${x} * rc_sigmoid(${x}))`,
    adjoint: (g, x, _y, cot) => g.apply('mul', cot, g.apply('siluSlope', x)),
  }),
  siluSlope: slope({
    flops: 18,
    calls: ['rc_silu_slope'],
    fold: (x) => logistic(x) * (1 + x * logistic(-x)),
    wgsl: (x) => `rc_silu_slope(${x})`,
  }),
  mish: unary({
    flops: 20,
    calls: ['rc_mish'],
    fold: (x) => x * gate(x),
    wgsl: (x) => `rc_mish(${x})`,
    adjoint: (g, x, _y, cot) => g.apply('mul', cot, g.apply('mishSlope', x)),
  }),
  mishSlope: slope({
    flops: 28,
    calls: ['rc_mish_slope'],
    fold: (x) => gate(x) + x * gateSlope(x),
    wgsl: (x) => `rc_mish_slope(${x})`,
  }),
  pow: {
    gates: true,
    arity: 2,
    result: 'number',
    calls: ['rc_pow'],
    flops: 60,
    fold: (x = Number.NaN, y = Number.NaN) => x ** y,
    wgsl: (x, y) => `rc_pow(${x}, ${y})`,
    adjoint: (g, args, out, cot) => {
      const [x, y, zero] = [at(args, 0), at(args, 1), g.constant(0)];
      // y xʸ⁻¹ and xʸ log x are 0·∞ at a zero exponent and at a zero base; the first is 0, and so is the second where xʸ is finite.
      const byBase = g.apply('mul', y, g.apply('pow', x, g.apply('sub', y, g.constant(1))));
      const rooted = g.apply('and', g.apply('eq', x, zero), g.apply('ge', y, zero));
      return [
        elsewhere(g, g.apply('eq', y, zero), g.apply('mul', cot, byBase)),
        elsewhere(g, rooted, g.apply('mul', cot, g.apply('mul', out, g.apply('log', x)))),
      ];
    },
  },
} as const satisfies Partial<Record<OpName, OpRecord>>;
