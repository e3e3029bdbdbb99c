/** A constant that no 32-bit number is counts as the nearest one wherever it meets data: ties fall alike in kernels and reference. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { runReference } from '../../runtime/reference/index.js';
import { fromText, prepare } from './compare-cell.js';
import { prepareFunction } from './measure-function.js';

const F = Math.fround;
/** Half the way between neighbours near 0.1, and near 7: too little for another number than the next one. */
const [NEAR, SEVENTH] = [2 ** -27, 2 ** -22];

/** What it is of, one argument a unit; the value and the slope there. */
const CASES: readonly (readonly [string, readonly number[], readonly number[], readonly number[]])[] = [
  ['(x <= 0.1 ? 3 * x : 0.5)', [F(0.1), F(0.1) + NEAR, F(0.1) - NEAR], [3 * F(0.1), 0.5, 3 * (F(0.1) - NEAR)], [3, 0, 3]],
  ['(x < 0.1 ? 2 * x : 1)', [F(0.1), F(0.1) - NEAR], [1, 2 * (F(0.1) - NEAR)], [0, 2]],
  ['(x >= 0.3 ? 2 * x : 1)', [F(0.3), F(0.3) - 2 ** -25], [2 * F(0.3), 1], [2, 0]],
  ['(0.7 >= x ? 2 * x : 1)', [F(0.7), F(0.7) + 2 ** -24], [2 * F(0.7), 1], [2, 0]],
  ['(x > 0.7 ? 2 * x : 1)', [F(0.7), F(0.7) + 2 ** -24], [1, 2 * (F(0.7) + 2 ** -24)], [0, 2]],
  ['(x === 0.1 ? 2 * x : 1)', [F(0.1), F(0.1) + NEAR], [2 * F(0.1), 1], [2, 0]],
  ['select(x !== -0.1, 2 * x, 1)', [-F(0.1), F(0.1)], [1, 2 * F(0.1)], [0, 2]],
  ['max(x, 0.7)', [F(0.7), F(0.7) - 2 ** -24], [F(0.7), F(0.7)], [1, 0]],
  ['max(0.1, x)', [F(0.1), F(0.1) + NEAR], [F(0.1), F(0.1) + NEAR], [0, 1]],
  ['min(x, 0.1)', [F(0.1), F(0.1) + NEAR], [F(0.1), F(0.1)], [1, 0]],
  ['min(0.7, x)', [F(0.7), F(0.7) - 2 ** -24], [F(0.7), F(0.7) - 2 ** -24], [0, 1]],
  ['clamp(x, -0.1, 0.7)', [-F(0.1), F(0.7), F(0.1)], [-F(0.1), F(0.7), F(0.1)], [1, 1, 1]],
  ['clamp(x, 0.7, 0.9)', [F(0.7), F(0.9), F(0.7) - 2 ** -24], [F(0.7), F(0.9), F(0.7)], [1, 1, 0]],
  // Of constants alone the arithmetic is exact: 0.7 / 0.1 is 7 to 32 bits, and is not of the two rounded numbers.
  ['(x < 0.7 / 0.1 ? 2 * x : 1)', [7, 7 - 2 * SEVENTH], [1, 2 * (7 - 2 * SEVENTH)], [0, 2]],
  ['(x >= sqrt(0.49) ? 2 * x : 1)', [F(0.7), F(0.7) - 2 ** -24], [2 * F(0.7), 1], [2, 0]],
  ['(x >= max(0.1, 0.7) ? 2 * x : 1)', [F(0.7), F(0.7) - 2 ** -24], [2 * F(0.7), 1], [2, 0]],
  ['hardSigmoid(x)', [-2.5, 2.5], [0, 1], [0, 0]],
];

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

describe('at a constant', () => {
  it.each(CASES)('%s falls to the side that the nearest 32-bit number says', async (expression, x, values, slopes) => {
    const made = await prepareFunction(device, expression, x.length);
    const { actual, expected } = await made.run([Float32Array.from(x)]);
    made.destroy();
    for (const { outputs, gradients } of [actual, expected]) {
      expect([...(outputs.h?.data ?? [])].map(F)).toEqual(values.map(F));
      expect([...(gradients?.inputs.x?.data ?? [])]).toEqual(slopes);
    }
  });
});

describe('the reference', () => {
  const tree = fromText(`import { cell, real, vec } from 'recurve';
    export default cell({ name: 'constants', dims: ['N'], options: { at: real(0.1) }, inputs: { x: vec('N') },
      state: { h: vec('N', { init: 0.1 }) }, params: {},
      step({ x }, { h }, _p, { options }) { return { h: x <= options.at && h >= options.at ? 2 : x }; } });`);

  it('takes options and initial states for the 32-bit numbers that they become', () => {
    const { signature } = prepare(tree, { T: 1, B: 1, N: 2 }, { at: 0.1 });
    const x = { shape: [1, 1, 2], data: Float32Array.of(0.1, 0.2) };
    const result = runReference(tree, signature, { T: 1, B: 1, N: 2 }, { inputs: { x }, state: {}, params: {}, reverse: false });
    expect([...(result.outputs.h?.data ?? [])]).toEqual([2, F(0.2)]);
  });
});
