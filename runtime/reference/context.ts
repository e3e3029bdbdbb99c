/** What one step knows beside its tensors. */
import type { Sizes } from '../../codegen/frontend/tree.js';
import { sizeOf } from '../data.js';
import type { Draws, Rows } from './draws.js';
import type { Axis, Tape, Value } from './tape.js';

export interface StepContext extends Rows {
  readonly tape: Tape;
  readonly sizes: Sizes;
  readonly random: Draws;
  /** What an input or state was some steps ago, for the sequences that are still running. */
  readonly delayed: (value: Value, steps: number) => Value;
}

export function axesOf(sizes: Sizes, dims: readonly string[]): Axis[] {
  return dims.map((dim) => ({ dim, size: sizeOf(sizes, dim) }));
}
