import { describe, expect, it } from 'vitest';
import { whereInstalled } from '../../bench/peers/installed.js';
import { onnxModel } from '../../bench/peers/onnx-model.js';
import { openOnnxRuntime } from '../../bench/peers/onnxruntime.js';
import { randomData } from '../../runtime/random.js';
import { besideOurs, type Case, computesOurs, refuses } from './beside.js';
import { cellOf } from './cells.js';
import { readModel, STAND_IN } from './onnx-stand-in.js';

const SIZES = { T: 5, B: 3, I: 7, H: 6 };
const CASES: readonly Case[] = [
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
  const beside = besideOurs(SIZES, async () => opened);

  computesOurs(beside, CASES, 1e-5);
  refuses(beside, [
    ['lstm', { projection: true }, 'the ONNX operator LSTM has no projection'],
    ['lstm', { cellClip: 2 }, 'the ONNX operator LSTM has no cellClip'],
    ['gru', { layerNorm: 'ba' }, 'the ONNX operator GRU has no layerNorm'],
    ['rnn', { activation: 'linear' }, 'ONNX has no activation linear'],
    ['min-gru', {}, 'ONNX has no operator for the cell min-gru'],
  ]);

  it('says where it runs, and that it has no gradients', () => {
    const { signature } = cellOf('rnn', {});
    const layer = beside.layer(signature, randomData(signature, SIZES, { h: ['H'] }, { seed: 3 }));
    layer.dispose();
    expect(layer.forwardBackward).toBeUndefined();
    expect(layer.note).toMatch(/^on the processor, native code on as many threads as it takes of \d+; it has no gradients$/);
  });
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
