/** Records of the functions that are constant between jumps, and of those that redirect a cotangent. */
import { always, between, hull, TINY, WILD, ZERO } from './interval.js';
import { div, mul, neg, sub } from './operators.js';
import { at, FAR, type FunctionRecord, flatFunction, MIDDLE } from './record.js';

/** Halves to the even neighbour. */
function roundEven(x: number): number {
  const nearest = Math.round(x);
  return x - Math.floor(x) === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

export const round: FunctionRecord = flatFunction({
  equation: 'the nearest whole number, halves to the even one',
  summary: 'Unlike `Math.round`. No cotangent passes.',
  fold: roundEven,
  wgsl: (x) => `round(${x})`,
  range: (x) => between(x.low - 1, x.high + 1),
  cases: {
    expression: '(round(3 * a) * b)',
    random: ['round(2 * $0 + $2)', '(round(3 * $2) / 3)'],
    points: [],
    measured: 'round(x) + 0.5 * x',
    precision: [[MIDDLE], [FAR]],
  },
});

export const floor: FunctionRecord = flatFunction({
  equation: '⌊x⌋, the next whole number down',
  summary: 'No cotangent passes.',
  fold: Math.floor,
  wgsl: (x) => `floor(${x})`,
  range: (x) => between(x.low - 1, x.high),
  cases: {
    expression: '(floor(3 * a) * b)',
    random: ['floor($0 + 1.5 * $2)'],
    points: [],
    measured: 'floor(x) + 0.5 * x',
    precision: [[MIDDLE], [FAR]],
  },
});

export const mod: FunctionRecord = {
  parameters: [{ name: 'a' }, { name: 'b' }],
  equation: 'a − b·trunc(a/b), also written `a % b`',
  summary:
    "The sign is a's, as in JavaScript. Exact while |a/b| is below 2²³, below |b| beyond. The slopes are 1 and −trunc(a/b) everywhere.",
  gates: true,
  arity: 2,
  result: 'number',
  flops: 10,
  fold: (a = Number.NaN, b = Number.NaN) => a % b,
  wgsl: (a, b) => `rc_mod(${a}, ${b})`,
  // The whole quotient from the remainder: a/b itself may round up to the next whole number.
  adjoint: (g, args, out, cot) => {
    const [a, b] = [at(args, 0), at(args, 1)];
    const quotient = g.apply(round, g.apply(div, g.apply(sub, a, out), b));
    return [cot, g.apply(neg, g.apply(mul, cot, quotient))];
  },
  range: (a, b) => (b.low < TINY && b.high > -TINY ? WILD : hull(a, ZERO)),
  cases: {
    expression: 'mod(a, square(b) + 0.5)',
    random: ['mod(2 * $0 + $2, 1 + sigmoid($1))', '(($0 + $2) % 0.7)'],
    points: [
      [5, 3],
      [-5, 3],
      [5, -3],
      [-5, -3],
      [0.4, 3],
      [100, 0.7],
    ],
    precision: [
      [FAR, [0.3, 3]],
      [MIDDLE, FAR],
      [
        [1e6, 2e7],
        [0.3, 3],
      ],
      [
        [1e20, 1e21],
        [3, 1e5],
      ],
    ],
  },
};

export const step: FunctionRecord = flatFunction({
  equation: 'x ≥ 0 ? 1 : 0',
  summary: 'No cotangent passes.',
  // Comparisons that NaN fails, so that it is passed on.
  fold: (x) => (x >= 0 ? 1 : x < 0 ? 0 : x),
  wgsl: (x) => `select(select(${x}, vec4f(0), ${x} < vec4f(0)), vec4f(1), ${x} >= vec4f(0))`,
  range: always(0, 1),
  cases: {
    expression: '(step(a) * b)',
    random: ['step($0 + $2)'],
    points: [],
    measured: 'step(x) * x',
    precision: [[MIDDLE]],
  },
});

export const sign: FunctionRecord = flatFunction({
  equation: '−1, 0 or 1, as x is negative, zero or positive',
  summary: 'No cotangent passes.',
  fold: Math.sign,
  wgsl: (x) => `select(select(${x}, vec4f(-1), ${x} < vec4f(0)), vec4f(1), ${x} > vec4f(0))`,
  range: always(-1, 1),
  cases: {
    expression: '(sign(a) * b)',
    random: ['sign($0 - 2 * $2)'],
    points: [],
    measured: 'sign(x) * x',
    precision: [[MIDDLE]],
  },
});

export const stopGradient: FunctionRecord = {
  ...flatFunction({
    equation: 'x',
    summary: 'No cotangent passes.',
    fold: (x) => x,
    wgsl: (x) => x,
    range: (x) => x,
    cases: {
      expression: '(stopGradient(a) * b)',
      random: ['stopGradient($0)', '($0 + stopGradient($1))'],
      points: [],
      measured: 'stopGradient(x) * x',
      precision: [[MIDDLE]],
    },
  }),
  flops: 0,
};

export const straightThrough: FunctionRecord = {
  parameters: [{ name: 'forward' }, { name: 'surrogate' }],
  equation: 'forward',
  summary:
    'The cotangent goes to `surrogate` unchanged, and none to `forward` (straight-through estimator, Bengio et al. 2013, ' +
    'arXiv:1308.3432). A spike: `straightThrough(step(v - 1), sigmoid(4 * (v - 1)))`.',
  arity: 2,
  result: 'number',
  flops: 0,
  fold: (forward = Number.NaN) => forward,
  wgsl: (forward = '') => forward,
  adjoint: (_g, _args, _out, cot) => [undefined, cot],
  range: (forward) => forward,
  cases: {
    expression: 'straightThrough(step(a), 0.5 * b)',
    random: [
      'straightThrough($0, $1)',
      'straightThrough(step($2 - 0.2), sigmoid(4 * $0))',
      'straightThrough(round(3 * $2), 3 * $0)',
    ],
    points: [],
    measured: 'straightThrough(x, square(y))',
    precision: [[MIDDLE, MIDDLE]],
  },
};
