/** Records of the activation functions. */
import { min } from './bounds.js';
import { abs, exp, square } from './elementary.js';
import { gate, logistic, logOnePlusExp, normal } from './formulas.js';
import { elsewhere, flatOrNaN, where } from './gating.js';
import { always, between, clampTo, hull, INFINITE, product, rectified, rising } from './interval.js';
import { add, div, ge, gt, le, lt, mul, neg } from './operators.js';
import { at, FAR, type FunctionRecord, LEFT, MIDDLE, NEAR, nanOr, unaryFunction } from './record.js';
import { geluSlope, mishSlope, sigmoidSlope, siluSlope, tanhSlope } from './slopes.js';

export const sigmoid: FunctionRecord = unaryFunction({
  equation: '1 / (1 + e⁻ˣ)',
  flops: 12,
  fold: logistic,
  wgsl: (x) => `rc_sigmoid(${x})`,
  adjoint: (g, x, _y, cot) => g.apply(mul, cot, g.apply(sigmoidSlope, x)),
  range: always(0, 1),
  cases: {
    expression: 'sigmoid(4 * a)',
    random: ['sigmoid($0)', 'sigmoid(3 * $0)'],
    points: [[-30], [-2], [-0.3], [0], [0.7], [3]],
    precision: [[NEAR], [MIDDLE], [FAR], [LEFT]],
  },
});

export const tanh: FunctionRecord = unaryFunction({
  equation: '(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)',
  flops: 14,
  fold: Math.tanh,
  wgsl: (x) => `rc_tanh(${x})`,
  adjoint: (g, x, _y, cot) => g.apply(mul, cot, g.apply(tanhSlope, x)),
  range: always(-1, 1),
  cases: {
    expression: 'tanh(4 * a)',
    random: ['tanh($0)', 'tanh(2 * $0)'],
    points: [[-4], [-0.3], [0], [0.7], [3]],
    precision: [[NEAR], [MIDDLE], [FAR], [LEFT]],
  },
});

export const relu: FunctionRecord = unaryFunction({
  equation: 'max(x, 0)',
  summary: 'The slope at 0 is 0.',
  gates: true,
  flops: 1,
  fold: (x) => Math.max(x, 0),
  // A comparison rather than max(): WGSL's max may swallow NaN.
  wgsl: (x) => `select(${x}, vec4f(0), ${x} < vec4f(0))`,
  // y is positive where x is; elsewhere it is the zero, or the NaN, that is passed.
  adjoint: (g, _x, y, cot) => where(g, g.apply(gt, y, g.constant(0)), cot, y),
  range: clampTo(0, INFINITE),
  cases: { expression: 'relu(a)', random: ['relu($0)'], points: [[-2], [0.3]], precision: [[MIDDLE]] },
});

export const leakyRelu: FunctionRecord = {
  parameters: [{ name: 'x' }, { name: 'slope', default: 0.01 }],
  equation: 'x > 0 ? x : slope·x',
  summary: 'The slope at 0 is that of the left side.',
  gates: true,
  arity: 2,
  result: 'number',
  flops: 2,
  fold: (x = 0, slope = 0) => (x > 0 ? x : slope * x),
  wgsl: (x, slope) => `select(${slope} * ${x}, ${x}, ${x} > vec4f(0))`,
  adjoint: (g, args, _y, cot) => {
    const [x, slope] = [at(args, 0), at(args, 1)];
    const positive = g.apply(gt, x, g.constant(0));
    const negative = where(g, g.apply(le, x, g.constant(0)), g.apply(mul, cot, slope), x);
    return [where(g, positive, cot, negative), elsewhere(g, positive, g.apply(mul, cot, x))];
  },
  range: (x, slope) => hull(clampTo(0, INFINITE)(x), product(clampTo(-INFINITE, 0)(x), slope)),
  cases: {
    expression: 'leakyRelu(a, 0.3)',
    random: ['leakyRelu($0)', 'leakyRelu($0, 0.3)'],
    points: [
      [-2, 0.01],
      [-0.1, 0.3],
      [0.7, 0.3],
    ],
    measured: 'leakyRelu(x, 0.3)',
    precision: [[MIDDLE]],
  },
};

export const elu: FunctionRecord = {
  parameters: [{ name: 'x' }, { name: 'alpha', default: 1 }],
  equation: 'x > 0 ? x : alpha·(eˣ − 1)',
  summary: 'The slope at 0 is that of the left side.',
  gates: true,
  arity: 2,
  result: 'number',
  flops: 12,
  fold: (x = 0, alpha = 0) => (x > 0 ? x : alpha * Math.expm1(x)),
  wgsl: (x, alpha) => `select(${alpha} * rc_expm1(${x}), ${x}, ${x} > vec4f(0))`,
  adjoint: (g, args, _y, cot) => {
    const x = at(args, 0);
    const positive = g.apply(gt, x, g.constant(0));
    // expm1(x) as elu(x, 1): on the negative side they are the same function.
    const expm1 = g.apply(elu, x, g.constant(1));
    // Of the negative side alone: elsewhere it would be large, and need to be kept from cotangents that are zero.
    const slope = g.apply(exp, g.apply(min, x, g.constant(0)));
    return [
      where(g, positive, cot, g.apply(mul, cot, g.apply(mul, at(args, 1), slope))),
      elsewhere(g, positive, g.apply(mul, cot, expm1)),
    ];
  },
  range: (x, alpha) => hull(clampTo(0, INFINITE)(x), product(between(-1, 0), alpha)),
  cases: {
    expression: 'elu(a, 0.7)',
    random: ['elu($0)', 'elu($0, 0.7)'],
    points: [
      [-2, 1],
      [-0.1, 0.6],
      [0.7, 0.6],
    ],
    measured: 'elu(x, 0.7)',
    precision: [[NEAR], [MIDDLE], [FAR], [LEFT]],
  },
};

export const softplus: FunctionRecord = unaryFunction({
  equation: 'log(1 + eˣ)',
  flops: 24,
  fold: logOnePlusExp,
  wgsl: (x) => `rc_softplus(${x})`,
  adjoint: (g, x, _y, cot) => g.apply(mul, cot, g.apply(sigmoid, x)),
  range: rising(logOnePlusExp),
  cases: {
    expression: 'softplus(4 * a)',
    random: ['softplus($0)'],
    points: [[-20], [-2], [0], [0.7], [40]],
    precision: [[NEAR], [MIDDLE], [FAR], [LEFT]],
  },
});

export const softsign: FunctionRecord = unaryFunction({
  equation: 'x / (1 + |x|)',
  flops: 6,
  fold: (x) => x / (1 + Math.abs(x)),
  wgsl: (x) => `(${x} / (vec4f(1) + abs(${x})))`,
  adjoint: (g, x, _y, cot) => g.apply(div, cot, g.apply(square, g.apply(add, g.constant(1), g.apply(abs, x)))),
  range: always(-1, 1),
  cases: {
    expression: 'softsign(a)',
    random: ['softsign($0)'],
    points: [[-3], [-0.1], [0.2], [5]],
    precision: [[NEAR], [MIDDLE], [FAR]],
  },
});

export const hardSigmoid: FunctionRecord = unaryFunction({
  equation: 'clamp(0.2·x + 0.5, 0, 1)',
  summary: 'As ONNX has it. The slope where its line ends, at ±2.5, is 0.',
  gates: true,
  flops: 4,
  fold: (x) => nanOr(Math.min(Math.max(0.2 * x + 0.5, 0), 1), x),
  wgsl: (x) => `rc_min(rc_max(vec4f(0.2) * ${x} + vec4f(0.5), vec4f(0)), vec4f(1))`,
  adjoint: (g, x, y, cot) =>
    where(g, g.apply(lt, g.apply(abs, x), g.constant(2.5)), g.apply(mul, cot, g.constant(0.2)), flatOrNaN(g, y)),
  range: always(0, 1),
  cases: {
    expression: 'hardSigmoid(3 * a)',
    random: ['hardSigmoid($0)', 'hardSigmoid(3 * $0)'],
    points: [[-3], [-2], [0.3], [2.4], [2.6]],
    precision: [[MIDDLE]],
  },
});

export const hardSwish: FunctionRecord = unaryFunction({
  equation: 'x·clamp(x/6 + 1/2, 0, 1)',
  summary: 'The slopes at −3 and 3 are 0 and 1 (Howard et al. 2019, arXiv:1905.02244).',
  gates: true,
  flops: 6,
  fold: (x) => (x >= 3 ? x : x <= -3 ? 0 : (x * (x + 3)) / 6),
  // Choices, because −∞·0 is NaN; x + 3 is exact where the product nears zero.
  wgsl: (x) =>
    `select(select(${x} * (${x} + vec4f(3)) * vec4f(0.16666667), vec4f(0), ${x} <= vec4f(-3)), ${x}, ${x} >= vec4f(3))`,
  // x(x + 3)/6 has the slope (x + 3/2)/3.
  adjoint: (g, x, y, cot) => {
    const inside = g.apply(mul, cot, g.apply(mul, g.apply(add, x, g.constant(1.5)), g.constant(1 / 3)));
    return where(g, g.apply(ge, x, g.constant(3)), cot, where(g, g.apply(gt, x, g.constant(-3)), inside, flatOrNaN(g, y)));
  },
  range: rectified(-0.375),
  cases: {
    expression: 'hardSwish(4 * a)',
    random: ['hardSwish($0)', 'hardSwish(4 * $0)'],
    points: [[-4], [-2.9], [-1.5], [0], [0.3], [2.9], [4]],
    precision: [[NEAR], [MIDDLE], [FAR], [[-3.01, -2.99]]],
  },
});

export const logSigmoid: FunctionRecord = unaryFunction({
  equation: 'log(sigmoid(x))',
  summary: 'It is −softplus(−x).',
  flops: 24,
  fold: (x) => -logOnePlusExp(-x),
  wgsl: (x) => `(-rc_softplus(-${x}))`,
  adjoint: (g, x, _y, cot) => g.apply(mul, cot, g.apply(sigmoid, g.apply(neg, x))),
  range: rising((x) => -logOnePlusExp(-x)),
  cases: {
    expression: 'logSigmoid(4 * a)',
    random: ['logSigmoid($0)'],
    points: [[-40], [-2], [0], [0.7], [20]],
    precision: [[NEAR], [MIDDLE], [FAR], [[6, 12]]],
  },
});

export const gelu: FunctionRecord = unaryFunction({
  equation: 'x·Φ(x), Φ the normal distribution',
  summary: 'The exact form by `erf`, not the one by `tanh` (Hendrycks & Gimpel 2016, arXiv:1606.08415).',
  flops: 36,
  fold: (x) => x * normal(x),
  wgsl: (x) => `rc_gelu(${x})`,
  adjoint: (g, x, _y, cot) => g.apply(mul, cot, g.apply(geluSlope, x)),
  range: rectified(-0.2),
  cases: {
    expression: 'gelu(2 * a)',
    random: ['gelu($0)'],
    points: [[-6], [-2], [-0.3], [0], [0.01], [0.7], [3], [30]],
    precision: [[NEAR], [MIDDLE], [FAR], [LEFT]],
  },
});

export const silu: FunctionRecord = unaryFunction({
  equation: 'x·sigmoid(x)',
  summary: 'It is also called swish (Elfwing et al. 2017, arXiv:1702.03118).',
  flops: 13,
  fold: (x) => x * logistic(x),
  wgsl: (x) => `(${x} * rc_sigmoid(${x}))`,
  adjoint: (g, x, _y, cot) => g.apply(mul, cot, g.apply(siluSlope, x)),
  range: rectified(-0.3),
  cases: {
    expression: 'silu(2 * a)',
    random: ['silu($0)'],
    points: [[-30], [-2], [-0.3], [0], [0.01], [0.7], [3], [30]],
    precision: [[NEAR], [MIDDLE], [FAR], [LEFT]],
  },
});

export const mish: FunctionRecord = unaryFunction({
  equation: 'x·tanh(softplus(x))',
  summary: 'Misra 2019, arXiv:1908.08681.',
  flops: 20,
  fold: (x) => x * gate(x),
  wgsl: (x) => `rc_mish(${x})`,
  adjoint: (g, x, _y, cot) => g.apply(mul, cot, g.apply(mishSlope, x)),
  range: rectified(-0.4),
  cases: {
    expression: 'mish(2 * a)',
    random: ['mish($0)'],
    points: [[-30], [-2], [-0.3], [0], [0.01], [0.7], [3], [30]],
    precision: [[NEAR], [MIDDLE], [FAR], [LEFT]],
  },
});
