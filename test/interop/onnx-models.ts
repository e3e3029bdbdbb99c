/** ONNX models for tests, built with the schema that reads them. Weights are seeded and small. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Attribute,
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from 'onnx-buf';
import { random } from './mutations.js';

export type GraphInit = MessageInitShape<typeof GraphProtoSchema>;
export type Op = 'LSTM' | 'GRU' | 'RNN';
export const [I, H] = [3, 4];
const GATES: Readonly<Record<Op, number>> = { LSTM: 4, GRU: 3, RNN: 1 };

export function modelBytes(graph: GraphInit, functions: readonly FunctionProto[] = []): Uint8Array<ArrayBuffer> {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 10n,
      producerName: 'test',
      opsetImport: [{ domain: '', version: 22n }],
      graph: { name: 'main', ...graph },
      functions: [...functions],
    }),
  );
}

export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  more: MessageInitShape<typeof NodeProtoSchema> = {},
) {
  return create(NodeProtoSchema, { opType, input: [...input], output: [...output], ...more });
}

type Value =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { float: number }
  | { graph: GraphInit }
  | { tensor: TensorProto };

export function attribute(name: string, value: Value): AttributeProto {
  const init = (more: MessageInitShape<typeof AttributeProtoSchema>) => create(AttributeProtoSchema, { name, ...more });
  const bytes = (text: string) => new TextEncoder().encode(text);
  if (typeof value === 'number') return init({ type: Attribute.INT, i: BigInt(value) });
  if (typeof value === 'string') return init({ type: Attribute.STRING, s: bytes(value) });
  if ('float' in value) return init({ type: Attribute.FLOAT, f: value.float });
  if ('graph' in value) return init({ type: Attribute.GRAPH, g: value.graph });
  if ('tensor' in value) return init({ type: Attribute.TENSOR, t: value.tensor });
  if (value.every((element) => typeof element === 'string')) {
    return init({ type: Attribute.STRINGS, strings: value.map((text) => bytes(String(text))) });
  }
  return init({ type: Attribute.FLOATS, floats: value.map(Number) });
}

export function attributes(values: Readonly<Record<string, Value>>): AttributeProto[] {
  return Object.entries(values).map(([name, value]) => attribute(name, value));
}

export interface Weights {
  readonly [name: string]: { readonly shape: readonly number[]; readonly data: readonly number[] };
}

/** Float32 values of W, R, B and for an LSTM P, of one direction or two. */
export function weightsOf(op: Op, { directions = 1, seed = 1 } = {}): Weights {
  const next = random(seed);
  const gates = GATES[op];
  const shapes: Readonly<Record<string, readonly number[]>> = {
    W: [directions, gates * H, I],
    R: [directions, gates * H, H],
    B: [directions, 2 * gates * H],
    ...(op === 'LSTM' ? { P: [directions, 3 * H] } : {}),
  };
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const count = shape.reduce((product, size) => product * size, 1);
      return [name, { shape, data: Array.from({ length: count }, () => Math.fround(next() - 0.5)) }];
    }),
  );
}

/** One direction out of two. */
export function half(weights: Weights, place: number): Weights {
  return Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => {
      const size = data.length / (shape[0] ?? 1);
      return [name, { shape: [1, ...shape.slice(1)], data: data.slice(place * size, (place + 1) * size) }];
    }),
  );
}

export type Storage = 'raw' | 'typed' | 'half' | 'rawHalf' | 'bfloat' | 'double' | 'rawDouble';

/** A tensor in one of the ways in which files hold them. */
export function tensor(name: string, shape: readonly number[], data: readonly number[], storage: Storage = 'raw'): TensorProto {
  const Type = TensorProto_DataType;
  const init = (dataType: TensorProto_DataType, more: MessageInitShape<typeof TensorProtoSchema>) =>
    create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType, ...more });
  if (storage === 'typed') return init(Type.FLOAT, { floatData: [...data] });
  if (storage === 'double') return init(Type.DOUBLE, { doubleData: [...data] });
  if (storage === 'half') return init(Type.FLOAT16, { int32Data: data.map(halfBits) });
  if (storage === 'bfloat') return init(Type.BFLOAT16, { int32Data: data.map(bfloatBits) });
  if (storage === 'rawHalf') return init(Type.FLOAT16, { rawData: new Uint8Array(Uint16Array.from(data, halfBits).buffer) });
  if (storage === 'rawDouble') return init(Type.DOUBLE, { rawData: new Uint8Array(Float64Array.from(data).buffer) });
  return init(Type.FLOAT, { rawData: new Uint8Array(Float32Array.from(data).buffer) });
}

export function initializers(weights: Weights, storage: Storage = 'raw'): TensorProto[] {
  return Object.entries(weights).map(([name, { shape, data }]) => tensor(name, shape, data, storage));
}

export function constants(weights: Weights): NodeProto[] {
  return Object.entries(weights).map(([name, { shape, data }]) =>
    node('Constant', [], [name], { attribute: attributes({ value: { tensor: tensor('', shape, data) } }) }),
  );
}

/** The inputs of a node that has every weight and none of the optional state. */
export const INPUTS: Readonly<Record<Op, readonly string[]>> = {
  LSTM: ['X', 'W', 'R', 'B', '', '', '', 'P'],
  GRU: ['X', 'W', 'R', 'B'],
  RNN: ['X', 'W', 'R', 'B'],
};

export function recurrent(
  op: Op,
  values: Readonly<Record<string, Value>> = {},
  more: MessageInitShape<typeof NodeProtoSchema> = {},
) {
  return node(op, INPUTS[op], ['Y'], { attribute: attributes({ hidden_size: H, ...values }), ...more });
}

/** The bits of the nearest half at or below in magnitude; test values are normal halves. */
function halfBits(value: number): number {
  const single = new DataView(new ArrayBuffer(4));
  single.setFloat32(0, value);
  const bits = single.getUint32(0);
  const exponent = ((bits >> 23) & 0xff) - 127 + 15;
  return value === 0 ? 0 : ((bits >>> 16) & 0x8000) | (exponent << 10) | ((bits >> 13) & 0x3ff);
}

function bfloatBits(value: number): number {
  const single = new DataView(new ArrayBuffer(4));
  single.setFloat32(0, value);
  return single.getUint16(0);
}
