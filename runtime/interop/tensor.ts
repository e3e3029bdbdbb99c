import { RecurveError } from '../../codegen/errors.js';
import { elements, type Tensor } from '../data.js';
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
        where,
      });
    }
    if (size < 1) {
      throw new RecurveError({
        code: 'DATA-SIZE',
        message: `${where} has size ${size} along axis ${axis}; every size is at least 1`,
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

/**
 * A tensor from values that are already numbers, rounded to float32 as the device holds them.
 *
 * @param shape checked by `checkShape`
 * @throws RecurveError `DATA-COUNT`, `DATA-NONFINITE`, `DATA-RANGE`
 */
export function tensorOf(where: string, shape: readonly number[], values: ArrayLike<number>): Tensor {
  checkCount(where, shape, values.length);
  const data = new Float32Array(values.length);
  for (let k = 0; k < values.length; k++) data[k] = float32(values[k] ?? Number.NaN, where, k);
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

/** Nearest float32. Values that float32 cannot hold are refused: they would turn into infinity and then NaN. */
function float32(value: number, where: string, index: number): number {
  if (!Number.isFinite(value)) {
    throw new RecurveError({
      code: 'DATA-NONFINITE',
      message: `${where}.data[${index}] is ${value}; data must be finite`,
      fix: 'Look where this number comes from; mask missing values before the run.',
      where,
    });
  }
  const rounded = Math.fround(value);
  if (Number.isFinite(rounded)) return rounded;
  throw new RecurveError({
    code: 'DATA-RANGE',
    message: `${where}.data[${index}] is ${value}, beyond the range of float32 (±3.4e38)`,
    fix: 'Scale the data.',
    where,
  });
}
