/** NumPy's .npy (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), and .npz, a zip archive of them. */
import { elements } from '../../data.js';
import { quote } from '../describe.js';
import type { StoredTensor } from '../safetensors/stored.js';
import { fileError, lazyTensor, type TensorFile } from './container.js';
import type { Zip } from './zip.js';

const DTYPES: Readonly<Record<string, string>> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i8: 'I64',
  u8: 'U64',
  i4: 'I32',
  u4: 'U32',
  i2: 'I16',
  u2: 'U16',
  i1: 'I8',
  u1: 'U8',
  b1: 'BOOL',
};

/** @throws RecurveError `WEIGHTS-FILE` */
export function readNpz(zip: Zip, source: string): TensorFile {
  const entries = zip.names
    .filter((name) => name.endsWith('.npy'))
    .map((name): [string, StoredTensor] => [name.slice(0, -'.npy'.length), readNpy(zip.read(name), `${source}: ${quote(name)}`)]);
  return { source, kind: 'an .npz file (a zip archive of NumPy arrays)', metadata: {}, tensors: Object.fromEntries(entries) };
}

function readNpy(bytes: Uint8Array, source: string): StoredTensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = (bytes[6] ?? 0) > 1;
  const start = wide ? 12 : 10;
  if (bytes.length < start || !isNpy(bytes)) throw fileError(source, 'is not a NumPy array');
  const end = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, end));
  const descr = /'descr':\s*'([<>|=])(\w+)'/.exec(header);
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape':\s*\(([\d\s,]*)\)/.exec(header)?.[1]?.match(/\d+/g)?.map(Number) ?? [];
  if (order === undefined || end > bytes.length) throw fileError(source, 'has a damaged header');
  const type = descr?.[2] ?? '';
  const dtype = Object.hasOwn(DTYPES, type) ? DTYPES[type] : undefined;
  // Only a tensor that is needed must hold numbers.
  if (descr === null || dtype === undefined) return { dtype: type || 'a structure', shape, bytes: new Uint8Array() };
  const width = Number(type.slice(1));
  const data = bytes.subarray(end);
  if (data.length !== elements(shape) * width) throw fileError(source, 'has more or fewer numbers than its shape');
  const arrange =
    order === 'True' && shape.length > 1 ? (raw: Uint8Array) => fromFortran(raw, shape, width) : (raw: Uint8Array) => raw;
  return lazyTensor(dtype, shape, () => arrange(descr[1] === '>' ? swapped(data, width) : data));
}

export function isNpy(bytes: Uint8Array): boolean {
  return bytes[0] === 0x93 && new TextDecoder('latin1').decode(bytes.subarray(1, 6)) === 'NUMPY';
}

function swapped(bytes: Uint8Array, width: number): Uint8Array {
  return bytes.map((_, k) => bytes[k - (k % width) + width - 1 - (k % width)] ?? 0);
}

/** From column-major to row-major order. */
function fromFortran(bytes: Uint8Array, shape: readonly number[], width: number): Uint8Array {
  const turned = new Uint8Array(bytes.length);
  const strides = shape.map((_, axis) => elements(shape.slice(0, axis)));
  for (let k = 0; k < elements(shape); k++) {
    let [rest, from] = [k, 0];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += (rest % (shape[axis] ?? 1)) * (strides[axis] ?? 0);
      rest = Math.floor(rest / (shape[axis] ?? 1));
    }
    turned.set(bytes.subarray(from * width, (from + 1) * width), k * width);
  }
  return turned;
}
