/** Tensors as a safetensors file stores them, turned into ours. */
import { RecurveError } from '../../../codegen/errors.js';
import type { Tensor } from '../../data.js';
import { checkShape, tensorOf } from '../tensor.js';
import { dtype } from './dtypes.js';
import type { StoredTensor } from './read.js';

/** @throws RecurveError `SAFETENSORS-DTYPE`, `DATA-*` */
export function storedTensor(stored: StoredTensor, where: string): Tensor {
  const shape = checkShape(stored.shape, where);
  if (dtype(stored.dtype).kind !== 'float') throw dtypeError(stored, where, 'F32, F64, F16 or BF16');
  return tensorOf(where, shape, numbersOf(stored));
}

export function dtypeError(stored: StoredTensor, where: string, expected: string): RecurveError {
  return new RecurveError({
    code: 'SAFETENSORS-DTYPE',
    message: `${where} is ${stored.dtype}; it must be ${expected}`,
    fix: 'Cast it before saving.',
    where,
  });
}

/** Integers beyond 2⁵³ lose digits here; they are out of range wherever integers are taken. */
export function numbersOf({ dtype: name, bytes }: StoredTensor): Float64Array {
  const { read, bytes: width } = dtype(name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Float64Array(read ? bytes.length / width : 0);
  if (read) for (let k = 0; k < numbers.length; k++) numbers[k] = Number(read(view, k * width));
  return numbers;
}
