/** Tensors of a request: their shapes and numbers, held to what JSON can carry. */

import { RecurveError } from '../../codegen/errors.js';
import { elements, type ReadTensor } from '../data.js';
import { type Lengths, lengthsByAxis } from '../lengths.js';
import { describe, shapeText } from './describe.js';

/** The largest count of elements a tensor may have: what a typed array and a GPU buffer can still address. */
const MOST_ELEMENTS = 2 ** 31;

/**
 * Checks a tensor's shape as it came out of a file: whole numbers of at least 1, `[]` for a scalar.
 *
 * @throws RecurveError `DATA-TYPE`, `DATA-SIZE`, `DATA-TOO-LARGE`
 */
export function checkShape(value: unknown, where: string): readonly number[] {
  if (!Array.isArray(value)) {
    throw new RecurveError({
      code: 'DATA-TYPE',
      message: `${where}.shape must be an array of whole numbers, found ${describe(value)}`,
      fix: 'Write {"shape": [T, B, I], "data": [...]}.',
      where,
    });
  }
  const shape = value.map((size: unknown, axis) => {
    if (typeof size !== 'number' || !Number.isInteger(size)) {
      throw new RecurveError({
        code: 'DATA-TYPE',
        message: `${where}.shape[${axis}] must be a whole number, found ${describe(size)}`,
        fix: 'Write the sizes as numbers: {"shape": [2, 3], "data": [...]}.',
        where,
      });
    }
    if (size < 1) {
      throw new RecurveError({
        code: 'DATA-SIZE',
        message: `${where} has size ${size} along axis ${axis}; every size is at least 1`,
        fix:
          size === 0
            ? 'For a sequence of no steps write its length as 0 in "lengths", and some step that is not read.'
            : 'Write the number of elements along that axis.',
        where,
      });
    }
    return size;
  });
  if (elements(shape) > MOST_ELEMENTS) {
    throw new RecurveError({
      code: 'DATA-TOO-LARGE',
      message: `${where} has shape ${shapeText(shape)}, more than ${MOST_ELEMENTS} elements`,
      fix: 'Split the batch or the sequence.',
      where,
    });
  }
  return shape;
}

/** Whether an element, by its index, lies past its sequence's length: nothing reads it, so it may be anything. */
export type Unread = (index: number) => boolean;

export const allRead: Unread = () => false;

/**
 * For a tensor `[T, B, …]`; without lengths every sequence has T steps. Along which of several time axes it is, and whether along
 * one at all, nobody knows before the cell is: what may lie past a length passes here, and \`requireRead\` knows better.
 */
export function pastLengths([, batch = 1, ...unit]: readonly number[], given: Lengths | undefined): Unread {
  if (given === undefined) return allRead;
  const lengths = Object.values(lengthsByAxis(given, Array.isArray(given) ? ['T'] : Object.keys(given))).reduce(
    (shortest, along) => along.map((length, sequence) => Math.min(length, shortest[sequence] ?? length)),
    [],
  );
  const columns = elements(unit);
  return (index) => {
    const row = Math.floor(index / columns);
    return Math.floor(row / batch) >= (lengths[row % batch] ?? Number.POSITIVE_INFINITY);
  };
}

/**
 * A tensor from values that are already numbers, rounded to float32 as the device holds them.
 *
 * @param shape checked by `checkShape`
 * @throws RecurveError `DATA-COUNT`; `DATA-NONFINITE` and `DATA-RANGE` for what is read
 */
export function tensorOf(where: string, shape: readonly number[], values: ArrayLike<number>, unread = allRead): ReadTensor {
  checkCount(where, shape, values.length);
  const data = new Float32Array(values.length);
  for (let k = 0; k < values.length; k++) {
    const value = values[k] ?? Number.NaN;
    data[k] = Number.isFinite(Math.fround(value)) || unread(k) ? value : refused(value, where, k);
  }
  return { shape, data };
}

/** @throws RecurveError `DATA-COUNT` */
export function checkCount(where: string, shape: readonly number[], count: number): void {
  const expected = elements(shape);
  if (count === expected) return;
  throw new RecurveError({
    code: 'DATA-COUNT',
    message: `${where} has ${count} numbers, but shape ${shapeText(shape)} takes ${expected}`,
    fix: 'Write the numbers flat, in row-major order (the last axis runs fastest).',
    where,
  });
}

/** Values that float32 cannot hold: they would turn into infinity and then NaN. */
function refused(value: number, where: string, index: number): never {
  if (!Number.isFinite(value)) {
    throw new RecurveError({
      code: 'DATA-NONFINITE',
      message: `${where}.data[${index}] is ${value}; data must be finite`,
      fix: 'Look where this number comes from; mask missing values before the run.',
      where,
    });
  }
  throw new RecurveError({
    code: 'DATA-RANGE',
    message: `${where}.data[${index}] is ${value}, beyond the range of float32 (±3.4e38)`,
    fix: 'Scale the data.',
    where,
  });
}
