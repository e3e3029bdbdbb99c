import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { CellTree } from '../../codegen/frontend/tree.js';
import { compile } from '../../codegen/index.js';
import type { LoopStrategy, Plan, Sizes, Target } from '../../codegen/plan.js';
import { compareResults, differingBits } from '../../runtime/compare.js';
import type { CellData } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { builtIn, fromText, prepare, resultsOn } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

/** Products with an input, a delayed one, a state, and a value of the step; one matrix both ways; a sum over units. */
const MIXED = fromText(`import { cell, mat, delay, matvec, mean, sigmoid, tanh, transpose, vec } from 'recurve';
  export default cell({ name: 'mixed', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
    params: { W: mat('H', 'I'), D: mat('H', 'I'), U: mat('H', 'H'), V: mat('H', 'H') },
    step({ x }, { h }, { W, D, U, V }) {
      const f = sigmoid(matvec(W, x) + matvec(U, h) + matvec(D, delay(x, 2)));
      const n = tanh(matvec(V, f * h) + matvec(transpose(U), h));
      return { h: (1 - f) * h + f * (n - mean(n)), y: n };
    } });`);

/** Rows of a matrix whose gradient adds up rows of symbols and products, which are not handed around and are. */
const SYMBOLS = fromText(`import { cell, embed, mat, matvec, symbol, tanh, vec } from 'recurve';
  export default cell({ name: 'symbols', dims: ['V', 'H'], inputs: { s: symbol('V') }, state: { h: vec('H') },
    params: { E: mat('V', 'H'), U: mat('H', 'H') },
    step({ s }, { h }, { E, U }) {
      const n = tanh(embed(E, s) + matvec(U, h));
      return { h: n, y: matvec(E, n) };
    } });`);

/** Sums and maxima over all units: of a state, of what was given, of what only some rows have, and behind the loop. */
const SUMS = fromText(`import { cell, mat, matvec, maxOver, mean, softmax, sqrt, sum, tanh, variance, vec } from 'recurve';
  export default cell({ name: 'sums', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
    params: { W: mat('H', 'I'), U: mat('H', 'H'), g: vec('H'), b: vec('H') },
    step({ x }, { h }, { W, U, g, b }) {
      const s = matvec(W, x) + matvec(U, h);
      const n = tanh(((s - mean(s)) / sqrt(variance(s) + 0.01)) * g + b) + 0.1 * maxOver(h);
      return { h: n - softmax(n) * sum(b), y: n * maxOver(-1 - s * s), m: mean(x) };
    } });`);

type Prepared = ReturnType<typeof prepare>;

function planFor({ tree, options, sizes }: Prepared, target: Target, strategy: LoopStrategy = 'stepwise'): Plan {
  return compile(tree, { options, sizes, gradients: true, target, strategy });
}

const results = (plan: Plan, data: CellData) => resultsOn(device, plan, data);

const handing = (plan: Plan) => plan.kernels.filter(({ subgroup }) => subgroup !== undefined).map(({ name }) => name);

describe('lanes that hand each other what they loaded', () => {
  it.each([
    // Tiles of as many rows as lanes, of more, of fewer, of rows that are left over, and of one.
    ['rows left over', MIXED, { T: 7, B: 5, I: 16, H: 32 }],
    ['tiles of sixteen rows', MIXED, { T: 5, B: 19, I: 32, H: 64 }],
    ['two rows', MIXED, { T: 4, B: 2, I: 32, H: 16 }],
    ['one row', MIXED, { T: 6, B: 1, I: 16, H: 16 }],
    ['gates', builtIn('lstm'), { T: 6, B: 33, I: 48, H: 32 }],
    ['convolutions', builtIn('conv-gru-1d'), { T: 3, B: 2, X: 5, I: 16, H: 16 }],
    ['heads', builtIn('mlstm'), { T: 5, B: 3, I: 16, N: 2, K: 16, V: 16 }],
    ['a matrix whose rows end at different units', builtIn('clockwork'), { T: 5, B: 3, I: 16, H: 32 }],
    ['symbols', SYMBOLS, { T: 5, B: 3, V: 16, H: 16 }],
    ['sums over units', SUMS, { T: 6, B: 5, I: 32, H: 48 }],
    ['sums over units of which some are left over', SUMS, { T: 6, B: 3, I: 16, H: 62 }],
    ['sums over units of one row', SUMS, { T: 6, B: 1, I: 16, H: 32 }],
    ['positions in a walk over chunks', builtIn('delta-rule'), { T: 38, B: 2, I: 4, K: 16, V: 11 }, 'chunkwise'],
    ['positions of heads', builtIn('mlstm'), { T: 9, B: 2, I: 5, N: 2, K: 16, V: 32 }, 'chunkwise'],
  ] as [string, CellTree, Sizes, LoopStrategy?][])('have the bits that each has alone: %s', async (_, tree, sizes, strategy) => {
    const prepared = prepare(tree, sizes);
    const { signature, outputs } = prepared;
    const together = planFor(prepared, device.target, strategy);
    const alone = planFor(prepared, { ...device.target, broadcasts: false }, strategy);
    expect(handing(together)).not.toEqual([]);
    expect(handing(alone)).toEqual([]);
    for (const reverse of [false, true]) {
      const data = randomData(signature, sizes, outputs, { seed: 3, ragged: true, reverse });
      const actual = await results(together, data);
      const compared = compareResults(actual, runReference(tree, signature, sizes, data), 1e-5);
      expect(compared.filter(({ ok }) => !ok)).toEqual([]);
      expect(differingBits(actual, await results(alone, data))).toEqual([]);
    }
  });

  it('are all there: of a workgroup that has lanes over, each loads for itself', () => {
    const prepared = prepare(MIXED, { T: 3, B: 4, I: 20, H: 36 });
    expect(handing(planFor(prepared, device.target))).toEqual([]);
  });

  it('hand on what a workgroup walks with, too', async () => {
    for (const [tree, sizes] of [
      [MIXED, { T: 6, B: 19, I: 16, H: 32 }],
      [builtIn('lstm'), { T: 5, B: 16, I: 5, H: 16 }],
      [SUMS, { T: 6, B: 19, I: 16, H: 32 }],
      [SUMS, { T: 6, B: 1, I: 16, H: 48 }],
    ] as const) {
      const prepared = prepare(tree, sizes);
      const data = randomData(prepared.signature, sizes, prepared.outputs, { seed: 8, ragged: true });
      const together = planFor(prepared, device.target, 'resident');
      const walking = together.kernels.filter(({ walks, subgroup }) => walks && subgroup !== undefined);
      expect(walking.map(({ name }) => name)).toEqual(['forward_loop', 'backward_loop']);
      const alone = planFor(prepared, { ...device.target, broadcasts: false });
      expect(differingBits(await results(together, data), await results(alone, data))).toEqual([]);
    }
  });

  it.each([
    ['gates', builtIn('lstm'), { T: 5, B: 35, I: 12, H: 20 }],
    ['three of them', builtIn('gru'), { T: 5, B: 9, I: 16, H: 36 }],
    ['those of heads', builtIn('slstm'), { T: 4, B: 9, I: 16, N: 2, H: 8 }],
  ] as const)('multiply one matrix after the other on wide processors, to the same bits: %s', async (_, tree, sizes) => {
    const prepared = prepare(tree, sizes);
    const target = { ...device.target, broadcasts: false };
    const [merged, apart] = [planFor(prepared, target), planFor(prepared, { ...target, subgroup: 8 })];
    const loops = ({ kernels }: Plan) => kernels.reduce((sum, { wgsl }) => sum + (wgsl.match(/for \(var g = /g)?.length ?? 0), 0);
    expect(loops(apart)).toBeGreaterThan(loops(merged));
    const data = randomData(prepared.signature, sizes, prepared.outputs, { seed: 12, ragged: true });
    const actual = await results(apart, data);
    expect(differingBits(actual, await results(merged, data))).toEqual([]);
    const compared = compareResults(actual, runReference(tree, prepared.signature, sizes, data), 1e-5);
    expect(compared.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('load one of several positions each, in walks over chunks as well', () => {
    const { kernels } = planFor(prepare(builtIn('delta-rule'), { T: 38, B: 2, I: 4, K: 16, V: 16 }), device.target, 'chunkwise');
    const loading = kernels.filter(({ wgsl }) => /let i\d_own = .* col % \d+u/.test(wgsl));
    expect(loading.length).toBeGreaterThan(5);
    expect(loading.filter(({ walks }) => walks).map(({ name }) => name)).toEqual(['s1_forward_loop', 's1_backward_loop']);
    expect(loading.every(({ subgroup }) => subgroup === device.target.subgroup)).toBe(true);
  });

  it.each([
    { T: 5, B: 3, I: 4, H: 8 },
    { T: 5, B: 3, I: 12, H: 5 },
    { T: 5, B: 3, I: 70, H: 15 },
  ])('sum by themselves what has fewer units than they are: %o', async (sizes) => {
    const prepared = prepare(SUMS, sizes);
    const data = randomData(prepared.signature, sizes, prepared.outputs, { seed: 8, ragged: true });
    const compared = compareResults(
      await results(planFor(prepared, device.target), data),
      runReference(SUMS, prepared.signature, sizes, data),
      1e-5,
    );
    expect(compared.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('hand nothing on where every lane multiplies an operand of its own', () => {
    const prepared = prepare(builtIn('conv-gru-1d'), { T: 3, B: 2, X: 4, I: 16, H: 12 });
    const { kernels } = planFor(prepared, device.target);
    for (const { name, wgsl, subgroup } of kernels) {
      expect(wgsl.includes('subgroupBroadcast') ? subgroup : 4, name).toBe(4);
      if (name.startsWith('forward')) expect(wgsl, name).not.toContain('subgroupBroadcast');
    }
  });
});
