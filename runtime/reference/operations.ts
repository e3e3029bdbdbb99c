/**
 * The reference's table of per-unit functions: value and cotangents of the arguments, in float64.
 *
 * Kinks follow the doc comments of kernels/functions.ts. A pullback takes the cotangent `g` of the result; where a
 * function is flat it returns a literal zero, so that an infinite `g` does not become NaN. Where an argument of a
 * function with a kink is NaN, so is the cotangent: the slope is not known there.
 */

import type { BinaryOperator, FunctionName } from '../../codegen/frontend/tree.js';
import { erf, erfc } from './erf.js';

type Forward = (a: number, b: number, c: number) => number;
type Pullback = (g: number, a: number, b: number, c: number) => number;

export interface Operation {
  readonly forward: Forward;
  /** One for each argument; undefined where no cotangent flows. */
  readonly pullbacks: readonly (Pullback | undefined)[];
  /** Values of trailing arguments that may be left out. */
  readonly defaults?: readonly number[];
  /** Of arguments for which a number is lost, why: `of a number below 0`. Without it the reason is taken to be an overflow. */
  readonly lost?: (a: number, b: number) => string | undefined;
  /** Whether it holds the cotangent back from some arguments: where a branch is not taken, or the function is flat. */
  readonly gates?: true;
}

function logistic(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** 1 / cosh² x, without the cancellation of 1 − tanh² x. */
function tanhSlope(x: number): number {
  const e = Math.exp(-2 * Math.abs(x));
  return (4 * e) / ((1 + e) * (1 + e));
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Normal distribution: probability below x. */
function normal(x: number): number {
  return erfc(-x / Math.SQRT2) / 2;
}

/** Halves to the even neighbour. */
function roundEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** `g` where the test holds, zero where it does not, NaN where an argument is. */
function where(test: boolean, g: number, a: number, b = 0, c = 0): number {
  if (test) return g;
  return Number.isNaN(a) || Number.isNaN(b) || Number.isNaN(c) ? Number.NaN : 0;
}

/** A function with one argument, from its value and slope. */
function smooth(forward: (x: number) => number, slope: (x: number) => number): Operation {
  return { forward, pullbacks: [(g, x) => g * slope(x)] };
}

/** A function that is constant between its jumps: no cotangent flows, not even a zero that meets an infinite slope. */
function flat(forward: (x: number) => number): Operation {
  return { forward, pullbacks: [undefined] };
}

const belowZero = (x: number) => (x === 0 ? 'of 0' : 'of a number below 0');

const power: Operation = {
  gates: true,
  lost: (x, y) => {
    if (x === 0) return 'of 0 with a negative exponent';
    return x < 0 && !Number.isInteger(y) ? 'of a number below 0 with a broken exponent' : undefined;
  },
  forward: (x, y) => x ** y,
  pullbacks: [
    (g, x, y) => (y === 0 ? 0 : g * y * x ** (y - 1)),
    // xʸ log x tends to 0 with x where y > 0, and 0⁰ = 1 is taken as constant.
    (g, x, y) => (x === 0 && y >= 0 ? 0 : g * x ** y * Math.log(x)),
  ],
};
const remainder: Operation = {
  gates: true,
  lost: () => 'by 0',
  forward: (a, b) => a % b,
  pullbacks: [(g) => g, (g, a, b) => -g * Math.round((a - (a % b)) / b)],
};

/** A test: 1 where it holds, else 0. No cotangent. */
function comparison(test: (a: number, b: number) => boolean): Operation {
  return { forward: (a, b) => (test(a, b) ? 1 : 0), pullbacks: [undefined, undefined] };
}

/** What the binary operators of the language stand for. */
export const operators: { readonly [O in BinaryOperator]: Operation } = {
  '+': { forward: (a, b) => a + b, pullbacks: [(g) => g, (g) => g] },
  '-': { forward: (a, b) => a - b, pullbacks: [(g) => g, (g) => -g] },
  '*': { forward: (a, b) => a * b, pullbacks: [(g, _a, b) => g * b, (g, a) => g * a] },
  '/': { forward: (a, b) => a / b, pullbacks: [(g, _a, b) => g / b, (g, a, b) => -((g / b) * (a / b))] },
  '%': remainder,
  '**': power,
  '<': comparison((a, b) => a < b),
  '<=': comparison((a, b) => a <= b),
  '>': comparison((a, b) => a > b),
  '>=': comparison((a, b) => a >= b),
  '===': comparison((a, b) => a === b),
  '!==': comparison((a, b) => a !== b),
  '&&': comparison((a, b) => a !== 0 && b !== 0),
  '||': comparison((a, b) => a !== 0 || b !== 0),
};

export const negate: Operation = { forward: (x) => -x, pullbacks: [(g) => -g] };
export const not: Operation = { forward: (x) => (x === 0 ? 1 : 0), pullbacks: [undefined] };
/** Stretches a broadcast argument to the shape of the second one. */
export const stretch: Operation = { forward: (x) => x, pullbacks: [(g) => g, undefined] };
/** The branch not taken gets a zero, whatever `g` is. */
export const select: Operation = {
  gates: true,
  forward: (test, then, otherwise) => (test !== 0 ? then : otherwise),
  pullbacks: [undefined, (g, test) => (test !== 0 ? g : 0), (g, test) => (test !== 0 ? 0 : g)],
};

/**
 * The per-unit functions of the language: one for every name that `codegen/ops` has, written a second time. What mixes
 * units, `matvec` and the like, is elsewhere.
 */
export const functions: { readonly [F in FunctionName]: Operation } = {
  sigmoid: smooth(logistic, (x) => logistic(x) * logistic(-x)),
  tanh: smooth(Math.tanh, tanhSlope),
  exp: smooth(Math.exp, Math.exp),
  log: { ...smooth(Math.log, (x) => 1 / x), lost: belowZero },
  sqrt: { ...smooth(Math.sqrt, (x) => 0.5 / Math.sqrt(x)), lost: belowZero },
  square: smooth(
    (x) => x * x,
    (x) => 2 * x,
  ),
  softplus: smooth(softplus, logistic),
  softsign: smooth(
    (x) => x / (1 + Math.abs(x)),
    (x) => 1 / ((1 + Math.abs(x)) * (1 + Math.abs(x))),
  ),
  relu: { gates: true, forward: (x) => Math.max(x, 0), pullbacks: [(g, x) => where(x > 0, g, x)] },
  leakyRelu: {
    gates: true,
    forward: (x, slope) => (x > 0 ? x : slope * x),
    pullbacks: [(g, x, slope) => (x > 0 ? g : where(x <= 0, g * slope, x)), (g, x) => where(!(x > 0), g * x, x)],
    defaults: [0.01],
  },
  elu: {
    gates: true,
    forward: (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x)),
    pullbacks: [(g, x, alpha) => (x > 0 ? g : g * alpha * Math.exp(x)), (g, x) => where(!(x > 0), g * Math.expm1(x), x)],
    defaults: [1],
  },
  hardSigmoid: {
    gates: true,
    forward: (x) => Math.min(Math.max(0.2 * x + 0.5, 0), 1),
    pullbacks: [(g, x) => where(0.2 * x + 0.5 > 0 && 0.2 * x + 0.5 < 1, 0.2 * g, x)],
  },
  hardSwish: {
    gates: true,
    forward: (x) => (x <= -3 ? 0 : x >= 3 ? x : (x * (x + 3)) / 6),
    pullbacks: [(g, x) => (x >= 3 ? g : where(x > -3, (g * (2 * x + 3)) / 6, x))],
  },
  abs: { gates: true, forward: Math.abs, pullbacks: [(g, x) => (x < 0 ? -g : where(x > 0, g, x))] },
  max: {
    gates: true,
    forward: (a, b) => Math.max(a, b),
    pullbacks: [(g, a, b) => where(a >= b, g, a, b), (g, a, b) => where(b > a, g, a, b)],
  },
  min: {
    gates: true,
    forward: (a, b) => Math.min(a, b),
    pullbacks: [(g, a, b) => where(a <= b, g, a, b), (g, a, b) => where(b < a, g, a, b)],
  },
  // Written for any bounds, also low > high, where min(max(x, low), high) is `high`.
  clamp: {
    gates: true,
    forward: (x, low, high) => Math.min(Math.max(x, low), high),
    pullbacks: [
      (g, x, low, high) => where(x >= low && x <= high, g, x, low, high),
      (g, x, low, high) => where(x < low && low <= high, g, x, low, high),
      (g, x, low, high) => where(Math.max(x, low) > high, g, x, low, high),
    ],
  },
  sin: smooth(Math.sin, Math.cos),
  cos: smooth(Math.cos, (x) => -Math.sin(x)),
  erf: smooth(erf, (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x)),
  log1p: { ...smooth(Math.log1p, (x) => 1 / (1 + x)), lost: () => 'of a number not above -1' },
  expm1: smooth(Math.expm1, Math.exp),
  logSigmoid: smooth(
    (x) => -softplus(-x),
    (x) => logistic(-x),
  ),
  gelu: smooth(
    (x) => x * normal(x),
    (x) => normal(x) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI),
  ),
  silu: smooth(
    (x) => x * logistic(x),
    (x) => logistic(x) + x * logistic(x) * logistic(-x),
  ),
  mish: smooth(
    (x) => x * Math.tanh(softplus(x)),
    (x) => Math.tanh(softplus(x)) + x * tanhSlope(softplus(x)) * logistic(x),
  ),
  select,
  pow: power,
  mod: remainder,
  round: flat(roundEven),
  floor: flat(Math.floor),
  step: flat((x) => (x >= 0 ? 1 : x < 0 ? 0 : x)),
  sign: flat(Math.sign),
  stopGradient: { forward: (x) => x, pullbacks: [undefined] },
  straightThrough: { forward: (value) => value, pullbacks: [undefined, (g) => g] },
};

export const isFunction = (name: string): name is FunctionName => Object.hasOwn(functions, name);
