/** Weights behind operators on constants, quantized weights, initial state, and files made to be slow. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from 'onnx-buf';
import { afterAll, expect, it } from 'vitest';
import { RecurveError } from '../../codegen/errors.js';
import { chooseDirection, importWeights, listNodes, nodeNamed, openOnnx } from '../../runtime/interop/onnx/index.js';
import { attributes, type GraphInit, H, I, initializers, modelBytes, node, recurrent, tensor, weightsOf } from './onnx-models.js';

const folder = mkdtempSync(join(tmpdir(), 'recurve-fold-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function open(graph: GraphInit) {
  writeFileSync(join(folder, 'model.onnx'), modelBytes(graph));
  return openOnnx(join(folder, 'model.onnx'), 'model.onnx');
}

async function imported(graph: GraphInit) {
  const file = await open(graph);
  const found = nodeNamed(file, undefined);
  return importWeights(file, found, chooseDirection(found, undefined));
}

async function refusal(action: Promise<unknown>): Promise<string> {
  return action.then(
    () => 'no refusal',
    (error) => (error instanceof RecurveError ? `${error.code}: ${error.message}` : Promise.reject(error)),
  );
}

const ints = (name: string, values: readonly number[]) =>
  create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: values.map(BigInt) });
const int64 = (name: string, values: readonly number[]) =>
  create(TensorProtoSchema, {
    name,
    dims: [BigInt(values.length)],
    dataType: TensorProto_DataType.INT64,
    int64Data: values.map(BigInt),
  });
const int8 = (name: string, shape: readonly number[], values: readonly number[]) =>
  create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType: TensorProto_DataType.INT8, int32Data: [...values] });

/** An RNN whose W is made by nodes out of `raw`, [1, 4, 3] with the values 0 … 11 in the order of its own rows. */
const rnn = weightsOf('RNN');
const { W: _, ...others } = rnn;
const counted = Array.from({ length: H * I }, (_, k) => k);
const made = async (nodes: readonly NodeProto[], more: GraphInit['initializer'] = [], shape = [H, I], values = counted) => {
  const graph = {
    node: [...nodes, recurrent('RNN')],
    initializer: [tensor('raw', shape, values), ...more, ...initializers(others)],
  };
  return [...((await imported(graph)).tensors.W?.data ?? [])];
};
const lead = node('Unsqueeze', ['w'], ['W'], { attribute: [ints('axes', [0])] });

it('weights come out of constant Slice, Concat, Transpose, Gather, Split, Cast, Where, If and DequantizeLinear', async () => {
  const backward = node('Slice', ['raw', 's', 'e', 'a', 'd'], ['w']);
  const reversed = [9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2];
  expect(await made([lead, backward], [int64('s', [-1]), int64('e', [-99]), int64('a', [-2]), int64('d', [-1])])).toEqual(
    reversed,
  );
  const halves = [
    node('Slice', ['raw'], ['low'], { attribute: [ints('starts', [2]), ints('ends', [99]), ints('axes', [0])] }),
    node('Slice', ['raw'], ['high'], { attribute: [ints('starts', [0]), ints('ends', [-2]), ints('axes', [0])] }),
    node('Concat', ['low', 'high'], ['w'], { attribute: attributes({ axis: -2 }) }),
  ];
  expect(await made([...halves, lead])).toEqual([6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5]);
  expect(await made([node('Transpose', ['raw'], ['w']), lead], [], [I, H])).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
  expect(await made([node('Gather', ['raw', 'at'], ['w']), lead], [int64('at', [-1, 0, 2, 1])])).toEqual([
    9, 10, 11, 0, 1, 2, 6, 7, 8, 3, 4, 5,
  ]);
  const split = [
    node('Split', ['raw', 'sizes'], ['a', 'b']),
    node('Concat', ['b', 'a'], ['w'], { attribute: attributes({ axis: 0 }) }),
  ];
  expect(await made([...split, lead], [int64('sizes', [1, 3])])).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2]);
  const cast = [
    node('Cast', ['raw'], ['narrow'], { attribute: attributes({ to: TensorProto_DataType.FLOAT16 }) }),
    node('Cast', ['narrow'], ['w'], { attribute: attributes({ to: TensorProto_DataType.FLOAT }) }),
  ];
  // Halves to even at ten bits behind the first: 2049 lies between 2048 and 2050.
  expect(
    (
      await made(
        [...cast, lead],
        [],
        [H, I],
        counted.map((k) => 2049 + k),
      )
    ).slice(0, 4),
  ).toEqual([2048, 2050, 2052, 2052]);
  const q = [node('DequantizeLinear', ['q', 'scale', 'zero'], ['w'], { attribute: attributes({ axis: 0 }) })];
  const scales = [tensor('scale', [H], [1, 2, 0.5, -1]), int8('zero', [H], [0, 1, 0, 2]), int8('q', [H, I], counted)];
  expect(await made([...q, lead], scales)).toEqual([0, 1, 2, 4, 6, 8, 3, 3.5, 4, -7, -8, -9]);
  const branch = (name: string) => ({
    graph: { name, node: [node('Neg', ['raw'], ['n'])], output: [{ name: name === 'no' ? 'n' : 'raw' }] },
  });
  const choice = [
    node('Equal', ['s', 's'], ['same']),
    node('If', ['same'], ['w'], { attribute: attributes({ then_branch: branch('yes'), else_branch: branch('no') }) }),
  ];
  expect(await made([...choice, lead], [int64('s', [1])])).toEqual(counted);
});

it('a weight that needs itself, or more memory than the file accounts for, is refused', async () => {
  expect(await refusal(made([node('Add', ['w', 'raw'], ['w']), lead]))).toMatch(/^ONNX-WEIGHTS: W of RNN_0 is not in the file/);
  expect(await refusal(made([node('ConstantOfShape', ['huge'], ['W'])], [int64('huge', [1, 1e6, 1e6])]))).toMatch(
    /^ONNX-SIZE: W of RNN_0/,
  );
});

it('activations of ONNX keep their constants, each direction its own, and defaults are left out', async () => {
  const graph = (values: Parameters<typeof attributes>[0]) => ({
    node: [recurrent('RNN', values)],
    initializer: initializers(rnn),
  });
  const options = async (values: Parameters<typeof attributes>[0]) => (await imported(graph(values))).options;
  expect(await options({ activations: ['hardsigmoid'], activation_alpha: [Math.fround(1 / 6)], activation_beta: [0.5] })).toEqual(
    {
      activation: 'hardSigmoid',
      alpha: 0.16666667,
    },
  );
  expect(await options({ activations: ['Affine'], activation_alpha: [0.3], activation_beta: [0.8] })).toEqual({
    activation: 'affine',
    alpha: 0.3,
    beta: 0.8,
  });
  expect((await imported(graph({ activations: ['ThresholdedRelu'] }))).notes).toEqual([
    "activation_alpha of ThresholdedRelu is not given: read as the operator's default 1; ONNX Runtime takes 0",
  ]);
});

it('constant initial state and lengths are kept, by layout and direction; zeros are not, and what a run makes is told', async () => {
  const start = (h0: readonly number[], shape: readonly number[], values: Parameters<typeof attributes>[0] = {}) => ({
    node: [node('RNN', ['X', 'W', 'R', 'B', 'lens', 'h0'], ['Y'], { attribute: attributes(values) })],
    initializer: [
      ...initializers(rnn),
      tensor('h0', shape, h0),
      create(TensorProtoSchema, { name: 'lens', dims: [2n], dataType: TensorProto_DataType.INT32, int32Data: [3, 0] }),
    ],
  });
  const kept = await imported(start([1, 2, 3, 4, 5, 6, 7, 8], [2, 1, H], { layout: 1 }));
  expect(kept.state.h).toEqual({ shape: [2, H], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
  expect(kept.lengths).toEqual([3, 0]);
  expect((await imported(start([0, 0, 0, 0], [1, 1, H]))).state).toEqual({});
  const told = await imported({
    ...start([0, 0, 0, 0], [1, 1, H]),
    initializer: initializers(rnn),
    input: [{ name: 'h0' }, { name: 'lens' }],
  });
  expect(told.notes).toEqual([
    'initial_h is an input of the model; give it as state.h, zero where the data leaves it out',
    'sequence_lens is an input of the model; give it as lengths',
  ]);
  expect(told.readAs).toBe('read as ONNX RNN, forward');
});

it('DynamicQuantizeLSTM is dequantized, row by row, and transposed', async () => {
  const rows = 4 * H;
  const q = Array.from({ length: I * rows }, (_, k) => (k % 7) - 3);
  const r = Array.from({ length: H * rows }, () => 1);
  const scale = Array.from({ length: rows }, (_, row) => row + 1);
  const result = await imported({
    node: [
      node('DynamicQuantizeLSTM', ['X', 'W', 'R', '', '', '', '', '', 'ws', 'wz', 'rs', 'rz'], ['Y'], {
        domain: 'com.microsoft',
      }),
    ],
    initializer: [
      int8('W', [1, I, rows], q),
      int8('R', [1, H, rows], r),
      tensor('ws', [1, rows], scale),
      int8(
        'wz',
        [1, rows],
        scale.map(() => 1),
      ),
      tensor('rs', [1], [0.5]),
      int8('rz', [1], [0]),
    ],
  });
  expect(result.tensors.W?.shape).toEqual([1, rows, I]);
  expect([...(result.tensors.W?.data ?? [])]).toEqual(
    scale.flatMap((step, row) => Array.from({ length: I }, (_, column) => ((q[column * rows + row] ?? 0) - 1) * step)),
  );
  expect(result.tensors.R?.data[5]).toBe(0.5);
  expect(result.readAs).toContain('DynamicQuantizeLSTM of com.microsoft');
});

it('forty thousand nodes of one name are listed in seconds, and a chain as long is followed', async () => {
  const many = Array.from({ length: 40_000 }, () => recurrent('RNN', {}, { name: 'same' }));
  const begin = performance.now();
  const file = await open({ node: many, initializer: initializers(rnn) });
  expect(listNodes(file).at(-1)?.name).toBe('same#40000');
  const chain = Array.from({ length: 40_000 }, (_, k) => node('Identity', [k === 0 ? 'raw' : `v${k - 1}`], [`v${k}`]));
  expect(await made([...chain, node('Unsqueeze', ['v39999'], ['W'], { attribute: [ints('axes', [-3])] })])).toEqual(counted);
  expect(performance.now() - begin).toBeLessThan(30_000);
}, 40_000);
