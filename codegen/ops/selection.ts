/** The record of the choice between two values, which is also what keeps a cotangent from where it does not belong. */
import { hull } from './interval.js';
import { at, type FunctionRecord, MIDDLE } from './record.js';

export const select: FunctionRecord = {
  parameters: [{ name: 'test', type: 'boolean' }, { name: 'a' }, { name: 'b' }],
  equation: 'test ? a : b',
  summary: 'The side that is not taken gets a zero cotangent.',
  gates: true,
  arity: 3,
  result: 'number',
  flops: 1,
  fold: (condition = 0, a = 0, b = 0) => (condition ? a : b),
  wgsl: (condition, a, b) => `select(${b}, ${a}, ${condition})`,
  adjoint: (g, args, _out, cot) => {
    const [test, zero] = [at(args, 0), g.constant(0)];
    return [undefined, g.apply(select, test, cot, zero), g.apply(select, test, zero, cot)];
  },
  range: (_test, a, b) => hull(a, b),
  cases: {
    expression: '(a > 0 ? b : a * b)',
    // Random cells make their tests themselves.
    random: [],
    points: [
      [1, 2, 3],
      [0, 2, 3],
    ],
    measured: 'select(x > 0 && !(y > x), x * y, x > 2 || y > 2 ? x - y : x + y)',
    precision: [[MIDDLE, MIDDLE]],
  },
};
