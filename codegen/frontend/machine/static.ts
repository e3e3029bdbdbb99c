/** Arithmetic of the compiler on values that are known when compiling; the reference has its own. */
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
