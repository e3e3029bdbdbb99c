import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPeer } from '../../bench/peers/open.js';
import type { Peer } from '../../bench/peers/peer.js';
import type { Signature } from '../../codegen/frontend/tree.js';
import { compareResults } from '../../runtime/compare.js';
import type { CellData } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { cellOf } from './cells.js';

const SIZES = { T: 3, B: 2, I: 5, H: 4 };

describe('the peer jax-js', () => {
  let device: RecurveDevice;
  let peer: Peer;
  let alive: () => number;

  beforeAll(async () => {
    device = await openDevice('auto');
    alive = countBuffers(device.device);
    const opened = await openPeer('jax-js', device);
    if (typeof opened === 'string') throw new Error(opened);
    peer = opened;
  });
  afterAll(() => {
    peer?.close();
    device?.close();
  });

  it.each([
    ['rnn', { activation: 'tanh' }],
    ['rnn', { activation: 'leakyRelu', alpha: 0.3 }],
    ['lstm', {}],
    [
      'lstm',
      { gateActivation: 'hardSigmoid', gateAlpha: 0.25, cellActivation: 'scaledTanh', cellBeta: 0.7, outputActivation: 'elu' },
    ],
    ['gru', { reset: 'after' }],
    ['gru', { reset: 'before', candidateActivation: 'softsign' }],
  ])('computes what our %s does with %o, gradients of every weight and state too', async (name, given) => {
    const { signature, tree } = cellOf(name, given);
    const data = randomData(signature, SIZES, { h: ['H'] }, { seed: 1 });
    const layer = layerOf(signature, data);
    const found = await layer.read();
    expect(layer.differs).toBeUndefined();
    layer.dispose();
    const compared = compareResults(found, runReference(tree, signature, SIZES, data), 1e-4);
    expect(compared.filter(({ ok }) => !ok)).toEqual([]);
    expect(compared.map((tensor) => tensor.name)).toContain('gradients.state.h');
  });

  it('starts from zeros where the data gives no state', async () => {
    const { signature, tree } = cellOf('lstm', {});
    const random = randomData(signature, SIZES, { h: ['H'] }, { seed: 2 });
    const data = { ...random, state: {}, cotangents: { outputs: random.cotangents?.outputs ?? {}, state: {} } };
    const layer = layerOf(signature, data);
    const { outputs, state, gradients } = await layer.read();
    layer.dispose();
    const expected = runReference(tree, signature, SIZES, data);
    expect([state, gradients?.state]).toEqual([{}, {}]);
    const compared = compareResults(
      { outputs, state, gradients },
      { outputs: expected.outputs, state: {}, gradients: { inputs: {}, params: {}, ...expected.gradients, state: {} } },
      1e-4,
    );
    expect(compared.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('says that steps are unrolled, and how long the first runs took once there were any', async () => {
    const { signature } = cellOf('rnn', {});
    const layer = layerOf(signature, randomData(signature, SIZES, { h: ['H'] }, { seed: 3 }));
    expect(layer.note).toBe('its 3 steps are unrolled, for it has no loop that its jit takes');
    await layer.forward();
    await layer.forwardBackward?.();
    device.check();
    expect(layer.note).toMatch(/; the first runs, which compile them, took [0-9.]+ s forward, [0-9.]+ s forward and backward$/);
    layer.dispose();
  });

  it('takes no new memory of the device from run to run', async () => {
    const { signature } = cellOf('gru', {});
    const layer = layerOf(signature, randomData(signature, SIZES, { h: ['H'] }, { seed: 7 }));
    const counts: number[] = [];
    for (let run = 0; run < 3; run++) {
      await layer.forward();
      await layer.forwardBackward?.();
      counts.push(alive());
    }
    layer.dispose();
    expect(counts[0]).toBeGreaterThan(0);
    expect(counts[1]).toBe(counts[0]);
    expect(counts[2]).toBe(counts[0]);
  });

  it('runs on the device that it is opened on, after another was closed', async () => {
    const other = await openDevice('auto');
    const opened = await openPeer('jax-js', other);
    if (typeof opened === 'string') throw new Error(opened);
    const { signature } = cellOf('rnn', {});
    const layer = opened.layer(signature, SIZES, randomData(signature, SIZES, { h: ['H'] }, { seed: 4 }));
    if (typeof layer === 'string') throw new Error(layer);
    let dispatched = 0;
    const { queue } = other.device;
    const submit = queue.submit.bind(queue);
    queue.submit = (buffers) => {
      dispatched++;
      submit(buffers);
    };
    await layer.forward();
    layer.dispose();
    opened.close();
    other.close();
    expect(dispatched).toBeGreaterThan(SIZES.T);
  });

  it.each([
    ['lstm', { peepholes: true }, 'peepholes is not written in its operations'],
    ['rnn', { activation: 'thresholdedRelu' }, 'the activation thresholdedRelu is not written in its operations'],
    ['gru', { layerNorm: 'ba' }, 'layerNorm is not written in its operations'],
    ['min-gru', {}, 'min-gru is not written in its operations'],
  ])('has no layer for %s with %o and says why', (name, given, reason) => {
    const { signature } = cellOf(name, given);
    const sizes = { ...SIZES, P: 4 };
    const data = randomData(signature, sizes, { h: ['H'] }, { seed: 5 });
    expect(peer.layer(signature, sizes, data)).toBe(reason);
  });

  it('has none for ragged lengths, or for a cell of other parameters', () => {
    const { signature } = cellOf('gru', {});
    const data = randomData(signature, SIZES, { h: ['H'] }, { seed: 6 });
    expect(peer.layer(signature, SIZES, { ...data, lengths: [1, 2] })).toBe('the comparison runs full sequences forward in time');
    const other = { ...signature, params: signature.params.slice(1) };
    expect(peer.layer(other, SIZES, data)).toBe('this gru takes other parameters than the built-in cell of its name');
  });

  function layerOf(signature: Signature, data: CellData) {
    const layer = peer.layer(signature, SIZES, data);
    if (typeof layer === 'string') throw new Error(layer);
    return layer;
  }
});

/** How many buffers were made from now on and are not destroyed. */
function countBuffers(device: GPUDevice): () => number {
  let count = 0;
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      count--;
      return destroy();
    };
    count++;
    return buffer;
  };
  return () => count;
}
