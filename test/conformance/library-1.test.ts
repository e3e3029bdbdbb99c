/** Gated and simple cells, convolution in time: kernels against the reference at values of every option. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSpec } from '../../codegen/frontend/index.js';
import type { OptionValue, OptionValues, Signature } from '../../codegen/frontend/tree.js';
import { checkCell } from '../../runtime/check/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { builtIn } from './compare-cell.js';
import { covering } from './covering.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

const SMALL = { T: 5, B: 3, I: 3, H: 5, P: 6, O: 4, R: 2, M: 7 };
/** Beyond a workgroup of 64 units, no multiple of 4. */
const LARGE = { T: 3, B: 2, I: 34, H: 70, P: 19, O: 67, R: 3, M: 33 };

const sizesOf = (all: Readonly<Record<string, number>>) => (signature: Signature) =>
  Object.fromEntries(Object.entries(all).filter(([dim]) => dim === 'T' || dim === 'B' || signature.dims.includes(dim)));

/** Values of numeric options, the default first. */
const NUMBERS: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  rnn: { clip: [0, 0.5], alpha: [1, 0.3], beta: [0.5, 0.8] },
  gru: { clip: [0, 0.5], gateAlpha: [1, 0.3], gateBeta: [0.5, 0.8], candidateAlpha: [1, 0.3], candidateBeta: [0.5, 0.8] },
  lstm: {
    clip: [0, 0.5],
    cellClip: [0, 0.8, 0.3],
    gateAlpha: [1, 0.3],
    gateBeta: [0.5, 0.8],
    cellAlpha: [1, 0.3],
    cellBeta: [0.5, 0.8],
    outputAlpha: [1, 0.3],
    outputBeta: [0.5, 0.8],
  },
  janet: { beta: [1, 0] },
  rhn: { depth: [3, 1, 10] },
  tcn: { width: [3, 1, 4], dilation: [1, 2] },
};

/** What is tried of a cell's options: of its activations, which all cells have from one helper, three of its own beside the default. */
function valuesTried(name: string): Readonly<Record<string, readonly OptionValue[]>> {
  const activation = builtIn(name).options.find((option) => option.name === 'activation');
  if (name === 'rnn' || activation?.kind !== 'choice') return NUMBERS[name] ?? {};
  const others = activation.values.filter((value) => value !== activation.default);
  const first = 3 * CELLS.indexOf(name);
  const own = [0, 1, 2].map((turn) => others[(first + turn) % others.length] ?? activation.default);
  return { ...NUMBERS[name], activation: [activation.default, ...own] };
}

async function check(name: string, cases: readonly OptionValues[], sizes: Readonly<Record<string, number>>) {
  for (const options of cases) {
    const reports = await checkCell(device, builtIn(name), { options, sizes: sizesOf(sizes) });
    expect(reports).toHaveLength(1);
    const wrong = reports.flatMap(({ tensors }) => tensors.filter(({ ok }) => !ok));
    expect(wrong, JSON.stringify(options)).toEqual([]);
  }
}

const CELLS = [
  'antisymmetric',
  'ctrnn',
  'echo-state',
  'feedforward',
  'gru',
  'indrnn',
  'janet',
  'jordan',
  'ligru',
  'low-rank',
  'lstm',
  'mgu',
  'mlstm-multiplicative',
  'rhn',
  'rnn',
  'skip-rnn',
  'tcn',
  'ugrnn',
];

describe('kernels agree with the reference', () => {
  it.each(CELLS)(
    'of %s for values of every option and most pairs of them',
    async (name) => {
      await check(name, covering(builtIn(name), valuesTried(name)), SMALL);
    },
    300_000,
  );

  it.each(CELLS)('of %s with more units than a workgroup has lanes', async (name) => {
    const cases = covering(builtIn(name), valuesTried(name));
    await check(
      name,
      cases.filter((_, index) => index === 0 || index === cases.length - 1),
      LARGE,
    );
  });

  it.each([
    ['lstm', { layerNorm: 'ba', projection: true, peepholes: true }],
    ['lstm', { layerNorm: 'normalizedState', coupled: true, clip: 0.5 }],
    ['gru', { layerNorm: 'ba', reset: 'before' }],
    ['gru', { layerNorm: 'ba', clip: 0.5 }],
    ['rnn', { layerNorm: 'ba', activation: 'relu' }],
  ])('of %s with %j and all regularizers, in training and out of it', async (name, form) => {
    const all = { zoneout: true, variationalDropout: true, recurrentDropout: true, dropConnect: true };
    const [defaults] = covering(builtIn(name), valuesTried(name));
    const cases = [true, false].map((training) => ({ ...defaults, ...form, ...all, training }));
    await check(name, cases, SMALL);
  });
});

describe('the assignments tried', () => {
  it.each(CELLS)('of %s are not all: none has a mistake', (name) => {
    expect(() => checkSpec(builtIn(name))).not.toThrow();
  });

  it.each(CELLS)('of %s begin with the defaults and meet every value', (name) => {
    const tree = builtIn(name);
    const tried = valuesTried(name);
    const cases = covering(tree, tried);
    expect(cases[0]).toEqual(Object.fromEntries(tree.options.map((option) => [option.name, option.default])));
    for (const option of tree.options) {
      const met = new Set(cases.map((options) => options[option.name]));
      expect(met.size).toBe(tried[option.name]?.length ?? (option.kind === 'choice' ? option.values.length : 2));
    }
  });

  it('of lstm let every two flags meet in all four ways', () => {
    const tree = builtIn('lstm');
    const cases = covering(tree, valuesTried('lstm'));
    const flags = tree.options.filter(({ kind }) => kind === 'flag').map(({ name }) => name);
    for (const a of flags) {
      for (const b of flags) {
        if (a !== b) expect(new Set(cases.map((options) => `${options[a]} ${options[b]}`)).size, `${a} and ${b}`).toBe(4);
      }
    }
  });
});
