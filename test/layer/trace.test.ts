import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CellTree } from '../../codegen/frontend/tree.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { builtIn, fromText } from '../conformance/compare-cell.js';
import { prepareLayer } from './prepared.js';

/** Values of other shapes than the state's, values before and behind the loop, delays, a scalar, and one nothing uses. */
const CELL = `import { cell, delay, mat, matvec, scalar, sigmoid, sum, tanh, vec } from 'recurve';
  export default cell({ name: 'looked-at', dims: ['I', 'H', 'K'], inputs: { x: vec('I') }, state: { h: vec('H'), c: vec('H') },
    params: { W: mat('H', 'I'), U: mat('H', 'H'), V: mat('K', 'H'), R: mat('H', 'K'), b: vec('H'), k: scalar() },
    step({ x }, { h, c }, { W, U, V, R, b, k }) {
      const drive = matvec(W, x) + b;
      const z = sigmoid(drive + matvec(U, delay(h, 1)));
      const low = tanh(matvec(V, h) * k);
      const s = sum(z * h);
      const unused = drive * drive;
      let grown = c;
      for (let i = 0; i < 2; i++) grown = 0.5 * grown + z * matvec(R, low);
      const next = tanh(grown + 0.1 * s);
      return { h: next, c: grown, y: next * low[0] };
    } });`.replace('next * low[0]', 'next * s');

const CASES: [string, CellTree, Record<string, number>, string[]][] = [
  ['gates and states of an LSTM', builtIn('lstm'), { T: 6, B: 3, I: 3, H: 5 }, ['h', 'c', 'i', 'f', 'a_o']],
  ['the candidate of a GRU', builtIn('gru'), { T: 5, B: 2, I: 3, H: 4 }, ['h', 'n']],
  [
    'what is made of an input before there is any',
    fromText(CELL.replace('matvec(W, x)', 'matvec(W, delay(x, 2))')),
    { T: 5, B: 3, I: 3, H: 4, K: 2 },
    ['drive', 'z'],
  ],
  ['maps', builtIn('conv-gru-1d'), { T: 3, B: 2, I: 2, H: 3, X: 4 }, ['h']],
  [
    'values of every place and shape',
    fromText(CELL),
    { T: 6, B: 3, I: 3, H: 5, K: 2 },
    ['h', 'c', 'drive', 'z', 'low', 's', 'unused', 'next'],
  ],
];

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

describe('a traced value', () => {
  it.each(CASES)('%s: at every step it and its cotangent are those of the reference', async (_, tree, sizes, trace) => {
    const { plan, data, wrong } = prepareLayer(device, tree, sizes, {}, true, { trace });
    const layer = await load(device, plan);
    for (const choices of [
      { seed: 3, ragged: true },
      { seed: 4, reverse: true },
      { seed: 5, ragged: true, reverse: true },
    ]) {
      layer.poison();
      const drawn = data({}, choices);
      const result = await layer.run(drawn);
      expect(Object.keys(result.traces ?? {})).toEqual(trace);
      expect(Object.keys(result.gradients?.traces ?? {})).toEqual(trace);
      expect(wrong(drawn, {}, result)).toEqual([]);
    }
    layer.destroy();
  });

  it.each(CASES.slice(0, 2).concat(CASES.slice(3)))(
    '%s: where the cotangent of the state is clipped inside the loop, and that of delays is not',
    async (_, tree, sizes) => {
      const extras = { trace: ['h'], clip: 0.05 };
      const { plan, data, wrong } = prepareLayer(device, tree, sizes, {}, true, extras);
      const layer = await load(device, plan);
      const drawn = data({}, { seed: 3, ragged: true });
      const result = await layer.run(drawn);
      expect(wrong(drawn, {}, result)).toEqual([]);
      const free = prepareLayer(device, tree, sizes, {}, true, { trace: ['h'] });
      expect(free.wrong(drawn, {}, result)).not.toEqual([]);
      layer.destroy();
    },
  );

  it('leaves everything else as it was', async () => {
    const [tree, sizes] = [fromText(CELL), { T: 4, B: 2, I: 3, H: 5, K: 2 }];
    const plain = prepareLayer(device, tree, sizes);
    const traced = prepareLayer(device, tree, sizes, {}, false, { trace: ['z', 'h'] });
    const drawn = plain.data({}, { seed: 1, gradients: false });
    const [one, other] = [await load(device, plain.plan), await load(device, traced.plan)];
    const { traces, ...rest } = await other.run(drawn);
    const { outputs, state } = await one.run(drawn);
    expect(Object.keys(traces ?? {})).toEqual(['z', 'h']);
    for (const [name, { data }] of Object.entries({ ...outputs, ...state })) {
      const found = { ...rest.outputs, ...rest.state }[name]?.data ?? [];
      data.forEach((value, at) => {
        expect(found[at]).toBeCloseTo(value, 6);
      });
    }
    one.destroy();
    other.destroy();
  });

  it('that the step does not name at its own level is refused with the names that it has', () => {
    const trace = (name: string) => () =>
      prepareLayer(device, fromText(CELL), { T: 2, B: 1, I: 1, H: 1, K: 1 }, {}, true, { trace: [name] });
    for (const name of ['lo', 'W', 'x', 'k'])
      expect(trace(name)).toThrow(expect.objectContaining({ code: 'TRACE-UNKNOWN', where: name }));
    expect(trace('lo')).toThrow(expect.objectContaining({ fix: expect.stringContaining('low') }));
  });

  it('of the chain of one neuron gives dL/dθ₁ = dL/dh₄ · θ₄σ′(a₄) · θ₃σ′(a₃) · θ₂σ′(a₂) · σ′(a₁) · x', async () => {
    // h_t = σ(θ_t h_{t−1}) with h_0 = x: one weight a step, given as an input.
    const chain = fromText(`import { cell, sigmoid, vec } from 'recurve';
      export default cell({ name: 'chain', dims: ['H'], inputs: { theta: vec('H') }, state: { h: vec('H') }, params: {},
        step({ theta }, { h }) { const a = theta * h; return { h: sigmoid(a) }; } });`);
    const { plan } = prepareLayer(device, chain, { T: 4, B: 1, H: 1 }, {}, true, { trace: ['h', 'a'] });
    const layer = await load(device, plan);
    const [x, theta, dLdh4] = [0.7, [1.5, -2, 0.5, 3], 2];
    const result = await layer.run({
      inputs: { theta: { shape: [4, 1, 1], data: Float32Array.from(theta) } },
      state: { h: { shape: [1, 1], data: Float32Array.of(x) } },
      params: {},
      cotangents: { state: { h: { shape: [1, 1], data: Float32Array.of(dLdh4) } } },
    });
    const sigmoid = (a: number) => 1 / (1 + Math.exp(-a));
    const a: number[] = [];
    theta.reduce((h, weight) => sigmoid(a[a.push(weight * h) - 1] ?? 0), x);
    const slope = (at: number) => sigmoid(a[at] ?? 0) * (1 - sigmoid(a[at] ?? 0));
    const dLdh = [0, 0, 0, dLdh4];
    for (const t of [3, 2, 1]) dLdh[t - 1] = (dLdh[t] ?? 0) * (theta[t] ?? 0) * slope(t);
    for (const [t, expected] of dLdh.entries()) expect(result.gradients?.traces?.h?.data[t]).toBeCloseTo(expected, 6);
    for (const [t, expected] of a.entries()) expect(result.traces?.a?.data[t]).toBeCloseTo(expected, 6);
    expect(result.gradients?.inputs.theta?.data[0]).toBeCloseTo((dLdh[0] ?? 0) * slope(0) * x, 6);
    layer.destroy();
  });
});
