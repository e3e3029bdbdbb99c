/** Lanes that hold their weights from step to step. */
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

/** Phases of different widths, one of which multiplies what another found at the same step. */
const WIDTHS = fromText(`import { cell, mat, matvec, sigmoid, tanh, transpose, vec } from 'recurve';
  export default cell({ name: 'widths', dims: ['I', 'K', 'H'], inputs: { x: vec('I') }, state: { a: vec('K'), h: vec('H') },
    params: { W: mat('H', 'I'), A: mat('K', 'K'), U: mat('H', 'H'), V: mat('H', 'K') },
    step({ x }, { a, h }, { W, A, U, V }) {
      const n = tanh(matvec(A, a) + 0.5 * matvec(transpose(V), h));
      const f = sigmoid(matvec(W, x) + matvec(V, n));
      return { a: n, h: (1 - f) * h + f * tanh(matvec(U, h)), y: f };
    } });`);

const TICKING = fromText(`import { cell, mat, matvec, mod, tanh, vec } from 'recurve';
  export default cell({ name: 'ticking', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
    params: { W: mat('H', 'I'), U: mat('H', 'H') },
    step({ x }, { h }, { W, U }, { t }) { return { h: mod(t, 2) === 0 ? tanh(matvec(W, x) + matvec(U, h)) : h }; } });`);

const TRIANGULAR = fromText(`import { blockTriangular, cell, mat, matvec, tanh, vec } from 'recurve';
  export default cell({ name: 'triangular', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
    params: { W: mat('H', 'I'), U: mat('H', 'H') },
    step({ x }, { h }, { W, U }) { return { h: tanh(matvec(W, x) + matvec(blockTriangular(U, 4), h)) }; } });`);

const SUM = fromText(`import { cell, mat, matvec, mean, tanh, vec } from 'recurve';
  export default cell({ name: 'sum', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
    params: { W: mat('H', 'I'), U: mat('H', 'H') },
    step({ x }, { h }, { W, U }) { const n = tanh(matvec(W, x) + matvec(U, h)); return { h: n - mean(n) }; } });`);

type Prepared = ReturnType<typeof prepare>;
const planOf = ({ tree, options, sizes }: Prepared, strategy: LoopStrategy, target: Target): Plan =>
  compile(tree, { options, sizes, gradients: true, target, strategy });

const results = (plan: Plan, data: CellData) => resultsOn(device, plan, data);

/** Of the loops of a plan, forward and backward: whether its lanes hold weights, and load what they multiply for each other. */
const loopsOf = ({ kernels }: Plan) => {
  const loops = kernels.filter(({ walks }) => walks);
  return { held: loops.map(({ wgsl }) => /\bheld\[/.test(wgsl)), shared: loops.map(({ wgsl }) => /\bown\d+_\d+\b/.test(wgsl)) };
};
const BOTH = [true, true];
const NONE = [false, false];

const CASES: readonly [string, CellTree, Sizes, { held: boolean[]; shared: boolean[] }][] = [
  ['lanes of several subgroups, one sequence', builtIn('lstm'), { T: 6, B: 1, I: 5, H: 32 }, { held: BOTH, shared: BOTH }],
  ['more units than a subgroup loads at once', builtIn('rnn'), { T: 4, B: 2, I: 3, H: 48 }, { held: BOTH, shared: BOTH }],
  ['lanes that fill no subgroup, units left over', builtIn('lstm'), { T: 5, B: 3, I: 3, H: 10 }, { held: BOTH, shared: NONE }],
  ['two phases, tiles with rows left over', builtIn('gru'), { T: 5, B: 9, I: 4, H: 16 }, { held: BOTH, shared: BOTH }],
  ['phases of different widths', WIDTHS, { T: 5, B: 3, I: 4, K: 16, H: 32 }, { held: BOTH, shared: BOTH }],
  ['phases of which one has lanes left over', WIDTHS, { T: 5, B: 5, I: 4, K: 7, H: 12 }, { held: BOTH, shared: NONE }],
  ['positions and windows', builtIn('conv-rnn-1d'), { T: 3, B: 2, X: 5, I: 3, H: 6 }, { held: BOTH, shared: NONE }],
  [
    'positions whose units fill subgroups',
    builtIn('conv-rnn-1d'),
    { T: 3, B: 5, X: 3, I: 3, H: 16 },
    { held: BOTH, shared: BOTH },
  ],
  ['heads', builtIn('slstm'), { T: 4, B: 2, I: 3, N: 2, H: 8 }, { held: BOTH, shared: NONE }],
  ['fewer rows to a lane than without', builtIn('lstm'), { T: 3, B: 33, I: 3, H: 24 }, { held: BOTH, shared: NONE }],
  ['more than a lane holds', builtIn('lstm'), { T: 3, B: 1, I: 3, H: 68 }, { held: NONE, shared: NONE }],
  ['products that count at some steps', TICKING, { T: 5, B: 3, I: 4, H: 16 }, { held: NONE, shared: NONE }],
  ['a matrix of which a part counts', TRIANGULAR, { T: 5, B: 3, I: 4, H: 16 }, { held: NONE, shared: NONE }],
  ['sums that each lane would do for itself', SUM, { T: 5, B: 2, I: 4, H: 32 }, { held: NONE, shared: NONE }],
  ['sums that lanes share out', SUM, { T: 5, B: 2, I: 4, H: 16 }, { held: BOTH, shared: BOTH }],
];

describe('lanes that hold what they multiply', () => {
  it.each(CASES)('have the bits of single steps, or load it where it is too much: %s', async (_, tree, sizes, expected) => {
    const prepared = prepare(tree, sizes);
    const { signature, outputs } = prepared;
    const walked = planOf(prepared, 'resident', device.target);
    const alone = planOf(prepared, 'resident', { ...device.target, broadcasts: false });
    expect(loopsOf(walked)).toEqual(expected);
    expect(loopsOf(alone).shared).toEqual(NONE);
    for (const reverse of [false, true]) {
      const data = randomData(signature, sizes, outputs, { seed: 5, ragged: true, reverse });
      const actual = await results(walked, data);
      const compared = compareResults(actual, runReference(tree, signature, sizes, data), 1e-5);
      expect(compared.filter(({ ok }) => !ok)).toEqual([]);
      expect(differingBits(actual, await results(planOf(prepared, 'stepwise', device.target), data))).toEqual([]);
      if (!reverse) expect(differingBits(actual, await results(alone, data))).toEqual([]);
    }
  });

  it('multiply nothing where the sequences of a tile have ended', () => {
    const plan = planOf(prepare(builtIn('gru'), { T: 9, B: 8, I: 3, H: 16 }), 'resident', device.target);
    const guarded = plan.kernels.filter(({ walks }) => walks).map(({ wgsl }) => wgsl.match(/if \(alive\) \{/g)?.length);
    expect(guarded).toEqual([1, 3]);
  });

  it('fill what they hold again in each dispatch of a long loop', async () => {
    const sizes = { T: 9, B: 2, I: 3, H: 16 };
    const prepared = prepare(builtIn('gru'), sizes);
    const plan = planOf(prepared, 'resident', { ...device.target, maxDispatchWork: 2 ** 13 });
    expect(plan.passes.find(({ name }) => name === 'forward_loop')?.dispatches).toBeGreaterThan(3);
    const data = randomData(prepared.signature, sizes, prepared.outputs, { seed: 6, ragged: true });
    expect(differingBits(await results(plan, data), await results(planOf(prepared, 'stepwise', device.target), data))).toEqual(
      [],
    );
  });
});
