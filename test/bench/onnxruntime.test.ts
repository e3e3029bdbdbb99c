import { describe, expect, it } from 'vitest';
import { whereInstalled } from '../../bench/peers/installed.js';
import { onnxModel } from '../../bench/peers/onnx-model.js';
import { openOnnxRuntime } from '../../bench/peers/onnxruntime.js';
import type { Peer } from '../../bench/peers/peer.js';
import type { Signature } from '../../codegen/frontend/tree.js';
import { compareResults } from '../../runtime/compare.js';
import type { CellData } from '../../runtime/data.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { cellOf } from './cells.js';
import { readModel, STAND_IN } from './onnx-stand-in.js';

const SIZES = { T: 5, B: 3, I: 7, H: 6 };
const CASES: readonly (readonly [string, Readonly<Record<string, string | number | boolean>>])[] = [
  ['rnn', {}],
  ['rnn', { activation: 'leakyRelu', alpha: 0.3, clip: 0.5 }],
  ['lstm', {}],
  ['lstm', { peepholes: true, gateActivation: 'hardSigmoid', cellActivation: 'scaledTanh', cellAlpha: 0.75 }],
  ['lstm', { coupled: true, outputActivation: 'elu' }],
  ['gru', { reset: 'after' }],
  ['gru', { reset: 'before', candidateActivation: 'softsign' }],
];

/** The package where it is installed, and everywhere what stands in for it. */
const found = await openOnnxRuntime();
const standIn = await openOnnxRuntime(async () => STAND_IN);
const peers = [['a stand-in', standIn] as const, ...(typeof found === 'string' ? [] : [['onnxruntime', found] as const])];

describe.each(peers)('the peer onnxruntime on %s', (_, opened) => {
  const peer = opened as Peer;

  it.each(CASES)('computes what our %s does with %o, forward alone', async (name, given) => {
    const { signature, tree } = cellOf(name, given);
    const data = randomData(signature, SIZES, { h: ['H'] }, { seed: 1 });
    const layer = layerOf(signature, data);
    await layer.forward();
    const { outputs, state, gradients } = await layer.read();
    layer.dispose();
    expect([layer.forwardBackward, gradients, layer.differs]).toEqual([undefined, undefined, undefined]);
    const expected = runReference(tree, signature, SIZES, data);
    const compared = compareResults({ outputs, state }, { outputs: expected.outputs, state: expected.state }, 1e-5);
    expect(compared.filter(({ ok }) => !ok)).toEqual([]);
    expect(compared.map((tensor) => tensor.name)).toContain('state.h');
  });

  it('starts from zeros where the data gives no state, and gives the outputs alone where nothing else is asked for', async () => {
    const { signature, tree } = cellOf('lstm', {});
    const random = randomData(signature, SIZES, { h: ['H'] }, { seed: 2 });
    const data = { ...random, state: {}, cotangents: undefined };
    const layer = layerOf(signature, data);
    const read = await layer.read();
    layer.dispose();
    const { outputs } = runReference(tree, signature, SIZES, data);
    expect(compareResults(read, { outputs, state: {} }, 1e-5).filter(({ ok }) => !ok)).toEqual([]);
  });

  it('says where it runs, and that it has no gradients', () => {
    const { signature } = cellOf('rnn', {});
    const layer = layerOf(signature, randomData(signature, SIZES, { h: ['H'] }, { seed: 3 }));
    layer.dispose();
    expect(layer.note).toMatch(/^on the processor, native code on as many threads as it takes of \d+; it has no gradients$/);
  });

  it.each([
    ['lstm', { projection: true }, 'the ONNX operator LSTM has no projection'],
    ['lstm', { cellClip: 2 }, 'the ONNX operator LSTM has no cellClip'],
    ['gru', { layerNorm: 'ba' }, 'the ONNX operator GRU has no layerNorm'],
    ['rnn', { activation: 'linear' }, 'ONNX has no activation linear'],
    ['min-gru', {}, 'ONNX has no operator for the cell min-gru'],
  ])('has no layer for %s with %o and says why', (name, given, reason) => {
    const { signature } = cellOf(name, given);
    const sizes = { ...SIZES, P: 4 };
    const data = randomData(signature, sizes, { h: ['H'] }, { seed: 4 });
    expect(peer.layer(signature, sizes, data)).toBe(reason);
  });

  it('has none for sequences in reverse', () => {
    const { signature } = cellOf('gru', {});
    const data = randomData(signature, SIZES, { h: ['H'] }, { seed: 5 });
    const reason = 'the comparison runs full sequences forward in time';
    expect(peer.layer(signature, SIZES, { ...data, reverse: true })).toBe(reason);
  });

  function layerOf(signature: Signature, data: CellData) {
    const layer = peer.layer(signature, SIZES, data);
    if (typeof layer === 'string') throw new Error(layer);
    return layer;
  }
});

describe('the ONNX model of a cell', () => {
  it.each(CASES)('is read back as our %s with %o, every weight in its place', async (name, given) => {
    const { signature } = cellOf(name, given);
    const { params } = randomData(signature, SIZES, { h: ['H'] }, { seed: 6 });
    const model = onnxModel(signature, SIZES, params);
    if (typeof model === 'string') throw new Error(model);
    const read = await readModel(model.bytes);
    expect(read.signature.options).toEqual(signature.options);
    expect(read.params).toEqual(params);
  });
});

describe('a peer that is not installed', () => {
  it('is told, with the command that installs it', async () => {
    const missing = 'no-package-of-this-name';
    expect(await whereInstalled(`npm install ${missing}`, () => import(missing))).toBe(
      `it is not installed; npm install ${missing}`,
    );
    expect(await openOnnxRuntime(() => import(missing))).toMatch(
      /^it is not installed; ONNXRUNTIME_NODE_INSTALL=skip npm install /,
    );
  });

  it('hides no other error', async () => {
    const broken = () => Promise.reject(new TypeError('broken'));
    await expect(whereInstalled('npm install it', broken)).rejects.toThrow('broken');
  });
});
