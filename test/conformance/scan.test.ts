/** Loops that are scans: stretches side by side give what steps one after the other do, wherever they are cut. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoopStrategy, Plan, Sizes, Target } from '../../codegen/plan.js';
import type { CellData, Tensor } from '../../runtime/data.js';
import { adopt } from '../../runtime/device/adopt.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import type { Supervised } from '../../runtime/device/supervise.js';
import { load } from '../../runtime/layer/index.js';
import { builtIn, fromText, prepare } from './compare-cell.js';
import { cellOf, missed, type Prepared, scannedPlan, taken, type Written } from './scanned.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

const planFor = (prepared: Prepared, target?: Partial<Target>, strategy?: LoopStrategy | 'chosen') =>
  scannedPlan(device, prepared, target, strategy);
const wrong = (prepared: Prepared, plan: Plan, lengths: readonly number[], on: Supervised = device) =>
  missed(on, prepared, plan, lengths);

/** Affine recurrences, in the algebra that people write them in. */
const AFFINE: Readonly<Record<string, Written>> = {
  'a convex combination': { state: 'h', step: 'return { h: (1 - sigmoid(z)) * h + sigmoid(z) * x };' },
  'a step towards': { state: 'h', step: 'const n = tanh(x); return { h: h + sigmoid(z) * (n - h) };' },
  'a helper': { params: 'w', state: 'h', step: 'return { h: lerp(h, tanh(x), sigmoid(w * z)) };' },
  'a quotient and a difference': { params: 'w', state: 'h', step: 'return { h: (x - h * z) / (1 + square(z)) - w * h };' },
  'a choice that is known': { inputs: 'x z s', state: 'h', step: 'return { h: s > 0 ? h * sigmoid(z) : select(x > z, -h, x) };' },
  'a chain of two': {
    params: 'w',
    state: 'h g',
    step: 'const n = sigmoid(z) * h + x; return { h: n, g: tanh(z) * g + w * n };',
  },
  'two that turn into each other': {
    params: 'v',
    state: 'h g',
    step: 'const c = tanh(z); return { h: c * h - tanh(v) * g + x, g: tanh(v) * h + c * g };',
  },
  'three in a circle': { state: 'h g k', step: 'return { h: 0.9 * g + x, g: 0.8 * k - z, k: sigmoid(z) * h };' },
  'a state that is not kept': { state: 'h g', step: 'return { h: 0.5 * h + x, g: x * z, y: h + g };' },
  'a product behind the loop': {
    state: 'h',
    step: 'const n = sigmoid(z) * h + x; return { h: n, y: tanh(n) * n };',
  },
};

/** What reads, behind the loop, what another lane or another stretch left. */
const APART: Readonly<Record<string, Written>> = {
  'an average over units': { state: 'h', step: 'return { h: sigmoid(z) * h + tanh(x - mean(x)) };' },
  'averages of averages': {
    state: 'h',
    step: 'const n = x - mean(x); const m = n - mean(n * z); return { h: sigmoid(z) * h + m * m };',
  },
  'a delay': { state: 'h', step: 'return { h: sigmoid(z) * h + delay(x, 2) * z };' },
  'a delay of one step': { state: 'h', step: 'return { h: sigmoid(z) * h + tanh(delay(x, 1)) * z, y: h * delay(z, 1) };' },
  'the largest of all units': { state: 'h', step: 'return { h: sigmoid(z) * h + x * maxOver(z) };' },
  'a number for all units': { inputs: 'x z s', state: 'h', step: 'return { h: sigmoid(z * s) * h + x * tanh(s) };' },
};

/** What is no such function going forward, and is one of its cotangents going back. */
const PER_UNIT: Readonly<Record<string, Written>> = {
  'a slope': { params: 'w', state: 'h', step: 'return { h: tanh(w * h + x) * sigmoid(z) };' },
  'a kink': { params: 'w', state: 'h', step: 'return { h: relu(w * h + x) + z };' },
  'a minimum': { state: 'h', step: 'return { h: min(h + sigmoid(z), x) };' },
  'a choice of the state': { state: 'h', step: 'return { h: h > x ? 0.5 * h + x : tanh(h) * z };' },
  'a quotient by the state': { state: 'h', step: 'return { h: tanh(x) / (3 + h) + 0.1 * sigmoid(z) };' },
  'the state times itself': { state: 'h', step: 'return { h: 0.3 * h * (1 - h) + 0.1 * tanh(x) + 0.1 * sigmoid(z) };' },
  'a product of two states': { state: 'h g', step: 'return { h: tanh(h * g) + x, g: sigmoid(g + h) * z };' },
};

describe('a loop as a scan', () => {
  it.each(Object.keys(AFFINE))('agrees with the reference at every length, both ways: %s', async (name) => {
    const prepared = prepare(cellOf(AFFINE[name] ?? { state: '', step: '' }), { T: 70, B: 3, H: 7 });
    const plan = planFor(prepared);
    expect(taken(plan)).toEqual([['scan'], ['scan']]);
    expect(await wrong(prepared, plan, [70, 1, 16, 17, 33, 69, 70])).toEqual([]);
  });

  it.each(Object.keys(APART))('agrees with the reference where lanes read what others left: %s', async (name) => {
    const prepared = prepare(cellOf(APART[name] ?? { state: '', step: '' }), { T: 70, B: 3, H: 7 });
    const plan = planFor(prepared);
    expect(taken(plan)).toEqual([['scan'], ['scan']]);
    expect(await wrong(prepared, plan, [70, 1, 16, 17, 33, 69, 70])).toEqual([]);
  });

  it('does on its way what reads a lane’s own units at the same step, and nothing else', () => {
    const behind = (written: Written | undefined, strategy: LoopStrategy) => {
      const plan = planFor(prepare(cellOf(written ?? { state: '', step: '' }), { T: 70, B: 3, H: 7 }), {}, strategy);
      return plan.passes.flatMap(({ name, direction }) =>
        /^backward_(after|initial)_.*$/.test(name) && direction === 'backward' ? [name] : [],
      );
    };
    expect(behind(AFFINE['a step towards'], 'thread')).toEqual(['backward_initial_0_H', 'backward_after_0_H']);
    expect(behind(AFFINE['a step towards'], 'scan')).toEqual([]);
    expect(behind(AFFINE['a chain of two'], 'scan')).toEqual([]);
    expect(behind(APART['an average over units'], 'scan')).toEqual(['backward_after_0_H']);
    expect(behind(APART['a delay'], 'scan')).toEqual(['backward_after_0_H']);
  });

  it('does nothing before what it needs of passes that stay behind the loop', async () => {
    const tree = fromText(`import { cell, mat, matvec, sigmoid, softmax, tanh, vec } from 'recurve';
      export default cell({ name: 'between', dims: ['H'], inputs: { x: vec('H'), z: vec('H') }, params: { W: mat('H', 'H') }, state: { h: vec('H') },
        step({ x, z }, { h }, { W }) { return { h: sigmoid(z) * h + tanh(matvec(W, softmax(x))) }; } });`);
    const prepared = prepare(tree, { T: 40, B: 2, H: 6 });
    const plan = planFor(prepared);
    const names = plan.passes.map(({ name }) => name);
    expect(names.filter((name) => /^backward_(after|initial)_/.test(name))).toEqual(['backward_after_1_H', 'backward_after_2_H']);
    expect(await wrong(prepared, plan, [40, 9, 16])).toEqual([]);
  });

  it.each(Object.keys(PER_UNIT))('agrees with the reference going back, and goes forward by lanes: %s', async (name) => {
    const prepared = prepare(cellOf(PER_UNIT[name] ?? { state: '', step: '' }), { T: 41, B: 2, H: 6 });
    const plan = planFor(prepared);
    expect(taken(plan)).toEqual([['thread'], ['scan']]);
    expect(await wrong(prepared, plan, [41, 9, 40])).toEqual([]);
  });

  it('takes states of several shapes, and units on more than one axis', async () => {
    const tree = fromText(`import { cell, mat, sigmoid, tanh, vec } from 'recurve';
      export default cell({ name: 'shapes', dims: ['N', 'K'], inputs: { x: mat('N', 'K'), u: vec('K') }, params: { v: vec('K') },
        state: { m: mat('N', 'K'), k: vec('K') },
        step({ x, u }, { m, k }, { v }) {
          return { m: tanh(x) * m + x, k: sigmoid(v) * k + u };
        } });`);
    const prepared = prepare(tree, { T: 20, B: 3, N: 3, K: 5 });
    const plan = planFor(prepared);
    expect(taken(plan)).toEqual([['scan'], ['scan']]);
    expect(plan.passes.filter(({ region, direction }) => region === 'loop' && direction === 'forward')).toHaveLength(5);
    expect(await wrong(prepared, plan, [20, 7])).toEqual([]);
  });

  it('is three dispatches for all steps; where those are too many for one, rounds of three, each from where the last one ended', async () => {
    const prepared = prepare(builtIn('min-gru'), { T: 150, B: 2, I: 3, H: 5 });
    const dispatches = (plan: Plan) => plan.passes.flatMap((pass) => (pass.region === 'loop' ? [pass.dispatches] : []));
    expect(dispatches(planFor(prepared))).toEqual([1, 1, 1, 1, 1, 1]);
    const plan = planFor(prepared, { maxDispatchWork: 40 * 2 ** 12 });
    // Stretches of 16 steps, of which 40 have two and a half.
    expect(dispatches(plan)).toEqual([4, 4, 4, 4, 4, 4]);
    expect(await wrong(prepared, plan, [150, 47, 48, 49, 96])).toEqual([]);
  });

  it('needs no immediates: a uniform says the steps, on a device that somebody else made', async () => {
    const prepared = prepare(builtIn('min-lstm'), { T: 35, B: 2, I: 3, H: 5 });
    expect(await wrong(prepared, planFor(prepared), [35, 20], adopt(device.device))).toEqual([]);
  });

  it('is chosen where a machine has lanes to spare and there are many steps', () => {
    const at = (sizes: Sizes, target: Partial<Target>) => taken(planFor(prepare(builtIn('min-gru'), sizes), target, 'chosen'));
    const hardware = { software: false, subgroup: 32 };
    expect(at({ T: 1024, B: 1, I: 4, H: 64 }, hardware)).toEqual([['scan'], ['scan']]);
    expect(at({ T: 1024, B: 1, I: 4, H: 64 }, {})).toEqual([['thread'], ['thread']]);
    expect(at({ T: 64, B: 1, I: 4, H: 64 }, hardware)).toEqual([['thread'], ['thread']]);
    expect(at({ T: 1024, B: 600, I: 4, H: 64 }, hardware)).toEqual([['thread'], ['thread']]);
    expect(taken(planFor(prepare(builtIn('lstm'), { T: 1024, B: 1, I: 4, H: 8 }), hardware, 'chosen'))[0]).not.toEqual(['scan']);
  });
});

describe('what a scan leaves out, with the reason', () => {
  it.each([
    [
      'a function with a slope of its own',
      { params: 'w', state: 'h', step: 'return { h: tanh(h * w) + x + z };' },
      'forward',
      /not affine in what it carries: tanh/,
    ],
    [
      'a state further back',
      { state: 'h', step: 'return { h: 0.5 * delay(h, 2) + x + z };' },
      'forward',
      /more than one step lies between/,
    ],
    [
      'a slope without bounds behind a choice',
      { state: 'h', step: 'return { h: h > 0.1 ? sqrt(h) * z : x };' },
      'backward',
      /not affine in what it carries: eq/,
    ],
  ] as const)('%s', (_, written, direction, words) => {
    const tree = cellOf(written as Written);
    const plan = planFor(prepare(tree, { T: 9, B: 2, H: 4 }), {}, 'chosen');
    const [loop] = plan[direction].flatMap((item) => (item.kind === 'loop' ? [item] : []));
    expect(loop?.choice?.refused.scan).toMatch(words);
  });

  it('sums with more instructions than a kernel may have, where the walk has fewer', () => {
    const all = 'h + g + k + m';
    const tree = cellOf({
      state: 'h g k m',
      step: `return { h: 0.1 * (${all}) + x, g: 0.2 * (${all}) - z, k: 0.1 * (${all}) * x, m: 0.1 * (${all}) * z };`,
    });
    const plan = planFor(prepare(tree, { T: 9, B: 2, H: 4 }), { maxKernelInstructions: 400 }, 'chosen');
    const [loop] = plan.forward.flatMap((item) => (item.kind === 'loop' ? [item] : []));
    expect(loop?.choice?.allowed[0]).toBe('thread');
    expect(loop?.choice?.refused.scan).toMatch(/its sums would have \d+ instructions, and a kernel 800 at most/);
  });
});

/** h′ = a ⊙ h + b and all its gradients, in float64. */
function recurrence(a: Float32Array, b: Float32Array, h0: Float32Array, dh: Float32Array, H: number) {
  const T = a.length / H;
  const h = new Float64Array((T + 1) * H);
  h.set(h0);
  for (let i = 0; i < T * H; i++) h[i + H] = (a[i] ?? 0) * (h[i] ?? 0) + (b[i] ?? 0);
  const [da, db, carry] = [new Float64Array(T * H), new Float64Array(T * H), new Float64Array(H)];
  for (let i = T * H - 1; i >= 0; i--) {
    const cotangent = (carry[i % H] ?? 0) + (dh[i] ?? 0);
    da[i] = cotangent * (h[i] ?? 0);
    db[i] = cotangent;
    carry[i % H] = cotangent * (a[i] ?? 0);
  }
  return { h: h.subarray(H), da, db };
}

describe('a product of very many factors', () => {
  const tree = fromText(`import { cell, vec } from 'recurve';
    export default cell({ name: 'product', dims: ['H'], inputs: { a: vec('H'), b: vec('H') }, params: {}, state: { h: vec('H') },
      step({ a, b }, { h }) { return { h: a * h + b }; } });`);

  async function errors(T: number, H: number, a: Float32Array, b: Float32Array, h0: Float32Array) {
    const prepared = prepare(tree, { T, B: 1, H });
    const tensor = (data: Float32Array): Tensor => ({ shape: [T, 1, H], data });
    const dh = Float32Array.from({ length: T * H }, (_, i) => Math.cos(i * 0.7));
    const data: CellData = {
      inputs: { a: tensor(a), b: tensor(b) },
      state: { h: { shape: [1, H], data: h0 } },
      params: {},
      reverse: false,
      cotangents: { outputs: { h: tensor(dh) }, state: {} },
    };
    const layer = await load(device, planFor(prepared));
    layer.poison();
    const { outputs, gradients } = await layer.run(data);
    layer.destroy();
    const expected = recurrence(a, b, h0, dh, H);
    const off = (actual: Tensor | undefined, right: Float64Array) => {
      const worst: number[] = [];
      for (let unit = 0; unit < H; unit++) {
        let [error, size] = [0, 0];
        for (let i = unit; i < right.length; i += H) {
          error = Math.max(error, Math.abs((actual?.data[i] ?? Number.NaN) - (right[i] ?? 0)));
          size = Math.max(size, Math.abs(right[i] ?? 0));
          if (Number.isNaN(actual?.data[i] ?? Number.NaN)) error = Number.POSITIVE_INFINITY;
        }
        worst.push(error / size);
      }
      return Math.max(...worst);
    };
    return [off(outputs.h, expected.h), off(gradients?.inputs.a, expected.da), off(gradients?.inputs.b, expected.db)];
  }

  it('is exact to 1e-5 over 65,536 steps: near 0, near 1, above 1 and of either sign', async () => {
    const [T, H] = [65_536, 6];
    // By unit: products that underflow, that hardly change, that grow 700 fold, that alternate, that are 0 at times, that fall and rise.
    const factor = (t: number, unit: number) =>
      [1e-3, 1 - 1e-5 * Math.abs(Math.sin(t)), 1.0001, -0.999, t % 1000 === 7 ? 0 : 0.99, t % 512 < 256 ? 1.005 : 0.994][unit] ??
      0;
    const a = Float32Array.from({ length: T * H }, (_, i) => factor(Math.floor(i / H), i % H));
    const b = Float32Array.from({ length: T * H }, (_, i) => Math.sin(i * 1.3) * 0.1);
    for (const error of await errors(T, H, a, b, new Float32Array(H).fill(0.5))) expect(error).toBeLessThan(1e-5);
  });

  it('may leave float32 in the middle of a stretch where the states do not', async () => {
    const [T, H] = [64, 2];
    // 2^136 after four of eight steps, and back. One unit begins at 2^-60, the other at 0 and is there again and again.
    const a = Float32Array.from({ length: T * H }, (_, i) => (Math.floor(i / H) % 8 < 4 ? 2 ** 34 : 2 ** -34));
    const b = Float32Array.from({ length: T * H }, (_, i) => (i % H === 1 && Math.floor(i / H) % 16 === 7 ? 2 ** -60 : 0));
    const [h] = await errors(T, H, a, b, Float32Array.of(2 ** -60, 0));
    expect(h).toBeLessThan(1e-5);
  });
});
