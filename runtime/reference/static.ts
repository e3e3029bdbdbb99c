/** Arithmetic on what is known before any tensor is: options, constants, loop counters. */
import type { BinaryOperator } from '../../codegen/frontend/tree.js';

export type Static = number | string | boolean;

/** As in JavaScript, except that nothing but `+` takes strings. */
export function staticBinary(operator: BinaryOperator, left: Static, right: Static): Static {
  switch (operator) {
    case '===':
      return left === right;
    case '!==':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    case '+':
      if (typeof left === 'string' || typeof right === 'string') return `${left}${right}`;
      return Number(left) + Number(right);
    case '-':
      return Number(left) - Number(right);
    case '*':
      return Number(left) * Number(right);
    case '/':
      return Number(left) / Number(right);
    case '%':
      return Number(left) % Number(right);
    case '**':
      return Number(left) ** Number(right);
    case '&&':
      return left && right;
    case '||':
      return left || right;
  }
}
