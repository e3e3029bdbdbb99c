/** The shapes at which cells are timed where nobody gives others. */
import type { Signature } from '../codegen/frontend/tree.js';
import { chooseSizes } from '../codegen/ir/sizes.js';
import type { Sizes } from '../codegen/plan.js';

export interface Shape {
  readonly name: string;
  readonly T: number;
  readonly B: number;
  /** For every dim of the cell's own. */
  readonly width: number;
}

export const SHAPES: readonly Shape[] = [
  { name: 'a batch in training', T: 64, B: 32, width: 128 },
  { name: 'one sequence', T: 64, B: 1, width: 64 },
];

/** A shape's sizes for a cell, some of them overruled, others following from them: `{ T: 64, B: 32, I: 128, H: 128 }`. */
export function sizesFor({ dims, rules }: Pick<Signature, 'dims' | 'rules'>, shape: Shape, overrides: Sizes = {}): Sizes {
  const own = Object.fromEntries(dims.map((name) => [name, shape.width]));
  return chooseSizes(rules, { T: shape.T, B: shape.B, ...own }, overrides);
}
