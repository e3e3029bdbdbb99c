/** Mistakes in the weights of other frameworks, and in the containers they come in. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { FunctionProtoSchema, TensorProto_DataLocation, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf';
import type { Tensors } from '../../runtime/data.js';
import { weightFormatAt } from '../../runtime/interop/fields.js';
import {
  openTensorFile,
  readRequest,
  readSafetensors,
  type TensorToStore,
  type WeightFormat,
  weightsOf,
  writeSafetensors,
} from '../../runtime/interop/index.js';
import { chooseDirection, importWeights, nodeNamed, openOnnx } from '../../runtime/interop/onnx/index.js';
import { decodeModel } from '../../runtime/interop/onnx/model.js';
import { SizeLedger } from '../../runtime/interop/sizes.js';
import { measureWeights, weightsToParams } from '../../runtime/interop/weights/index.js';
import { layerConfig } from '../../runtime/interop/weights/keras-config.js';
import {
  type GraphInit,
  initializers,
  modelBytes,
  node,
  recurrent,
  tensor,
  weightsOf as weightsOfNode,
} from '../interop/onnx-models.js';
import { lstm, rnn } from '../interop/signatures.js';
import { type Witness, witness } from './witness.js';

const ones = (...shape: number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(1),
});

/** A safetensors file with tensors of these shapes, read as weights. */
const file = (shapes: Readonly<Record<string, readonly number[]>>, found: string, choice = {}) =>
  witness(() => {
    const tensors = Object.entries(shapes).map(([name, shape]): [string, TensorToStore] => [name, ones(...shape)]);
    const read = readSafetensors(writeSafetensors(Object.fromEntries(tensors)), 'w.safetensors');
    return weightsOf({ source: 'w.safetensors', kind: 'a safetensors file', ...read }, choice);
  }, found);
const torch = (prefix: string, layer: string, inputs = 3) => ({
  [`${prefix}weight_ih_${layer}`]: [8, inputs],
  [`${prefix}weight_hh_${layer}`]: [8, 2],
});

/** Weights of a framework, held to a cell. */
const held = (format: WeightFormat, tensors: Tensors, found: string, { signature } = rnn()) =>
  witness(() => measureWeights(new SizeLedger(), format, signature.name, signature, tensors), found);

/** A safetensors file with this header, byte for byte, and so many zero bytes of data. */
const header = (text: string | Uint8Array, data: number, found: string, stated?: bigint) =>
  witness(() => {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    const all = new Uint8Array(8 + bytes.length + data);
    new DataView(all.buffer).setBigUint64(0, stated ?? BigInt(bytes.length), true);
    all.set(bytes, 8);
    return readSafetensors(all, 'a.safetensors');
  }, found);
const entry = (start: number, end: number, more = {}) => ({
  dtype: 'F32',
  shape: [(end - start) / 4],
  data_offsets: [start, end],
  ...more,
});
const entries = (tensors: object, data: number, found: string) => header(JSON.stringify(tensors), data, found);

/** A model's only node, imported from a file. */
const imported = (bytes: Uint8Array, found: string) =>
  witness(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'recurve-onnx-'));
    try {
      writeFileSync(join(folder, 'model.onnx'), bytes);
      const onnx = await openOnnx(join(folder, 'model.onnx'), 'model.onnx');
      const found = nodeNamed(onnx, undefined);
      return importWeights(onnx, found, chooseDirection(found, undefined));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, found);
const graph = (init: GraphInit, found: string) => imported(modelBytes(init), found);
const recursive = create(FunctionProtoSchema, { domain: 'mine', name: 'F', node: [node('F', [], [], { domain: 'mine' })] });
const elsewhere = create(TensorProtoSchema, {
  name: 'W',
  dims: [1n, 4n, 3n],
  dataType: TensorProto_DataType.FLOAT,
  dataLocation: TensorProto_DataLocation.EXTERNAL,
  externalData: [{ key: 'location', value: 'gone.bin' }],
});
const huge = create(TensorProtoSchema, {
  name: 'huge',
  dims: [3n],
  dataType: TensorProto_DataType.INT64,
  int64Data: [1n, 1_000_000n, 1_000_000n],
});
const R = tensor('R', [1, 4, 4], new Array<number>(16).fill(0.5));
const kerasModel = {
  version: 3,
  config: {
    class_name: 'Sequential',
    config: { layers: [{ class_name: 'LSTM', config: { name: 'lstm', activation: 'lecun_tanh' } }] },
  },
};

export const WEIGHTS = {
  'WEIGHTS-ACTIVATION': witness(() => layerConfig(kerasModel, 'layers/lstm/cell/', 'lstm'), 'lecun_tanh'),
  'WEIGHTS-CELL': held('torch', {}, 'cell mine', { ...rnn(), signature: { ...rnn().signature, name: 'mine' } }),
  'WEIGHTS-DIRECTIONS': held('onnx', { W: ones(2, 4, 3), R: ones(2, 4, 4) }, '[2, 4, 3]'),
  'WEIGHTS-FILE': witness(() => openTensorFile(Buffer.from('hello, these are no weights'), 'w.bin'), 'hello, t'),
  'WEIGHTS-FORMAT': witness(() => weightFormatAt('jax', 'weights.format'), 'jax'),
  'WEIGHTS-LAYER': file({ ...torch('', 'l0'), ...torch('', 'l1', 2) }, '2 layers and directions: l0 and l1'),
  'WEIGHTS-LEFTOVER': file({ ...torch('rnn.', 'l0'), 'rnn.gain': [2] }, '"rnn.gain"'),
  'WEIGHTS-MISSING': held('onnx', { W: ones(1, 4, 3) }, 'weights.R'),
  'WEIGHTS-NAME': held('onnx', { Q: ones(1) }, 'weights.Q'),
  'WEIGHTS-NONE': file({ 'fc.weight': [2, 2] }, '"fc.weight"'),
  'WEIGHTS-OPTION': held('onnx', { P: ones(1, 12) }, 'weights.P', lstm()),
  'WEIGHTS-PARAMETRIZATION': file({ weight_ih_l0: [8, 3], weight_hh_l0_orig: [8, 2] }, '"orig"'),
  'WEIGHTS-PREFIX': file(torch('rnn.', 'l0'), '"gru"', { prefix: 'gru' }),
  'WEIGHTS-RANGE': witness(() => {
    const tensors = { W: ones(1, 1, 1), R: ones(1, 1, 1), B: { shape: [1, 2], data: Float32Array.of(3e38, 3e38) } };
    return weightsToParams('onnx', 'rnn', rnn().signature, { T: 1, B: 1, I: 1, H: 1 }, tensors);
  }, 'b[0]'),
  'WEIGHTS-SHAPE': held('onnx', { W: ones(1, 4), R: ones(1, 4, 4) }, '[1, 4]'),

  'ONNX-ATTRIBUTE': graph(
    { node: [recurrent('RNN', { hidden_size: 5 })], initializer: initializers(weightsOfNode('RNN')) },
    'is 5',
  ),
  // The version, then a graph of one byte: a tag whose type there is not.
  'ONNX-CORRUPT': witness(() => decodeModel(Uint8Array.of(0x08, 0x08, 0x3a, 0x01, 0x0f), 'model.onnx'), 'model.onnx is damaged'),
  'ONNX-DIRECTION': graph({ node: [recurrent('GRU', { direction: 'bidirectional' })] }, 'forward and reverse'),
  'ONNX-EXTERNAL': graph({ node: [node('RNN', ['X', 'W', 'R'], ['Y'])], initializer: [elsewhere, R] }, '"gone.bin"'),
  'ONNX-FILE': witness(() => openOnnx('/nowhere/model.onnx'), '/nowhere/model.onnx'),
  'ONNX-NESTING': imported(modelBytes({ node: [node('F', [], [], { domain: 'mine' })] }, [recursive]), 'the function F'),
  'ONNX-NODE': graph({ node: [] }, 'no LSTM, GRU or RNN node'),
  'ONNX-NOT-A-MODEL': imported(Buffer.from('hello world'), 'byte 2'),
  'ONNX-SIZE': graph(
    { node: [node('ConstantOfShape', ['huge'], ['W']), node('RNN', ['X', 'W', 'R'], ['Y'])], initializer: [huge, R] },
    '1000000',
  ),
  'ONNX-TRUNCATED': imported(modelBytes({ node: [recurrent('RNN')] }).subarray(0, 20), 'byte 20'),
  'ONNX-WEIGHTS': graph({ node: [recurrent('RNN')] }, 'W of RNN_0'),

  'SAFETENSORS-BYTES': entries({ a: entry(0, 4, { shape: [2] }) }, 4, 'spans 4 bytes'),
  'SAFETENSORS-DTYPE': entries({ a: entry(0, 4, { dtype: 7 }) }, 4, 'the number 7'),
  'SAFETENSORS-DUPLICATE': header(`{"a":${JSON.stringify(entry(0, 4))},"a":${JSON.stringify(entry(0, 4))}}`, 4, '"a"'),
  'SAFETENSORS-HEADER': header('[]', 0, 'an array'),
  'SAFETENSORS-HEADER-SIZE': header('{}', 0, String(2 ** 40), 2n ** 40n),
  'SAFETENSORS-JSON': header('{"a', 0, 'not JSON'),
  'SAFETENSORS-METADATA': entries({ __metadata__: 3 }, 0, 'the number 3'),
  'SAFETENSORS-NAME': witness(() => readRequest(writeSafetensors({ 'inputz.x': ones(1) }), 'a.safetensors'), '"inputz.x"'),
  'SAFETENSORS-OFFSETS': entries({ a: entry(4, 8) }, 8, '4 bytes before it unused'),
  'SAFETENSORS-TRAILING': entries({ a: entry(0, 4) }, 7, '3 bytes behind'),
  'SAFETENSORS-TRUNCATED': witness(() => readSafetensors(new Uint8Array(3), 'a.safetensors'), 'has 3 bytes'),
  'SAFETENSORS-UTF8': header(Uint8Array.of(0x7b, 0xff, 0x7d), 0, 'not UTF-8'),
} as const satisfies Readonly<Record<string, Witness>>;
