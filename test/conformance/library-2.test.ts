/** Built-in cells of images, scans, matrix memories and clocks: kernels against the reference, every option value. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseSizes } from '../../codegen/ir/sizes.js';
import type { Sizes } from '../../codegen/plan.js';
import { checkCell } from '../../runtime/check/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { builtIn, prepare, wrongTensors } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

/** Sizes for every assignment of options, and how many of those there are at least. */
const EVERY_OPTION: readonly (readonly [string, number, Sizes])[] = [
  ['conv-rnn', 9, { T: 2, B: 2, X: 3, Y: 2, I: 2, H: 3 }],
  ['conv-rnn-1d', 9, { T: 3, B: 2, X: 5, I: 3, H: 2 }],
  ['conv-lstm', 4, { T: 3, B: 2, X: 3, Y: 5, I: 2, H: 3 }],
  ['conv-lstm-1d', 4, { T: 3, B: 3, X: 7, I: 3, H: 5 }],
  ['conv-gru', 4, { T: 3, B: 2, X: 5, Y: 3, I: 2, H: 3 }],
  ['conv-gru-1d', 4, { T: 3, B: 3, X: 7, I: 3, H: 5 }],
  ['sru', 9, { T: 5, B: 3, I: 5, H: 5 }],
  ['qrnn', 6, { T: 5, B: 3, I: 3, H: 5 }],
  ['min-gru', 2, { T: 5, B: 3, I: 3, H: 5 }],
  ['min-lstm', 2, { T: 5, B: 3, I: 3, H: 5 }],
  ['slstm', 2, { T: 5, B: 3, I: 3, N: 2, H: 5 }],
  ['mlstm', 2, { T: 5, B: 3, I: 3, N: 2, K: 5, V: 3 }],
  ['delta-rule', 4, { T: 5, B: 3, I: 3, K: 5, V: 4 }],
  ['phased-lstm', 4, { T: 5, B: 3, I: 3, H: 7 }],
  ['clockwork', 2, { T: 9, B: 3, I: 3, H: 9 }],
  ['hm-lstm', 2, { T: 6, B: 3, I: 3, H1: 5, H2: 4, H3: 3, E: 2 }],
];

describe('built-in cells', () => {
  it.each(EVERY_OPTION)('%s agrees with the reference for every option value', async (name, cases, sizes) => {
    const reports = await checkCell(device, builtIn(name), { sizes: ({ rules }) => chooseSizes(rules, sizes) });
    expect(reports.filter(({ ok }) => !ok)).toEqual([]);
    expect(reports.length).toBeGreaterThanOrEqual(cases);
  });

  it.each([
    ['conv-rnn', { T: 2, B: 1, X: 1, Y: 9, I: 1, H: 5 }, { width: 2 }],
    ['conv-lstm', { T: 2, B: 1, X: 4, Y: 4, I: 3, H: 17 }, { width: 2 }],
    ['conv-gru-1d', { T: 2, B: 3, X: 33, I: 1, H: 4 }, { width: 7 }],
    ['sru', { T: 2, B: 3, I: 34, H: 70 }, { activation: 'tanh' }],
    ['qrnn', { T: 3, B: 2, I: 7, H: 33 }, { pooling: 'ifo', width: 4 }],
    ['min-lstm', { T: 1, B: 9, I: 1, H: 1 }, {}],
    ['slstm', { T: 3, B: 2, I: 9, N: 3, H: 17 }, {}],
    ['slstm', { T: 4, B: 2, I: 1, N: 1, H: 1 }, { forget: 'exp' }],
    ['mlstm', { T: 3, B: 2, I: 6, N: 1, K: 9, V: 17 }, {}],
    ['delta-rule', { T: 4, B: 2, I: 1, K: 33, V: 1 }, { decay: true }],
    ['phased-lstm', { T: 3, B: 2, I: 5, H: 33 }, { time: 'step' }],
    ['clockwork', { T: 17, B: 2, I: 1, H: 19 }, { modules: 5 }],
    ['clockwork', { T: 3, B: 1, I: 2, H: 3 }, { modules: 24 }],
    ['hm-lstm', { T: 9, B: 2, I: 5, H1: 17, H2: 1, H3: 6, E: 3 }, { output: true }],
  ] as const)('%s agrees with the reference at %j with %j', async (name, sizes, options) => {
    const { tree, signature } = prepare(builtIn(name), {}, options);
    const complete = chooseSizes(signature.rules, { ...sizes });
    // How else their loops run is tried above, in turns.
    expect(await wrongTensors(device, prepare(tree, complete, options), 'chosen')).toEqual([]);
  });
});
