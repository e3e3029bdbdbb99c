/** Opens a file of tensors by what it is, not by how its name ends. */
import { quote } from '../describe.js';
import { readSafetensors, startsAsSafetensors } from '../safetensors/read.js';
import { fileError, type TensorFile } from './container.js';
import { readHdf5 } from './hdf5.js';
import { emptyFile, jsonAsWeights, ofAnotherKind } from './identify.js';
import { readKeras } from './keras.js';
import { readNpz } from './npy.js';
import { FROM_PYTORCH } from './pickle.js';
import { readPytorch } from './pytorch.js';
import { openZip } from './zip.js';

/**
 * @param source what to call the file in messages
 * @throws RecurveError `DATA-EMPTY`, `WEIGHTS-FILE`, `SAFETENSORS-*`
 */
export async function openTensorFile(bytes: Uint8Array, source: string): Promise<TensorFile> {
  if (bytes.length === 0) throw emptyFile(source);
  if (startsAsSafetensors(bytes)) return { source, kind: 'a safetensors file', ...readSafetensors(bytes, source) };
  if (isHdf5(bytes)) return readHdf5(bytes, source);
  if (startsWith(bytes, [0x50, 0x4b, 3, 4]) || startsWith(bytes, [0x50, 0x4b, 5, 6])) return openArchive(bytes, source);
  const other = ofAnotherKind(bytes, source, 'WEIGHTS-FILE');
  if (other) throw other;
  const text = jsonText(bytes);
  if (text !== undefined) throw jsonAsWeights(text, source);
  if (bytes.length < 8 || /\.safetensors$/i.test(source))
    return { source, kind: 'a safetensors file', ...readSafetensors(bytes, source) };
  const start = Array.from(bytes.subarray(0, 8), (byte) => String.fromCharCode(byte)).join('');
  throw fileError(
    source,
    `is no file of weights that is known here; it starts with ${quote(start)}`,
    'Weights are read from safetensors, HDF5 (.h5, .keras), .npz and what torch.save writes.',
  );
}

/** Whether it is one of these containers, which an ONNX model is not; a name that says so counts for what is damaged. */
export function isTensorFile(bytes: Uint8Array, name: string): boolean {
  if (/\.onnx$/i.test(name)) return false;
  if (/\.(?:safetensors|h5|hdf5|keras|npz|pt|pth)$/i.test(name)) return true;
  return startsAsSafetensors(bytes) || isHdf5(bytes) || startsWith(bytes, [0x50, 0x4b, 3, 4]);
}

/** A user's block of 512, 1024, … bytes may stand before the signature. */
function isHdf5(bytes: Uint8Array): boolean {
  const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
  return [0, 512, 1024, 2048, 4096].some((start) => startsWith(bytes.subarray(start), signature));
}

async function openArchive(bytes: Uint8Array, source: string): Promise<TensorFile> {
  const zip = openZip(bytes, source);
  const has = (pattern: RegExp) => zip.names.some((name) => pattern.test(name));
  if (has(/(?:^|\/)data\.pkl$/)) return readPytorch(zip, source);
  if (has(/^config\.json$/) || has(/^model\.weights\.h5$/)) return readKeras(zip, source);
  if (has(/\.npy$/)) return readNpz(zip, source);
  const list = zip.names.slice(0, 5).map(quote).join(', ');
  throw fileError(
    source,
    zip.names.length === 0 ? 'is an empty zip archive' : `is a zip archive of another kind; it holds ${list}`,
    `Zip archives of Keras (.keras), NumPy (.npz) and torch.save are read. ${FROM_PYTORCH}`,
  );
}

function jsonText(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder('utf-8').decode(bytes.subarray(0, 200_000)).trimStart();
  return /^[[{"]/.test(text) ? text : undefined;
}

function startsWith(bytes: Uint8Array, mark: readonly number[]): boolean {
  return mark.every((byte, k) => bytes[k] === byte);
}
