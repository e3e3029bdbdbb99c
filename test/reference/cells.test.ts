import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseCell, resolveOptions, resolveSignature } from '../../codegen/frontend/index.js';
import type { OptionValues } from '../../codegen/frontend/tree.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { gradientErrors } from './differences.js';

const trees = Object.fromEntries(
  ['rnn', 'lstm', 'gru'].map((name) => [
    name,
    parseCell(fileURLToPath(new URL(`../../kernels/cells/${name}.cell.ts`, import.meta.url))),
  ]),
);
const sizes = { T: 4, B: 3, I: 2, H: 3, P: 2 };
const activations = [
  'tanh',
  'sigmoid',
  'relu',
  'leakyRelu',
  'elu',
  'softplus',
  'softsign',
  'hardSigmoid',
  'thresholdedRelu',
  'affine',
  'scaledTanh',
];

function resolved(cell: string, given: OptionValues) {
  const tree = trees[cell];
  if (tree === undefined) throw new Error(`no cell ${cell}`);
  const signature = resolveSignature(tree, resolveOptions(tree, given));
  const outputs = Object.fromEntries(
    signature.state.filter(({ name }) => signature.outputs?.includes(name) ?? true).map(({ name, shape }) => [name, shape]),
  );
  return { tree, signature, outputs };
}

const cases: [string, OptionValues][] = [
  ...activations.map((activation): [string, OptionValues] => ['rnn', { activation }]),
  ['rnn', { clip: 0.4 }],
  ...['leakyRelu', 'elu', 'hardSigmoid', 'thresholdedRelu', 'affine', 'scaledTanh'].map((activation): [string, OptionValues] => [
    'rnn',
    { activation, alpha: 0.3, beta: -0.2 },
  ]),
  ...activations.flatMap((activation): [string, OptionValues][] => [
    ['lstm', { gateActivation: activation, peepholes: true }],
    ['lstm', { cellActivation: activation, outputActivation: activation, projection: true }],
    ['gru', { gateActivation: activation, reset: 'before' }],
    ['gru', { candidateActivation: activation, clip: 0.7 }],
  ]),
  ['lstm', { coupled: true }],
  ['lstm', { coupled: true, peepholes: true, projection: true, clip: 0.5 }],
];

describe('gradients of the built-in cells agree with finite differences', () => {
  it.each(cases)('%s %j', (cell, options) => {
    const { tree, signature, outputs } = resolved(cell, options);
    for (const choice of [{ seed: 11 }, { seed: 12, ragged: true, reverse: true }]) {
      const errors = gradientErrors({ tree, signature, sizes }, randomData(signature, sizes, outputs, choice));
      expect(Object.keys(errors)).toHaveLength(1 + signature.state.length + signature.params.length);
      for (const [name, error] of Object.entries(errors)) expect(error, name).toBeLessThan(1e-6);
    }
  });
});

/** Sums, products and gates of the cells written once more, on plain numbers, for one unit and one step. */
describe('one step of one unit is the published equation', () => {
  const one = { T: 1, B: 1, I: 1, H: 1, P: 1 };
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

  function step(cell: string, options: OptionValues) {
    const { tree, signature, outputs } = resolved(cell, options);
    const data = randomData(signature, one, outputs, { seed: 5 });
    const groups = { ...data.inputs, ...data.state, ...data.params };
    const value = Object.fromEntries(Object.entries(groups).map(([name, tensor]) => [name, tensor.data[0] ?? Number.NaN]));
    const { state } = runReference(tree, signature, one, data);
    const read = (name: string) => value[name] ?? Number.NaN;
    return {
      read,
      affine: (gate: string) => read(`W_${gate}`) * read('x') + read(`U_${gate}`) * read('h') + read(`b_${gate}`),
      state,
    };
  }

  it('of an Elman network', () => {
    const { read, state } = step('rnn', {});
    expect(state.h?.data[0]).toBeCloseTo(Math.tanh(read('W') * read('x') + read('U') * read('h') + read('b')), 14);
  });

  it('of an LSTM', () => {
    const { read, affine, state } = step('lstm', {});
    const c = sigmoid(affine('f')) * read('c') + sigmoid(affine('i')) * Math.tanh(affine('g'));
    expect(state.c?.data[0]).toBeCloseTo(c, 14);
    expect(state.h?.data[0]).toBeCloseTo(sigmoid(affine('o')) * Math.tanh(c), 14);
  });

  it('of an LSTM with peepholes, coupled gates and a projection', () => {
    const { read, affine, state } = step('lstm', { peepholes: true, coupled: true, projection: true });
    const i = sigmoid(affine('i') + read('p_i') * read('c'));
    const c = (1 - i) * read('c') + i * Math.tanh(affine('g'));
    expect(state.c?.data[0]).toBeCloseTo(c, 14);
    expect(state.h?.data[0]).toBeCloseTo(read('W_h') * sigmoid(affine('o') + read('p_o') * c) * Math.tanh(c), 14);
  });

  it.each(['before', 'after'])('of a GRU with the reset gate %s the recurrent product', (reset) => {
    const { read, affine, state } = step('gru', { reset });
    const [r, z] = [sigmoid(affine('r')), sigmoid(affine('z'))];
    const recurrent = reset === 'after' ? r * (read('U_n') * read('h') + read('c_n')) : read('U_n') * (r * read('h'));
    const n = Math.tanh(read('W_n') * read('x') + read('b_n') + recurrent);
    expect(state.h?.data[0]).toBeCloseTo((1 - z) * n + z * read('h'), 14);
  });
});

it('runs a layer of T=64, B=32, I=H=128 forward and backward in a few seconds', () => {
  const large = { T: 64, B: 32, I: 128, H: 128, P: 64 };
  const { tree, signature, outputs } = resolved('lstm', {});
  const data = randomData(signature, large, outputs, { seed: 1, ragged: true });
  const before = performance.now();
  runReference(tree, signature, large, data);
  expect(performance.now() - before).toBeLessThan(20_000);
});
