import { RecurveError } from '../../../codegen/errors.js';
import type { StoredTensor } from '../safetensors/stored.js';

/** Named tensors out of a file, whatever its container. */
export interface TensorFile {
  /** What to call the file in messages. */
  readonly source: string;
  /** What it is: `a safetensors file`. */
  readonly kind: string;
  /** Of safetensors; empty elsewhere. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  /** The configuration of a Keras model, where the file has it. */
  readonly model?: KerasModel;
}

export interface KerasModel {
  /** Parsed JSON. */
  readonly config: unknown;
  /** The first number of the version that wrote the file: 2, 3; 0 where the file does not say. */
  readonly version: number;
}

const SAVE_AGAIN = 'Copy or save the file again, or save its tensors as safetensors.';

/** What is wrong with a file as a whole. `WEIGHTS-FILE` */
export function fileError(source: string, message: string, fix = SAVE_AGAIN, cause?: unknown): RecurveError {
  return new RecurveError({ code: 'WEIGHTS-FILE', message: `${source} ${message}`, fix, where: source }, { cause });
}

/** The bytes of a tensor are made when they are asked for: a checkpoint holds much that nobody reads. */
export function lazyTensor(dtype: string, shape: readonly number[], read: () => Uint8Array): StoredTensor {
  return {
    dtype,
    shape,
    get bytes() {
      return read();
    },
  };
}

/** Bytes to hold in memory at once for one file or tensor of it. */
export const MOST_BYTES = 2 ** 31;
