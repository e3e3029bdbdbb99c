import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import type { Plan } from '../../codegen/plan.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { asHardware } from '../device/as-hardware.js';
import { builtIn, prepare, wrongOnce } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = asHardware(await openDevice('swiftshader'));
});
afterAll(() => device.close());

const sliced = ({ kernels }: Plan) => kernels.filter(({ wgsl }) => wgsl.includes('var<workgroup> parts'));

/** The parts that lanes of a kernel make of one sum. */
const slicesIn = ({ kernels }: Plan) =>
  kernels.flatMap(({ wgsl }) => [...wgsl.matchAll(/Every (\d+)th of what is summed over/g)].map(([, count]) => Number(count)));

describe('lanes of a GPU that share out what a sum is over', () => {
  it.each([
    ['one sequence', 'lstm', { T: 5, B: 1, I: 7, H: 37 }, ['stepwise', 'resident']],
    ['totals that are added in several rounds', 'lstm', { T: 3, B: 130, I: 5, H: 70 }, ['stepwise', 'resident']],
    ['more rows in a tile than slices', 'rnn', { T: 2, B: 150, I: 20, H: 260 }, ['stepwise', 'resident']],
    ['several phases a step', 'gru', { T: 4, B: 3, I: 12, H: 66 }, ['stepwise', 'resident']],
    ['sums that begin and end where their units say', 'clockwork', { T: 9, B: 2, I: 5, H: 40 }, ['stepwise', 'resident']],
    ['a convolution', 'conv-gru-1d', { T: 3, B: 2, X: 5, I: 20, H: 24 }, ['stepwise', 'resident']],
  ] as const)('gives what the reference does: %s', async (_, cell, sizes, strategies) => {
    const tree = builtIn(cell);
    const prepared = prepare(tree, sizes);
    const { signature, outputs, options } = prepared;
    for (const strategy of strategies) {
      const plan = compile(tree, { options, sizes, gradients: true, target: device.target, strategy });
      expect(sliced(plan).length).toBeGreaterThan(0);
      expect(Math.max(...slicesIn(plan))).toBeGreaterThan(1);
      const layer = await load(device, plan);
      for (const reverse of [false, true]) {
        const data = randomData(signature, sizes, outputs, { seed: 7, ragged: true, reverse });
        expect(await wrongOnce(layer, prepared, data)).toEqual([]);
      }
      layer.destroy();
    }
  });

  it('has no slices on a processor', () => {
    const tree = builtIn('lstm');
    const sizes = { T: 5, B: 1, I: 7, H: 37 };
    const { options } = prepare(tree, sizes);
    expect(sliced(compile(tree, { options, sizes, gradients: true, target: { ...device.target, software: true } }))).toEqual([]);
  });
});
