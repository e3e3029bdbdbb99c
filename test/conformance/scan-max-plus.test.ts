/** Loops whose step is a maximum of sums of what it carries, h′ = max(h + a, b): stretches of them side by side. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differingBits } from '../../runtime/compare.js';
import type { CellData, Tensor } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { prepare } from './compare-cell.js';
import { cellOf, missed, scannedPlan, taken, type Written } from './scanned.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

/** Maxima of sums, in the algebra that people write them in. */
const MAX_PLUS: Readonly<Record<string, Written>> = {
  'a maximum that leaks': { state: 'h', step: 'return { h: max(h - sigmoid(z), x) };' },
  'a running maximum': { state: 'h', step: 'return { h: max(x, h), y: h * z };' },
  'a queue': { state: 'h', step: 'return { h: relu(h + x - sigmoid(z)) };' },
  'sums before and behind': {
    params: 'w',
    state: 'h',
    step: 'return { h: w + max(max(x, tanh(z) + h) - w, z) - 0.5 * x };',
  },
  'two ways for one': { params: 'w', state: 'h', step: 'return { h: max(max(h + x, z), max(h - z, w)) };' },
  'a choice that is known': {
    inputs: 'x z s',
    state: 'h',
    step: 'const n = s > 0 ? h - sigmoid(z) : x; return { h: max(n + 0.1 * x, z) };',
  },
  'a choice for every unit': { state: 'h', step: 'return { h: select(x > z, max(h - 0.1, z), x) + 0.1 * z };' },
  'a chain of two': {
    params: 'w',
    state: 'h g',
    step: 'const n = max(h + x, z); return { h: n, g: max(g - sigmoid(z), n + w) };',
  },
  'two that wait for each other': {
    state: 'h g',
    step: 'return { h: max(h - sigmoid(z), g + x), g: max(max(h + tanh(z), g - 0.2), x) };',
  },
  'paths without a beginning': { state: 'h g', step: 'return { h: max(h + x, g - z), g: max(g + z, h + tanh(x)) };' },
  'three in a circle': { state: 'h g k', step: 'return { h: max(g + x, k), g: max(k - z, h - 0.1), k: h + sigmoid(z) };' },
};

describe('a loop of maxima of sums as a scan', () => {
  it.each(Object.keys(MAX_PLUS))('agrees with the reference at every length, both ways: %s', async (name) => {
    const prepared = prepare(cellOf(MAX_PLUS[name] ?? { state: '', step: '' }), { T: 70, B: 3, H: 7 });
    const plan = scannedPlan(device, prepared);
    expect(taken(plan)).toEqual([['scan'], ['scan']]);
    expect(await missed(device, prepared, plan, [70, 1, 16, 17, 33, 69, 70])).toEqual([]);
  });

  it('goes forward as one, and back by lanes, where a zero cotangent is kept from what may be no number', async () => {
    const written = { params: 'w', state: 'h', step: 'return { h: w + max(max(x, tanh(z) + h) - w, x * z) - square(x) };' };
    const prepared = prepare(cellOf(written), { T: 41, B: 2, H: 6 });
    const plan = scannedPlan(device, prepared);
    expect(taken(plan)).toEqual([['scan'], ['thread']]);
    expect(await missed(device, prepared, plan, [41, 9, 40])).toEqual([]);
  });

  it('is chosen where a machine has lanes to spare and there are many steps', () => {
    const prepared = prepare(cellOf(MAX_PLUS['a queue'] ?? { state: '', step: '' }), { T: 1024, B: 1, H: 64 });
    const hardware = { software: false, subgroup: 32 };
    expect(taken(scannedPlan(device, prepared, hardware, 'chosen'))).toEqual([['scan'], ['scan']]);
    expect(taken(scannedPlan(device, prepared, {}, 'chosen'))).toEqual([['thread'], ['thread']]);
  });

  it.each([
    ['a factor', 'max(0.5 * h, x + z)', /not affine in what it carries: max .*, and no maximum of sums of it: mul/],
    ['a maximum of a sum of two', 'max(h + h, x + z)', /no maximum of sums of it: (add|mul)/],
    ['a difference from it', 'max(x - h, z)', /no maximum of sums of it: sub/],
    ['a choice by it', '(h > 0 ? max(h, x) : z)', /not affine in what it carries: gt \(spec line 5\)$/],
  ])('leaves out %s, with the reason', (_, next, words) => {
    const plan = scannedPlan(
      device,
      prepare(cellOf({ state: 'h', step: `return { h: ${next} };` }), { T: 9, B: 2, H: 4 }),
      {},
      'chosen',
    );
    const [loop] = plan.forward.flatMap((item) => (item.kind === 'loop' ? [item] : []));
    expect(loop?.choice?.refused.scan).toMatch(words);
  });
});

const LOWEST = -3.4028234663852886e38;

/** By step and unit. */
type Fill = (t: number, unit: number) => number;

interface Filled {
  readonly T: number;
  readonly H: number;
  readonly inputs: Readonly<Record<string, Fill>>;
  readonly state: Readonly<Record<string, Fill>>;
}

async function run(strategy: 'scan' | 'thread', step: string, { T, H, inputs, state }: Filled) {
  const written = { inputs: Object.keys(inputs).join(' '), state: Object.keys(state).join(' '), step };
  const prepared = prepare(cellOf(written), { T, B: 1, H });
  const tensor = (fill: Fill, ...shape: number[]): Tensor => ({
    shape: [...shape, H],
    data: Float32Array.from({ length: shape.reduce((product, extent) => product * extent, H) }, (_, i) =>
      fill(Math.floor(i / H), i % H),
    ),
  });
  const tensors = (fills: Readonly<Record<string, Fill>>, ...shape: number[]) =>
    Object.fromEntries(Object.entries(fills).map(([name, fill]) => [name, tensor(fill, ...shape)]));
  const none = tensors(Object.fromEntries(Object.keys(state).map((name) => [name, () => 0])), T, 1);
  const data: CellData = {
    inputs: tensors(inputs, T, 1),
    state: tensors(state, 1),
    params: {},
    reverse: false,
    cotangents: { outputs: none, state: {} },
  };
  const layer = await load(device, scannedPlan(device, prepared, {}, strategy));
  layer.poison();
  const result = await layer.run(data);
  layer.destroy();
  return { data, result };
}

const forward = ({ result: { outputs, state } }: Awaited<ReturnType<typeof run>>) => ({ outputs, state });

const QUEUE = 'return { h: max(h + a, b) };';

describe('maxima of very many sums', () => {
  it('are exact to 1e-5 over 65,536 steps, whatever is far below', async () => {
    const [T, H] = [65_536, 7];
    // By unit: overtaken often; never; never, and growing; a running maximum; at times by far; large steps there and back; as low as can be.
    const a: Fill = (t, unit) =>
      [
        -0.01 * Math.abs(Math.sin(t)),
        0.1 * Math.sin(0.7 * t),
        0.001 * (1 + Math.sin(t)),
        0,
        -0.02 - 0.001 * Math.sin(t),
        t % 2 === 0 ? 1000.3 : -1000.3,
        0.03 * Math.cos(0.3 * t),
      ][unit] ?? 0;
    const b: Fill = (t, unit) =>
      [Math.sin(1.3 * t), -1e30, -1e30, t * 1e-4 + Math.sin(3.1 * t), t % 5000 === 0 ? 100 : -1e30, -1e30, LOWEST][unit] ?? 0;
    const { data, result } = await run('scan', QUEUE, { T, H, inputs: { a, b }, state: { h: () => 0.5 } });
    for (let unit = 0; unit < H; unit++) {
      let [h, error, size] = [0.5, 0, 0];
      for (let i = unit; i < T * H; i += H) {
        h = Math.max(h + (data.inputs.a?.data[i] ?? 0), data.inputs.b?.data[i] ?? 0);
        error = Math.max(error, Math.abs((result.outputs.h?.data[i] ?? Number.NaN) - h));
        size = Math.max(size, Math.abs(h));
      }
      expect(error / size, `unit ${unit}`).toBeLessThan(unit === 3 ? 1e-30 : 1e-5);
    }
  });

  it('have the bits of single steps where sums are exact, and leave ∞ and what is no number to them', async () => {
    const [T, H] = [300, 44];
    const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: none, NaN: no } = Number;
    const whole = (t: number, unit: number, seed: number) => Math.round(9 * Math.sin(t * 12.9898 + unit * 78.233 + seed)) + 0;
    /** By quad of units, for a quad that has one of these leaves them all to single steps. */
    const special: Readonly<Record<number, readonly [Fill, Fill, Fill]>> = {
      1: [(t) => (t % 7 === 3 ? none : 1), (t) => whole(t, 0, 2), () => 0],
      2: [(t) => (t % 70 === 3 ? none : 1), () => none, () => 5],
      3: [(t) => whole(t, 1, 1), (t) => (t < 200 ? none : 2), () => none],
      4: [(t) => (t === 150 ? no : 1), (t) => whole(t, 2, 2), () => 0],
      5: [(t) => whole(t, 3, 1), (t) => (t === 250 ? inf : -4), () => 0],
      6: [(t) => (t % 9 === 5 ? LOWEST : -1), (t) => (t % 4 === 1 ? 3 : LOWEST), () => 7],
      7: [(t) => (t < 20 ? -3e38 : 3e38), (t) => (t < 200 ? none : 2), () => 0],
      8: [(t) => (t % 40 < 20 ? 3e37 : -3e37), () => none, () => -3e38],
      9: [(t) => (t === 100 ? none : 1), () => -1e30, () => inf],
      10: [(t) => (t % 70 === 3 ? none : 0), () => -3e38, () => 3e38],
    };
    const of =
      (index: 0 | 1 | 2): Fill =>
      (t, unit) => {
        const own = unit % 4 === 0 ? special[Math.floor(unit / 4)] : undefined;
        return own?.[index](t, unit) ?? whole(t, unit, index);
      };
    const filled = { T, H, inputs: { a: of(0), b: of(1) }, state: { h: of(2) } };
    const [scan, thread] = [await run('scan', QUEUE, filled), await run('thread', QUEUE, filled)];
    expect(differingBits(forward(scan), forward(thread))).toEqual([]);
  });

  it.each([
    [5, Number.NEGATIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, 5],
  ])('begin at %d and %d, along paths that nothing leads to', async (h, g) => {
    const [T, H] = [100, 4];
    const { NEGATIVE_INFINITY: none } = Number;
    const inputs = { a: (t: number) => (t % 7) - 3, b: (t: number, unit: number) => (t < 30 * unit ? none : (t % 5) - 2) };
    const filled = { T, H, inputs, state: { h: () => h, g: () => g } };
    const step = 'return { h: max(g + a, b), g: max(h - a, b) };';
    const [scan, thread] = [await run('scan', step, filled), await run('thread', step, filled)];
    const steps = [0, 1].map((t) => Array.from(thread.result.outputs.h?.data.subarray(t * H, t * H + H) ?? []));
    expect(steps).toContainEqual([expect.any(Number), none, none, none]);
    expect(differingBits(forward(scan), forward(thread))).toEqual([]);
  });

  it('come nearer than single steps do, also where paths end', async () => {
    const [T, H] = [16_384, 4];
    const inputs = {
      a: (_: number, unit: number) => [0.1, 0.7, 1.3, 3.1][unit] ?? 0,
      b: () => Number.NEGATIVE_INFINITY,
      c: (t: number) => (t < T / 2 ? (t % 3) - 1 : 1),
      z: (t: number) => (t % 5 === 0 && t >= T / 2 ? Number.NEGATIVE_INFINITY : 1),
    };
    const filled = { T, H, inputs, state: { h: () => 0.5, g: () => 0, k: () => 0 } };
    // The paths to g, and from it to h, are cut by c at first, and then by z.
    const step = 'return { h: max(h + a, c > 0 ? g - 100 : b), g: max(c > 0 ? g + z : b, 0), k: max(k + a, b) };';
    const off = async (strategy: 'scan' | 'thread') => {
      const { data, result } = await run(strategy, step, filled);
      return Array.from({ length: H }, (_, unit) => {
        const right = 0.5 + T * (data.inputs.a?.data[unit] ?? 0);
        return Math.abs((result.outputs.h?.data[(T - 1) * H + unit] ?? Number.NaN) - right) / right;
      });
    };
    const [scan, thread] = [await off('scan'), await off('thread')];
    for (const [unit, error] of scan.entries()) expect(error).toBeLessThan((thread[unit] ?? 0) / 4);
  });
});
