/** Element types of the safetensors format and how those that make sense here are read. Little-endian throughout. */

interface Dtype {
  readonly bytes: number;
  /** Absent where the type is neither a float we take nor an integer. */
  readonly read?: (view: DataView, at: number) => number | bigint;
  readonly kind: 'float' | 'integer' | 'other';
}

export const DTYPES = {
  F64: { bytes: 8, kind: 'float', read: (view, at) => view.getFloat64(at, true) },
  F32: { bytes: 4, kind: 'float', read: (view, at) => view.getFloat32(at, true) },
  F16: { bytes: 2, kind: 'float', read: (view, at) => half(view.getUint16(at, true)) },
  BF16: { bytes: 2, kind: 'float', read: bfloat },
  I64: { bytes: 8, kind: 'integer', read: (view, at) => view.getBigInt64(at, true) },
  U64: { bytes: 8, kind: 'integer', read: (view, at) => view.getBigUint64(at, true) },
  I32: { bytes: 4, kind: 'integer', read: (view, at) => view.getInt32(at, true) },
  U32: { bytes: 4, kind: 'integer', read: (view, at) => view.getUint32(at, true) },
  I16: { bytes: 2, kind: 'integer', read: (view, at) => view.getInt16(at, true) },
  U16: { bytes: 2, kind: 'integer', read: (view, at) => view.getUint16(at, true) },
  I8: { bytes: 1, kind: 'integer', read: (view, at) => view.getInt8(at) },
  U8: { bytes: 1, kind: 'integer', read: (view, at) => view.getUint8(at) },
  BOOL: { bytes: 1, kind: 'other' },
  F8_E4M3: { bytes: 1, kind: 'other' },
  F8_E5M2: { bytes: 1, kind: 'other' },
  F8_E8M0: { bytes: 1, kind: 'other' },
  C64: { bytes: 8, kind: 'other' },
} as const satisfies Readonly<Record<string, Dtype>>;

export type DtypeName = keyof typeof DTYPES;

function isDtype(name: string): name is DtypeName {
  return Object.hasOwn(DTYPES, name);
}

export function dtype(name: DtypeName): Dtype {
  return DTYPES[name];
}

/** `undefined` where the format has taken up a type that we do not know. */
export function dtypeNamed(name: string): Dtype | undefined {
  return isDtype(name) ? DTYPES[name] : undefined;
}

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 is the upper half of a float32. */
function bfloat(view: DataView, at: number): number {
  const word = new DataView(new ArrayBuffer(4));
  word.setUint16(0, view.getUint16(at, true));
  return word.getFloat32(0);
}
