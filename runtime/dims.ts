/** Sizes that somebody gives for a cell's dims: on a command line, or in a program. */
import { RecurveError } from '../codegen/errors.js';
import type { Signature } from '../codegen/frontend/tree.js';
import type { Sizes } from '../codegen/plan.js';
import { didYouMean } from '../codegen/suggest.js';

/** Sizes become 32-bit indices on the device. */
export const LARGEST_SIZE = 2 ** 31 - 1;

/** Steps of each time axis, sequences, and the cell's own. */
export function dimsOf({ dims, times = ['T'] }: Pick<Signature, 'dims' | 'times'>): string[] {
  return [...times, 'B', ...dims];
}

/**
 * @param where what gives the size, for the message: `--dims`, `dims`
 * @throws RecurveError `DIMS-SIZE`
 */
export function requireSize(name: string, size: number, where: string, written: string = String(size)): void {
  if (Number.isInteger(size) && size >= 1 && size <= LARGEST_SIZE) return;
  const exponent = /^[\d.]+e\+?\d+$/i.test(written) ? ', written in digits without an exponent' : '';
  throw new RecurveError({
    code: 'DIMS-SIZE',
    message: `${where} gives ${name} the size ${written}; a size is a whole number from 1 to ${LARGEST_SIZE}${exponent}`,
    fix: `Give ${name} a size such as 16.`,
    where,
  });
}

/** @throws RecurveError `DIMS-UNKNOWN` for a size of a dim that the cell does not have */
export function refuseUnknownDims(given: Sizes, signature: Pick<Signature, 'name' | 'dims' | 'times'>, where: string): void {
  const names = dimsOf(signature);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new RecurveError({
    code: 'DIMS-UNKNOWN',
    message: `cell ${signature.name} has no dim ${unknown} with these options; it has ${names.join(', ')}`,
    fix: didYouMean(unknown, names, `Leave ${unknown} out of ${where}.`, ''),
    where,
  });
}
