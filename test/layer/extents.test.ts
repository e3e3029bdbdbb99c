import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CellTree } from '../../codegen/frontend/tree.js';
import { compile } from '../../codegen/index.js';
import type { CellData, Tensor } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { builtIn, fromText, prepare } from '../conformance/compare-cell.js';
import { prepareLayer } from './prepared.js';

/** Old and new values of states, delays, a window over units, and parameters of every use. */
const CELL = `import { cell, delay, mat, matvec, scalar, sigmoid, tanh, vec } from 'recurve';
  export default cell({ name: 'mixed', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H'), c: vec('H') },
    params: { W: mat('H', 'I'), U: mat('H', 'H'), V: mat('H', 'H'), b: vec('H'), k: scalar() },
    step({ x }, { h, c }, { W, U, V, b, k }) {
      const z = sigmoid(matvec(W, x) + matvec(U, h) + b);
      const next = 0.5 * c + z * tanh(matvec(V, delay(h, 2)) + matvec(W, delay(x, 1)) * k);
      return { h: tanh(next * z + matvec(U, next)), c: next, y: next * next };
    } });`;

type Case = [string, CellTree, Record<string, number>, Record<string, string | number | boolean>];
const PLANS: Case[] = [
  ['an LSTM', builtIn('lstm'), { T: 9, B: 5, I: 3, H: 6 }, {}],
  [
    'a GRU whose masks are drawn for every step, sequence and matrix',
    builtIn('gru'),
    { T: 7, B: 3, I: 5, H: 4 },
    { training: true, zoneout: true, variationalDropout: true, recurrentDropout: true, dropConnect: true },
  ],
  ['a convolutional LSTM', builtIn('conv-lstm-1d'), { T: 5, B: 3, I: 2, H: 3, X: 4 }, {}],
  ['a cell with delays', fromText(CELL), { T: 9, B: 4, I: 3, H: 5 }, {}],
];

/** The same with no number among its inputs. */
function spoiled(data: CellData): CellData {
  const nothing = ({ shape, data: { length } }: Tensor) => ({ shape, data: new Float32Array(length).fill(Number.NaN) });
  return { ...data, inputs: Object.fromEntries(Object.entries(data.inputs).map(([name, tensor]) => [name, nothing(tensor)])) };
}

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

describe('a plan serves every T and B up to its own', () => {
  it.each(PLANS)(
    '%s, whatever ran before, ragged and reversed, with NaN where nothing may be read',
    async (_, tree, sizes, options) => {
      const { plan, data, wrong } = prepareLayer(device, tree, sizes, options);
      const layer = await load(device, plan);
      const { T = 1, B = 1 } = sizes;
      const extents = [
        { T, B },
        { T: 3, B },
        { T: 3, B: 2 },
        { T: 2, B: 1 },
        { T: 4, B: B - 1 },
        { T: 1, B },
        { T, B: 1 },
        { T: T - 1, B },
      ];
      for (const [at, extent] of extents.entries()) {
        const drawn = data(extent, { seed: at + 1, ragged: at % 2 === 0, reverse: at % 3 === 1 });
        // What others leave: NaN of the caller's that only a backward run empties, and results that are none of them numbers.
        if (at % 2 === 1) await layer.run({ ...data({ T, B }, { seed: 90 + at, ragged: true }), cotangents: undefined });
        if (at % 3 === 1) await layer.run(spoiled(data({ T, B }, { seed: 80 + at })));
        expect(wrong(drawn, extent, await layer.run(drawn)), JSON.stringify(extent)).toEqual([]);
      }
      layer.destroy();
    },
  );

  it('a run of fewer steps costs fewer dispatches, once what the longer one left is gone', async () => {
    const sizes = { T: 30, B: 2, I: 3, H: 4 };
    const { tree, options } = prepare(builtIn('lstm'), sizes);
    const { data } = prepareLayer(device, tree, sizes);
    const layer = await load(
      device,
      compile(tree, { options, sizes, gradients: true, target: device.target, strategy: 'stepwise' }),
    );
    const counted: number[] = [];
    const encode = GPUComputePassEncoder.prototype.dispatchWorkgroups;
    let dispatches = 0;
    GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...sizes) {
      dispatches++;
      return encode.apply(this, sizes);
    };
    try {
      for (const T of [30, 2, 2, 30]) {
        dispatches = 0;
        await layer.run(data({ T }, { seed: T, gradients: false }));
        counted.push(dispatches);
      }
    } finally {
      GPUComputePassEncoder.prototype.dispatchWorkgroups = encode;
    }
    const [long = 0, , short = 0, again = 0] = counted;
    expect(long - short).toBe(28);
    expect(again).toBe(long);
    layer.destroy();
  });

  it('more steps or sequences than the plan has, none, and parts of one are refused by name', async () => {
    const { plan, data } = prepareLayer(device, builtIn('lstm'), { T: 3, B: 2, I: 2, H: 2 });
    const layer = await load(device, plan);
    const fits = data({}, { seed: 1 });
    for (const [T, B, where] of [
      [4, 2, 'T'],
      [3, 3, 'B'],
      [0, 2, 'T'],
    ] as const) {
      const x = { shape: [T, B, 2], data: new Float32Array(T * B * 2) };
      await expect(layer.run({ ...fits, inputs: { x } })).rejects.toMatchObject({ code: 'RUN-EXTENT', where });
    }
    await expect(layer.run({ ...fits, inputs: { x: new Float32Array(7) } })).rejects.toMatchObject({ code: 'DATA-SHAPE' });
    await expect(layer.run({ ...fits, steps: 1.5 })).rejects.toMatchObject({ code: 'RUN-EXTENT' });
    await expect(layer.run(fits)).resolves.toBeDefined();
    layer.destroy();
  });
});
