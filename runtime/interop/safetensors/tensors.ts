/** All tensors of a safetensors file, for programs. */
import type { ReadTensor } from '../../data.js';
import { readSafetensors } from './read.js';
import { storedTensor } from './stored.js';

/** What a safetensors file holds. */
export interface TensorFile {
  /** By name, `{ shape, data }` each, data in row-major order. */
  readonly tensors: Readonly<Record<string, ReadTensor>>;
  /** The file's `__metadata__`: texts by name, empty where there is none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Tensors of floating-point numbers, as float32.
 *
 * @param source what messages call the file
 * @throws RecurveError `SAFETENSORS-*` where it is no such file, or holds other numbers; `DATA-NONFINITE`, `DATA-RANGE`
 */
export function parseSafetensors(bytes: Uint8Array, source = 'the file'): TensorFile {
  const { tensors, metadata } = readSafetensors(bytes, source);
  const read = Object.entries(tensors).map(([name, stored]) => [name, storedTensor(stored, name)]);
  return { tensors: Object.fromEntries(read), metadata };
}
