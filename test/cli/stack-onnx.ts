/** A chain of nodes as exporters write it: what lies between two layers, initial states, the bias that may be missing. */

import { create } from '@bufbuild/protobuf';
import { type NodeProto, type TensorProto, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf';
import { attributes, type GraphInit, node, tensor } from '../interop/onnx-models.js';
import { B, type Case, type Data, H, LENGTHS, type Named, T } from './stack-frameworks.js';

export type Between = (from: string, to: string, directions: number) => readonly NodeProto[];

/** Whole numbers as a tensor. */
export function whole(name: string, values: readonly number[], shape: readonly number[] = [values.length]): TensorProto {
  const rawData = new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
  return create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType: TensorProto_DataType.INT64, rawData });
}
export const shapeOf = (name: string, values: readonly number[]) =>
  node('Constant', [], [name], { attribute: attributes({ value: { tensor: whole('', values) } }) });
export const ints = (name: string, ...values: number[]) => {
  const [attribute] = attributes({ [name]: 0 });
  return attribute ? [{ ...attribute, type: 7, ints: values.map(BigInt) }] : [];
};

/** torch.onnx.export, symbolic_opset9.py `_generic_rnn`. */
export const AS_PYTORCH: Between = (from, to, directions) =>
  directions === 1
    ? [shapeOf(`${to}/axes`, [1]), node('Squeeze', [from, `${to}/axes`], [to])]
    : [
        node('Transpose', [from], [`${to}/t`], { attribute: ints('perm', 0, 2, 1, 3) }),
        shapeOf(`${to}/shape`, [0, 0, -1]),
        node('Reshape', [`${to}/t`, `${to}/shape`], [to]),
      ];

/** tf2onnx of Keras layers, batch first in between; both directions cut apart and joined again. */
export const AS_TF2ONNX: Between = (from, to, directions) => {
  const turned = (name: string, result: string) => [
    node('Transpose', [name], [`${result}/bt`], { attribute: ints('perm', 1, 0, 2) }),
    node('Identity', [`${result}/bt`], [`${result}/id`]),
    node('Transpose', [`${result}/id`], [result], { attribute: ints('perm', 1, 0, 2) }),
  ];
  if (directions === 1) return [node('Squeeze', [from], [`${to}/s`], { attribute: ints('axes', 1) }), ...turned(`${to}/s`, to)];
  const half = (place: number) => [
    shapeOf(`${to}/start${place}`, [place]),
    shapeOf(`${to}/end${place}`, [place === 0 ? 1 : 2 ** 31]),
    shapeOf(`${to}/axis${place}`, [1]),
    node('Slice', [from, `${to}/start${place}`, `${to}/end${place}`, `${to}/axis${place}`], [`${to}/slice${place}`]),
    node('Squeeze', [`${to}/slice${place}`, `${to}/axis${place}`], [`${to}/half${place}`]),
  ];
  return [
    ...half(0),
    ...half(1),
    node('Concat', [`${to}/half0`, `${to}/half1`], [`${to}/c`], { attribute: attributes({ axis: -1 }) }),
    ...turned(`${to}/c`, to),
  ];
};

/** Sizes that the exporter knew are in the shape. */
export const AS_FIXED: Between = (from, to, directions) => [
  node('Transpose', [from], [`${to}/t`], { attribute: ints('perm', 0, 2, 1, 3) }),
  shapeOf(`${to}/shape`, [T, B, directions * H]),
  node('Reshape', [`${to}/t`, `${to}/shape`], [to]),
];

/** The graph of a case, its weights and initial states as initializers. */
export function chainGraph(kase: Case, { weights, state }: Data, between: Between): GraphInit {
  const op = kase.cell.toUpperCase();
  const [D, direction] = kase.direction === 'both' ? [2, 'bidirectional'] : [1, kase.direction];
  const { clip, reset, coupled, activation } = kase.options;
  const values = {
    hidden_size: H,
    direction,
    ...(typeof clip === 'number' ? { clip: { float: clip } } : {}),
    ...(kase.cell === 'gru' ? { linear_before_reset: reset === 'after' ? 1 : 0 } : {}),
    ...(coupled === true ? { input_forget: 1 } : {}),
    ...(activation === 'relu' ? { activations: Array.from({ length: D }, () => 'Relu') } : {}),
  };
  const initializer: TensorProto[] = [lengths()];
  const nodes: NodeProto[] = [];
  for (let layer = 0; layer < kase.layers; layer++) {
    const name = (part: string) => (kase.layers > 1 ? `layers.${layer}.${part}` : part);
    const given = (part: string) => (weights[name(part)] === undefined ? '' : name(part));
    for (const part of ['W', 'R', 'B', 'P']) {
      const own = weights[name(part)];
      if (own) initializer.push(tensor(name(part), own.shape, own.data));
    }
    const starts = ['h', 'c'].map((which) => {
      const rows = (state as Named)[which];
      if (rows === undefined) return '';
      const size = rows.data.length / kase.layers;
      initializer.push(tensor(`${which}0_${layer}`, [D, B, H], rows.data.slice(layer * size, (layer + 1) * size)));
      return `${which}0_${layer}`;
    });
    const inputs = [`X${layer}`, name('W'), name('R'), given('B'), 'lens', ...starts.slice(0, kase.cell === 'lstm' ? 2 : 1)];
    nodes.push(
      node(op, kase.cell === 'lstm' ? [...inputs, given('P')] : inputs, [`Y${layer}`], { attribute: attributes(values) }),
      ...(layer + 1 < kase.layers ? between(`Y${layer}`, `X${layer + 1}`, D) : []),
    );
  }
  return { node: nodes, initializer, input: [{ name: 'X0' }] };
}

function lengths(): TensorProto {
  return create(TensorProtoSchema, {
    name: 'lens',
    dims: [BigInt(B)],
    dataType: TensorProto_DataType.INT32,
    int32Data: [...LENGTHS],
  });
}
