/** Work that nothing asks for at some steps is left out, and nothing else is. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import type { Plan } from '../../codegen/plan.js';
import { compareResults, differingBits } from '../../runtime/compare.js';
import type { CellResult } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { asHardware } from '../device/as-hardware.js';
import { builtIn, fromText, prepare } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

const cell = (step: string) =>
  fromText(
    `import { blockIndex, cell, exp, log, mat, matvec, mod, sigmoid, tanh, vec } from 'recurve';
    export default cell({ name: 'ticking', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
      params: { W: mat('H', 'I'), U: mat('H', 'H'), V: mat('H', 'H'), b: vec('H') },
      step({ x }, { h }, p, { t }) { ${step} } });`.replace(/import \{ (.*?) \}/, (_, names: string) => {
      const used = names.split(', ').filter((name) => new RegExp(`\\b${name}\\(`).test(`${step} cell( mat( vec(`));
      return `import { ${used.join(', ')} }`;
    }),
  );

/** Sums that are left out at steps that do not ask for them, and products at steps whose factor is zero. */
const guards = ({ kernels }: Plan) => ({
  sums: kernels.filter(({ wgsl }) => /k < select\(0u, [^;]*(_at\(|any\(!?v\d+|due\d)/.test(wgsl)).length,
  products: kernels.filter(
    ({ wgsl }) => /if \([^;]*v\d+_at\(i32\(t\)/.test(wgsl) || /if \((subgroupAny\()?any\(\(\(bitcast/.test(wgsl),
  ).length,
});

const CELLS: readonly [string, ReturnType<typeof fromText>, Record<string, number>, { sums: boolean; products: boolean }][] = [
  [
    'blocks of units with periods of their own',
    cell(`const n = tanh(matvec(p.W, x) + matvec(p.U, h) + p.b);
    return { h: mod(t, 2 ** blockIndex('H', 3)) === 0 ? n : h };`),
    { T: 9, B: 3, I: 5, H: 37 },
    { sums: true, products: true },
  ],
  [
    'all units at once, where the test fails',
    cell(`const n = tanh(matvec(p.W, x) + matvec(p.U, h) + matvec(p.V, h));
    return { h: mod(t, 3) === 1 ? h : n };`),
    { T: 8, B: 2, I: 6, H: 12 },
    { sums: true, products: true },
  ],
  [
    'several steps in one tile of rows',
    cell(`const n = sigmoid(matvec(p.W, x) + matvec(p.U, h) + p.b);
    return { h: mod(t, 2) === 0 ? n : h };`),
    { T: 13, B: 1, I: 5, H: 8 },
    { sums: true, products: true },
  ],
  [
    'a gate, beside a candidate whose product with a cotangent may be of either sign',
    cell(`const z = sigmoid(matvec(p.W, x) + matvec(p.U, h));
    const n = tanh(matvec(p.V, h) + p.b);
    return { h: mod(t, 2) === 0 ? (1 - z) * h + z * n : h };`),
    { T: 7, B: 3, I: 4, H: 9 },
    { sums: true, products: true },
  ],
  [
    'a factor of either sign, whose product with a cotangent of zero would be a zero of another sign',
    cell(`const n = tanh(matvec(p.W, x) + matvec(p.U, h) + matvec(p.V, h) + p.b);
    return { h: mod(t, 2) === 0 ? n * h : h };`),
    { T: 7, B: 3, I: 4, H: 9 },
    { sums: false, products: true },
  ],
  [
    'a sum that an output shows at every step',
    cell(`const s = matvec(p.W, x) + matvec(p.U, h) + matvec(p.V, h);
    return { h: mod(t, 2) === 0 ? tanh(s) : h, s };`),
    { T: 7, B: 3, I: 4, H: 9 },
    { sums: false, products: false },
  ],
  [
    'a slope that zero would make infinite',
    cell(`const n = log(1 + exp(matvec(p.U, h)) * 0.1) + log(3 + tanh(matvec(p.W, x)) + sigmoid(matvec(p.V, h)) + p.b * p.b);
    return { h: mod(t, 2) === 0 ? tanh(n) : h };`),
    { T: 7, B: 3, I: 4, H: 9 },
    { sums: false, products: false },
  ],
];

describe('work that nothing asks for at some steps', () => {
  it.each(CELLS)('is left out and missed by nobody: %s', async (_, tree, sizes, expected) => {
    const { options, signature, outputs } = prepare(tree, sizes);
    for (const on of [device, asHardware(device)]) {
      const results: CellResult[] = [];
      for (const strategy of ['stepwise', 'resident'] as const) {
        const plan = compile(tree, { options, sizes, gradients: true, target: on.target, strategy });
        const found = guards(plan);
        expect({ sums: found.sums > 0, products: found.products > 0 }).toEqual(expected);
        const layer = await load(on, plan);
        for (const reverse of [false, true]) {
          const data = randomData(signature, sizes, outputs, { seed: 11, ragged: true, reverse });
          layer.poison();
          const result = await layer.run(data);
          const wrong = compareResults(result, runReference(tree, signature, sizes, data), 1e-5).filter(({ ok }) => !ok);
          expect(wrong).toEqual([]);
          if (!reverse) results.push(result);
        }
        layer.destroy();
      }
      const [first, second] = results;
      if (first === undefined || second === undefined) throw new Error('nothing ran');
      if (on === device) expect(differingBits(first, second)).toEqual([]);
    }
  });

  it('is there for a value that is traced', async () => {
    const [, tree, sizes] = CELLS[0] ?? [];
    if (tree === undefined || sizes === undefined) throw new Error('no cell');
    const { options } = prepare(tree, sizes);
    const request = { options, sizes, gradients: true, target: device.target };
    expect(guards(compile(tree, request)).sums).toBeGreaterThan(0);
    expect(guards(compile(tree, { ...request, trace: ['n'] })).sums).toBe(0);
  });

  it('depends on nothing that differs between sequences', () => {
    const tree = cell('return { h: h > 0 ? tanh(matvec(p.W, x) + matvec(p.U, h) + matvec(p.V, h) + p.b) : h };');
    const sizes = { T: 4, B: 2, I: 3, H: 8 };
    const { options } = prepare(tree, sizes);
    expect(guards(compile(tree, { options, sizes, gradients: true, target: device.target }))).toEqual({ sums: 0, products: 0 });
  });

  it('is most of what a Clockwork network has, in each of its products', () => {
    const tree = builtIn('clockwork');
    const sizes = { T: 16, B: 4, I: 8, H: 64 };
    const { options } = prepare(tree, sizes, { modules: 4 });
    const plan = compile(tree, { options, sizes, gradients: true, target: device.target, strategy: 'stepwise' });
    // With inputs and with the state; going back to the state, to the inputs and to both matrices.
    expect(guards(plan)).toEqual({ sums: 2, products: 5 });
  });
});
