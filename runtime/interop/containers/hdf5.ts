/** Keras' HDF5 files, read by the HDF5 library itself, compiled to WebAssembly; it sees a copy in memory and no other file. */
import type * as H5 from 'h5wasm';
import type { StoredTensor } from '../safetensors/stored.js';
import { fileError, type KerasModel, lazyTensor, type TensorFile } from './container.js';

/** Links may lead back to a group that holds them. */
const DEEPEST = 32;
const MOST_ENTRIES = 100_000;
/** An optimizer's moments have the names of the weights, and are none. */
const NOT_WEIGHTS = /^(?:optimizer|optimizer_weights|_optimizer)$/;

let opened = 0;

/** @throws RecurveError `WEIGHTS-FILE` */
export async function readHdf5(bytes: Uint8Array, source: string, model?: KerasModel): Promise<TensorFile> {
  // Loaded only here: the library takes most of a second to compile.
  const h5 = await import('h5wasm');
  const library = await h5.ready;
  // Otherwise it prints its errors.
  library.activate_throwing_error_handler();
  const path = `weights-${opened++}.h5`;
  library.FS.writeFile(path, bytes);
  try {
    const file = new h5.File(path, 'r');
    const found = model ?? modelOf(file);
    const tensors = Object.fromEntries(datasets(h5, file, source));
    return { source, kind: 'an HDF5 file', metadata: {}, tensors, ...(found ? { model: found } : {}) };
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'RecurveError') throw cause;
    throw fileError(
      source,
      'is an HDF5 file that cannot be read: it is cut short or damaged',
      'Copy or download it again.',
      cause,
    );
  }
}

function datasets(h5: typeof H5, root: H5.Group, source: string): readonly [string, StoredTensor][] {
  const found: [string, StoredTensor][] = [];
  const open: { readonly path: readonly string[]; readonly group: H5.Group }[] = [{ path: [], group: root }];
  let entries = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { path, group } = next;
    for (const key of group.keys()) {
      if (++entries > MOST_ENTRIES || path.length > DEEPEST) throw fileError(source, 'is nested too deeply to be a model');
      if (path.length === 0 && NOT_WEIGHTS.test(key)) continue;
      const entity = group.get(key);
      const here = [...path, key];
      if (entity instanceof h5.Group) open.push({ path: here, group: entity });
      else if (entity instanceof h5.Dataset) found.push([here.join('/'), stored(entity, here.join('/'), source)]);
    }
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

function stored(dataset: H5.Dataset, name: string, source: string): StoredTensor {
  const { shape, dtype } = dataset;
  const float = { '<f': 'F32', '>f': 'F32', '<d': 'F64', '>d': 'F64', '<e': 'F16', '>e': 'F16' }[String(dtype)];
  // Only a tensor that is needed must hold floats.
  if (float === undefined || shape === null) return { dtype: String(dtype), shape: shape ?? [], bytes: new Uint8Array() };
  // Half floats come widened.
  return lazyTensor(float === 'F64' ? 'F64' : 'F32', shape, () => {
    const value = dataset.value;
    const numbers =
      typeof value === 'number' ? [value] : ArrayBuffer.isView(value) ? (value as unknown as ArrayLike<number>) : undefined;
    if (numbers === undefined) throw fileError(source, `has ${JSON.stringify(name)}, which cannot be read`);
    return new Uint8Array((float === 'F64' ? Float64Array.from(numbers) : Float32Array.from(numbers)).buffer);
  });
}

/** What `model.save` puts beside the weights. */
function modelOf(file: H5.File): KerasModel | undefined {
  const text = (name: string) => (Object.hasOwn(file.attrs, name) ? file.attrs[name]?.value : undefined);
  const config = text('model_config');
  if (typeof config !== 'string') return undefined;
  return { config: JSON.parse(config), version: Number.parseInt(String(text('keras_version') ?? '0'), 10) || 0 };
}
