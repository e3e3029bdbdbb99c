/** A cell as an ONNX model of one node, `RNN`, `LSTM` or `GRU`, its weights inside. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import type { Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { sizeOf, type Tensor, type Tensors } from '../../runtime/data.js';
import { OP_FORMS } from '../../runtime/interop/onnx/options.js';
import { paramsToWeights } from '../../runtime/interop/weights/index.js';
import { activationsOf, type ChosenActivation, extraIn, isCellKind, OPERATORS } from './plain.js';

export interface OnnxModel {
  readonly bytes: Uint8Array;
  /** Names of X and of the initial states, then of Y and of the final states: states are in our order. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Those that take constants, and how many. */
const CONSTANTS: Readonly<Record<string, number>> = {
  leakyRelu: 1,
  elu: 1,
  thresholdedRelu: 1,
  hardSigmoid: 2,
  affine: 2,
  scaledTanh: 2,
};

/** The model of a cell at its options, or a sentence that says why ONNX has none. */
export function onnxModel(signature: Signature, sizes: Sizes, params: Tensors): OnnxModel | string {
  const { name, options } = signature;
  if (!isCellKind(name)) return `ONNX has no operator for the cell ${name}`;
  const operator = OPERATORS[name];
  const extra = extraIn(options, ['peepholes', 'coupled', 'clip']);
  if (extra !== undefined) return `the ONNX operator ${operator} has no ${extra}`;
  const activations = activationsOf(name, options);
  const unknown = activations.find((chosen) => chosen.name === 'linear');
  if (unknown !== undefined) return `ONNX has no activation ${unknown.name}`;

  const weights = paramsToWeights('onnx', name, signature, sizes, params);
  const [B, I, H] = [sizeOf(sizes, 'B'), sizeOf(sizes, 'I'), sizeOf(sizes, 'H')];
  const states = signature.state.map((state) => state.name);
  const inputs = ['X', ...states.map((state) => `initial_${state}`)];
  const outputs = ['Y', ...states.map((state) => `Y_${state}`)];
  const node = {
    opType: operator,
    // An input of the operator that there is none of is called ''.
    input: ['X', ...OP_FORMS[operator].inputs.map((input) => (input in weights || inputs.includes(input) ? input : ''))],
    output: outputs,
    attribute: [
      { name: 'hidden_size', type: Kind.INT, i: BigInt(H) },
      ...activationAttributes(activations),
      ...(Number(options.clip) > 0 ? [{ name: 'clip', type: Kind.FLOAT, f: Number(options.clip) }] : []),
      ...(options.coupled ? [{ name: 'input_forget', type: Kind.INT, i: 1n }] : []),
      ...(options.reset === 'after' ? [{ name: 'linear_before_reset', type: Kind.INT, i: 1n }] : []),
    ],
  };
  const T = sizeOf(sizes, 'T');
  const state = [1, B, H];
  const graph = {
    name,
    node: [node],
    initializer: Object.entries(weights).map(([weight, tensor]) => initializer(weight, tensor)),
    input: inputs.map((input) => value(input, input === 'X' ? [T, B, I] : state)),
    output: outputs.map((output) => value(output, output === 'Y' ? [T, ...state] : state)),
  };
  const opsetImport = [{ domain: '', version: 14n }];
  return { bytes: toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph })), inputs, outputs };
}

type Attributes = NonNullable<MessageInitShape<typeof NodeProtoSchema>['attribute']>;

/** Constants go to the functions that take some, in order. */
function activationAttributes(activations: readonly ChosenActivation[]): Attributes {
  const taking = (count: number) => activations.filter((chosen) => (CONSTANTS[chosen.name] ?? 0) >= count);
  const names = activations.map(({ name }) => `${name[0]?.toUpperCase()}${name.slice(1)}`);
  return [
    { name: 'activations', type: Kind.STRINGS, strings: names.map((name) => new TextEncoder().encode(name)) },
    { name: 'activation_alpha', type: Kind.FLOATS, floats: taking(1).map(({ alpha }) => alpha) },
    { name: 'activation_beta', type: Kind.FLOATS, floats: taking(2).map(({ beta }) => beta) },
  ];
}

function initializer(name: string, { shape, data }: Tensor) {
  const bytes = new Uint8Array(Float32Array.from(data).buffer);
  return { name, dims: shape.map(BigInt), dataType: Type.FLOAT, rawData: bytes };
}

function value(name: string, shape: readonly number[]) {
  const dim = shape.map((size) => ({ value: { case: 'dimValue' as const, value: BigInt(size) } }));
  return { name, type: { value: { case: 'tensorType' as const, value: { elemType: Type.FLOAT, shape: { dim } } } } };
}
