/** Passes timed one by one: all of them, by what they are, and about as long as the whole. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { benchData } from '../../bench/bench.js';
import { type PassesRequest, runPasses } from '../../bench/passes.js';
import { compile, resolveOptions, resolveSpec } from '../../codegen/index.js';
import type { LoopStrategy, Sizes } from '../../codegen/plan.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { predict } from '../../runtime/roofline/index.js';
import { builtIn } from '../conformance/compare-cell.js';
import { RATES } from '../roofline/rooflines.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader', { purpose: 'bench' });
});
afterAll(() => device.close());

const caseOf = (name: string, sizes: Sizes) => {
  const tree = builtIn(name);
  return { tree, options: resolveOptions(tree, {}), sizes };
};
const planOf = (name: string, sizes: Sizes, strategy?: LoopStrategy) => {
  const { tree, options } = caseOf(name, sizes);
  return compile(tree, { options, sizes, gradients: true, target: device.target, strategy });
};
const timed = async (name: string, sizes: Sizes, more: Partial<PassesRequest> = {}) => {
  const request = { device, cases: [caseOf(name, sizes)], strategies: [undefined], rates: undefined, onProgress() {}, ...more };
  const { results } = await runPasses(request);
  const [first] = results;
  if (first === undefined) throw new Error('nothing was timed');
  return first;
};
async function trained(name: string, sizes: Sizes, strategy: LoopStrategy) {
  const { tree, options } = caseOf(name, sizes);
  const layer = await load(device, planOf(name, sizes, strategy));
  await layer.run({ ...benchData(tree, resolveSpec(tree, options), sizes), read: [] });
  return layer;
}

const GRU = { T: 32, B: 8, I: 32, H: 64 };

it('times every pass of the plan, in its order, and their sum is about the whole', async () => {
  const { passes, sum, whole, loops } = await timed('gru', GRU, { strategies: ['resident'] });
  const plan = planOf('gru', GRU, 'resident');
  expect(passes.map(({ name, dispatches }) => [name, dispatches])).toEqual(
    plan.passes.map(({ name, dispatches }) => [name, dispatches]),
  );
  expect(loops).toEqual({ forward_loop: 'resident', backward_loop: 'resident' });
  for (const { timing, predictedMs } of passes) {
    expect(timing.samples).toBe(whole.samples);
    expect(timing.min).toBeGreaterThan(0);
    expect(predictedMs).toBeUndefined();
  }
  const times = passes.map(({ timing }) => timing.all);
  for (const [round, total] of sum.all.entries())
    expect(total).toBeCloseTo(
      times.reduce((sofar, all) => sofar + (all[round] ?? 0), 0),
      1,
    );
  // 1.00 on a quiet machine; the least of several is what a busy one disturbs least.
  expect(sum.min / whole.min).toBeGreaterThan(0.5);
  expect(sum.min / whole.min).toBeLessThan(2);
  // All rows of three gates, which no machine has done sooner than one of its smallest passes.
  const [product, copy] = ['forward_before_0_H', 'backward_empty_step_0_H'].map((name) =>
    passes.find((pass) => pass.name === name),
  );
  expect(product?.timing.min).toBeGreaterThan(2 * (copy?.timing.min ?? Number.POSITIVE_INFINITY));
});

it('gives a loop of one pass one pair of timestamps, and passes that take turns one at each dispatch', async () => {
  const [gru, mgu] = [
    await timed('gru', GRU, { strategies: ['stepwise'] }),
    await timed('mgu', GRU, { strategies: ['stepwise'] }),
  ];
  const inLoop = ({ passes }: typeof gru) =>
    passes.filter(({ region }) => region === 'loop').map(({ dispatches, pairs }) => [dispatches, pairs]);
  expect(inLoop(gru)).toEqual([
    [32, 1],
    [32, 1],
  ]);
  expect(inLoop(mgu)).toEqual(Array.from({ length: 4 }, () => [32, 32]));
  expect(mgu.passes.filter(({ region }) => region !== 'loop').map(({ pairs }) => pairs)).toEqual(
    Array.from({ length: 9 }, () => 1),
  );
});

it('puts the prediction, what bounds it and the share of the roofline beside each', async () => {
  const { passes } = await timed('gru', GRU, { rates: RATES });
  const predictions = predict(planOf('gru', GRU), RATES);
  for (const [index, { predictedMs, bound, ratio, share, timing }] of passes.entries()) {
    const expected = predictions[index];
    expect(predictedMs).toBe(expected?.ms);
    expect(bound).toBe(expected?.bound);
    expect(ratio).toBeCloseTo(timing.median / (expected?.ms ?? 0), 9);
    expect(share).toBeCloseTo((expected?.roofMs ?? 0) / timing.median, 9);
  }
});

it('times more dispatches than one set of timestamps holds, each of them once', async () => {
  const steps = 1100;
  const layer = await trained('mgu', { T: steps, B: 1, I: 2, H: 4 }, 'stepwise');
  const begin = performance.now();
  const times = await layer.time('forward and backward', 'each pass');
  const wall = performance.now() - begin;
  const loops = times.filter(({ name }) => name.includes('loop'));
  expect(loops.map(({ pairs }) => pairs)).toEqual([steps, steps, steps, steps]);
  // Those of the last set, too: every step going back takes its time, and all together no more than there was.
  const [first = 0, second = 0, third = 0, fourth = 0] = loops.map(({ ms }) => ms);
  expect(Math.min(third, fourth)).toBeGreaterThan(0.1 * Math.max(first, second));
  expect(times.reduce((sum, { ms }) => sum + ms, 0)).toBeLessThan(wall);
  layer.destroy();
});

it('runs what it times: the results are those of a run', async () => {
  const layer = await trained('mgu', { T: 5, B: 2, I: 3, H: 4 }, 'stepwise');
  const places = ['outputs.h', 'gradients.params.U_n'].map((name) => layer.place(name));
  const numbers = async () => {
    const found: number[] = [];
    for (const { buffer, offset, padded } of places) {
      const size = 4 * padded.reduce((product, extent) => product * extent, 1);
      const mapped = device.device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
      const encoder = device.device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, 4 * offset, mapped, 0, size);
      device.device.queue.submit([encoder.finish()]);
      await device.settle(mapped.mapAsync(GPUMapMode.READ));
      found.push(...new Float32Array(mapped.getMappedRange()));
      mapped.destroy();
    }
    return found;
  };
  const expected = await numbers();
  expect(expected.filter((value) => value !== 0).length).toBeGreaterThan(20);
  for (const grain of ['each pass', 'all at once'] as const) {
    for (const { buffer, offset, padded } of places)
      device.device.queue.writeBuffer(
        buffer,
        4 * offset,
        new Float32Array(padded.reduce((product, extent) => product * extent, 1)),
      );
    await layer.time('forward and backward', grain);
    expect(await numbers()).toEqual(expected);
  }
  layer.destroy();
});
