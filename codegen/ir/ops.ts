/**
 * The vocabulary: one record per per-unit operation. A new op is a name in `OpName` and a record here;
 * the total mapped type names whatever was forgotten.
 */
import { discrete } from './discrete.js';
import type { NodeId } from './graph.js';
import { at, comparison, elsewhere, nanOr, unary, where } from './records.js';
import { smooth } from './smooth.js';

export type OpName =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'neg'
  | 'min'
  | 'max'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge'
  | 'eq'
  | 'ne'
  | 'and'
  | 'or'
  | 'not'
  | 'select'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'leakyRelu'
  | 'elu'
  | 'softplus'
  | 'softsign'
  | 'hardSigmoid'
  /** Derivatives, from the argument: y(1 − y) and 1 − y² lose every digit where the function saturates. */
  | 'sigmoidSlope'
  | 'tanhSlope'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'abs'
  | 'square'
  | 'clamp'
  | 'sin'
  | 'cos'
  | 'erf'
  | 'log1p'
  | 'expm1'
  | 'logSigmoid'
  | 'gelu'
  | 'geluSlope'
  | 'silu'
  | 'siluSlope'
  | 'mish'
  | 'mishSlope'
  | 'pow'
  | 'round'
  | 'floor'
  | 'mod'
  | 'step'
  | 'sign'
  | 'stopGradient'
  | 'straightThrough';

/** WGSL functions that an op calls; their text is in `emit/functions.ts`. */
export type WgslFunction =
  | 'rc_exp'
  | 'rc_log'
  | 'rc_tanh'
  | 'rc_tanh_slope'
  | 'rc_sigmoid'
  | 'rc_sigmoid_slope'
  | 'rc_softplus'
  | 'rc_expm1'
  | 'rc_min'
  | 'rc_max'
  | 'rc_sin'
  | 'rc_cos'
  | 'rc_erf'
  | 'rc_log1p'
  | 'rc_gelu'
  | 'rc_gelu_slope'
  | 'rc_silu_slope'
  | 'rc_mish'
  | 'rc_mish_slope'
  | 'rc_pow'
  | 'rc_mod';

/** What an adjoint rule builds with. */
export interface RuleBuilder {
  apply(op: OpName, ...args: NodeId[]): NodeId;
  constant(value: number): NodeId;
}

/**
 * One cotangent per argument, `undefined` where none flows (booleans). `args` and `out` are the op's own
 * arguments and result, `cot` the cotangent of the result.
 */
export type AdjointRule = (g: RuleBuilder, args: readonly NodeId[], out: NodeId, cot: NodeId) => readonly (NodeId | undefined)[];

export interface OpRecord {
  readonly arity: 1 | 2 | 3;
  readonly result: 'number' | 'boolean';
  /** Value on constants, for folding; booleans as 0 and 1. */
  readonly fold: (...args: number[]) => number;
  readonly adjoint: AdjointRule;
  /** Expression over `vec4f` (booleans `vec4<bool>`) operands. */
  readonly wgsl: (...args: string[]) => string;
  readonly calls: readonly WgslFunction[];
  /** Floating-point operations per unit, elementary functions counted as ten. */
  readonly flops: number;
}

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
    arity: 2,
    result: 'number',
    calls: ['rc_min'],
    flops: 2,
    fold: (a = 0, b = 0) => Math.min(a, b),
    wgsl: (a, b) => `rc_min(${a}, ${b})`,
    adjoint: (g, args, _out, cot) => {
      const first = g.apply('le', at(args, 0), at(args, 1));
      return [where(g, first, cot), elsewhere(g, first, cot)];
    },
  },
  max: {
    arity: 2,
    result: 'number',
    calls: ['rc_max'],
    flops: 2,
    fold: (a = 0, b = 0) => Math.max(a, b),
    wgsl: (a, b) => `rc_max(${a}, ${b})`,
    adjoint: (g, args, _out, cot) => {
      const first = g.apply('ge', at(args, 0), at(args, 1));
      return [where(g, first, cot), elsewhere(g, first, cot)];
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
  sigmoidSlope: unary({
    flops: 14,
    calls: ['rc_sigmoid_slope'],
    fold: (x) => Math.exp(-Math.abs(x)) / (1 + Math.exp(-Math.abs(x))) ** 2,
    wgsl: (x) => `rc_sigmoid_slope(${x})`,
    // σ'' = σ' (1 − 2σ)
    adjoint: (g, x, slope, cot) => {
      const bend = g.apply('sub', g.constant(1), g.apply('mul', g.constant(2), g.apply('sigmoid', x)));
      return g.apply('mul', cot, g.apply('mul', slope, bend));
    },
  }),
  tanhSlope: unary({
    flops: 15,
    calls: ['rc_tanh_slope'],
    fold: (x) => 1 / Math.cosh(x) ** 2,
    wgsl: (x) => `rc_tanh_slope(${x})`,
    // tanh'' = −2 tanh tanh'
    adjoint: (g, x, slope, cot) => g.apply('mul', cot, g.apply('mul', g.constant(-2), g.apply('mul', g.apply('tanh', x), slope))),
  }),
  relu: unary({
    flops: 1,
    fold: (x) => Math.max(x, 0),
    // A comparison rather than max(): WGSL's max may swallow NaN.
    wgsl: (x) => `select(${x}, vec4f(0), ${x} < vec4f(0))`,
    adjoint: (g, x, _y, cot) => where(g, g.apply('gt', x, g.constant(0)), cot),
  }),
  leakyRelu: {
    arity: 2,
    result: 'number',
    calls: [],
    flops: 2,
    fold: (x = 0, slope = 0) => (x > 0 ? x : slope * x),
    wgsl: (x, slope) => `select(${slope} * ${x}, ${x}, ${x} > vec4f(0))`,
    adjoint: (g, args, _y, cot) => {
      const positive = g.apply('gt', at(args, 0), g.constant(0));
      return [
        g.apply('select', positive, cot, g.apply('mul', cot, at(args, 1))),
        elsewhere(g, positive, g.apply('mul', cot, at(args, 0))),
      ];
    },
  },
  elu: {
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
    flops: 4,
    calls: ['rc_min', 'rc_max'],
    fold: (x) => nanOr(Math.min(Math.max(0.2 * x + 0.5, 0), 1), x),
    wgsl: (x) => `rc_min(rc_max(vec4f(0.2) * ${x} + vec4f(0.5), vec4f(0)), vec4f(1))`,
    adjoint: (g, x, _y, cot) => where(g, g.apply('lt', g.apply('abs', x), g.constant(2.5)), g.apply('mul', cot, g.constant(0.2))),
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
    flops: 1,
    fold: Math.abs,
    wgsl: (x) => `abs(${x})`,
    adjoint: (g, x, _y, cot) =>
      g.apply('select', g.apply('gt', x, g.constant(0)), cot, where(g, g.apply('lt', x, g.constant(0)), g.apply('neg', cot))),
  }),
  square: unary({
    flops: 1,
    fold: (x) => x * x,
    wgsl: (x) => `(${x} * ${x})`,
    adjoint: (g, x, _y, cot) => g.apply('mul', cot, g.apply('mul', g.constant(2), x)),
  }),
  clamp: {
    arity: 3,
    result: 'number',
    calls: ['rc_min', 'rc_max'],
    flops: 4,
    fold: (x = 0, low = 0, high = 0) => Math.min(Math.max(x, low), high),
    wgsl: (x, low, high) => `rc_min(rc_max(${x}, ${low}), ${high})`,
    adjoint: (g, args, _y, cot) => {
      const [x, low, high] = [at(args, 0), at(args, 1), at(args, 2)];
      const below = g.apply('lt', x, low);
      // min(max(x, low), high): where the bounds cross, high wins.
      const capped = g.apply('gt', g.apply('max', x, low), high);
      const inside = elsewhere(g, capped, cot);
      return [elsewhere(g, below, inside), where(g, below, inside), where(g, capped, cot)];
    },
  },
  ...smooth,
  ...discrete,
};

export const isOp = (name: string): name is OpName => Object.hasOwn(ops, name);
