/** Rows of a weight gradient are summed in blocks: of one row a step, of the steps that are a block together, and within a step of many. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import type { Sizes } from '../../codegen/plan.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { builtIn, prepare, wrongOnce } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

/** What tells the loops of each way apart. */
const WAYS = { 'one row': /let at = 0u;/, 'several steps': /at < running/, 'one step': /for \(var block = / };

const CASES: readonly [keyof typeof WAYS, string, Sizes][] = [
  ['one row', 'rnn', { T: 520, B: 1, I: 5, H: 6 }],
  ['several steps', 'rnn', { T: 260, B: 2, I: 5, H: 6 }],
  ['several steps', 'rnn', { T: 7, B: 85, I: 5, H: 6 }],
  ['one step', 'rnn', { T: 3, B: 130, I: 5, H: 6 }],
  ['one step', 'rnn', { T: 3, B: 300, I: 5, H: 6 }],
  ['several steps', 'conv-rnn-1d', { T: 9, B: 3, X: 11, I: 3, H: 5 }],
  ['one step', 'conv-rnn-1d', { T: 3, B: 9, X: 31, I: 3, H: 5 }],
];

it.each(CASES)('%s at a time, the sums are what the reference says: %s %o', async (way, name, sizes) => {
  const prepared = prepare(builtIn(name), sizes);
  const { tree, options, signature, outputs } = prepared;
  const plan = compile(tree, { options, sizes, gradients: true, target: device.target });
  const sums = plan.kernels.filter(({ wgsl }) => wgsl.includes('var total0 = '));
  expect(sums.length).toBeGreaterThan(0);
  for (const [other, form] of Object.entries(WAYS)) expect(sums.every(({ wgsl }) => form.test(wgsl))).toBe(other === way);
  const layer = await load(device, plan);
  expect(await wrongOnce(layer, prepared, randomData(signature, sizes, outputs, { seed: 7, ragged: true }))).toEqual([]);
  layer.destroy();
});
