/** Published identities of built-in cells, in float64: what a cell becomes in a special case, and its closed forms. */
import { describe, expect, it } from 'vitest';
import type { OptionValue } from '../../codegen/frontend/tree.js';
import { chooseSizes } from '../../codegen/ir/sizes.js';
import type { Sizes } from '../../codegen/plan.js';
import type { CellData, CellResult, Tensor, Tensors } from '../../runtime/data.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { builtIn, fromText, prepare } from './compare-cell.js';

type Cell = string | { readonly text: string };
type Options = Readonly<Record<string, OptionValue>>;

/** A cell at these sizes, with random data and the reference's results for any. */
function setUp(cell: Cell, given: Sizes, options: Options = {}) {
  const tree = typeof cell === 'string' ? builtIn(cell) : fromText(cell.text);
  const { signature } = prepare(tree, {}, options);
  const sizes = chooseSizes(signature.rules, given);
  const { outputs } = prepare(tree, sizes, options);
  const data = randomData(signature, sizes, outputs, { seed: 11 });
  return { data, run: (changed: CellData = data) => runReference(tree, signature, sizes, changed) };
}

const tensor = (shape: readonly number[], data: readonly number[]): Tensor => ({ shape, data: Float64Array.from(data) });
const filled = (like: Tensor | undefined, value: number): Tensor =>
  tensor(
    like?.shape ?? [],
    Array.from(like?.data ?? [], () => value),
  );
const values = (result: Tensor | undefined): number[] => [...(result?.data ?? [])];

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  expect(expected.length).toBeGreaterThan(0);
  for (const [index, value] of expected.entries()) expect(actual[index]).toBeCloseTo(value, 10);
}

/** The numbers of every tensor that both have, outputs, states and gradients; shapes may differ by axes of 1. */
function expectSame(actual: CellResult, expected: CellResult, rename: (name: string) => string = (name) => name): void {
  const pairs: [Tensors | undefined, Tensors | undefined][] = [
    [actual.outputs, expected.outputs],
    [actual.state, expected.state],
    [actual.gradients?.inputs, expected.gradients?.inputs],
    [actual.gradients?.params, expected.gradients?.params],
  ];
  for (const [ours, theirs] of pairs) {
    for (const [name, wanted] of Object.entries(theirs ?? {})) expectClose(values(ours?.[rename(name)]), values(wanted));
  }
}

/** The same numbers under the shapes that another cell has for them. */
function reshaped(data: CellData, like: CellData, rename: (name: string) => string = (name) => name): CellData {
  const group = (own: Tensors | undefined, other: Tensors | undefined) =>
    Object.fromEntries(
      Object.entries(other ?? {}).map(([name, { shape }]) => [
        name,
        { shape, data: own?.[rename(name)]?.data ?? new Float64Array() },
      ]),
    );
  return {
    ...data,
    inputs: group(data.inputs, like.inputs),
    state: group(data.state, like.state),
    params: group(data.params, like.params),
    cotangents: {
      outputs: group(data.cotangents?.outputs, like.cotangents?.outputs),
      state: group(data.cotangents?.state, like.cotangents?.state),
    },
  };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe('a convolution of one tap at one position is a matrix', () => {
  const peephole = (name: string) => name.replace(/^p_/, 'P_');
  it.each([
    ['conv-lstm', 'lstm', { peepholes: true }],
    ['conv-lstm-1d', 'lstm', { peepholes: true }],
    ['conv-rnn', 'rnn', {}],
    ['conv-rnn-1d', 'rnn', {}],
  ] as const)('%s becomes %s', (name, plain, options) => {
    const wide = setUp(name, { T: 4, B: 3, X: 1, Y: 1, I: 3, H: 5 }, { width: 1 });
    const narrow = setUp(plain, { T: 4, B: 3, I: 3, H: 5 }, options);
    expectSame(wide.run(), narrow.run(reshaped(wide.data, narrow.data, peephole)), peephole);
  });

  it.each(['conv-gru', 'conv-gru-1d'])('%s becomes the unit with its update gate turned round', (name) => {
    const wide = setUp(name, { T: 4, B: 3, X: 1, Y: 1, I: 3, H: 5 }, { width: 1 });
    const narrow = setUp('gru', { T: 4, B: 3, I: 3, H: 5 }, { reset: 'before' });
    const data = reshaped(wide.data, narrow.data);
    const turned = Object.entries(data.params).map(([key, one]): [string, Tensor] =>
      key.endsWith('_z')
        ? [
            key,
            tensor(
              one.shape,
              values(one).map((v) => -v),
            ),
          ]
        : [key, one],
    );
    const [ours, theirs] = [wide.run(), narrow.run({ ...data, params: Object.fromEntries(turned) })];
    expectClose(values(ours.outputs.h), values(theirs.outputs.h));
    expectClose(values(ours.gradients?.inputs.x), values(theirs.gradients?.inputs.x));
  });

  it('an image one pixel high is a signal', () => {
    const image = setUp('conv-lstm', { T: 3, B: 2, X: 5, Y: 1, I: 2, H: 3 });
    const signal = setUp('conv-lstm-1d', { T: 3, B: 2, X: 5, I: 2, H: 3 });
    const middle = (one: Tensor): number[] => {
      const [taps = 0, across = 0, rows = 0, columns = 0] = one.shape;
      const size = rows * columns;
      return Array.from({ length: taps }, (_, tap) =>
        values(one).slice((tap * across + 1) * size, (tap * across + 2) * size),
      ).flat();
    };
    const data = reshaped(image.data, signal.data);
    const params = Object.entries(image.data.params).map(([key, one]): [string, Tensor] => [
      key,
      tensor(signal.data.params[key]?.shape ?? [], one.shape.length === 4 ? middle(one) : values(one)),
    ]);
    const result = signal.run({ ...data, params: Object.fromEntries(params) });
    expectClose(values(image.run().outputs.h), values(result.outputs.h));
  });
});

describe('scans', () => {
  it('min-gru is a sum of candidates, each weighted by what later gates leave', () => {
    const { data, run } = setUp('min-gru', { T: 5, B: 1, I: 1, H: 1 });
    const at = (name: string) => values(data.params[name])[0] ?? 0;
    const xs = values(data.inputs.x);
    const z = xs.map((x) => sigmoid(at('W_z') * x + at('b_z')));
    const left = (from: number) => z.slice(from).reduce((product, gate) => product * (1 - gate), 1);
    const first = (values(data.state.h)[0] ?? 0) * left(0);
    const sum = xs.reduce((total, x, t) => total + (z[t] ?? 0) * (at('W_n') * x + at('b_n')) * left(t + 1), first);
    expectClose(values(run().state.h), [sum]);
  });

  it('min-lstm keeps f/(f + i), and half of both where both gates are closed', () => {
    const { data, run } = setUp('min-lstm', { T: 1, B: 1, I: 1, H: 1 });
    const closed = { b_f: filled(data.params.b_f, -800), b_i: filled(data.params.b_i, -800) };
    const still = { ...closed, W_f: filled(data.params.W_f, 0), W_i: filled(data.params.W_i, 0) };
    const n = (values(data.params.W_n)[0] ?? 0) * (values(data.inputs.x)[0] ?? 0) + (values(data.params.b_n)[0] ?? 0);
    const result = run({ ...data, params: { ...data.params, ...still } });
    expectClose(values(result.state.h), [((values(data.state.h)[0] ?? 0) + n) / 2]);
  });

  it('qrnn sees the input before with its second matrix', () => {
    const two = setUp('qrnn', { T: 5, B: 1, I: 2, H: 3 });
    const one = setUp('qrnn', { T: 5, B: 1, I: 2, H: 3 }, { width: 1 });
    const stacked = Object.entries(one.data.params).map(([key, { shape, data }]): [string, Tensor] => [
      key,
      shape.length === 3 ? tensor([2, 3, 2], [...new Array(6).fill(0), ...data]) : { shape, data },
    ]);
    const xs = values(one.data.inputs.x);
    const shifted = { x: tensor([5, 1, 2], [0, 0, ...xs.slice(0, -2)]) };
    const late = two.run({ ...one.data, params: Object.fromEntries(stacked) });
    expectClose(values(late.outputs.h), values(one.run({ ...one.data, inputs: shifted }).outputs.h));
  });

  it('sru without state gates is that with weights of zero', () => {
    const gated = setUp('sru', { T: 4, B: 2, I: 3, H: 5 });
    const plain = setUp('sru', { T: 4, B: 2, I: 3, H: 5 }, { stateGates: false });
    const { v_f, v_r, ...rest } = gated.data.params;
    const zeros = { v_f: filled(v_f, 0), v_r: filled(v_r, 0) };
    expectSame(gated.run({ ...gated.data, params: { ...rest, ...zeros } }), plain.run({ ...gated.data, params: rest }));
  });
});

const HEADS =
  "import { abs, blocks, broadcast, cell, exp, index, map, mat, matvec, max, maxOver, sigmoid, sqrt, sum, tanh, vec } from 'recurve';";
/** The same cells as written before they are kept in range; they overflow where a gate's pre-activation passes 88. */
const SLSTM = `${HEADS}
export default cell({ name: 'plain', dims: ['I', 'N', 'H'], inputs: { x: vec('I') },
  state: { h: map('N', 'H'), c: map('N', 'H'), n: map('N', 'H') },
  params: { W_i: blocks('N', 'H', 'I'), R_i: blocks('N', 'H', 'H'), b_i: map('N', 'H'), W_f: blocks('N', 'H', 'I'), R_f: blocks('N', 'H', 'H'), b_f: map('N', 'H'),
    W_z: blocks('N', 'H', 'I'), R_z: blocks('N', 'H', 'H'), b_z: map('N', 'H'), W_o: blocks('N', 'H', 'I'), R_o: blocks('N', 'H', 'H'), b_o: map('N', 'H') },
  outputs: ['h'],
  step({ x }, { h, c, n }, p) {
    const s = broadcast(x, 'N', 'I');
    const i = exp(matvec(p.W_i, s) + matvec(p.R_i, h) + p.b_i);
    const f = sigmoid(matvec(p.W_f, s) + matvec(p.R_f, h) + p.b_f);
    const z = tanh(matvec(p.W_z, s) + matvec(p.R_z, h) + p.b_z);
    const o = sigmoid(matvec(p.W_o, s) + matvec(p.R_o, h) + p.b_o);
    return { h: o * ((f * c + i * z) / (f * n + i)), c: f * c + i * z, n: f * n + i };
  } });`;
const MLSTM = `${HEADS}
export default cell({ name: 'plain', dims: ['I', 'N', 'K', 'V'], inputs: { x: vec('I') },
  state: { C: map('N', 'V', 'K'), n: map('N', 'K') },
  params: { W_q: blocks('N', 'K', 'I'), b_q: map('N', 'K'), W_k: blocks('N', 'K', 'I'), b_k: map('N', 'K'), W_v: blocks('N', 'V', 'I'), b_v: map('N', 'V'),
    W_o: blocks('N', 'V', 'I'), b_o: map('N', 'V'), w_i: mat('N', 'I'), b_i: vec('N'), w_f: mat('N', 'I'), b_f: vec('N') },
  outputs: ['h'],
  step({ x }, { C, n }, p) {
    const s = broadcast(x, 'N', 'I');
    const q = matvec(p.W_q, s) + p.b_q;
    const k = (matvec(p.W_k, s) + p.b_k) / sqrt(1 + maxOver(index('K')));
    const v = matvec(p.W_v, s) + p.b_v;
    const i = exp(matvec(p.w_i, x) + p.b_i);
    const f = sigmoid(matvec(p.w_f, x) + p.b_f);
    const D = broadcast(f, 'N', 'V', 'K') * C + broadcast(i, 'N', 'V', 'K') * broadcast(v, 'N', 'V', 'K') * broadcast(k, 'N', 'V', 'K');
    const m = broadcast(f, 'N', 'K') * n + broadcast(i, 'N', 'K') * k;
    const d = max(abs(sum(m * q, 'K')), 1);
    return { C: D, n: m, h: sigmoid(matvec(p.W_o, s) + p.b_o) * (sum(D * broadcast(q, 'N', 'V', 'K'), 'K') / broadcast(d, 'N', 'V')) };
  } });`;

describe('cells with exponential gates', () => {
  const from = (data: CellData): CellData => ({
    ...data,
    state: {},
    cotangents: { outputs: data.cotangents?.outputs ?? {}, state: {} },
  });
  it.each([
    ['slstm', SLSTM, { T: 6, B: 2, I: 3, N: 2, H: 3 }],
    ['mlstm', MLSTM, { T: 6, B: 2, I: 3, N: 2, K: 4, V: 3 }],
  ] as const)('%s kept in range gives h and gradients of the plain form', (name, text, sizes) => {
    const stable = setUp(name, sizes);
    const plain = setUp({ text }, sizes);
    const [ours, theirs] = [stable.run(from(stable.data)), plain.run(from(stable.data))];
    expectClose(values(ours.outputs.h), values(theirs.outputs.h));
    for (const [key, wanted] of Object.entries(theirs.gradients?.params ?? {})) {
      expectClose(values(ours.gradients?.params[key]), values(wanted));
    }
  });

  it.each(['slstm', 'mlstm'])('%s stays finite where the plain form overflows and where it vanishes', (name) => {
    const { data, run } = setUp(name, { T: 6, B: 2, I: 3, N: 2, H: 3, K: 3, V: 2 });
    for (const bias of [900, -900]) {
      const params = { ...data.params, b_i: filled(data.params.b_i, bias), b_f: filled(data.params.b_f, -bias) };
      const result = run({ ...from(data), params });
      expect(values(result.outputs.h).every(Number.isFinite)).toBe(true);
      const gradients = Object.values(result.gradients?.params ?? {}).flatMap(values);
      expect(gradients.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('delta-rule', () => {
  it('stores a value under each of orthonormal keys, and replaces it', () => {
    const { data, run } = setUp('delta-rule', { T: 5, B: 1, I: 5, K: 3, V: 2 });
    // Three units of x choose the key and the query, two are the value; β = 1.
    const select = tensor([3, 5], [1e6, 0, 0, 0, 0, 0, 1e6, 0, 0, 0, 0, 0, 1e6, 0, 0]);
    const params = {
      W_k: select,
      W_q: select,
      W_v: tensor([2, 5], [0, 0, 0, 1, 0, 0, 0, 0, 0, 1]),
      w_b: filled(data.params.w_b, 0),
      b_b: tensor([], [60]),
    };
    const written = [
      [1, 0, 0, 5, 6],
      [0, 1, 0, 7, 8],
      [0, 0, 1, 1, 2],
      [1, 0, 0, -3, 4],
      [0, 1, 0, 7, 8],
    ];
    const result = run({ ...data, inputs: { x: tensor([5, 1, 5], written.flat()) }, state: {}, params });
    expectClose(values(result.outputs.y), [5, 6, 7, 8, 1, 2, -3, 4, 7, 8]);
    expectClose(values(result.state.S), [-3, 7, 1, 4, 8, 2]);
  });
});

describe('clocks', () => {
  it('clockwork of one module is the simple recurrent network', () => {
    const clock = setUp('clockwork', { T: 4, B: 2, I: 3, H: 5 }, { modules: 1 });
    expectSame(clock.run(), setUp('rnn', { T: 4, B: 2, I: 3, H: 5 }).run(clock.data));
  });

  it('clockwork changes module k at multiples of 2ᵏ only, and hears no faster module', () => {
    const { run } = setUp('clockwork', { T: 9, B: 1, I: 2, H: 3 }, { modules: 3 });
    const result = run();
    const h = (t: number, unit: number) => values(result.outputs.h)[3 * t + unit];
    for (let t = 1; t < 9; t++) {
      for (const unit of [0, 1, 2]) expect(h(t, unit) !== h(t - 1, unit)).toBe(t % 2 ** unit === 0);
    }
    const U = values(result.gradients?.params.U);
    expect([U[3], U[6], U[7]]).toEqual([0, 0, 0]);
    expect([U[0], U[1], U[2], U[4], U[5], U[8]].every((one) => one !== 0)).toBe(true);
  });

  it.each([0.25, -9.75])('phased-lstm is wholly open at half of the open part, time %d', (first) => {
    const sizes = { T: 3, B: 2, I: 3, H: 4 };
    const phased = setUp('phased-lstm', sizes);
    const { tau, s, r, alpha, ...weights } = phased.data.params;
    const params = { ...weights, tau: filled(tau, 10), s: filled(s, 0), r: filled(r, 0.05), alpha: filled(alpha, 0) };
    const times = {
      t: tensor(
        [3, 2],
        [0, 0, 10, 10, 20, 20].map((t) => t + first),
      ),
    };
    const open = phased.run({ ...phased.data, inputs: { ...phased.data.inputs, ...times }, params });
    const lstm = setUp('lstm', sizes, { peepholes: true });
    const plain = lstm.run({ ...phased.data, inputs: { x: phased.data.inputs.x ?? filled(undefined, 0) }, params: weights });
    expectClose(values(open.outputs.h), values(plain.outputs.h));
  });

  it('phased-lstm without a leak keeps its state while it is closed', () => {
    const { data, run } = setUp('phased-lstm', { T: 3, B: 1, I: 2, H: 3 });
    const closed = { ...data.params, s: filled(data.params.s, 0), alpha: filled(data.params.alpha, 0) };
    const result = run({ ...data, inputs: { ...data.inputs, t: tensor([3, 1], [3, 4, 5]) }, params: closed });
    expectClose(values(result.state.c), values(data.state.c));
    expectClose(values(result.state.h), values(data.state.h));
  });
});
