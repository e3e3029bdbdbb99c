/** Random models on the embedded adapter: every result of every one of them is the reference's. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { genericTarget } from '../../cli/target.js';
import { ops } from '../../codegen/ops/index.js';
import { describeFinding, runCampaign } from './campaign.js';
import { generateNetwork } from './models/generate.js';
import type { Network } from './models/network.js';
import { compileNetwork, networks, smallNetworks } from './models/networks.js';
import { printNetwork } from './models/print.js';

const MODELS = 100;
/** Of these so many are run. */
const RUN = 30;
/** Among which one is found for a function. */
const COMPILED = 200;

afterEach(() => {
  vi.restoreAllMocks();
});

const textOf = (index: number) => printNetwork(generateNetwork(1, index))['fuzzed.model.ts'] ?? '';

/** Models whose outputs are made of sequences over two time axes. */
const ofTwo = (indices: readonly number[]) => indices.filter((index) => /times: \['[ST]', '[ST]'\]/.test(textOf(index)));

describe('random models', () => {
  it('are over one time axis and over two, each of a size of its own', () => {
    const all = [...Array(MODELS).keys()];
    const two = ofTwo(all);
    expect(two.length).toBeGreaterThan(MODELS / 4);
    expect(all.length - two.length).toBeGreaterThan(MODELS / 4);
    for (const index of two) {
      const { S = 0, T = 0 } = generateNetwork(1, index).sizes;
      expect([S % 2, T % 2, S === T]).toEqual([1, 1, false]);
    }
    expect(two.some((index) => generateNetwork(1, index).run.ragged)).toBe(true);
  });

  it('of two time axes shrink to the fewest that still look at one sequence from another', async () => {
    const looking = ofTwo([...Array(COMPILED).keys()]).filter((index) => textOf(index).includes('memory('));
    const lines = (network: Network) => Object.values(printNetwork(network)).join('\n').split('\n').length;
    const first = looking.map((index) => generateNetwork(1, index)).find((network) => lines(network) > 30 && lines(network) < 45);
    if (first === undefined) throw new Error('no model of this length');
    const looksAcross = async (network: Network) => {
      const text = printNetwork(network)['fuzzed.model.ts'] ?? '';
      if (!/times: .*'[ST]', '[ST]'/.test(text) || !text.includes('memory(')) return false;
      try {
        return compileNetwork(genericTarget, network).stages.plan !== undefined;
      } catch {
        return false;
      }
    };
    const smallest = await networks.shrink(first, looksAcross, 300);
    expect(await looksAcross(smallest)).toBe(true);
    expect(lines(smallest)).toBeLessThan(24);
    expect([smallest.run.ragged, smallest.sizes.B]).toEqual([false, 1]);
  }, 60_000);

  it('agree with the reference, and with what nothing is merged in', async () => {
    const report = await runCampaign(smallNetworks, { adapter: 'swiftshader', seed: 1, from: 0, to: RUN, apart: 20, most: 3 });
    expect(report.findings.map((finding) => describeFinding(smallNetworks, finding, 1))).toEqual([]);
    expect(report.cells).toBe(RUN);
    expect(report.illConditioned.length).toBeLessThan(0.05 * RUN);
    expect(report.worst).toBeGreaterThan(0);
  }, 900_000);

  it('agree with the reference with kernels as a GPU gets them', async () => {
    const request = { adapter: 'swiftshader', kernels: 'for hardware', seed: 2, from: 0, to: 8, apart: 4, most: 3 } as const;
    const report = await runCampaign(smallNetworks, request);
    expect(report.findings.map((finding) => describeFinding(smallNetworks, finding, 2))).toEqual([]);
    expect(report.cells).toBe(8);
  }, 900_000);

  it.each([
    ['y = h(Wx)', /matvec\(p\./],
    ['a context of other steps', /shift\(/],
    ['a recurrent layer', /\bl\d+\(\{/],
    ['a layer that is called twice', /\b(l\d+)\(\{[\s\S]*\b\1\(\{/],
    ['a layer from last step to first', /reverse: true/],
    ['layers above each other', /for \(let k/],
    ['one value of a whole sequence', /(sum|mean|maxOver)\(\w+, '[ST]'\)|first\(|last\(|\.final\./],
    ['what a step is fed back', /state\.fed/],
    ['one sequence seen from another', /times: \[[\s\S]*memory\(/],
    ['symbols', /embed\(/],
    ['losses', /crossEntropy\(|huber\(|squaredError\(|binaryCrossEntropy\(/],
    ['a total of all sequences', /, 'B'\)/],
  ])('are in at least five of a hundred: %s', (_, text) => {
    const small = Array.from(
      { length: MODELS },
      (__, index) => printNetwork(generateNetwork(1, index, 'small'))['fuzzed.model.ts'] ?? '',
    );
    expect(small.filter((each) => text.test(each)).length).toBeGreaterThanOrEqual(5);
  });

  it('show a wrong derivative, and shrink to the function that has it', async () => {
    const { adjoint } = ops.sin;
    vi.spyOn(ops.sin, 'adjoint').mockImplementation((g, args, out, cot) =>
      adjoint(g, args, out, g.apply(ops.mul, cot, g.constant(1.001))),
    );
    // The smallest that has it: there is less to try in turn.
    const having = [...Array(COMPILED).keys()].filter((index) => /= sin\(/.test(textOf(index)));
    const from = having.reduce((least, index) => (textOf(index).length < textOf(least).length ? index : least));
    const report = await runCampaign(networks, { adapter: 'swiftshader', seed: 1, from, to: COMPILED, apart: COMPILED, most: 1 });
    expect(report.findings.map(({ kind }) => kind)).toEqual(['mismatch']);
    const [files = {}] = report.findings.map(({ model }) => printNetwork(model));
    expect(Object.values(files).join('\n')).toContain('sin(');
    expect(Object.values(files).join('\n').split('\n').length).toBeLessThan(24);
  }, 300_000);

  it('say everything that a model can say', () => {
    const texts = Array.from({ length: COMPILED }, (_, index) => textOf(index)).join('');
    const said = [
      'sum(v',
      'mean(v',
      ", 'B')",
      'maxOver(v',
      'softmax(v',
      'first(',
      'last(',
      'shift(',
      'concat(',
      'embed(p.',
      'crossEntropy(',
      'argmax(',
      'huber(',
      'matvec(',
      'dropout(',
      'repeat(',
      'memory(v',
      "times: ['S', 'T']",
      "times: ['T', 'S']",
      "over('S', ",
      "steps('S')",
      "steps('T')",
      'broadcast(v',
      'reverse: true',
      'state.fed0',
      'state: {',
      'from: {',
      '.final.',
      '.state.',
      "'./l0.cell.js'",
    ];
    expect(said.filter((what) => !texts.includes(what))).toEqual([]);
  });
});
