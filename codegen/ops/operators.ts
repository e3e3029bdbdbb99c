/** Records of the operators of the language. */
import { between, negated, product, quotient } from './interval.js';
import { at, comparison, logic, type OperatorRecord, unary } from './record.js';

export const add: OperatorRecord = {
  arity: 2,
  result: 'number',
  flops: 1,
  fold: (a = 0, b = 0) => a + b,
  wgsl: (a, b) => `(${a} + ${b})`,
  adjoint: (_g, _args, _out, cot) => [cot, cot],
  range: (a, b) => between(a.low + b.low, a.high + b.high),
  cases: {
    expression: 'a + b',
    random: ['($0 + $1)', '($0 + 0.3)', '(0.7 * $0 + 0.3 * $1)'],
    points: [[2, -3]],
  },
};

export const sub: OperatorRecord = {
  arity: 2,
  result: 'number',
  flops: 1,
  fold: (a = 0, b = 0) => a - b,
  wgsl: (a, b) => `(${a} - ${b})`,
  adjoint: (g, _args, _out, cot) => [cot, g.apply(neg, cot)],
  range: (a, b) => between(a.low - b.high, a.high - b.low),
  cases: { expression: 'a - b', random: ['($0 - $1)', '(1 - $0)'], points: [[2, -3]] },
};

export const mul: OperatorRecord = {
  arity: 2,
  result: 'number',
  flops: 1,
  fold: (a = 0, b = 0) => a * b,
  wgsl: (a, b) => `(${a} * ${b})`,
  adjoint: (g, args, _out, cot) => [g.apply(mul, cot, at(args, 1)), g.apply(mul, cot, at(args, 0))],
  range: product,
  cases: {
    expression: 'a * b',
    random: ['($0 * $1)', '(1.5 * $0)', '(0.5 * $0)'],
    points: [
      [2, -3],
      [0, 5],
    ],
  },
};

export const div: OperatorRecord = {
  arity: 2,
  result: 'number',
  flops: 4,
  fold: (a = 0, b = 0) => a / b,
  wgsl: (a, b) => `(${a} / ${b})`,
  // ∂(a/b)/∂b = −(a/b)/b
  adjoint: (g, args, out, cot) => {
    const da = g.apply(div, cot, at(args, 1));
    return [da, g.apply(neg, g.apply(mul, da, out))];
  },
  range: quotient,
  cases: {
    expression: '(a / (square(b) + 1) + b / (square(a) + 1))',
    random: ['($0 / (1 + square($1)))', '($0 / 3)', '($0 / (2 + cos($1)))', '(1 / (1 + square($0)))'],
    points: [
      [2, -3],
      [0, 5],
    ],
  },
};

export const neg: OperatorRecord = {
  ...unary({
    flops: 1,
    fold: (x) => -x,
    wgsl: (x) => `(-${x})`,
    adjoint: (g, _x, _out, cot) => g.apply(neg, cot),
    range: negated,
  }),
  cases: { expression: '-a', random: ['(-$0)'], points: [[2]] },
};

export const lt: OperatorRecord = comparison('<', (a, b) => a < b, '(a < b ? a : 2 * b)');
export const le: OperatorRecord = comparison('<=', (a, b) => a <= b, '(a <= b ? a : 2 * b)');
export const gt: OperatorRecord = comparison('>', (a, b) => a > b, '(a > b ? a : 2 * b)');
export const ge: OperatorRecord = comparison('>=', (a, b) => a >= b, '(a >= b ? a : 2 * b)');
export const eq: OperatorRecord = comparison('==', (a, b) => a === b, '(max(a, 0) === 0 ? a * b : 2 * b)');
export const ne: OperatorRecord = {
  ...comparison('!=', (a, b) => a !== b, '(max(a, 0) !== 0 ? a * b : 2 * b)'),
  // WGSL's != may be an ordered comparison, which NaN fails.
  wgsl: (a, b) => `!(${a} == ${b})`,
};

export const and: OperatorRecord = logic({
  arity: 2,
  fold: (a, b) => (a && b ? 1 : 0),
  wgsl: (a, b) => `(${a} & ${b})`,
  expression: '(a > 0 && b > 0 ? a : 2 * b)',
});
export const or: OperatorRecord = logic({
  arity: 2,
  fold: (a, b) => (a || b ? 1 : 0),
  wgsl: (a, b) => `(${a} | ${b})`,
  expression: '(a > 0 || b > 0 ? a : 2 * b)',
});
export const not: OperatorRecord = logic({
  arity: 1,
  fold: (a) => (a ? 0 : 1),
  wgsl: (a) => `!${a}`,
  expression: '(!(a > 0 && b > 0) ? a : 2 * b)',
});
