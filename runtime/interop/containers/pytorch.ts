/**
 * What `torch.save` writes since PyTorch 1.6: a zip archive of a pickle and one entry for each storage. The pickle is read,
 * never executed.
 */
import { elements } from '../../data.js';
import { quote } from '../describe.js';
import type { StoredTensor } from '../safetensors/stored.js';
import { fileError, lazyTensor, MOST_BYTES, type TensorFile } from './container.js';
import { FROM_PYTORCH, type Pickled, PickledTensor, unpickle } from './pickle.js';
import type { Zip } from './zip.js';

const DTYPES: Readonly<Record<string, { readonly name: string; readonly bytes: number }>> = {
  DoubleStorage: { name: 'F64', bytes: 8 },
  FloatStorage: { name: 'F32', bytes: 4 },
  HalfStorage: { name: 'F16', bytes: 2 },
  BFloat16Storage: { name: 'BF16', bytes: 2 },
  LongStorage: { name: 'I64', bytes: 8 },
  IntStorage: { name: 'I32', bytes: 4 },
  ShortStorage: { name: 'I16', bytes: 2 },
  CharStorage: { name: 'I8', bytes: 1 },
  ByteStorage: { name: 'U8', bytes: 1 },
  BoolStorage: { name: 'BOOL', bytes: 1 },
};

/** Deeper or wider than any checkpoint; a pickle may hold itself. */
const DEEPEST = 32;
const MOST_VALUES = 1_000_000;

/** An optimizer's moments have the names of the weights, and are none. */
const NOT_WEIGHTS = /^(?:optim\w*|\w*_optimizer|lr_scheduler\w*|scheduler|ema_optimizer|scaler)$/;

/** @throws RecurveError `WEIGHTS-FILE` */
export function readPytorch(zip: Zip, source: string): TensorFile {
  const pickle = zip.names.find((name) => /(?:^|\/)data\.pkl$/.test(name)) ?? '';
  const folder = pickle.slice(0, -'data.pkl'.length);
  if (zip.names.includes(`${folder}constants.pkl`)) {
    throw fileError(source, 'is a TorchScript model (a zip archive with code), which is not read', FROM_PYTORCH);
  }
  const order = zip.names.includes(`${folder}byteorder`) ? new TextDecoder().decode(zip.read(`${folder}byteorder`)) : 'little';
  if (order.trim() !== 'little') throw fileError(source, `is in ${quote(order)}-endian byte order`, FROM_PYTORCH);
  const tensors: [string, StoredTensor][] = [];
  for (const [name, tensor] of tensorsIn(unpickle(zip.read(pickle), source), source)) {
    tensors.push([name, stored(tensor, (key) => zip.read(`${folder}data/${key}`), `${quote(name)} of ${source}`)]);
  }
  return { source, kind: 'a PyTorch zip archive', metadata: {}, tensors: Object.fromEntries(tensors) };
}

/** Nested dictionaries flattened: `state_dict.rnn.weight_ih_l0`. */
function tensorsIn(root: Pickled, source: string): readonly [string, PickledTensor][] {
  const found: [string, PickledTensor][] = [];
  let count = 0;
  const open: { readonly path: readonly string[]; readonly value: Pickled }[] = [{ path: [], value: root }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { path, value } = next;
    if (++count > MOST_VALUES || path.length > DEEPEST) throw fileError(source, 'is nested too deeply to be a checkpoint');
    if (value instanceof PickledTensor) found.push([path.join('.'), value]);
    const members = value instanceof Map ? [...value] : Array.isArray(value) ? [...value.entries()] : [];
    for (const [key, member] of members) {
      if (!NOT_WEIGHTS.test(String(key))) open.push({ path: [...path, String(key)], value: member });
    }
  }
  return found.reverse();
}

function stored(tensor: PickledTensor, read: (key: string) => Uint8Array, where: string): StoredTensor {
  const { storage, shape, stride, offset } = tensor;
  const dtype = Object.hasOwn(DTYPES, storage.type) ? DTYPES[storage.type] : undefined;
  // Only a tensor that is needed must be of a type that we know.
  if (dtype === undefined) return { dtype: storage.type, shape, bytes: new Uint8Array() };
  const { name, bytes: width } = dtype;
  return lazyTensor(name, shape, () => {
    const count = elements(shape);
    const data = read(storage.key);
    const last = shape.reduce((sum, size, axis) => sum + (size - 1) * (stride[axis] ?? 0), offset);
    if (count * width > MOST_BYTES) throw fileError(where, `takes ${count * width} bytes, too many to read`);
    if (count > 0 && (last + 1) * width > data.length) throw fileError(where, 'lies outside of its storage: the file is damaged');
    return gathered(data, tensor, width);
  });
}

/** The elements of a view one behind the other. */
function gathered(data: Uint8Array, { shape, stride, offset }: PickledTensor, width: number): Uint8Array {
  const packed = new Uint8Array(elements(shape) * width);
  const index = shape.map(() => 0);
  let from = offset;
  for (let k = 0; k < packed.length; k += width) {
    packed.set(data.subarray(from * width, (from + 1) * width), k);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      from += stride[axis] ?? 0;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      from -= (shape[axis] ?? 0) * (stride[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return packed;
}
