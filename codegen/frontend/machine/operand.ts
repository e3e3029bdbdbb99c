import type { Span } from '../tree.js';
import type { Value } from './values.js';

/** An argument and where it is written. */
export interface Operand {
  readonly value: Value;
  readonly span: Span;
}
