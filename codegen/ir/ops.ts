/**
 * The vocabulary: one record per per-unit operation. A new op is a name in `OpName` and a record here;
 * the total mapped type names whatever was forgotten.
 */
import { discrete } from './discrete.js';
import {
  at,
  comparison,
  elsewhere,
  type NodeId,
  nanOr,
  type OpName,
  type OpRecord,
  type RuleBuilder,
  slope,
  unary,
  where,
} from './records.js';
import { smooth } from './smooth.js';

/**
 * What a function with a kink passes where it is flat: zero, or NaN where its result is, because no slope is known
 * there. A NaN fails every comparison: `where` must be given the condition of the slope, never the denial of flatness.
 */
const flatOrNaN = (g: RuleBuilder, out: NodeId) => g.apply('select', g.apply('eq', out, out), g.constant(0), out);

export const ops: { readonly [O in OpName]: OpRecord } = {
  add: {
    arity: 2,
    result: 'number',
    calls: [],
    flops: 1,
    fold: (a = 0, b = 0) => a + b,
    wgsl: (a, b) => `(${a} + ${b})`,
    adjoint: (_g, _args, _out, cot) => [cot, cot],
  },
  sub: {
    arity: 2,
    result: 'number',
    calls: [],
    flops: 1,
    fold: (a = 0, b = 0) => a - b,
    wgsl: (a, b) => `(${a} - ${b})`,
    adjoint: (g, _args, _out, cot) => [cot, g.apply('neg', cot)],
  },
  mul: {
    arity: 2,
    result: 'number',
    calls: [],
    flops: 1,
    fold: (a = 0, b = 0) => a * b,
    wgsl: (a, b) => `(${a} * ${b})`,
    adjoint: (g, args, _out, cot) => [g.apply('mul', cot, at(args, 1)), g.apply('mul', cot, at(args, 0))],
  },
  div: {
    arity: 2,
    result: 'number',
    calls: [],
    flops: 4,
    fold: (a = 0, b = 0) => a / b,
    wgsl: (a, b) => `(${a} / ${b})`,
    // ∂(a/b)/∂b = −(a/b)/b
    adjoint: (g, args, out, cot) => {
      const da = g.apply('div', cot, at(args, 1));
      return [da, g.apply('neg', g.apply('mul', da, out))];
    },
  },
  neg: unary({ flops: 1, fold: (x) => -x, wgsl: (x) => `(-${x})`, adjoint: (g, _x, _out, cot) => g.apply('neg', cot) }),
  min: {
    gates: true,
    arity: 2,
    result: 'number',
    calls: ['rc_min'],
    flops: 2,
    fold: (a = 0, b = 0) => Math.min(a, b),
    wgsl: (a, b) => `rc_min(${a}, ${b})`,
    adjoint: (g, args, out, cot) => {
      const [a, b, flat] = [at(args, 0), at(args, 1), flatOrNaN(g, out)];
      return [where(g, g.apply('le', a, b), cot, flat), where(g, g.apply('gt', a, b), cot, flat)];
    },
  },
  max: {
    gates: true,
    arity: 2,
    result: 'number',
    calls: ['rc_max'],
    flops: 2,
    fold: (a = 0, b = 0) => Math.max(a, b),
    wgsl: (a, b) => `rc_max(${a}, ${b})`,
    adjoint: (g, args, out, cot) => {
      const [a, b, flat] = [at(args, 0), at(args, 1), flatOrNaN(g, out)];
      return [where(g, g.apply('ge', a, b), cot, flat), where(g, g.apply('lt', a, b), cot, flat)];
    },
  },
  lt: comparison('<', (a, b) => a < b),
  le: comparison('<=', (a, b) => a <= b),
  gt: comparison('>', (a, b) => a > b),
  ge: comparison('>=', (a, b) => a >= b),
  eq: comparison('==', (a, b) => a === b),
  // WGSL's != may be an ordered comparison, which NaN fails.
  ne: { ...comparison('!=', (a, b) => a !== b), wgsl: (a, b) => `!(${a} == ${b})` },
  select: {
    gates: true,
    arity: 3,
    result: 'number',
    calls: [],
    flops: 1,
    fold: (condition = 0, a = 0, b = 0) => (condition ? a : b),
    wgsl: (condition, a, b) => `select(${b}, ${a}, ${condition})`,
    adjoint: (g, args, _out, cot) => [undefined, where(g, at(args, 0), cot), elsewhere(g, at(args, 0), cot)],
  },
  sigmoid: unary({
    flops: 12,
    calls: ['rc_sigmoid'],
    fold: (x) => 1 / (1 + Math.exp(-x)),
    wgsl: (x) => `rc_sigmoid(${x})`,
    adjoint: (g, x, _y, cot) => g.apply('mul', cot, g.apply('sigmoidSlope', x)),
  }),
  tanh: unary({
    flops: 14,
    calls: ['rc_tanh'],
    fold: Math.tanh,
    wgsl: (x) => `rc_tanh(${x})`,
    adjoint: (g, x, _y, cot) => g.apply('mul', cot, g.apply('tanhSlope', x)),
  }),
  sigmoidSlope: slope({
    flops: 14,
    calls: ['rc_sigmoid_slope'],
    fold: (x) => Math.exp(-Math.abs(x)) / (1 + Math.exp(-Math.abs(x))) ** 2,
    wgsl: (x) => `rc_sigmoid_slope(${x})`,
  }),
  tanhSlope: slope({
    flops: 15,
    calls: ['rc_tanh_slope'],
    fold: (x) => 1 / Math.cosh(x) ** 2,
    wgsl: (x) => `rc_tanh_slope(${x})`,
  }),
  relu: unary({
    gates: true,
    flops: 1,
    fold: (x) => Math.max(x, 0),
    // A comparison rather than max(): WGSL's max may swallow NaN.
    wgsl: (x) => `select(${x}, vec4f(0), ${x} < vec4f(0))`,
    // y is positive where x is; elsewhere it is the zero, or the NaN, that is passed.
    adjoint: (g, _x, y, cot) => where(g, g.apply('gt', y, g.constant(0)), cot, y),
  }),
  leakyRelu: {
    gates: true,
    arity: 2,
    result: 'number',
    calls: [],
    flops: 2,
    fold: (x = 0, slope = 0) => (x > 0 ? x : slope * x),
    wgsl: (x, slope) => `select(${slope} * ${x}, ${x}, ${x} > vec4f(0))`,
    adjoint: (g, args, _y, cot) => {
      const [x, slope] = [at(args, 0), at(args, 1)];
      const positive = g.apply('gt', x, g.constant(0));
      const negative = where(g, g.apply('le', x, g.constant(0)), g.apply('mul', cot, slope), x);
      return [where(g, positive, cot, negative), elsewhere(g, positive, g.apply('mul', cot, x))];
    },
  },
  elu: {
    gates: true,
    arity: 2,
    result: 'number',
    calls: ['rc_expm1'],
    flops: 12,
    fold: (x = 0, alpha = 0) => (x > 0 ? x : alpha * Math.expm1(x)),
    wgsl: (x, alpha) => `select(${alpha} * rc_expm1(${x}), ${x}, ${x} > vec4f(0))`,
    adjoint: (g, args, _y, cot) => {
      const x = at(args, 0);
      const positive = g.apply('gt', x, g.constant(0));
      // expm1(x) as elu(x, 1): on the negative side they are the same function.
      const expm1 = g.apply('elu', x, g.constant(1));
      return [
        g.apply('select', positive, cot, g.apply('mul', cot, g.apply('mul', at(args, 1), g.apply('exp', x)))),
        elsewhere(g, positive, g.apply('mul', cot, expm1)),
      ];
    },
  },
  softplus: unary({
    flops: 24,
    calls: ['rc_softplus'],
    fold: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    wgsl: (x) => `rc_softplus(${x})`,
    adjoint: (g, x, _y, cot) => g.apply('mul', cot, g.apply('sigmoid', x)),
  }),
  softsign: unary({
    flops: 6,
    fold: (x) => x / (1 + Math.abs(x)),
    wgsl: (x) => `(${x} / (vec4f(1) + abs(${x})))`,
    adjoint: (g, x, _y, cot) => g.apply('div', cot, g.apply('square', g.apply('add', g.constant(1), g.apply('abs', x)))),
  }),
  hardSigmoid: unary({
    gates: true,
    flops: 4,
    calls: ['rc_min', 'rc_max'],
    fold: (x) => nanOr(Math.min(Math.max(0.2 * x + 0.5, 0), 1), x),
    wgsl: (x) => `rc_min(rc_max(vec4f(0.2) * ${x} + vec4f(0.5), vec4f(0)), vec4f(1))`,
    adjoint: (g, x, y, cot) =>
      where(g, g.apply('lt', g.apply('abs', x), g.constant(2.5)), g.apply('mul', cot, g.constant(0.2)), flatOrNaN(g, y)),
  }),
  exp: unary({
    flops: 11,
    calls: ['rc_exp'],
    fold: Math.exp,
    wgsl: (x) => `rc_exp(${x})`,
    adjoint: (g, _x, y, cot) => g.apply('mul', cot, y),
  }),
  log: unary({
    flops: 20,
    calls: ['rc_log'],
    fold: Math.log,
    wgsl: (x) => `rc_log(${x})`,
    adjoint: (g, x, _y, cot) => g.apply('div', cot, x),
  }),
  sqrt: unary({
    flops: 4,
    fold: Math.sqrt,
    wgsl: (x) => `sqrt(${x})`,
    adjoint: (g, _x, y, cot) => g.apply('div', g.apply('mul', cot, g.constant(0.5)), y),
  }),
  abs: unary({
    gates: true,
    flops: 1,
    fold: Math.abs,
    wgsl: (x) => `abs(${x})`,
    // Neither positive nor negative is zero, or NaN: x itself.
    adjoint: (g, x, _y, cot) =>
      where(g, g.apply('gt', x, g.constant(0)), cot, where(g, g.apply('lt', x, g.constant(0)), g.apply('neg', cot), x)),
  }),
  square: unary({
    flops: 1,
    fold: (x) => x * x,
    wgsl: (x) => `(${x} * ${x})`,
    adjoint: (g, x, _y, cot) => g.apply('mul', cot, g.apply('mul', g.constant(2), x)),
  }),
  clamp: {
    gates: true,
    arity: 3,
    result: 'number',
    calls: ['rc_min', 'rc_max'],
    flops: 4,
    fold: (x = 0, low = 0, high = 0) => Math.min(Math.max(x, low), high),
    wgsl: (x, low, high) => `rc_min(rc_max(${x}, ${low}), ${high})`,
    adjoint: (g, args, y, cot) => {
      const [x, low, high, flat] = [at(args, 0), at(args, 1), at(args, 2), flatOrNaN(g, y)];
      // min(max(x, low), high): where the bounds cross, high wins.
      const raised = g.apply('max', x, low);
      const uncapped = where(g, g.apply('le', raised, high), cot, flat);
      return [
        where(g, g.apply('ge', x, low), uncapped, flat),
        where(g, g.apply('lt', x, low), uncapped, flat),
        where(g, g.apply('gt', raised, high), cot, flat),
      ];
    },
  },
  ...smooth,
  ...discrete,
};

export const isOp = (name: string): name is OpName => Object.hasOwn(ops, name);
