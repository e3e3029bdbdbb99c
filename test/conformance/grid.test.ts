/** More rows than one dimension of the grid of workgroups holds: tiles go on in the next. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { builtIn, prepare, wrongTensors } from './compare-cell.js';

let device: RecurveDevice;
let narrow: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
  narrow = { ...device, target: { ...device.target, maxWorkgroupsPerDimension: 2 } };
});
afterAll(() => device.close());

it.each([
  ['lstm', { T: 7, B: 5, I: 3, H: 9 }],
  ['rnn', { T: 3, B: 37, I: 2, H: 5 }],
  ['conv-rnn-1d', { T: 7, B: 5, X: 4, I: 3, H: 5 }],
])('%s is the reference where a dimension of the grid holds two workgroups', async (name, sizes) => {
  const prepared = prepare(builtIn(name), sizes);
  const { tree, options } = prepared;
  const plan = compile(tree, { options, sizes, gradients: true, target: narrow.target });
  const phases = plan.passes.filter(({ name: pass }) => /^(forward|backward)_(before|after)_/.test(pass));
  expect(phases.length).toBeGreaterThan(1);
  expect(phases.some(({ workgroups }) => workgroups[2] > 2)).toBe(true);
  expect(await wrongTensors(narrow, prepared)).toEqual([]);
});
