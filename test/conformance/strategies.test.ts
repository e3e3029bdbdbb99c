import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { LOOP_STRATEGIES, type LoopStrategy, type Plan, type Target } from '../../codegen/plan.js';
import { compareResults, differingBits } from '../../runtime/compare.js';
import type { CellData, CellResult } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { builtIn, fromText, prepare } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

type Prepared = ReturnType<typeof prepare>;

/** Per unit, with a second state of another width, a scalar that all units read from memory in no step, and an output that mixes. */
const APART = fromText(`import { cell, mat, matvec, scalar, sigmoid, tanh, vec } from 'recurve';
  export default cell({ name: 'apart', dims: ['H', 'K'], inputs: { x: vec('H'), u: vec('K') }, state: { h: vec('H'), k: vec('K') },
    params: { w: vec('H'), v: vec('K'), s: scalar(), R: mat('K', 'H') },
    step({ x, u }, { h, k }, { w, v, s, R }) {
      const n = tanh(w * h + x) * s;
      return { h: n, k: sigmoid(v) * k + (1 - sigmoid(v)) * u, y: matvec(R, n) };
    } });`);

/** One number of all units, which a sum over units is made of: a lane has it in the first place of a register. */
const NUMBER = fromText(`import { abs, cell, dot, scalar, vec } from 'recurve';
  export default cell({ name: 'number', dims: ['H'], inputs: { x: vec('H'), u: vec('H') }, state: { s: scalar() }, params: {},
    step({ x, u }, { s }) { return { s: 0.3 * dot(x, 0.3 * abs(u - s)) }; } });`);

/** Two phases a step, a row that only they share, and a reduction over units. */
const TOGETHER = fromText(`import { cell, mat, matvec, mean, sigmoid, tanh, vec } from 'recurve';
  export default cell({ name: 'together', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
    params: { W: mat('H', 'I'), U: mat('H', 'H'), V: mat('H', 'H') },
    step({ x }, { h }, { W, U, V }) {
      const f = sigmoid(matvec(W, x) + matvec(U, h));
      const n = tanh(matvec(V, f * h) + matvec(W, x));
      return { h: (1 - f) * h + f * (n - mean(n)) };
    } });`);

function planFor({ tree, options, sizes }: Prepared, strategy: LoopStrategy | undefined, target: Target = device.target): Plan {
  return compile(tree, { options, sizes, gradients: true, target, strategy });
}

function allowed(plan: Plan, direction: 'forward' | 'backward'): readonly LoopStrategy[] {
  return plan[direction].flatMap((item) => (item.kind === 'loop' ? (item.choice?.allowed ?? []) : []));
}

async function results(plan: Plan, data: CellData): Promise<CellResult> {
  const layer = await load(device, plan);
  layer.poison();
  const result = await layer.run(data);
  layer.destroy();
  return result;
}

const code = (action: () => unknown): unknown => {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('a loop that one kernel walks', () => {
  it.each([
    ['units of their own', APART, { T: 9, B: 5, H: 6, K: 35 }, ['thread', 'resident']],
    ['units that meet in two phases', TOGETHER, { T: 6, B: 3, I: 5, H: 37 }, ['resident']],
    ['a convolution of the state', builtIn('conv-gru-1d'), { T: 3, B: 2, X: 5, I: 3, H: 6 }, ['resident']],
    ['a matrix memory', builtIn('mlstm'), { T: 5, B: 2, I: 4, N: 2, K: 3, V: 5 }, ['resident']],
  ] as const)('gives the bits of its steps one by one: %s', async (_, tree, sizes, strategies) => {
    const prepared = prepare(tree, sizes);
    const { signature, outputs } = prepared;
    for (const reverse of [false, true]) {
      const data = randomData(signature, sizes, outputs, { seed: 11, ragged: true, reverse });
      const stepwise = await results(planFor(prepared, 'stepwise'), data);
      const compared = compareResults(stepwise, runReference(tree, signature, sizes, data), 1e-5);
      expect(compared.filter(({ ok }) => !ok)).toEqual([]);
      for (const strategy of strategies) {
        const plan = planFor(prepared, strategy);
        expect(plan.passes.filter(({ region }) => region === 'loop').map((pass) => pass.strategy)).toEqual([strategy, strategy]);
        expect(differingBits(await results(plan, data), stepwise)).toEqual([]);
      }
    }
  });

  it('reads one number of all units alike for every unit that a sum is over', async () => {
    const prepared = prepare(NUMBER, { T: 9, B: 5, H: 6 });
    const { tree, signature, outputs, sizes } = prepared;
    const data = randomData(signature, sizes, outputs, { seed: 11, ragged: true });
    const plan = planFor(prepared, 'thread');
    expect(allowed(plan, 'forward')[0]).toBe('thread');
    const result = await results(plan, data);
    expect(compareResults(result, runReference(tree, signature, sizes, data), 1e-5).filter(({ ok }) => !ok)).toEqual([]);
    expect(differingBits(result, await results(planFor(prepared, 'stepwise'), data))).toEqual([]);
  });

  it('waits for the other lanes of its workgroup, also where they are more than run in step', async () => {
    const prepared = prepare(TOGETHER, { T: 9, B: 3, I: 3, H: 133 });
    const data = randomData(prepared.signature, prepared.sizes, prepared.outputs, { seed: 5, ragged: true });
    const stepwise = await results(planFor(prepared, 'stepwise'), data);
    for (const target of [
      { ...device.target, subgroup: 16 },
      { ...device.target, subgroup: 32, software: false },
    ]) {
      const plan = planFor(prepared, 'resident', target);
      expect(plan.kernels.find(({ walks }) => walks)?.wgsl).toMatch(/@workgroup_size\((16|256)\)/);
      const actual = await results(plan, data);
      const off = compareResults(actual, stepwise, 1e-6).filter(({ ok }) => !ok);
      expect(off).toEqual([]);
    }
  });

  it('takes several dispatches where one would take too long, and the last ends where the run does', async () => {
    for (const [tree, sizes] of [
      [APART, { T: 23, B: 2, H: 5, K: 3 }],
      [TOGETHER, { T: 23, B: 2, I: 3, H: 9 }],
    ] as const) {
      const prepared = prepare(tree, sizes);
      const short = planFor(prepared, undefined, { ...device.target, maxDispatchWork: 5 * 2 ** 12 });
      const loops = short.passes.filter(({ region }) => region === 'loop');
      expect(loops.map(({ dispatches }) => dispatches)).toEqual([5, 5]);
      const [layer, stepwise] = [await load(device, short), await load(device, planFor(prepared, 'stepwise'))];
      // Fewer steps than the plan has, and then more again: nothing of a run before may be left.
      for (const T of [23, 7, 5, 1, 12]) {
        const data = randomData(prepared.signature, { ...sizes, T }, prepared.outputs, { seed: T, ragged: true });
        expect(differingBits(await layer.run(data), await stepwise.run(data))).toEqual([]);
      }
      layer.destroy();
      stepwise.destroy();
    }
  });

  it('is one dispatch for all steps', () => {
    const loops = planFor(prepare(APART, { T: 500, B: 2, H: 5, K: 3 }), undefined).passes.filter(
      ({ region }) => region === 'loop',
    );
    expect(loops.map(({ strategy, dispatches }) => ({ strategy, dispatches }))).toEqual([
      { strategy: 'thread', dispatches: 1 },
      { strategy: 'thread', dispatches: 1 },
    ]);
  });

  it('costs what its steps cost', () => {
    const prepared = prepare(TOGETHER, { T: 12, B: 3, I: 5, H: 9 });
    const [walked, stepwise] = (['resident', 'stepwise'] as const).map((strategy) =>
      planFor(prepared, strategy)
        .passes.filter(({ region }) => region === 'loop')
        .reduce((sum, { flops }) => sum + flops, 0),
    );
    expect(walked).toBe(stepwise);
  });
});

describe('which strategies a loop allows', () => {
  it('is found in the graph, for each direction', () => {
    const per = planFor(prepare(APART, { T: 3, B: 2, H: 5, K: 3 }), undefined);
    expect(allowed(per, 'forward')).toEqual(['thread', 'stepwise', 'resident', 'scan']);
    expect(allowed(per, 'backward')).toEqual(['thread', 'stepwise', 'resident', 'scan']);
    const mixed = planFor(prepare(TOGETHER, { T: 3, B: 2, I: 2, H: 5 }), undefined);
    expect(allowed(mixed, 'forward')).toEqual(['resident', 'stepwise']);
    expect(allowed(mixed, 'backward')).toEqual(['resident', 'stepwise']);
  });

  it.each([
    ['a matrix', 'h: tanh(matvec(p.U, h) + x)', /a matrix mixes units/],
    ['a sum over units', 'h: tanh(h * sum(h) + x)', /units are read at other units/],
    ['a maximum over units', 'h: h - maxOver(h) + x', /units are read at other units/],
  ])('leaves out lanes on their own where they meet: through %s', (_, next, words) => {
    const tree = fromText(`import { cell, mat, matvec, maxOver, sum, tanh, vec } from 'recurve';
      export default cell({ name: 'meets', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') }, params: { U: mat('H', 'H') },
        step({ x }, { h }, p) { return { ${next}, y: matvec(p.U, x) }; } });`);
    const error = code(() => planFor(prepare(tree, { T: 3, B: 2, H: 9 }), 'thread'));
    expect(error).toMatchObject({ code: 'STRATEGY-REFUSED', message: expect.stringMatching(words), where: '--strategy' });
  });

  it('leaves out one kernel where the adapter binds too few buffers or bears too few instructions', () => {
    const prepared = prepare(TOGETHER, { T: 3, B: 2, I: 2, H: 5 });
    for (const [less, words] of [
      [{ maxStorageBuffers: 2 }, /buffers at once, and the adapter binds 2/],
      [{ maxKernelInstructions: 60 }, /instructions, and a kernel 120 at most/],
    ] as const) {
      const target = { ...device.target, ...less };
      expect(code(() => planFor(prepared, 'resident', target))).toMatchObject({
        code: 'STRATEGY-REFUSED',
        message: expect.stringMatching(words),
      });
    }
  });

  it('never leaves out single steps, and says of every loop why it runs no other way', () => {
    const { forward } = planFor(prepare(builtIn('lstm'), { T: 3, B: 2, I: 2, H: 5 }), 'stepwise');
    const [loop] = forward.flatMap((item) => (item.kind === 'loop' ? [item] : []));
    expect(loop?.choice?.allowed).toEqual(['stepwise', 'resident']);
    expect(Object.keys(loop?.choice?.refused ?? {})).toEqual(['thread', 'scan', 'wavefront', 'chunkwise']);
    expect(LOOP_STRATEGIES).toContain('stepwise');
  });
});
