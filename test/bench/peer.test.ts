import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPeer } from '../../bench/peers/open.js';
import type { Peer } from '../../bench/peers/peer.js';
import { compareResults } from '../../runtime/compare.js';
import type { CellData } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { cellOf } from './cells.js';

const SIZES = { T: 5, B: 3, I: 7, H: 6 };

describe.each(['tfjs-webgpu', 'tfjs-wasm'] as const)('the peer %s', (peerName) => {
  let device: RecurveDevice;
  let peer: Peer;

  beforeAll(async () => {
    device = await openDevice('auto');
    const opened = await openPeer(peerName, device);
    if (typeof opened === 'string') throw new Error(opened);
    peer = opened;
  });
  afterAll(() => {
    peer?.close();
    device?.close();
  });

  it.each([
    ['rnn', { activation: 'tanh' }],
    ['rnn', { activation: 'relu' }],
    ['lstm', {}],
    ['lstm', { gateActivation: 'hardSigmoid', cellActivation: 'softsign', outputActivation: 'softsign' }],
    ['gru', { reset: 'before' }],
  ])('computes what our %s does with %o', async (name, given) => {
    const { signature, tree } = cellOf(name, given);
    const data = randomData(signature, SIZES, { h: ['H'] }, { seed: 1 });
    const layer = layerOf(signature, data);
    const found = await layer.read();
    expect(layer.differs).toBeUndefined();
    layer.dispose();
    const compared = compareResults(found, runReference(tree, signature, SIZES, data), 1e-4);
    expect(compared.filter(({ ok }) => !ok)).toEqual([]);
    expect(compared.map((tensor) => tensor.name)).toContain('gradients.inputs.x');
  });

  it('starts from zeros where the data gives no state', async () => {
    const { signature, tree } = cellOf('lstm', {});
    const random = randomData(signature, SIZES, { h: ['H'] }, { seed: 2 });
    const data = { ...random, state: {}, cotangents: { outputs: random.cotangents?.outputs ?? {}, state: {} } };
    const layer = layerOf(signature, data);
    const { outputs, gradients } = await layer.read();
    layer.dispose();
    const expected = runReference(tree, signature, SIZES, data);
    const compared = compareResults(
      { outputs, state: {}, gradients },
      {
        outputs: expected.outputs,
        state: {},
        gradients: { inputs: {}, params: {}, ...expected.gradients, state: {} },
      },
      1e-4,
    );
    expect(compared.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('leaves no tensor behind, and its timed runs end without a fault on the device', async () => {
    const { memory } = createRequire(import.meta.url)('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
    const before = memory().numTensors;
    const { signature } = cellOf('lstm', {});
    const layer = layerOf(signature, randomData(signature, SIZES, { h: ['H'] }, { seed: 3 }));
    await layer.forward();
    await layer.forwardBackward?.();
    await layer.read();
    device.check();
    layer.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('says that its gru resets before where ours resets after', () => {
    const { signature } = cellOf('gru', {});
    const layer = layerOf(signature, randomData(signature, SIZES, { h: ['H'] }, { seed: 4 }));
    expect(layer.differs).toMatchInlineSnapshot(`"it runs reset: 'before'; tfjs refuses reset_after"`);
    layer.dispose();
  });

  it.each([
    ['lstm', { peepholes: true }, "Keras's lstm has no peepholes"],
    ['lstm', { cellActivation: 'relu' }, "Keras's lstm has one activation for g and h"],
    ['rnn', { activation: 'leakyRelu' }, 'Keras has no activation leakyRelu'],
    ['gru', { clip: 2 }, "Keras's gru has no clip"],
  ])('has no layer for %s with %o and says why', (name, given, reason) => {
    const { signature } = cellOf(name, given);
    const sizes = { ...SIZES, P: 4 };
    const data = randomData(signature, sizes, { h: ['H'] }, { seed: 5 });
    expect(peer.layer(signature, sizes, data)).toBe(reason);
  });

  function layerOf(signature: Parameters<Peer['layer']>[0], data: CellData) {
    const layer = peer.layer(signature, SIZES, data);
    if (typeof layer === 'string') throw new Error(layer);
    return layer;
  }
});
