/** Tensors as the bytes of a safetensors file; putting them on a disk is ../write.ts. */
import type { DtypeName } from './dtypes.js';

/** A tensor of a file to be written. */
export interface TensorToStore {
  /** Sizes of its axes, outermost first. */
  readonly shape: readonly number[];
  /** In row-major order; it decides on the element: F32, F64 or I32. */
  readonly data: Float32Array | Float64Array | Int32Array;
}

/** One safetensors file, its tensors in the order given but for alignment: wider elements come first. */
export function writeSafetensors(
  tensors: Readonly<Record<string, TensorToStore>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const ordered = Object.entries(tensors).sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  let offset = 0;
  const entries = ordered.map(([name, { shape, data }]) => {
    const start = offset;
    offset += data.byteLength;
    return [name, { dtype: dtypeOf(data), shape, data_offsets: [start, offset] }] as const;
  });
  const described = Object.keys(metadata).length > 0 ? [['__metadata__', metadata] as const, ...entries] : entries;
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(described)));
  // Padded with spaces so that the data starts at a multiple of eight, as the format asks.
  const headerLength = Math.ceil(header.length / 8) * 8;
  const file = new Uint8Array(8 + headerLength + offset).fill(0x20, 8, 8 + headerLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.set(header, 8);
  let at = 8 + headerLength;
  for (const [, { data }] of ordered) {
    // Typed arrays have the host's byte order; every host with WebGPU is little-endian, as the format.
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

function dtypeOf(data: TensorToStore['data']): DtypeName {
  if (data instanceof Float64Array) return 'F64';
  return data instanceof Float32Array ? 'F32' : 'I32';
}
