/** Arithmetic on values that are known when compiling. */
import { ops } from '../../ir/ops.js';
import type { BinaryOperator, OptionValue } from '../tree.js';

export type NumberOperator = Exclude<BinaryOperator, '&&' | '||'>;

/** The value of `a operator b`; `undefined` when the operator does not apply to such operands. */
export function foldBinary(operator: NumberOperator, a: OptionValue, b: OptionValue): OptionValue | undefined {
  if (operator === '===') return a === b;
  if (operator === '!==') return a !== b;
  if (typeof a !== 'number' || typeof b !== 'number') return undefined;
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
    case '**':
      return a ** b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

/** Per-unit functions by their name in the language. */
export const FUNCTIONS = {
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  relu: 'relu',
  leakyRelu: 'leakyRelu',
  elu: 'elu',
  softplus: 'softplus',
  softsign: 'softsign',
  hardSigmoid: 'hardSigmoid',
  exp: 'exp',
  log: 'log',
  sqrt: 'sqrt',
  abs: 'abs',
  min: 'min',
  max: 'max',
  clamp: 'clamp',
  square: 'square',
  sin: 'sin',
  cos: 'cos',
  erf: 'erf',
  log1p: 'log1p',
  expm1: 'expm1',
  logSigmoid: 'logSigmoid',
  gelu: 'gelu',
  silu: 'silu',
  mish: 'mish',
  pow: 'pow',
  round: 'round',
  floor: 'floor',
  mod: 'mod',
  step: 'step',
  sign: 'sign',
  stopGradient: 'stopGradient',
  straightThrough: 'straightThrough',
} as const;

export type FunctionName = keyof typeof FUNCTIONS;

export function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}

/** What the second argument is when it is left out. */
export const DEFAULT_ARGUMENT: Partial<Record<FunctionName, number>> = { leakyRelu: 0.01, elu: 1 };

export function foldFunction(name: FunctionName, args: readonly number[]): number {
  return ops[FUNCTIONS[name]].fold(...args);
}

/** Operators on tensors, as the graph calls them. */
export const OPERATORS = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '%': 'mod',
  '**': 'pow',
  '<': 'lt',
  '<=': 'le',
  '>': 'gt',
  '>=': 'ge',
  '===': 'eq',
  '!==': 'ne',
} as const satisfies Record<NumberOperator, string>;
