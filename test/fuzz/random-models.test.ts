/** Random models on the embedded adapter: every result of every one of them is the reference's. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ops } from '../../codegen/ops/index.js';
import { describeFinding, runCampaign } from './campaign.js';
import { generateNetwork } from './models/generate.js';
import { networks } from './models/networks.js';
import { printNetwork } from './models/print.js';

const MODELS = 16;
/** Among which one is found for a function. */
const COMPILED = 120;

afterEach(() => {
  vi.restoreAllMocks();
});

const textOf = (index: number) => printNetwork(generateNetwork(1, index))['fuzzed.model.ts'] ?? '';

describe('random models', () => {
  it('agree with the reference, and with what nothing is merged in', async () => {
    const report = await runCampaign(networks, { adapter: 'swiftshader', seed: 1, from: 0, to: MODELS, apart: 8, most: 3 });
    expect(report.findings.map((finding) => describeFinding(networks, finding, 1))).toEqual([]);
    expect(report.cells).toBe(MODELS);
    expect(report.illConditioned.length).toBeLessThan(0.05 * MODELS);
    expect(report.worst).toBeGreaterThan(0);
  }, 900_000);

  it('show a wrong derivative, and shrink to the function that has it', async () => {
    const { adjoint } = ops.sin;
    vi.spyOn(ops.sin, 'adjoint').mockImplementation((g, args, out, cot) =>
      adjoint(g, args, out, g.apply(ops.mul, cot, g.constant(1.001))),
    );
    const from = [...Array(COMPILED).keys()].find((index) => /= sin\(/.test(textOf(index))) ?? 0;
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
      'maxOver(v',
      'softmax(v',
      'first(',
      'last(',
      'shift(',
      'concat(',
      'matvec(',
      'dropout(',
      'repeat(',
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
