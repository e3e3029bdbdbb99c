/** Random cells on the embedded adapter: every result of every one of them is the reference's. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { genericTarget } from '../../cli/target.js';
import { ops } from '../../codegen/ops/index.js';
import { describeFinding, runCampaign } from './campaign.js';
import { cells } from './cells.js';
import { Coverage } from './coverage.js';
import { generateModel } from './generate.js';
import type { Model } from './model.js';
import { printModel } from './print.js';
import { compileModel } from './run-cell.js';
import { shrink } from './shrink.js';

const CELLS = 30;
/** That are compiled only. */
const COMPILED = 400;
/** Largest share of cells with a tensor that float32 cannot hold to 1e-5. */
const MOST_ILL_CONDITIONED = 0.05;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('random cells', () => {
  it('agree with the reference, and with what nothing is merged in', async () => {
    const report = await runCampaign(cells(), { adapter: 'swiftshader', seed: 1, from: 0, to: CELLS, apart: 4, most: 3 });
    expect(report.findings.map((finding) => describeFinding(cells(), finding, 1))).toEqual([]);
    expect(report.cells).toBe(CELLS);
    expect(report.illConditioned.length).toBeLessThan(MOST_ILL_CONDITIONED * CELLS);
    expect(report.worst).toBeGreaterThan(0);
  }, 900_000);

  it('agree with the reference with kernels as a GPU gets them', async () => {
    const request = { adapter: 'swiftshader', kernels: 'for hardware', seed: 2, from: 0, to: 8, apart: 4, most: 3 } as const;
    const report = await runCampaign(cells(), request);
    expect(report.findings.map((finding) => describeFinding(cells(), finding, 2))).toEqual([]);
    expect(report.cells).toBe(8);
  }, 900_000);

  it('show a wrong derivative, and shrink to the function that has it', async () => {
    const { adjoint } = ops.gelu;
    vi.spyOn(ops.gelu, 'adjoint').mockImplementation((g, args, out, cot) =>
      adjoint(g, args, out, g.apply(ops.mul, cot, g.constant(1.0001))),
    );
    const report = await runCampaign(cells(), {
      adapter: 'swiftshader',
      seed: 1,
      from: smallestWith('gelu('),
      to: COMPILED,
      apart: COMPILED,
      most: 1,
    });
    expect(report.findings.map(({ kind }) => kind)).toEqual(['mismatch']);
    const [text = ''] = report.findings.map(({ model }) => printModel(model));
    expect(text).toContain('gelu(');
    expect(text.split('\n').length).toBeLessThan(20);
  }, 300_000);
});

describe('models', () => {
  it('use all of the language between them', () => {
    const coverage = new Coverage();
    for (let index = 0; index < COMPILED; index++) {
      const model = generateModel(1, index);
      coverage.add(compileModel(genericTarget, model).stages, printModel(model));
    }
    expect(coverage.missing()).toEqual([]);
  });

  it('are the same for the same seed and number, and others for others', () => {
    expect(printModel(generateModel(5, 17))).toBe(printModel(generateModel(5, 17)));
    expect(printModel(generateModel(5, 18))).not.toBe(printModel(generateModel(5, 17)));
  });

  it('shrink to what is needed for a failure', async () => {
    const index = smallestWith('softmax(');
    const fails = (model: Model) =>
      Promise.resolve(
        printModel(model)
          .replace(/import.*/, '')
          .includes('softmax('),
      );
    const smallest = await shrink(generateModel(1, index), fails, 2000);
    expect(
      printModel(smallest)
        .match(/\w+\(/g)
        ?.filter((call) => call === 'softmax('),
    ).toHaveLength(1);
    expect(Object.keys(smallest.next)).toHaveLength(1);
    expect(smallest.sizes).toMatchObject({ T: 1, B: 1 });
  });
});

/** The smallest cell of seed 1 whose spec calls a function. */
function smallestWith(call: string): number {
  const textOf = (index: number) => printModel(generateModel(1, index)).replace(/import.*/, '');
  const having = [...Array(COMPILED).keys()].filter((index) => textOf(index).includes(call));
  return having.reduce((least, index) => (textOf(index).length < textOf(least).length ? index : least));
}
