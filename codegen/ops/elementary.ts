/** Records of the elementary functions: exponentials, logarithms, powers and roots, trigonometry, the error function. */
import { erf as integral } from './erf.js';
import { elsewhere, where } from './gating.js';
import { always, between, exponential, LARGE, logarithm, product, rising, squared, TINY, WILD } from './interval.js';
import { add, and, div, eq, ge, gt, lt, mul, neg, sub } from './operators.js';
import {
  at,
  FAR,
  type FunctionRecord,
  type Interval,
  LEFT,
  MIDDLE,
  NEAR,
  type NodeId,
  type RuleBuilder,
  unaryFunction,
} from './record.js';

export const exp: FunctionRecord = unaryFunction({
  equation: 'eˣ',
  flops: 11,
  fold: Math.exp,
  wgsl: (x) => `rc_exp(${x})`,
  adjoint: (g, _x, y, cot) => g.apply(mul, cot, y),
  range: exponential,
  cases: {
    expression: 'exp(a)',
    random: ['exp(tanh($0))', 'exp(-square($0))'],
    points: [[-3], [0], [2]],
    precision: [[NEAR], [MIDDLE], [FAR]],
  },
});

export const log: FunctionRecord = unaryFunction({
  equation: 'ln x',
  flops: 20,
  fold: Math.log,
  wgsl: (x) => `rc_log(${x})`,
  adjoint: (g, x, _y, cot) => g.apply(div, cot, x),
  range: logarithm,
  cases: {
    expression: 'log(square(a) + 0.1)',
    random: ['log(square($0) + 0.5)', 'log(sigmoid($0))'],
    points: [[0.01], [1], [30]],
    precision: [[[0.9, 1.1]], [[0.001, 3]], [[1, 30]]],
  },
});

export const sqrt: FunctionRecord = unaryFunction({
  equation: '√x',
  flops: 4,
  fold: Math.sqrt,
  wgsl: (x) => `sqrt(${x})`,
  adjoint: (g, _x, y, cot) => g.apply(div, g.apply(mul, cot, g.constant(0.5)), y),
  range: (x) => (x.low < 0 ? WILD : rising(Math.sqrt)(x)),
  cases: {
    expression: 'sqrt(square(a) + 0.1)',
    random: ['sqrt(square($0) + 0.1)', 'sqrt(sigmoid($0))'],
    points: [[0.01], [1], [30]],
    precision: [[[1e-6, 0.01]], [[0.01, 30]]],
  },
});

export const abs: FunctionRecord = unaryFunction({
  equation: '|x|',
  summary: 'The slope at 0 is 0.',
  gates: true,
  flops: 1,
  fold: Math.abs,
  wgsl: (x) => `abs(${x})`,
  // Neither positive nor negative is zero, or NaN: x itself.
  adjoint: (g, x, _y, cot) =>
    where(g, g.apply(gt, x, g.constant(0)), cot, where(g, g.apply(lt, x, g.constant(0)), g.apply(neg, cot), x)),
  range: (x) => between(x.low > 0 ? x.low : x.high < 0 ? -x.high : 0, Math.max(-x.low, x.high)),
  cases: { expression: 'abs(a)', random: ['abs($0)', 'abs($0 - $2)'], points: [[-2], [3]], precision: [[MIDDLE]] },
});

export const square: FunctionRecord = unaryFunction({
  equation: 'x·x',
  flops: 1,
  fold: (x) => x * x,
  wgsl: (x) => `(${x} * ${x})`,
  adjoint: (g, x, _y, cot) => g.apply(mul, cot, g.apply(mul, g.constant(2), x)),
  range: squared,
  cases: {
    expression: 'square(a)',
    random: ['square($0)', '(tanh($0) ** 2)'],
    points: [[-3], [0], [0.5]],
    precision: [[NEAR], [MIDDLE], [FAR]],
  },
});

const TURNS: readonly (readonly Interval[])[] = [
  [NEAR],
  [MIDDLE],
  [FAR],
  [[-5000, 5000]],
  [[30000, 36000]],
  [[-1e7, 1e7]],
  [[1e30, 2e30]],
];

export const sin: FunctionRecord = unaryFunction({
  equation: 'sin x, x in radians',
  summary: "To float32's precision for |x| up to 50,000, and within ±1 beyond.",
  flops: 20,
  fold: Math.sin,
  wgsl: (x) => `rc_sin(${x})`,
  adjoint: (g, x, _y, cot) => g.apply(mul, cot, g.apply(cos, x)),
  range: always(-1, 1),
  cases: {
    expression: 'sin(3 * a)',
    random: ['sin($0)', 'sin(3 * $0)'],
    points: [[-20], [-2], [0], [0.01], [3]],
    precision: TURNS,
  },
});

export const cos: FunctionRecord = unaryFunction({
  equation: 'cos x, x in radians',
  summary: "To float32's precision for |x| up to 50,000, and within ±1 beyond.",
  flops: 20,
  fold: Math.cos,
  wgsl: (x) => `rc_cos(${x})`,
  adjoint: (g, x, _y, cot) => g.apply(neg, g.apply(mul, cot, g.apply(sin, x))),
  range: always(-1, 1),
  cases: {
    expression: 'cos(3 * a)',
    random: ['cos($0)'],
    points: [[-20], [-2], [0], [0.01], [3]],
    precision: TURNS,
  },
});

const scaled = (g: RuleBuilder, factor: number, x: NodeId) => g.apply(mul, g.constant(factor), x);
const gaussian = (g: RuleBuilder, exponent: NodeId) => g.apply(exp, g.apply(neg, exponent));

export const erf: FunctionRecord = unaryFunction({
  equation: '2/√π ∫₀ˣ e^(−s²) ds',
  summary: 'The error function.',
  flops: 40,
  fold: integral,
  wgsl: (x) => `rc_erf(${x})`,
  // erf' = 2/√π e^(−x²)
  adjoint: (g, x, _y, cot) => g.apply(mul, cot, scaled(g, 2 / Math.sqrt(Math.PI), gaussian(g, g.apply(square, x)))),
  range: always(-1, 1),
  cases: {
    expression: 'erf(a)',
    random: ['erf($0)'],
    points: [[-5], [-1.99], [-0.3], [0], [0.01], [0.8], [2.01], [3]],
    precision: [[NEAR], [MIDDLE], [FAR], [[0.9, 1.1]]],
  },
});

export const log1p: FunctionRecord = unaryFunction({
  equation: 'log(1 + x)',
  summary: 'It is exact also where x is small.',
  flops: 36,
  fold: Math.log1p,
  wgsl: (x) => `rc_log1p(${x})`,
  adjoint: (g, x, _y, cot) => g.apply(div, cot, g.apply(add, g.constant(1), x)),
  range: (x) => logarithm(between(1 + x.low, 1 + x.high)),
  cases: {
    expression: 'log1p(square(a))',
    random: ['log1p(square($0))', 'log1p(0.5 * sin($0))'],
    points: [[-0.9], [-0.3], [0], [1e-3], [30]],
    precision: [[NEAR], [[-0.999, 3]], [[0, 30]], [[-0.4, -0.2]], [[-1, -0.999]]],
  },
});

export const expm1: FunctionRecord = unaryFunction({
  equation: 'eˣ − 1',
  summary: 'It is exact also where x is small.',
  flops: 20,
  fold: Math.expm1,
  wgsl: (x) => `rc_expm1(${x})`,
  adjoint: (g, x, _y, cot) => g.apply(mul, cot, g.apply(exp, x)),
  range: (x) => (x.high > LARGE ? WILD : rising(Math.expm1)(x)),
  cases: {
    expression: 'expm1(a)',
    random: ['expm1(tanh($0))'],
    points: [[-30], [-0.3], [0], [1e-3], [3]],
    precision: [[NEAR], [MIDDLE], [FAR], [LEFT]],
  },
});

export const pow: FunctionRecord = {
  parameters: [{ name: 'x' }, { name: 'y' }],
  equation: 'xʸ, also written `x ** y`',
  summary:
    "With the values of JavaScript's `Math.pow`: NaN for a negative x and a y that is not whole, 1 for y = 0. " +
    'The slope by y is xʸ·log(x): NaN for negative x, and 0 at x = 0 where y ≥ 0; a constant y needs none.',
  gates: true,
  arity: 2,
  result: 'number',
  flops: 60,
  fold: (x = Number.NaN, y = Number.NaN) => x ** y,
  wgsl: (x, y) => `rc_pow(${x}, ${y})`,
  adjoint: (g, args, out, cot) => {
    const [x, y, zero] = [at(args, 0), at(args, 1), g.constant(0)];
    // y xʸ⁻¹ and xʸ log x are 0·∞ at a zero exponent and at a zero base; the first is 0, and so is the second where xʸ is finite.
    const byBase = g.apply(mul, y, g.apply(pow, x, g.apply(sub, y, g.constant(1))));
    const rooted = g.apply(and, g.apply(eq, x, zero), g.apply(ge, y, zero));
    return [
      elsewhere(g, g.apply(eq, y, zero), g.apply(mul, cot, byBase)),
      elsewhere(g, rooted, g.apply(mul, cot, g.apply(mul, out, g.apply(log, x)))),
    ];
  },
  range: (x, y) => (x.low < TINY ? WILD : exponential(product(logarithm(x), y))),
  cases: {
    expression: 'pow(square(a) + 0.5, b)',
    random: [
      'pow(square($0) + 0.5, 0.7)',
      'pow(square($0) + 0.5, tanh($1))',
      '(tanh($0) ** 3)',
      '(2 ** tanh($0))',
      '(sigmoid($0) ** sin($1))',
    ],
    points: [
      [2.5, 1.7],
      [0.3, -2.2],
      [4, 0],
      [1, 3],
    ],
    precision: [
      [[0.01, 3], MIDDLE],
      [
        [0.98, 1.02],
        [-30, 30],
      ],
      [
        [7, 8],
        [9.5, 10],
      ],
      [
        [0.13, 0.14],
        [9.5, 10],
      ],
      [
        [1.3, 1.4],
        [-70, -50],
      ],
      [
        [1000, 1100],
        [11.9, 12],
      ],
    ],
  },
};
