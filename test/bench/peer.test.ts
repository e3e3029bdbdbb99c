import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { openPeer } from '../../bench/peers/open.js';
import { randomData } from '../../runtime/random.js';
import { besideOurs, computesOurs, refuses } from './beside.js';
import { cellOf } from './cells.js';

const SIZES = { T: 5, B: 3, I: 7, H: 6 };

describe.each(['tfjs-webgpu', 'tfjs-wasm'] as const)('the peer %s', (peerName) => {
  const beside = besideOurs(SIZES, (device) => openPeer(peerName, device));

  computesOurs(beside, [
    ['rnn', { activation: 'tanh' }],
    ['rnn', { activation: 'relu' }],
    ['lstm', {}],
    ['lstm', { gateActivation: 'hardSigmoid', cellActivation: 'softsign', outputActivation: 'softsign' }],
    ['gru', { reset: 'before' }],
  ]);
  refuses(beside, [
    ['lstm', { peepholes: true }, "Keras's lstm has no peepholes"],
    ['lstm', { cellActivation: 'relu' }, "Keras's lstm has one activation for g and h"],
    ['rnn', { activation: 'leakyRelu' }, 'Keras has no activation leakyRelu'],
    ['gru', { clip: 2 }, "Keras's gru has no clip"],
  ]);

  it('leaves no tensor behind', async () => {
    const { memory } = createRequire(import.meta.url)('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
    const before = memory().numTensors;
    const { signature } = cellOf('lstm', {});
    const layer = beside.layer(signature, randomData(signature, SIZES, { h: ['H'] }, { seed: 3 }));
    await layer.forward();
    await layer.forwardBackward?.();
    await layer.read();
    layer.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('says that its gru resets before where ours resets after', () => {
    const { signature } = cellOf('gru', {});
    const layer = beside.layer(signature, randomData(signature, SIZES, { h: ['H'] }, { seed: 4 }));
    expect(layer.differs).toMatchInlineSnapshot(`"it runs reset: 'before'; tfjs refuses reset_after"`);
    layer.dispose();
  });
});
