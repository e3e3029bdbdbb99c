/** Values that a model file holds or that follow from what it holds, in any of ONNX's number types. */
import { elements } from '../../data.js';
import { shapeText } from '../describe.js';
import { onnxError } from './errors.js';

export type Values = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;

interface ElementForm {
  readonly bits: 4 | 8 | 16 | 32 | 64;
  readonly kind: 'float' | 'integer' | 'boolean';
  readonly create: (length: number) => Values;
  /** What an integer type holds. */
  readonly min?: number;
  readonly max?: number;
  /** To the type's own precision, where an element of the array has more. */
  readonly round?: (value: number) => number;
}

const float32 = (length: number) => new Float32Array(length);
const integer = (bits: ElementForm['bits'], signed: boolean, create: ElementForm['create']): ElementForm => ({
  bits,
  kind: 'integer',
  create,
  min: signed ? -(2 ** (bits - 1)) : 0,
  max: 2 ** (signed ? bits - 1 : bits) - 1,
});

/** 64-bit integers are kept as the nearest float64: exact below 2⁵³, as sizes, axes and indices are. */
export const ELEMENTS = {
  FLOAT: { bits: 32, kind: 'float', create: float32 },
  DOUBLE: { bits: 64, kind: 'float', create: (length) => new Float64Array(length) },
  FLOAT16: { bits: 16, kind: 'float', create: float32, round: (value) => rounded(value, 10, -14, 65504) },
  BFLOAT16: { bits: 16, kind: 'float', create: float32, round: (value) => rounded(value, 7, -126, 3.3895313892515355e38) },
  INT4: integer(4, true, (length) => new Int8Array(length)),
  UINT4: integer(4, false, (length) => new Uint8Array(length)),
  INT8: integer(8, true, (length) => new Int8Array(length)),
  UINT8: integer(8, false, (length) => new Uint8Array(length)),
  INT16: integer(16, true, (length) => new Int16Array(length)),
  UINT16: integer(16, false, (length) => new Uint16Array(length)),
  INT32: integer(32, true, (length) => new Int32Array(length)),
  UINT32: integer(32, false, (length) => new Uint32Array(length)),
  INT64: integer(64, true, (length) => new Float64Array(length)),
  UINT64: integer(64, false, (length) => new Float64Array(length)),
  BOOL: { bits: 8, kind: 'boolean', create: (length) => new Uint8Array(length) },
} as const satisfies Readonly<Record<string, ElementForm>>;

export type ElementType = keyof typeof ELEMENTS;

export function formOf(type: ElementType): ElementForm {
  return ELEMENTS[type];
}

export interface Constant {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Values;
}

/** More axes than any library has; a chain of operators could otherwise make work out of nothing. */
export const MOST_AXES = 64;

/**
 * Memory for what is computed. It grows with the file, so that a few bytes that say "repeat a thousand million times"
 * cannot fill the machine.
 */
export class Workspace {
  readonly #limit: () => number;
  #used = 0;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** @throws RecurveError `ONNX-SIZE`, `ONNX-WEIGHTS` */
  make(type: ElementType, shape: readonly number[], label: string): Constant {
    const form = formOf(type);
    const count = elements(shape);
    this.charge(64 + count * Math.max(form.bits / 8, form.kind === 'float' ? 4 : 1), shape, label);
    return { type, shape, data: form.create(count) };
  }

  /** @throws RecurveError `ONNX-SIZE`, `ONNX-WEIGHTS` */
  charge(bytes: number, shape: readonly number[], label: string): void {
    if (shape.length > MOST_AXES)
      throw onnxError('ONNX-WEIGHTS', `${label} has ${shape.length} axes; at most ${MOST_AXES} are read`, label);
    this.#used += bytes;
    // A count that is no number is no small one.
    const limit = this.#limit();
    if (this.#used <= limit) return;
    throw onnxError(
      'ONNX-SIZE',
      `${label} makes values of shape ${shapeText(shape)}; all computed ones may take ${limit} bytes`,
      label,
      {
        fix: 'Export the model with constant folding, so that the weights are in the file.',
      },
    );
  }
}

/** Half to even, at `fractionBits` behind the first bit, with gradual underflow below 2^`least`. */
function rounded(value: number, fractionBits: number, least: number, largest: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), least);
  const unit = 2 ** (exponent - fractionBits);
  const near = halfToEven(value / unit) * unit;
  return Math.abs(near) > largest ? Math.sign(near) * Number.POSITIVE_INFINITY : near;
}

export function halfToEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}
