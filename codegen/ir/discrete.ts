/** Records of logic, of the functions that are constant between jumps, and of those that redirect a cotangent. */
import type { OpName, OpRecord } from './records.js';
import { at } from './records.js';

/** Of tests: no cotangent passes. */
function logic(arity: 1 | 2, fold: OpRecord['fold'], wgsl: OpRecord['wgsl']): OpRecord {
  return { arity, result: 'boolean', calls: [], flops: 1, fold, wgsl, adjoint: () => [] };
}

/** A function of one argument that is constant between its jumps: no cotangent passes. */
function flat(fold: (x: number) => number, wgsl: (x: string) => string): OpRecord {
  return {
    arity: 1,
    result: 'number',
    calls: [],
    flops: 2,
    fold: (x = Number.NaN) => fold(x),
    wgsl: (x = '') => wgsl(x),
    adjoint: () => [],
  };
}

/** Halves to the even neighbour. */
function roundEven(x: number): number {
  const nearest = Math.round(x);
  return x - Math.floor(x) === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

export const discrete = {
  and: logic(
    2,
    (a, b) => (a && b ? 1 : 0),
    (a, b) => `(${a} & ${b})`,
  ),
  or: logic(
    2,
    (a, b) => (a || b ? 1 : 0),
    (a, b) => `(${a} | ${b})`,
  ),
  not: logic(
    1,
    (a) => (a ? 0 : 1),
    (a) => `!${a}`,
  ),
  round: flat(roundEven, (x) => `round(${x})`),
  floor: flat(Math.floor, (x) => `floor(${x})`),
  // Comparisons that NaN fails, so that it is passed on.
  step: flat(
    (x) => (x >= 0 ? 1 : x < 0 ? 0 : x),
    (x) => `select(select(${x}, vec4f(0), ${x} < vec4f(0)), vec4f(1), ${x} >= vec4f(0))`,
  ),
  sign: flat(Math.sign, (x) => `select(select(${x}, vec4f(-1), ${x} < vec4f(0)), vec4f(1), ${x} > vec4f(0))`),
  mod: {
    gates: true,
    arity: 2,
    result: 'number',
    calls: ['rc_mod'],
    flops: 10,
    fold: (a = Number.NaN, b = Number.NaN) => a % b,
    wgsl: (a, b) => `rc_mod(${a}, ${b})`,
    // The whole quotient from the remainder: a/b itself may round up to the next whole number.
    adjoint: (g, args, out, cot) => {
      const [a, b] = [at(args, 0), at(args, 1)];
      const quotient = g.apply('round', g.apply('div', g.apply('sub', a, out), b));
      return [cot, g.apply('neg', g.apply('mul', cot, quotient))];
    },
  },
  stopGradient: {
    ...flat(
      (x) => x,
      (x) => x,
    ),
    flops: 0,
  },
  straightThrough: {
    arity: 2,
    result: 'number',
    calls: [],
    flops: 0,
    fold: (forward = Number.NaN) => forward,
    wgsl: (forward = '') => forward,
    adjoint: (_g, _args, _out, cot) => [undefined, cot],
  },
} as const satisfies Partial<Record<OpName, OpRecord>>;
