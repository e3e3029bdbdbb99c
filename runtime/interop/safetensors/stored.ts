/** Tensors as a safetensors file stores them, turned into ours. */
import { RecurveError } from '../../../codegen/errors.js';
import type { ReadTensor } from '../../data.js';
import { quote } from '../describe.js';
import { allRead, checkShape, tensorOf, type Unread } from '../tensor.js';
import { dtypeNamed } from './dtypes.js';

/** A tensor of a file, in whatever container: its elements are those of the safetensors format, in row-major order. */
export interface StoredTensor {
  /** A name of the safetensors format, or another one that only messages use. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Not copied where that can be helped, at any alignment. */
  readonly bytes: Uint8Array;
}

/**
 * @param unreadIn which elements of a tensor of this shape nothing reads: they may be anything
 * @throws RecurveError `SAFETENSORS-DTYPE`, `DATA-*`
 */
export function storedTensor(
  stored: StoredTensor,
  where: string,
  unreadIn: (shape: readonly number[]) => Unread = () => allRead,
): ReadTensor {
  const shape = checkShape(stored.shape, where);
  if (dtypeNamed(stored.dtype)?.kind !== 'float') throw dtypeError(stored, where, 'F32, F64, F16 or BF16');
  return tensorOf(where, shape, numbersOf(stored), unreadIn(shape));
}

export function dtypeError(stored: StoredTensor, where: string, expected: string): RecurveError {
  return new RecurveError({
    code: 'SAFETENSORS-DTYPE',
    message: `${where} is ${dtypeNamed(stored.dtype) ? stored.dtype : quote(stored.dtype)}; it must be ${expected}`,
    fix: 'Cast it before saving.',
    where,
  });
}

/** Integers beyond 2⁵³ lose digits here; they are out of range wherever integers are taken. */
export function numbersOf({ dtype: name, bytes }: StoredTensor): Float64Array {
  const { read, bytes: width = 1 } = dtypeNamed(name) ?? {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Float64Array(read ? bytes.length / width : 0);
  if (read) for (let k = 0; k < numbers.length; k++) numbers[k] = Number(read(view, k * width));
  return numbers;
}
