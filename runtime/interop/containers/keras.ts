/** A `.keras` file: a zip archive of the model's configuration and an HDF5 file of its weights. */
import { fileError, type KerasModel, type TensorFile } from './container.js';
import { readHdf5 } from './hdf5.js';
import type { Zip } from './zip.js';

/** @throws RecurveError `WEIGHTS-FILE` */
export async function readKeras(zip: Zip, source: string): Promise<TensorFile> {
  if (!zip.names.includes('model.weights.h5')) throw fileError(source, 'is a .keras zip archive without model.weights.h5');
  const read = (name: string): unknown => {
    try {
      return JSON.parse(new TextDecoder().decode(zip.read(name)));
    } catch (cause) {
      throw fileError(source, `has a damaged ${name} in its zip archive`, 'Copy or download it again.', cause);
    }
  };
  const about = zip.names.includes('metadata.json') ? read('metadata.json') : undefined;
  const written = typeof about === 'object' && about !== null && 'keras_version' in about ? String(about.keras_version) : '3';
  const model: KerasModel = { config: read('config.json'), version: Number.parseInt(written, 10) || 3 };
  return { ...(await readHdf5(zip.read('model.weights.h5'), source, model)), kind: 'a .keras zip archive' };
}
