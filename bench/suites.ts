/** The shapes at which cells are timed where nobody gives others. */
import type { Signature } from '../codegen/frontend/tree.js';
import { chooseSizes } from '../codegen/ir/sizes.js';
import type { Sizes } from '../codegen/plan.js';
import { timesOf } from '../runtime/lengths.js';

export interface Shape {
  readonly name: string;
  /** Steps of every time axis. */
  readonly T: number;
  readonly B: number;
  /** For every dim of the cell's or model's own. */
  readonly width: number;
}

export const SHAPES: readonly Shape[] = [
  { name: 'a batch in training', T: 64, B: 32, width: 128 },
  { name: 'one sequence', T: 64, B: 1, width: 64 },
];

/** `T=64,B=32, any other 128; then T=64,B=1, any other 64`. */
export function shapesText(): string {
  return SHAPES.map(({ T, B, width }) => `T=${T},B=${B}, any other ${width}`).join('; then ');
}

/** A shape's sizes for a cell or model, some of them overruled, others following from them: `{ T: 64, B: 32, I: 128, H: 128 }`. */
export function sizesFor(signature: Pick<Signature, 'dims' | 'rules' | 'times'>, shape: Shape, overrides: Sizes = {}): Sizes {
  const steps = Object.fromEntries(timesOf(signature).map((time) => [time, shape.T]));
  const own = Object.fromEntries(signature.dims.map((name) => [name, shape.width]));
  return chooseSizes(signature.rules, { ...steps, B: shape.B, ...own }, overrides);
}
