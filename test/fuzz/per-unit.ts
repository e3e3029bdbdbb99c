/**
 * Productions of per-unit functions. Arguments are wrapped so that float32 can hold 1e-5: exponents and denominators
 * are bounded, and what jumps depends on an input or state directly, never only on values that can tie.
 */
import type { Production } from './builder.js';
import { apply, type Expr } from './model.js';

/** By operation: ways to use it. `$0` and `$1` are values, `$2` is a leaf of continuous data. */
const WAYS: Readonly<Record<string, readonly string[]>> = {
  add: ['($0 + $1)', '($0 + 0.3)', '(0.7 * $0 + 0.3 * $1)'],
  sub: ['($0 - $1)', '(1 - $0)'],
  mul: ['($0 * $1)', '(1.5 * $0)', '(0.5 * $0)'],
  div: ['($0 / (1 + square($1)))', '($0 / 3)', '($0 / (2 + cos($1)))', '(1 / (1 + square($0)))'],
  neg: ['(-$0)'],
  min: ['min($0, $1)', 'min($0, 0.4)'],
  max: ['max($0, $1)', 'max($0, -0.2)'],
  clamp: ['clamp($0, -0.5, 0.8)', 'clamp($0, $1 - 0.6, $1 + 0.6)', 'clamp($0, $1, $2)'],
  sigmoid: ['sigmoid($0)', 'sigmoid(3 * $0)'],
  tanh: ['tanh($0)', 'tanh(2 * $0)'],
  relu: ['relu($0)'],
  leakyRelu: ['leakyRelu($0)', 'leakyRelu($0, 0.3)'],
  elu: ['elu($0)', 'elu($0, 0.7)'],
  softplus: ['softplus($0)'],
  softsign: ['softsign($0)'],
  hardSigmoid: ['hardSigmoid($0)', 'hardSigmoid(3 * $0)'],
  exp: ['exp(tanh($0))', 'exp(-square($0))'],
  log: ['log(square($0) + 0.5)', 'log(sigmoid($0))'],
  sqrt: ['sqrt(square($0) + 0.1)', 'sqrt(sigmoid($0))'],
  abs: ['abs($0)', 'abs($0 - $2)'],
  square: ['square($0)', '(tanh($0) ** 2)'],
  sin: ['sin($0)', 'sin(3 * $0)'],
  cos: ['cos($0)'],
  erf: ['erf($0)'],
  log1p: ['log1p(square($0))', 'log1p(0.5 * sin($0))'],
  expm1: ['expm1(tanh($0))'],
  logSigmoid: ['logSigmoid($0)'],
  gelu: ['gelu($0)'],
  silu: ['silu($0)'],
  mish: ['mish($0)'],
  pow: [
    'pow(square($0) + 0.5, 0.7)',
    'pow(square($0) + 0.5, tanh($1))',
    '(tanh($0) ** 3)',
    '(2 ** tanh($0))',
    '(sigmoid($0) ** sin($1))',
  ],
  round: ['round(2 * $0 + $2)', '(round(3 * $2) / 3)'],
  floor: ['floor($0 + 1.5 * $2)'],
  mod: ['mod(2 * $0 + $2, 1 + sigmoid($1))', '(($0 + $2) % 0.7)'],
  step: ['step($0 + $2)'],
  sign: ['sign($0 - 2 * $2)'],
  stopGradient: ['stopGradient($0)', '($0 + stopGradient($1))'],
  straightThrough: [
    'straightThrough($0, $1)',
    'straightThrough(step($2 - 0.2), sigmoid(4 * $0))',
    'straightThrough(round(3 * $2), 3 * $0)',
  ],
};

/** Branches that are not defined, or too large for float32, wherever they are not taken: nothing of them may reach a gradient. */
const GUARDED: readonly string[] = [
  '($2 > 0.3 ? $0 / relu($2) : $1)',
  '($2 <= 0.3 ? $0 : 1 / relu($2) + $1)',
  'select($2 > 0.3, log($2), $0)',
  '($2 > 0.3 ? sqrt($2) * $0 : $1)',
  '($2 > 0.3 ? pow($2, tanh($0)) : $1)',
  '($2 < 0.3 ? $0 * exp(300 * relu($2 - 0.3)) : $1)',
];

function written(name: string, ways: readonly string[], weight: number): Production {
  return {
    name,
    weight,
    make: (b, shape, fuel) => {
      const text = b.random.pick(ways);
      const args: Expr[] = [];
      const sources = [() => b.value(shape, fuel), () => b.beside(shape, fuel - 1), () => b.generic(shape)];
      const places = sources.map((make, source) => {
        const times = text.split(`$${source}`).length - 1;
        return times > 0 ? args.push(b.within({ times }, make)) - 1 : -1;
      });
      return apply(
        text.replace(/\$(\d)/g, (_, source) => `$${places[Number(source)]}`),
        shape,
        ...args,
      );
    },
  };
}

export const PER_UNIT: readonly Production[] = Object.entries(WAYS).map(([name, ways]) => written(name, ways, 1));

/** Choices by tests, and values that an option chooses. */
export const CHOICES: readonly Production[] = [
  written('guarded', GUARDED, 2),
  {
    name: 'select',
    weight: 3,
    make: (b, shape, fuel) => {
      const test = b.test(b.random.chance(0.2) ? [] : shape, fuel);
      return apply(
        b.random.pick(['($0 ? $1 : $2)', 'select($0, $1, $2)']),
        shape,
        test,
        b.value(shape, fuel),
        b.beside(shape, fuel),
      );
    },
  },
];
