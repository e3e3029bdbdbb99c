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

/** From the first, one thing at a time: steps, sequences, widths. Few of each: most of the time goes to compiling kernels. */
export const SWEEP: readonly Shape[] = [
  { name: 'one sequence', T: 64, B: 1, width: 64 },
  ...[256, 1024].map((T) => ({ name: `${T} steps`, T, B: 1, width: 64 })),
  ...[8, 32].map((B) => ({ name: `${B} sequences`, T: 64, B, width: 64 })),
  ...[128, 256].map((width) => ({ name: `${width} units`, T: 64, B: 1, width })),
];

/** Cells of each kind of recurrence: dense ones, an affine one, and one whose units are alone. */
export const SWEEP_CELLS = ['lstm', 'gru', 'min-gru', 'indrnn'];

/** `T=64,B=32, any other 128; then T=64,B=1, any other 64`. */
export function shapesText(): string {
  return SHAPES.map(({ T, B, width }) => `T=${T},B=${B}, any other ${width}`).join('; then ');
}

/** `T=64,B=1, any other 64, and takes T=256,1024, then B=8,32, then any other 128,256`. */
export function sweepText(): string {
  const [first, ...others] = SWEEP;
  if (first === undefined) return '';
  const grown = (name: string, size: (shape: Shape) => number) =>
    `${name}${others
      .map(size)
      .filter((found) => found !== size(first))
      .join(',')}`;
  const { T, B, width } = first;
  const steps = [grown('T=', (shape) => shape.T), grown('B=', (shape) => shape.B), grown('any other ', (shape) => shape.width)];
  return `T=${T},B=${B}, any other ${width}, and takes ${steps.join(', then ')}`;
}

/** A shape's sizes for a cell or model, some of them overruled, others following from them: `{ T: 64, B: 32, I: 128, H: 128 }`. */
export function sizesFor(signature: Pick<Signature, 'dims' | 'rules' | 'times'>, shape: Shape, overrides: Sizes = {}): Sizes {
  const steps = Object.fromEntries(timesOf(signature).map((time) => [time, shape.T]));
  const own = Object.fromEntries(signature.dims.map((name) => [name, shape.width]));
  return chooseSizes(signature.rules, { ...steps, B: shape.B, ...own }, overrides);
}
