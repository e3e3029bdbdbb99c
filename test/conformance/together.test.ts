/** Lanes that run one loop for several steps of a sequence, or for several positions, against the reference. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OptionValue } from '../../codegen/frontend/tree.js';
import { compile, resolveOptions, resolveSpec, type SpecTree, valuesOf } from '../../codegen/index.js';
import type { LoopStrategy, Plan, Sizes } from '../../codegen/plan.js';
import { judge, outputShapes } from '../../runtime/check/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { loadSpec } from '../../runtime/node/cells.js';
import { type RandomChoices, randomData } from '../../runtime/random.js';
import { fromText } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

interface Subject {
  readonly tree: SpecTree;
  readonly sizes: Sizes;
  readonly options?: Readonly<Record<string, OptionValue>>;
  readonly strategy?: LoopStrategy;
  /** Whether lanes hand each other what they load; each of the device's four would then have four spots at most. */
  readonly broadcasts?: boolean;
}

/** Less than the plans have. */
const EXTENTS: readonly Sizes[] = [{ T: 3 }, { T: 1, S: 2 }, { T: 4, B: 1 }, { S: 1 }];

/** A plan, and what a run of it with no more steps than it has gives beside the reference. */
async function loaded({ tree, sizes, options: given = {}, strategy, broadcasts = false }: Subject) {
  const options = resolveOptions(tree, given);
  const signature = resolveSpec(tree, options);
  const outputs = outputShapes(signature, valuesOf(tree, signature));
  const target = { ...device.target, broadcasts };
  const plan = compile(tree, { options, sizes, gradients: true, target, strategy });
  const layer = await load(device, plan);
  const wrong = async (extent: Sizes, choices: RandomChoices): Promise<string[]> => {
    const own = { ...sizes, ...extent };
    const data = randomData(signature, own, outputs, choices);
    layer.poison();
    const judged = judge(tree, signature, own, data, await layer.run(data));
    expect(judged.length).toBeGreaterThan(2);
    return judged.flatMap(({ name, verdict, error }) => (verdict === 'agrees' ? [] : [`${name} ${error}`]));
  };
  return { plan, layer, wrong };
}

/** How many steps, positions or quads of units lanes have, for each direction. */
function lanesHave(plan: Plan, what: 'steps' | 'positions' | 'units'): Record<Plan['passes'][number]['direction'], number[]> {
  const found = { forward: new Set<number>(), backward: new Set<number>() };
  const kernels = new Map(plan.kernels.map(({ name, wgsl }) => [name, wgsl]));
  for (const { kernel, direction } of plan.passes) {
    const [, count] = new RegExp(`, (\\d+) ${what} a lane\n`).exec(kernels.get(kernel) ?? '') ?? [];
    if (count !== undefined) found[direction].add(Number(count));
  }
  return { forward: [...found.forward].sort(), backward: [...found.backward].sort() };
}

/** Sums over units of a value that each has a row of, with a mask, a maximum and a window among them. */
const SUMS = fromText(`import { cell, mat, matvec, maxOver, outer, softmax, tanh, vec } from 'recurve';
  export default cell({ name: 'sums', dims: ['N', 'K', 'I'], inputs: { k: vec('K'), v: vec('N'), x: vec('I') }, state: { S: mat('N', 'K') },
    params: { W: mat('N', 'K'), u: vec('K') },
    step({ k, v, x }, { S }, { W, u }) {
      const read = matvec(S, k);
      return { S: tanh(0.5 * S + outer(v - read, k) * maxOver(-1 - 0.1 * x * x)), y: read * maxOver(W * S, 'K') + matvec(S, softmax(u)) };
    } });`);

/** What all units of a row share. */
const NORMALIZED = fromText(`import { cell, mean, sqrt, tanh, variance, vec } from 'recurve';
  export default cell({ name: 'normalized', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') }, params: { g: vec('H') },
    step({ x }, { h }, { g }) {
      const s = x + tanh(h * g);
      return { h: (s - mean(s)) / sqrt(variance(s) + 0.1), y: s * mean(h) };
    } });`);

/** What all units of all positions share. */
const NORMALIZED_MAP = fromText(`import { broadcast, cell, map, sum, tanh, vec } from 'recurve';
  export default cell({ name: 'normalized-map', dims: ['N', 'H'], inputs: { x: map('N', 'H'), v: vec('H') }, state: { h: map('N', 'H') },
    params: { g: map('N', 'H') },
    step({ x, v }, { h }, { g }) {
      const s = tanh(0.3 * h * g + x);
      return { h: s - 0.01 * broadcast(sum(s * s), 'N', 'H') + broadcast(sum(v * v), 'N', 'H') * 0.01 };
    } });`);

const translator = (options: Readonly<Record<string, OptionValue>>, sizes: Sizes): Subject => ({
  tree: loadSpec('translator', process.cwd()),
  options,
  sizes: { V: 5, K: 7, E: 6, ...sizes },
});

describe('lanes with several steps of a sequence', () => {
  it.each([
    ['steps left over, units left over', translator({ attention: 'dot' }, { S: 9, T: 11, B: 3, H: 10 }), 8],
    ['whole tiles', translator({ attention: 'dot' }, { S: 16, T: 16, B: 2, H: 8 }), 8],
    [
      'of which each lane loads one for all',
      { ...translator({ attention: 'dot' }, { S: 9, T: 11, B: 3, H: 16 }), broadcasts: true },
      4,
    ],
    ['fewer than the most', translator({ attention: 'dot' }, { S: 3, T: 5, B: 4, H: 5 }), 4],
    ['sums over two axes', translator({ attention: 'additive' }, { S: 9, T: 11, B: 3, H: 10, A: 6 }), 8],
  ])('agree with the reference, ragged and in runs of any length: %s', async (_, subject, most) => {
    const { plan, layer, wrong } = await loaded(subject);
    const { forward, backward } = lanesHave(plan, 'steps');
    expect(Math.max(...forward)).toBe(most);
    expect(Math.max(...backward)).toBe(most);
    expect(await wrong({}, { seed: 1 })).toEqual([]);
    expect(await wrong({}, { seed: 2, ragged: true })).toEqual([]);
    // A run of fewer steps has fewer tiles of them, each with all sequences.
    for (const [turn, extent] of EXTENTS.entries()) {
      expect(await wrong(extent, { seed: turn + 3, ragged: turn % 2 === 0 }), JSON.stringify(extent)).toEqual([]);
    }
    layer.destroy();
  });
});

describe('lanes with several positions', () => {
  it.each([
    ['rows of a matrix', { tree: SUMS, sizes: { T: 5, B: 3, N: 11, K: 6, I: 3 } }, 8],
    ['rows of a matrix, and sums over more units', { tree: SUMS, sizes: { T: 5, B: 3, N: 8, K: 8, I: 40 } }, 8],
    [
      'chunks',
      { tree: loadSpec('delta-rule', process.cwd()), sizes: { T: 70, B: 2, I: 3, K: 5, V: 6 }, strategy: 'chunkwise' },
      8,
    ],
    [
      'chunks with heads',
      { tree: loadSpec('mlstm', process.cwd()), sizes: { T: 40, B: 2, I: 3, N: 2, K: 5, V: 6 }, strategy: 'chunkwise' },
      8,
    ],
  ] as const)('agree with the reference, ragged: %s', async (_, subject, count) => {
    const { plan, layer, wrong } = await loaded(subject);
    const { forward, backward } = lanesHave(plan, 'positions');
    expect([...forward, ...backward]).toContain(count);
    expect(await wrong({}, { seed: 1 })).toEqual([]);
    expect(await wrong({}, { seed: 2, ragged: true })).toEqual([]);
    expect(await wrong({ T: 3 }, { seed: 3, ragged: true })).toEqual([]);
    layer.destroy();
  });
});

describe('lanes with several units', () => {
  it.each([
    ['left over', { tree: NORMALIZED, sizes: { T: 5, B: 3, H: 45 } }, 4],
    ['for each position of a map', { tree: NORMALIZED_MAP, sizes: { T: 5, B: 3, N: 3, H: 64 }, strategy: 'stepwise' }, 8],
  ] as const)('agree with the reference, ragged: %s', async (_, subject, count) => {
    const { plan, layer, wrong } = await loaded(subject);
    const { forward, backward } = lanesHave(plan, 'units');
    expect(forward).toContain(count);
    expect(backward).toContain(count);
    expect(await wrong({}, { seed: 1 })).toEqual([]);
    expect(await wrong({}, { seed: 2, ragged: true })).toEqual([]);
    layer.destroy();
  });
});
