/** Published special cases: two cells, or two forms of one, that are the same network. */
import { describe, expect, it } from 'vitest';
import type { OptionValues } from '../../codegen/frontend/tree.js';
import type { CellData, Tensor, Tensors } from '../../runtime/data.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { builtIn, prepare } from '../conformance/compare-cell.js';

const SIZES = { T: 5, B: 3, I: 4, H: 4, O: 4, P: 4, R: 2, M: 4 };
type Sizes = Readonly<Record<string, number>>;

/** Ragged where there is more than one step. */
function drawn(cell: string, options: OptionValues = {}, seed = 4, all: Sizes = SIZES, ragged = all.T !== 1): CellData {
  const { signature, outputs } = prepare(builtIn(cell), all, options);
  return randomData(signature, all, outputs, { seed, ragged, gradients: false });
}

function outputsOf(cell: string, options: OptionValues, data: CellData, all: Sizes = SIZES): Tensors {
  const { tree, signature } = prepare(builtIn(cell), all, options);
  const own = signature.params.flatMap(({ name }) => (data.params[name] ? [[name, data.params[name]]] : []));
  const { outputs, state } = runReference(tree, signature, all, { ...data, params: Object.fromEntries(own) });
  return { ...outputs, ...Object.fromEntries(Object.entries(state).map(([name, tensor]) => [`final ${name}`, tensor])) };
}

const get = (tensors: Tensors, name: string): Tensor => {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`no tensor ${name}`);
  return tensor;
};
const apply = ({ shape, data }: Tensor, f: (value: number, index: number) => number): Tensor => ({
  shape,
  data: Float64Array.from(data, f),
});
const filled = (shape: readonly number[], f: (index: number) => number): Tensor => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, index) => f(index)),
});
const zeros = (tensor: Tensor) => apply(tensor, () => 0);
const number = (value: number) => filled([], () => value);
const diagonal = (values: readonly number[]) =>
  filled([values.length, values.length], (index) =>
    index % (values.length + 1) === 0 ? (values[index / (values.length + 1)] ?? Number.NaN) : 0,
  );
const identity = diagonal([1, 1, 1, 1]);

function expectSame(actual: Tensor, expected: Tensor, digits = 12): void {
  expect(actual.shape).toEqual(expected.shape);
  for (const [index, value] of [...actual.data].entries()) expect(value).toBeCloseTo(expected.data[index] ?? Number.NaN, digits);
  expect(actual.data.some((value) => value !== 0)).toBe(true);
}

describe('regularizers', () => {
  const rates = { zoneout_h: number(0), zoneout_c: number(0), dropout_x: number(0), dropout_h: number(0) };
  const none = { ...rates, dropout_g: number(0), dropout_U: number(0) };
  const all = { zoneout: true, variationalDropout: true, recurrentDropout: true, dropConnect: true };

  it.each([
    ['lstm', { layerNorm: 'ba', peepholes: true }],
    ['lstm', { layerNorm: 'normalizedState', projection: true }],
    ['lstm', { coupled: true }],
    ['gru', { reset: 'before' }],
    ['gru', { layerNorm: 'ba' }],
    ['rnn', {}],
  ])('at rate 0 leave %s with %j as it is, in training and out of it', (cell, form) => {
    const data = drawn(cell, form);
    const plain = outputsOf(cell, form, data);
    for (const training of [true, false]) {
      const regular = outputsOf(cell, { ...form, ...all, training }, { ...data, params: { ...data.params, ...none }, seed: 9 });
      expectSame(get(regular, 'h'), get(plain, 'h'));
    }
  });

  it.each(['lstm', 'gru', 'rnn'])('out of training: zoneout of %s is the mean of old and new by its rate', (cell) => {
    const one = { ...SIZES, T: 1 };
    const data = drawn(cell, {}, 4, one);
    const plain = outputsOf(cell, {}, data, one);
    const params = { ...data.params, zoneout_h: number(0.25), zoneout_c: number(0.5) };
    const zoned = outputsOf(cell, { zoneout: true }, { ...data, params }, one);
    const mean = (name: string, rate: number) =>
      apply(get(plain, `final ${name}`), (next, i) => rate * (get(data.state, name).data[i] ?? Number.NaN) + (1 - rate) * next);
    expectSame(get(zoned, 'final h'), mean('h', 0.25));
    if (cell === 'lstm') expectSame(get(zoned, 'final c'), mean('c', 0.5));
  });

  it.each(['lstm', 'gru', 'rnn'])('in training: zoneout of %s keeps whole units of the old state', (cell) => {
    const one = { ...SIZES, T: 1, H: 64, B: 8 };
    const data = drawn(cell, {}, 4, one);
    const next = get(outputsOf(cell, {}, data, one), 'final h').data;
    const params = { ...data.params, zoneout_h: number(0.25), zoneout_c: number(0.5) };
    const zoned = get(outputsOf(cell, { zoneout: true, training: true }, { ...data, params }, one), 'final h').data;
    const kept = [...zoned].filter((value, i) => value === get(data.state, 'h').data[i]).length;
    expect([...zoned].filter((value, i) => value !== next[i])).toHaveLength(kept);
    expect(Math.abs(kept / zoned.length - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / zoned.length));
  });
});

/** Layer normalization of gates stacked into one vector, as the papers write it, on plain numbers. */
describe('layer normalization', () => {
  const one = { ...SIZES, T: 1, B: 1, I: 3, H: 5 };
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const normal = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    return values.map((value) => (value - mean) / Math.sqrt(variance + Math.fround(1e-5)));
  };

  /** LN(W x) ⊙ gx + LN(U h) ⊙ gh + b of stacked gates, cut apart again. */
  function stacked(data: CellData, gates: readonly string[]) {
    const read = (name: string) => [...get(data.params, name).data];
    const product = (matrix: string, vector: readonly number[]) => {
      const values = read(matrix);
      return [...Array(values.length / vector.length).keys()].map((row) =>
        vector.reduce((sum, value, k) => sum + value * (values[row * vector.length + k] ?? Number.NaN), 0),
      );
    };
    const x = [...get(data.inputs, 'x').data];
    const h = [...get(data.state, 'h').data];
    const X = normal(gates.flatMap((gate) => product(`W_${gate}`, x)));
    const R = normal(gates.flatMap((gate) => product(`U_${gate}`, h)));
    const vector = (kind: string) => gates.flatMap((gate) => read(`${kind}_${gate}`));
    const [gx, gh, b] = [vector('gx'), vector('gh'), vector('b')];
    const sums = X.map((v, i) => v * (gx[i] ?? Number.NaN) + (R[i] ?? Number.NaN) * (gh[i] ?? Number.NaN) + (b[i] ?? Number.NaN));
    const part = (index: number) => sums.slice(index * one.H, (index + 1) * one.H);
    return { read, product, x, h, part };
  }

  it.each(['ba', 'normalizedState'])('of an LSTM is that of one vector of four gates: %s', (layerNorm) => {
    const data = drawn('lstm', { layerNorm }, 4, one);
    const { read, part } = stacked(data, ['i', 'f', 'g', 'o']);
    const [i, f, g, o] = [part(0), part(1), part(2), part(3)];
    const c = [...get(data.state, 'c').data];
    const at = (values: readonly number[], index: number) => values[index] ?? Number.NaN;
    const sums = c.map((value, k) => sigmoid(at(f, k)) * value + sigmoid(at(i, k)) * Math.tanh(at(g, k)));
    const seen = normal(sums).map((value, k) => value * at(read('g_c'), k) + at(read('b_c'), k));
    const outputs = outputsOf('lstm', { layerNorm }, data, one);
    expectSame(
      get(outputs, 'final c'),
      filled([1, one.H], (k) => at(layerNorm === 'ba' ? sums : seen, k)),
    );
    expectSame(
      get(outputs, 'final h'),
      filled([1, one.H], (k) => sigmoid(at(o, k)) * Math.tanh(at(seen, k))),
    );
  });

  it.each(['after', 'before'])(
    'of a GRU is that of one vector of two gates, and of the candidate by itself: reset %s',
    (reset) => {
      const data = drawn('gru', { layerNorm: 'ba', reset }, 4, one);
      const { read, part, product, x, h } = stacked(data, ['r', 'z']);
      const at = (values: readonly number[], index: number) => values[index] ?? Number.NaN;
      const [r, z] = [part(0).map(sigmoid), part(1).map(sigmoid)];
      const recurrent = normal(product('U_n', reset === 'after' ? h : h.map((value, k) => value * at(r, k))));
      const driven = normal(product('W_n', x));
      const expected = h.map((value, k) => {
        const gained = at(recurrent, k) * at(read('gh_n'), k);
        const inner = reset === 'after' ? at(r, k) * (gained + at(read('c_n'), k)) : gained;
        const n = Math.tanh(at(driven, k) * at(read('gx_n'), k) + at(read('b_n'), k) + inner);
        return (1 - at(z, k)) * n + at(z, k) * value;
      });
      const outputs = outputsOf('gru', { layerNorm: 'ba', reset }, data, one);
      expectSame(
        get(outputs, 'final h'),
        filled([1, one.H], (k) => at(expected, k)),
      );
    },
  );
});

describe('the same network', () => {
  const rnn = drawn('rnn');
  const elman = get(outputsOf('rnn', {}, rnn), 'h');
  const withParams = (data: CellData, params: Tensors): CellData => ({ ...data, params: { ...data.params, ...params } });

  it('an IndRNN is an Elman network with a diagonal U', () => {
    const data = drawn('indrnn');
    const U = diagonal([...get(data.params, 'u').data]);
    expectSame(
      get(outputsOf('indrnn', { activation: 'tanh' }, data), 'h'),
      get(outputsOf('rnn', {}, withParams(data, { U })), 'h'),
    );
  });

  it('a leaky network with α = 1 is an Elman network, in the form of currents before the activation', () => {
    const whole = withParams(rnn, { alpha: number(1) });
    expectSame(get(outputsOf('ctrnn', {}, whole), 'h'), elman);
    // The first state is a current there, of which the rate is the Elman network's first state.
    const bounded = { ...rnn, state: { h: apply(get(rnn.state, 'h'), Math.tanh) } };
    const rates = apply(get(outputsOf('ctrnn', { form: 'current' }, whole), 'h'), Math.tanh);
    expectSame(rates, get(outputsOf('rnn', {}, bounded), 'h'));
  });

  it('an echo state network without leak and scale is an Elman network', () => {
    const more = drawn('echo-state').params;
    const data = withParams(rnn, { ...more, ...rnn.params, alpha: number(1), rho: number(1) });
    expectSame(get(outputsOf('echo-state', {}, data), 'h'), elman);
  });

  it('a Jordan network whose output is its hidden layer is an Elman network', () => {
    const data = { ...withParams(rnn, { V: identity, c: number(0) }), state: { y: get(rnn.state, 'h') } };
    const given = withParams(data, { c: filled([4], () => 0) });
    expectSame(get(outputsOf('jordan', { outputActivation: 'identity' }, given), 'y'), elman);
  });

  it('a feed-forward block is an Elman network that forgets', () => {
    const blank = withParams(rnn, { U: zeros(get(rnn.params, 'U')) });
    expectSame(get(outputsOf('feedforward', {}, { ...rnn, state: {} }), 'y'), get(outputsOf('rnn', {}, blank), 'h'));
  });

  it.each(['none', 'size'])('a low-rank network is a full one with U = M Nᵀ, over H at scale size: %s', (scale) => {
    const data = withParams(drawn('low-rank'), { alpha: number(1) });
    const [M, N] = [get(data.params, 'M').data, get(data.params, 'N').data];
    const U = filled([4, 4], (index) => {
      const [row, column] = [Math.floor(index / 4), index % 4];
      const sum = [0, 1].reduce((total, r) => total + (M[row * 2 + r] ?? 0) * (N[column * 2 + r] ?? 0), 0);
      return scale === 'size' ? sum / 4 : sum;
    });
    const full = {
      ...withParams(data, { U, b: filled([4], () => 0) }),
      state: { h: apply(get(data.state, 'h'), Math.tanh) },
    };
    expectSame(apply(get(outputsOf('low-rank', { scale }, data), 'h'), Math.tanh), get(outputsOf('rnn', {}, full), 'h'));
  });

  it('a highway network of depth 1 with coupled gates is an update gate network whose gate is 1 − t', () => {
    const ugrnn = drawn('ugrnn');
    const own = ugrnn.params;
    const layer = (name: string, sign: number) => filled([1, 4, 4], (i) => sign * (get(own, name).data[i] ?? Number.NaN));
    const negative = (name: string) => apply(get(own, name), (value) => -value);
    const params = {
      W_n: get(own, 'W_c'),
      R_n: layer('U_c', 1),
      b_n1: get(own, 'b_c'),
      W_t: negative('W_g'),
      R_t: layer('U_g', -1),
      b_t1: negative('b_g'),
    };
    expectSame(get(outputsOf('rhn', { depth: 1 }, { ...ugrnn, params }), 'h'), get(outputsOf('ugrnn', {}, ugrnn), 'h'));
    // With a carry gate of its own, −a where t has a, since σ(−a) = 1 − σ(a).
    const carry = { W_c: get(own, 'W_g'), R_c: layer('U_g', 1), b_c1: get(own, 'b_g') };
    const separate = outputsOf('rhn', { depth: 1, carry: 'separate' }, { ...ugrnn, params: { ...params, ...carry } });
    expectSame(get(separate, 'h'), get(outputsOf('ugrnn', {}, ugrnn), 'h'));
  });

  it('a highway network runs its layers one behind another', () => {
    const data = drawn('rhn', { depth: 2 });
    const one = { ...data, lengths: undefined };
    const layer = (l: number): Tensors => {
      const half = (name: string) => filled([1, 4, 4], (i) => get(data.params, name).data[16 * l + i] ?? Number.NaN);
      const first = (name: string) => (l === 0 ? get(data.params, name) : zeros(get(data.params, name)));
      const b = (name: string) => get(data.params, `${name}${l + 1}`);
      return { W_n: first('W_n'), W_t: first('W_t'), R_n: half('R_n'), R_t: half('R_t'), b_n1: b('b_n'), b_t1: b('b_t') };
    };
    const step = { ...SIZES, T: 1 };
    const x = filled([1, 3, 4], (i) => get(data.inputs, 'x').data[i] ?? Number.NaN);
    const start = { ...one, inputs: { x } };
    const between = get(outputsOf('rhn', { depth: 1 }, { ...start, params: layer(0) }, step), 'final h');
    const behind = outputsOf('rhn', { depth: 1 }, { ...start, params: layer(1), state: { h: between } }, step);
    expectSame(get(outputsOf('rhn', { depth: 2 }, start, step), 'final h'), get(behind, 'final h'));
  });

  it('JANET with β = 0 is an update gate network', () => {
    const data = drawn('janet');
    const { W_f, U_f, b_f, W_g, U_g, b_g } = data.params;
    const params = { W_g: W_f, U_g: U_f, b_g: b_f, W_c: W_g, U_c: U_g, b_c: b_g } as Tensors;
    expectSame(get(outputsOf('janet', { beta: 0 }, data), 'h'), get(outputsOf('ugrnn', {}, { ...data, params }), 'h'));
  });

  it('JANET with β = 1 adds 1 − σ(s − 1) of the candidate', () => {
    const one = { ...SIZES, T: 1, B: 1, I: 1, H: 1 };
    const data = drawn('janet', {}, 4, one);
    const value = (group: Tensors, name: string) => get(group, name).data[0] ?? Number.NaN;
    const [x, h] = [value(data.inputs, 'x'), value(data.state, 'h')];
    const affine = (gate: string) =>
      value(data.params, `W_${gate}`) * x + value(data.params, `U_${gate}`) * h + value(data.params, `b_${gate}`);
    const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
    const expected = sigmoid(affine('f')) * h + (1 - sigmoid(affine('f') - 1)) * Math.tanh(affine('g'));
    expectSame(
      get(outputsOf('janet', {}, data, one), 'final h'),
      filled([1, 1], () => expected),
    );
  });

  it('the light GRU is a GRU that never resets', () => {
    const data = drawn('ligru');
    const silent = { W_r: zeros(identity), U_r: zeros(identity), b_r: filled([4], () => 1e9) };
    const gru = outputsOf('gru', { reset: 'before', candidateActivation: 'relu' }, withParams(data, silent));
    expectSame(get(outputsOf('ligru', {}, data), 'h'), get(gru, 'h'));
  });

  it('a minimal gated unit is a GRU whose two gates are one', () => {
    const data = drawn('mgu');
    const { W_f, U_f, b_f } = data.params;
    const negative = (name: string) => apply(get(data.params, name), (value) => -value);
    const gates = { W_r: W_f, U_r: U_f, b_r: b_f, W_z: negative('W_f'), U_z: negative('U_f'), b_z: negative('b_f') };
    const gru = outputsOf('gru', { reset: 'before' }, withParams(data, gates as Tensors));
    expectSame(get(outputsOf('mgu', {}, data), 'h'), get(gru, 'h'));
  });

  it('the variants of the minimal gated unit are the full one without some weights', () => {
    const data = drawn('mgu');
    const without = (...names: string[]) =>
      outputsOf('mgu', {}, withParams(data, Object.fromEntries(names.map((name) => [name, zeros(get(data.params, name))]))));
    expectSame(get(outputsOf('mgu', { gate: 'mgu1' }, data), 'h'), get(without('W_f'), 'h'));
    expectSame(get(outputsOf('mgu', { gate: 'mgu2' }, data), 'h'), get(without('W_f', 'b_f'), 'h'));
    expectSame(get(outputsOf('mgu', { gate: 'mgu3' }, data), 'h'), get(without('W_f', 'U_f'), 'h'));
  });

  it('the antisymmetric network is a step of a network with U − Uᵀ − γ I', () => {
    const one = { ...SIZES, T: 1 };
    const data = withParams(drawn('antisymmetric', {}, 4, one), { epsilon: number(0.3), gamma: number(0.2) });
    const given = get(data.params, 'U').data;
    const U = filled([4, 4], (index) => {
      const [row, column] = [Math.floor(index / 4), index % 4];
      return (given[index] ?? 0) - (given[column * 4 + row] ?? 0) - (row === column ? 0.2 : 0);
    });
    const change = get(outputsOf('rnn', {}, withParams(data, { U }), one), 'final h');
    const expected = apply(change, (value, i) => (get(data.state, 'h').data[i] ?? Number.NaN) + 0.3 * value);
    expectSame(get(outputsOf('antisymmetric', {}, data, one), 'final h'), expected);
  });

  it('a gate that is always open leaves the antisymmetric network as it is', () => {
    const data = drawn('antisymmetric', { gated: true });
    const open = withParams(data, { W_z: zeros(identity), b_z: filled([4], () => 1e9), U: zeros(identity), gamma: number(0) });
    expectSame(get(outputsOf('antisymmetric', { gated: true }, open), 'h'), get(outputsOf('antisymmetric', {}, open), 'h'));
  });

  it('a multiplicative LSTM whose input factor is 1 is an LSTM', () => {
    const data = drawn('mlstm-multiplicative');
    // The first input is 1, and only it meets W_m.
    const x = apply(get(data.inputs, 'x'), (value, index) => (index % 4 === 0 ? 1 : value));
    const W_m = filled([4, 4], (index) => (index % 4 === 0 ? 1 : 0));
    const given = { ...withParams(data, { W_m, U_m: identity }), inputs: { x } };
    expectSame(get(outputsOf('mlstm-multiplicative', {}, given), 'h'), get(outputsOf('lstm', {}, given), 'h'));
  });

  it('a temporal convolution of width 1 is a feed-forward block, and wider ones sum delayed inputs', () => {
    const data = drawn('tcn', { width: 3, dilation: 2 }, 4, SIZES, false);
    const K = get(data.params, 'K').data;
    const x = get(data.inputs, 'x').data;
    const b = get(data.params, 'b').data;
    const expected = (width: number) =>
      filled([5, 3, 4], (index) => {
        const [t, sequence, o] = [Math.floor(index / 12), Math.floor(index / 4) % 3, index % 4];
        let sum = b[o] ?? Number.NaN;
        for (let k = 0; k < width && t >= 2 * k; k++) {
          for (let i = 0; i < 4; i++) sum += (K[16 * k + 4 * o + i] ?? 0) * (x[((t - 2 * k) * 3 + sequence) * 4 + i] ?? 0);
        }
        return Math.max(sum, 0);
      });
    expectSame(get(outputsOf('tcn', { width: 3, dilation: 2 }, data), 'y'), expected(3));
    const first = withParams(data, { K: filled([1, 4, 4], (i) => K[i] ?? 0), W: filled([4, 4], (i) => K[i] ?? 0) });
    expectSame(get(outputsOf('tcn', { width: 1 }, first), 'y'), expected(1));
    expectSame(get(outputsOf('feedforward', { activation: 'relu' }, first), 'y'), expected(1));
  });

  it.each(['rnn', 'lstm', 'gru'])('a skip network that never skips is its inner network: %s', (inner) => {
    const data = drawn('skip-rnn', { inner });
    const { W_g, U_g, b_g } = data.params;
    const names = inner === 'rnn' ? { W: W_g, U: U_g, b: b_g } : inner === 'gru' ? { W_n: W_g, U_n: U_g, b_n: b_g } : {};
    const always = {
      ...withParams(data, { ...(names as Tensors), w_p: filled([4], () => 0), b_p: number(1e9) }),
      state: { ...data.state, u: filled([3], () => 1) },
    };
    const { u: _, ...state } = always.state as Record<string, Tensor>;
    const expected = outputsOf(inner, inner === 'gru' ? { reset: 'before' } : {}, { ...always, state });
    expectSame(get(outputsOf('skip-rnn', { inner }, always), 'h'), get(expected, 'h'));
  });
});
