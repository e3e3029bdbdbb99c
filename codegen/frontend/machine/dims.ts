/** Dims as a spec writes them: a declared name, or a whole number for an axis of fixed size. */
import { isFixed } from '../../ir/sizes.js';

/** Sizes become 32-bit indices on the device. */
const LARGEST = 2 ** 31 - 1;

/** `'H'`, `3`: a dim as a spec writes it. */
export const showDim = (dim: string): string => (isFixed(dim) ? dim : `'${dim}'`);

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= LARGEST;
}
