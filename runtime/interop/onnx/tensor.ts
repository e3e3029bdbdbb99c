/** Values of a `TensorProto` as float32, wherever and in whichever float type the file keeps them. */
import { TensorProto_DataLocation as Location, type TensorProto, TensorProto_DataType as Type } from 'onnx-buf';
import { elements, type Tensor } from '../../data.js';
import { quote, shapeText } from '../describe.js';
import { type DtypeName, dtype } from '../safetensors/dtypes.js';
import { onnxError } from './errors.js';
import type { ReadExternal } from './external.js';

const MOST_ELEMENTS = 2 ** 31;

const FLOATS: ReadonlyMap<number, DtypeName> = new Map([
  [Type.FLOAT, 'F32'],
  [Type.DOUBLE, 'F64'],
  [Type.FLOAT16, 'F16'],
  [Type.BFLOAT16, 'BF16'],
]);

/**
 * @param what how messages call it: `W of LSTM_0`
 * @throws RecurveError `ONNX-WEIGHTS` where type, shape and values do not fit together or float32; `ONNX-EXTERNAL`
 */
export function decodeTensor(tensor: TensorProto, what: string, readExternal: ReadExternal): Tensor {
  const label = tensor.name === '' ? what : `${what} (${quote(tensor.name)})`;
  const type = FLOATS.get(tensor.dataType);
  if (type === undefined) {
    const found = Type[tensor.dataType] ?? `of type ${tensor.dataType}`;
    throw weightsError(
      label,
      `is ${found}; weights are FLOAT, DOUBLE, FLOAT16 or BFLOAT16`,
      'Import the model before it is quantized.',
    );
  }
  if (tensor.segment) throw weightsError(label, 'is stored in segments');
  const shape = shapeOf(tensor, label);
  const values = valuesOf(tensor, type, shape, label, readExternal);
  if (values.length !== elements(shape)) {
    throw weightsError(label, `has ${values.length} values, but shape ${shapeText(shape)} takes ${elements(shape)}`, CUT);
  }
  const data = new Float32Array(values);
  const index = data.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return { shape, data };
  const value = values[index] ?? Number.NaN;
  const fault = Number.isFinite(value) ? 'beyond the range of float32 (±3.4e38)' : 'which is not finite';
  throw weightsError(label, `holds ${value} at element ${index}, ${fault}`, 'Look where this number comes from in training.');
}

const CUT = 'The file is damaged; export the model again.';

function weightsError(label: string, complaint: string, fix?: string) {
  return onnxError('WEIGHTS', `${label} ${complaint}`, label, { fix });
}

function shapeOf({ dims }: TensorProto, label: string): readonly number[] {
  const shape = dims.map(Number);
  if (shape.every((size) => size >= 1) && elements(shape) <= MOST_ELEMENTS) return shape;
  throw weightsError(label, `has the shape ${shapeText(shape)}, which no weights have`, CUT);
}

/** Numbers one by one in a field of their type, or bytes (little-endian) in `raw_data` or another file. */
function valuesOf(
  tensor: TensorProto,
  type: DtypeName,
  shape: readonly number[],
  label: string,
  readExternal: ReadExternal,
): ArrayLike<number> {
  const { rawData, floatData, doubleData, int32Data } = tensor;
  const listed = type === 'F32' ? floatData : type === 'F64' ? doubleData : int32Data;
  const bytes = elements(shape) * dtype(type).bytes;
  if (tensor.dataLocation === Location.EXTERNAL) return fromBytes(readExternal(tensor.externalData, bytes, label), type);
  if (rawData.length === 0) return type === 'F16' || type === 'BF16' ? fromBytes(halfBytes(listed, label), type) : listed;
  if (listed.length > 0) throw weightsError(label, 'holds its values twice', CUT);
  if (rawData.length !== bytes) {
    throw weightsError(label, `has ${rawData.length} bytes, but ${type} of shape ${shapeText(shape)} takes ${bytes}`, CUT);
  }
  return fromBytes(rawData, type);
}

function fromBytes(bytes: Uint8Array, name: DtypeName): ArrayLike<number> {
  // The common case at once; every host with WebGPU is little-endian, as the format. Copied for its alignment, and
  // not by `slice`, which in a Buffer of Node shares memory.
  if (name === 'F32') return new Float32Array(new Uint8Array(bytes).buffer);
  const { read, bytes: width } = dtype(name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Float64Array(read ? bytes.length / width : 0);
  if (read) for (let k = 0; k < numbers.length; k++) numbers[k] = Number(read(view, k * width));
  return numbers;
}

/** Outside `raw_data`, a 16-bit float is the number that its bits spell, in a field of 32-bit integers. */
function halfBytes(words: readonly number[], label: string): Uint8Array {
  const view = new DataView(new ArrayBuffer(words.length * 2));
  words.forEach((word, index) => {
    if (word < 0 || word > 0xffff) throw weightsError(label, `holds ${word} at element ${index}, which is not 16 bits`, CUT);
    view.setUint16(index * 2, word, true);
  });
  return new Uint8Array(view.buffer);
}
