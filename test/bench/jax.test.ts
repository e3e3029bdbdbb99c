import { describe, expect, it } from 'vitest';
import { openPeer } from '../../bench/peers/open.js';
import { openDevice } from '../../runtime/device/index.js';
import { randomData } from '../../runtime/random.js';
import { besideOurs, computesOurs, refuses } from './beside.js';
import { cellOf } from './cells.js';

const SIZES = { T: 3, B: 2, I: 5, H: 4 };

describe('the peer jax-js', () => {
  let alive: () => number;
  const beside = besideOurs(
    SIZES,
    (device) => openPeer('jax-js', device),
    ({ device }) => {
      alive = countBuffers(device);
    },
  );

  computesOurs(beside, [
    ['rnn', { activation: 'tanh' }],
    ['rnn', { activation: 'leakyRelu', alpha: 0.3 }],
    ['lstm', {}],
    [
      'lstm',
      { gateActivation: 'hardSigmoid', gateAlpha: 0.25, cellActivation: 'scaledTanh', cellBeta: 0.7, outputActivation: 'elu' },
    ],
    ['gru', { reset: 'after' }],
    ['gru', { reset: 'before', candidateActivation: 'softsign' }],
  ]);
  refuses(beside, [
    ['lstm', { peepholes: true }, 'peepholes is not written in its operations'],
    ['rnn', { activation: 'thresholdedRelu' }, 'the activation thresholdedRelu is not written in its operations'],
    ['gru', { layerNorm: 'ba' }, 'layerNorm is not written in its operations'],
    ['min-gru', {}, 'min-gru is not written in its operations'],
  ]);

  it('says that steps are unrolled, and how long the first runs took once there were any', async () => {
    const { signature } = cellOf('rnn', {});
    const layer = beside.layer(signature, randomData(signature, SIZES, { h: ['H'] }, { seed: 3 }));
    expect(layer.note).toBe('its 3 steps are unrolled, for it has no loop that its jit takes');
    await layer.forward();
    await layer.forwardBackward?.();
    expect(layer.note).toMatch(/; the first runs, which compile them, took [0-9.]+ s forward, [0-9.]+ s forward and backward$/);
    layer.dispose();
  });

  it('takes no new memory of the device from run to run', async () => {
    const { signature } = cellOf('gru', {});
    const layer = beside.layer(signature, randomData(signature, SIZES, { h: ['H'] }, { seed: 7 }));
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

  it('has no layer for a cell of other parameters', () => {
    const { signature } = cellOf('gru', {});
    const other = { ...signature, params: signature.params.slice(1) };
    const data = randomData(signature, SIZES, { h: ['H'] }, { seed: 6 });
    expect(beside.peer.layer(other, SIZES, data)).toBe('this gru takes other parameters than the built-in cell of its name');
  });
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
