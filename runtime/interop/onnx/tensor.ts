/** Values of a `TensorProto`, wherever and in whichever type the file keeps them. */
import { TensorProto_DataLocation as Location, type TensorProto, TensorProto_DataType as Type } from 'onnx-buf';
import { elements } from '../../data.js';
import { quote, shapeText } from '../describe.js';
import { type DtypeName, dtype } from '../safetensors/dtypes.js';
import { type Constant, type ElementType, formOf, MOST_AXES, type Values } from './constant.js';
import { onnxError } from './errors.js';
import type { ReadExternal } from './external.js';

const MOST_ELEMENTS = 2 ** 31;

/** How the bytes are read, and which field holds numbers that are listed one by one. */
interface Storage {
  readonly type: ElementType;
  /** Absent for four bits, two in a byte. */
  readonly bytes?: DtypeName;
  readonly field: 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data';
}

const STORAGE: ReadonlyMap<number, Storage> = new Map<number, Storage>([
  [Type.FLOAT, { type: 'FLOAT', bytes: 'F32', field: 'floatData' }],
  [Type.DOUBLE, { type: 'DOUBLE', bytes: 'F64', field: 'doubleData' }],
  [Type.FLOAT16, { type: 'FLOAT16', bytes: 'F16', field: 'int32Data' }],
  [Type.BFLOAT16, { type: 'BFLOAT16', bytes: 'BF16', field: 'int32Data' }],
  [Type.INT4, { type: 'INT4', field: 'int32Data' }],
  [Type.UINT4, { type: 'UINT4', field: 'int32Data' }],
  [Type.INT8, { type: 'INT8', bytes: 'I8', field: 'int32Data' }],
  [Type.UINT8, { type: 'UINT8', bytes: 'U8', field: 'int32Data' }],
  [Type.INT16, { type: 'INT16', bytes: 'I16', field: 'int32Data' }],
  [Type.UINT16, { type: 'UINT16', bytes: 'U16', field: 'int32Data' }],
  [Type.INT32, { type: 'INT32', bytes: 'I32', field: 'int32Data' }],
  [Type.UINT32, { type: 'UINT32', bytes: 'U32', field: 'uint64Data' }],
  [Type.INT64, { type: 'INT64', bytes: 'I64', field: 'int64Data' }],
  [Type.UINT64, { type: 'UINT64', bytes: 'U64', field: 'uint64Data' }],
  [Type.BOOL, { type: 'BOOL', bytes: 'U8', field: 'int32Data' }],
]);

const FIELDS = ['floatData', 'doubleData', 'int32Data', 'int64Data', 'uint64Data', 'stringData', 'rawData'] as const;

/**
 * @param what how messages call it where it has no name of its own
 * @throws RecurveError `ONNX-WEIGHTS` where type, shape and values do not fit together; `ONNX-EXTERNAL`
 */
export function decodeTensor(tensor: TensorProto, what: string, readExternal: ReadExternal): Constant {
  const label = tensor.name === '' ? what : quote(tensor.name);
  const storage = STORAGE.get(tensor.dataType);
  if (storage === undefined) {
    const found = Type[tensor.dataType] ?? `of type ${tensor.dataType}`;
    throw weightsError(label, `is ${found}, which is not read`, 'Save the model with weights in float32.');
  }
  if (tensor.segment) throw weightsError(label, 'is stored in segments');
  const shape = shapeOf(tensor, label);
  const data = valuesOf(tensor, storage, shape, label, readExternal);
  if (data.length === elements(shape)) return { type: storage.type, shape, data };
  throw weightsError(label, `has ${data.length} values, but shape ${shapeText(shape)} takes ${elements(shape)}`, CUT);
}

const CUT = 'The file is damaged; export the model again.';

function weightsError(label: string, complaint: string, fix?: string) {
  return onnxError('ONNX-WEIGHTS', `${label} ${complaint}`, label, { fix });
}

function shapeOf({ dims }: TensorProto, label: string): readonly number[] {
  const shape = dims.map(Number);
  const good = shape.length <= MOST_AXES && shape.every((size) => size >= 0) && elements(shape) <= MOST_ELEMENTS;
  if (good) return shape;
  throw weightsError(label, `has the shape ${shapeText(shape)}, which no weights have`, CUT);
}

/** Numbers one by one in a field of their type, or bytes (little-endian) in `raw_data` or another file. */
function valuesOf(
  tensor: TensorProto,
  { type, bytes: name, field }: Storage,
  shape: readonly number[],
  label: string,
  readExternal: ReadExternal,
): Values {
  const filled = FIELDS.filter((candidate) => tensor[candidate].length > 0);
  const bytes = name === undefined ? Math.ceil(elements(shape) / 2) : elements(shape) * dtype(name).bytes;
  const decode = (from: Uint8Array) => (name === undefined ? nibbles(from, type, elements(shape)) : fromBytes(from, name, type));
  if (filled.length > (tensor.dataLocation === Location.EXTERNAL ? 0 : 1))
    throw weightsError(label, 'holds its values twice', CUT);
  if (tensor.dataLocation === Location.EXTERNAL) return decode(readExternal(tensor.externalData, bytes, label));
  if (filled[0] === 'rawData') {
    if (tensor.rawData.length === bytes) return decode(tensor.rawData);
    throw weightsError(label, `has ${tensor.rawData.length} bytes, but ${type} of shape ${shapeText(shape)} takes ${bytes}`, CUT);
  }
  if (filled[0] !== undefined && filled[0] !== field)
    throw weightsError(label, `holds ${type} values in a field of another type`, CUT);
  const listed = tensor[field];
  if (type === 'FLOAT16' || type === 'BFLOAT16') return decode(wordBytes(listed, label));
  if (name === undefined) return decode(Uint8Array.from(listed, Number));
  return listedValues(listed, type, label);
}

function listedValues(listed: readonly (number | bigint)[], type: ElementType, label: string): Values {
  const { create, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = formOf(type);
  const values = create(listed.length);
  for (let k = 0; k < listed.length; k++) {
    const value = Number(listed[k]);
    if (value < min || value > max) throw weightsError(label, `holds ${value} at element ${k}, which is no ${type}`, CUT);
    values[k] = value;
  }
  return values;
}

function fromBytes(bytes: Uint8Array, name: DtypeName, type: ElementType): Values {
  // The common case at once; every host with WebGPU is little-endian, as the format. Copied for its alignment, and
  // not by `slice`, which in a Buffer of Node shares memory.
  if (name === 'F32') return new Float32Array(new Uint8Array(bytes).buffer);
  const { read, bytes: width } = dtype(name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = formOf(type).create(read ? bytes.length / width : 0);
  if (read) for (let k = 0; k < values.length; k++) values[k] = Number(read(view, k * width));
  return values;
}

/** Two numbers of four bits in a byte, the lower half first. */
function nibbles(bytes: Uint8Array, type: ElementType, count: number): Values {
  const values = formOf(type).create(Math.min(count, bytes.length * 2));
  for (let k = 0; k < values.length; k++) {
    const four = ((bytes[k >> 1] ?? 0) >> (4 * (k % 2))) & 15;
    values[k] = type === 'INT4' && four > 7 ? four - 16 : four;
  }
  return values;
}

/** Outside `raw_data`, a 16-bit float is the number that its bits spell, in a field of 32-bit integers. */
function wordBytes(words: readonly (number | bigint)[], label: string): Uint8Array {
  const view = new DataView(new ArrayBuffer(words.length * 2));
  words.forEach((word, index) => {
    if (word < 0 || word > 0xffff) throw weightsError(label, `holds ${word} at element ${index}, which is not 16 bits`, CUT);
    view.setUint16(index * 2, Number(word), true);
  });
  return new Uint8Array(view.buffer);
}
