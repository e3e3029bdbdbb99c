/** Per-unit functions on the embedded adapter, over the ranges where their plain formulas lose digits. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { judge, prepareFunction, spread } from './measure-function.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

const UNITS = 4099;
type Range = readonly [number, number];
const NEAR: Range = [-0.01, 0.01];
const MIDDLE: Range = [-3, 3];
const FAR: Range = [-30, 30];
const LEFT: Range = [-12, -6];

/** Ranges of x, or of x and y. */
const FUNCTIONS: Readonly<Record<string, readonly (readonly Range[])[]>> = {
  'sin(x)': [[NEAR], [MIDDLE], [FAR], [[-1000, 1000]], [[-5000, 5000]]],
  'cos(x)': [[NEAR], [MIDDLE], [FAR], [[-1000, 1000]], [[-5000, 5000]]],
  'erf(x)': [[NEAR], [MIDDLE], [FAR], [[0.9, 1.1]]],
  'log1p(x)': [[NEAR], [[-0.999, 3]], [[0, 30]], [[-0.4, -0.2]], [[-1, -0.999]]],
  'expm1(x)': [[NEAR], [MIDDLE], [FAR], [LEFT]],
  'logSigmoid(x)': [[NEAR], [MIDDLE], [FAR], [[6, 12]]],
  'gelu(x)': [[NEAR], [MIDDLE], [FAR], [LEFT]],
  'silu(x)': [[NEAR], [MIDDLE], [FAR], [LEFT]],
  'mish(x)': [[NEAR], [MIDDLE], [FAR], [LEFT]],
  'pow(x, y)': [
    [[0.01, 3], MIDDLE],
    [
      [0.98, 1.02],
      [-30, 30],
    ],
    [
      [7, 8],
      [9.5, 10],
    ],
    [
      [0.13, 0.14],
      [9.5, 10],
    ],
    [
      [1.3, 1.4],
      [-70, -50],
    ],
  ],
  'x ** 2': [[NEAR], [MIDDLE], [FAR]],
  'x ** 3': [[NEAR], [MIDDLE], [FAR]],
  'x ** -2.5': [[[0.01, 3]], [[3, 30]]],
  'pow(x, stopGradient(round(y)))': [[MIDDLE, [-4, 5]]],
  '2 ** x': [[NEAR], [MIDDLE], [FAR]],
  'round(x) + 0.5 * x': [[MIDDLE], [FAR]],
  'floor(x) + 0.5 * x': [[MIDDLE], [FAR]],
  'mod(x, y)': [
    [FAR, [0.3, 3]],
    [MIDDLE, FAR],
  ],
  'x % 0.1': [[MIDDLE]],
  'step(x) * x': [[MIDDLE]],
  'sign(x) * x': [[MIDDLE]],
  'select(x > 0 && !(y > x), x * y, x > 2 || y > 2 ? x - y : x + y)': [[MIDDLE, MIDDLE]],
  'sigmoid(x)': [[NEAR], [MIDDLE], [FAR], [LEFT]],
  'tanh(x)': [[NEAR], [MIDDLE], [FAR], [LEFT]],
  'softplus(x)': [[NEAR], [MIDDLE], [FAR], [LEFT]],
  'softsign(x)': [[NEAR], [MIDDLE], [FAR]],
  'elu(x, 0.7)': [[NEAR], [MIDDLE], [FAR], [LEFT]],
  'exp(x)': [[NEAR], [MIDDLE], [FAR]],
  'log(x)': [[[0.9, 1.1]], [[0.001, 3]], [[1, 30]]],
  'sqrt(x)': [[[1e-6, 0.01]], [[0.01, 30]]],
};

describe('per-unit functions', () => {
  it.each(Object.keys(FUNCTIONS))('%s holds 1e-5, forward and backward, wherever its arguments lie', async (expression) => {
    const prepared = await prepareFunction(device, expression, UNITS);
    for (const ranges of FUNCTIONS[expression] ?? []) {
      const args = ranges.map(([from, to], i) => spread(from, to, UNITS, i === 0 ? 1 : 1733));
      const { wrong, worst } = judge(await prepared.run(args));
      if (process.env.REPORT) console.log(expression, JSON.stringify(ranges), worst.toExponential(1));
      expect(wrong, JSON.stringify(ranges)).toEqual([]);
    }
    prepared.destroy();
  });
});
