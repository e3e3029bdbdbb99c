/** Records of the functions that bound a value by others. */

import { flatOrNaN, where } from './gating.js';
import { between, clampTo, hull } from './interval.js';
import { ge, gt, le, lt } from './operators.js';
import { at, type FunctionRecord, MIDDLE } from './record.js';

export const min: FunctionRecord = {
  parameters: [{ name: 'a' }, { name: 'b' }],
  equation: 'min(a, b)',
  summary: 'On a tie the cotangent goes to the first argument.',
  gates: true,
  arity: 2,
  result: 'number',
  flops: 2,
  fold: (a = 0, b = 0) => Math.min(a, b),
  wgsl: (a, b) => `rc_min(${a}, ${b})`,
  adjoint: (g, args, out, cot) => {
    const [a, b, flat] = [at(args, 0), at(args, 1), flatOrNaN(g, out)];
    return [where(g, g.apply(le, a, b), cot, flat), where(g, g.apply(gt, a, b), cot, flat)];
  },
  range: (a, b) => between(Math.min(a.low, b.low), Math.min(a.high, b.high)),
  cases: {
    expression: 'min(a, b)',
    random: ['min($0, $1)', 'min($0, 0.4)'],
    points: [
      [1, 2],
      [2, 1],
      [-1, -3],
    ],
    precision: [[MIDDLE, MIDDLE]],
  },
};

export const max: FunctionRecord = {
  parameters: [{ name: 'a' }, { name: 'b' }],
  equation: 'max(a, b)',
  summary: 'On a tie the cotangent goes to the first argument.',
  gates: true,
  arity: 2,
  result: 'number',
  flops: 2,
  fold: (a = 0, b = 0) => Math.max(a, b),
  wgsl: (a, b) => `rc_max(${a}, ${b})`,
  adjoint: (g, args, out, cot) => {
    const [a, b, flat] = [at(args, 0), at(args, 1), flatOrNaN(g, out)];
    return [where(g, g.apply(ge, a, b), cot, flat), where(g, g.apply(lt, a, b), cot, flat)];
  },
  range: (a, b) => between(Math.max(a.low, b.low), Math.max(a.high, b.high)),
  cases: {
    expression: 'max(a, b)',
    random: ['max($0, $1)', 'max($0, -0.2)'],
    points: [
      [1, 2],
      [2, 1],
      [-1, -3],
    ],
    precision: [[MIDDLE, MIDDLE]],
  },
};

export const clamp: FunctionRecord = {
  parameters: [{ name: 'x' }, { name: 'low' }, { name: 'high' }],
  equation: 'min(max(x, low), high)',
  summary: 'The cotangent passes to x between the bounds and on them, and beyond to the bound.',
  gates: true,
  arity: 3,
  result: 'number',
  flops: 4,
  fold: (x = 0, low = 0, high = 0) => Math.min(Math.max(x, low), high),
  wgsl: (x, low, high) => `rc_min(rc_max(${x}, ${low}), ${high})`,
  adjoint: (g, args, y, cot) => {
    const [x, low, high, flat] = [at(args, 0), at(args, 1), at(args, 2), flatOrNaN(g, y)];
    // min(max(x, low), high): where the bounds cross, high wins.
    const raised = g.apply(max, x, low);
    const uncapped = where(g, g.apply(le, raised, high), cot, flat);
    return [
      where(g, g.apply(ge, x, low), uncapped, flat),
      where(g, g.apply(lt, x, low), uncapped, flat),
      where(g, g.apply(gt, raised, high), cot, flat),
    ];
  },
  range: (x, low, high) => hull(clampTo(low.low, high.high)(x), hull(low, high)),
  cases: {
    expression: '(clamp(a, -0.5, 0.5) + clamp(a, b - 0.5, b + 0.5) + clamp(a, b, h))',
    random: ['clamp($0, -0.5, 0.8)', 'clamp($0, $1 - 0.6, $1 + 0.6)', 'clamp($0, $1, $2)'],
    points: [
      [-3, -1, 2],
      [0.4, -1, 2],
      [3, -1, 2],
      [0, 2, -1],
      [3, 2, -1],
      [-2, 2, -1],
    ],
    measured: 'clamp(x, -1, y)',
    precision: [[MIDDLE, MIDDLE]],
  },
};
