import { describe, expect, test } from 'vitest';
import type { Signature } from '../../codegen/frontend/tree.js';
import type { Tensors } from '../../runtime/data.js';
import { gradientsToWeights, sizesFromWeights, type WeightFormat, weightsToParams } from '../../runtime/interop/index.js';
import { code, mistake } from './errors.js';
import { count, f32, gru, lstm, rnn } from './signatures.js';

/** Our parameters as plain numbers, from weights of a cell with these sizes. */
function params(format: WeightFormat, { signature }: { signature: Signature }, tensors: Tensors): Record<string, number[]> {
  const sizes = sizesFromWeights(format, signature.name, signature, tensors);
  const converted = weightsToParams(format, signature.name, signature, sizes, tensors);
  return Object.fromEntries(Object.entries(converted).map(([name, { data }]) => [name, [...data]]));
}

/** The framework's gradients as plain numbers; our gradients are 1, 2, 3, … in the order of `names`. */
function gradients(format: WeightFormat, { signature }: { signature: Signature }, given: Tensors, names: readonly string[]) {
  const sizes = sizesFromWeights(format, signature.name, signature, given);
  const ours = Object.fromEntries(
    signature.params.map(({ name, shape }) => {
      const length = shape.reduce((product, dim) => product * (sizes[dim] ?? 0), 1);
      return [name, { shape: shape.map((dim) => sizes[dim] ?? 0), data: new Float32Array(length).fill(names.indexOf(name) + 1) }];
    }),
  );
  const packed = gradientsToWeights(format, signature.name, signature, sizes, ours, given);
  return Object.fromEntries(Object.entries(packed).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]));
}

const ones = (shape: number[]) => f32(shape, ...count(...shape).data.map(() => 1));

describe('ONNX', () => {
  const W = f32([1, 4, 1], 1, 2, 3, 4);
  const R = f32([1, 4, 1], 5, 6, 7, 8);

  test('LSTM has its gates in the order i o f c, its peepholes i o f', () => {
    const B = f32([1, 8], 10, 20, 30, 40, 1, 2, 3, 4);
    const P = f32([1, 3], 7, 8, 9);
    expect(params('onnx', lstm({ peepholes: true }), { W, R, B, P })).toEqual({
      ...{ W_i: [1], W_o: [2], W_f: [3], W_g: [4] },
      ...{ U_i: [5], U_o: [6], U_f: [7], U_g: [8] },
      ...{ b_i: [11], b_o: [22], b_f: [33], b_g: [44] },
      ...{ p_i: [7], p_o: [8], p_f: [9] },
    });
  });

  test('LSTM with a coupled forget gate has the gate’s rows unused, and their gradient zero', () => {
    const cell = lstm({ coupled: true, peepholes: true });
    const B = f32([1, 8], 10, 20, 30, 40, 1, 2, 3, 4);
    const P = f32([1, 3], 7, 8, 9);
    const given = { W, R, B, P };
    expect(params('onnx', cell, given)).toEqual({
      ...{ W_i: [1], W_o: [2], W_g: [4], U_i: [5], U_o: [6], U_g: [8] },
      ...{ b_i: [11], b_o: [22], b_g: [44], p_i: [7], p_o: [8] },
    });
    const names = ['W_i', 'W_o', 'W_g', 'b_i', 'b_o', 'b_g', 'p_i', 'p_o'];
    expect(gradients('onnx', cell, given, names)).toMatchObject({
      W: { shape: [1, 4, 1], data: [1, 2, 0, 3] },
      B: { shape: [1, 8], data: [4, 5, 0, 6, 4, 5, 0, 6] },
      P: { shape: [1, 3], data: [7, 8, 0] },
    });
  });

  test('matrices of a gate keep their rows', () => {
    const wide = { W: f32([1, 8, 3], ...count(24).data), R: f32([1, 8, 2], ...count(16).data) };
    const { W_i, W_o, U_f } = params('onnx', lstm(), wide);
    expect(W_i).toEqual([1, 2, 3, 4, 5, 6]);
    expect(W_o).toEqual([7, 8, 9, 10, 11, 12]);
    expect(U_f).toEqual([9, 10, 11, 12]);
  });

  const W3 = f32([1, 3, 1], 1, 2, 3);
  const R3 = f32([1, 3, 1], 4, 5, 6);
  const B6 = f32([1, 6], 10, 20, 30, 1, 2, 3);

  test('GRU has its gates in the order z r h, and both candidate biases when the reset gate comes after', () => {
    expect(params('onnx', gru(), { W: W3, R: R3, B: B6 })).toEqual({
      ...{ W_z: [1], W_r: [2], W_n: [3], U_z: [4], U_r: [5], U_n: [6] },
      ...{ b_z: [11], b_r: [22], b_n: [30], c_n: [3] },
    });
    expect(gradients('onnx', gru(), { W: W3, R: R3, B: B6 }, ['b_z', 'b_r', 'b_n', 'c_n']).B?.data).toEqual([1, 2, 3, 1, 2, 4]);
  });

  test('GRU adds its candidate biases when the reset gate comes before, and both get the gradient', () => {
    const before = gru({ reset: 'before' });
    expect(params('onnx', before, { W: W3, R: R3, B: B6 })).toMatchObject({ b_z: [11], b_r: [22], b_n: [33] });
    expect(gradients('onnx', before, { W: W3, R: R3, B: B6 }, ['b_z', 'b_r', 'b_n']).B?.data).toEqual([1, 2, 3, 1, 2, 3]);
  });

  test('RNN has one gate and two biases', () => {
    const given = { W: f32([1, 2, 1], 1, 2), R: f32([1, 2, 2], 3, 4, 5, 6), B: f32([1, 4], 10, 20, 1, 2) };
    expect(params('onnx', rnn(), given)).toEqual({ W: [1, 2], U: [3, 4, 5, 6], b: [11, 22] });
    expect(gradients('onnx', rnn(), given, ['W', 'U', 'b'])).toEqual({
      W: { shape: [1, 2, 1], data: [1, 1] },
      R: { shape: [1, 2, 2], data: [2, 2, 2, 2] },
      B: { shape: [1, 4], data: [3, 3, 3, 3] },
    });
  });
});

describe('torch', () => {
  const ih = f32([4, 1], 1, 2, 3, 4);
  const hh = f32([4, 1], 5, 6, 7, 8);

  test('LSTM has its gates in the order i f g o and two biases', () => {
    const given = { weight_ih_l0: ih, weight_hh_l0: hh, bias_ih_l0: f32([4], 10, 20, 30, 40), bias_hh_l0: f32([4], 1, 2, 3, 4) };
    expect(params('torch', lstm(), given)).toEqual({
      ...{ W_i: [1], W_f: [2], W_g: [3], W_o: [4] },
      ...{ U_i: [5], U_f: [6], U_g: [7], U_o: [8] },
      ...{ b_i: [11], b_f: [22], b_g: [33], b_o: [44] },
    });
    expect(gradients('torch', lstm(), given, ['b_i', 'b_f', 'b_g', 'b_o'])).toMatchObject({
      bias_ih_l0: { data: [1, 2, 3, 4] },
      bias_hh_l0: { data: [1, 2, 3, 4] },
    });
  });

  test('LSTM with a projection has recurrent columns over P', () => {
    const given = {
      weight_ih_l0: f32([8, 1], ...count(8).data),
      weight_hh_l0: f32([8, 3], ...count(24).data),
      weight_hr_l0: f32([3, 2], ...count(6).data),
    };
    const cell = lstm({ projection: true });
    expect(sizesFromWeights('torch', 'lstm', cell.signature, given)).toEqual({ H: 2, I: 1, P: 3 });
    expect(params('torch', cell, given)).toMatchObject({ U_f: [7, 8, 9, 10, 11, 12], W_h: [1, 2, 3, 4, 5, 6], b_i: [0, 0] });
  });

  test('GRU has its gates in the order r z n', () => {
    const given = {
      weight_ih_l0: f32([3, 1], 1, 2, 3),
      weight_hh_l0: f32([3, 1], 4, 5, 6),
      bias_ih_l0: f32([3], 10, 20, 30),
      bias_hh_l0: f32([3], 1, 2, 3),
    };
    expect(params('torch', gru(), given)).toEqual({
      ...{ W_r: [1], W_z: [2], W_n: [3], U_r: [4], U_z: [5], U_n: [6] },
      ...{ b_r: [11], b_z: [22], b_n: [30], c_n: [3] },
    });
    expect(gradients('torch', gru(), given, ['b_r', 'b_z', 'b_n', 'c_n'])).toMatchObject({
      bias_ih_l0: { data: [1, 2, 3] },
      bias_hh_l0: { data: [1, 2, 4] },
    });
  });

  test('RNN', () => {
    const matrices = { weight_ih_l0: f32([1, 2], 1, 2), weight_hh_l0: f32([1, 1], 3) };
    const given = { ...matrices, bias_ih_l0: f32([1], 4), bias_hh_l0: f32([1], 0.5) };
    expect(params('torch', rnn(), given)).toEqual({ W: [1, 2], U: [3], b: [4.5] });
    expect(params('torch', rnn(), matrices)).toEqual({ W: [1, 2], U: [3], b: [0] });
    expect(() => params('torch', rnn(), { ...matrices, bias_hh_l0: f32([1], 4) })).toThrow(
      'weights.bias_ih_l0 is missing; weights.bias_hh_l0 is there, and torch writes all of them or none',
    );
  });
});

describe('Keras', () => {
  test('LSTM has its gates in the order i f c o, side by side in columns', () => {
    // Two inputs, two units: each row is one input, and gate i takes its first two columns.
    const kernel = f32([2, 8], 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18);
    const recurrent_kernel = f32([2, 8], ...count(16).data);
    const given = { kernel, recurrent_kernel, bias: f32([8], ...count(8).data) };
    expect(params('keras', lstm(), given)).toMatchObject({
      ...{ W_i: [1, 11, 2, 12], W_f: [3, 13, 4, 14], W_g: [5, 15, 6, 16], W_o: [7, 17, 8, 18] },
      ...{ U_i: [1, 9, 2, 10] },
      ...{ b_i: [1, 2], b_f: [3, 4], b_g: [5, 6], b_o: [7, 8] },
    });
    expect(gradients('keras', lstm(), given, ['W_i', 'W_f', 'W_g', 'W_o']).kernel).toEqual({
      shape: [2, 8],
      data: [1, 1, 2, 2, 3, 3, 4, 4, 1, 1, 2, 2, 3, 3, 4, 4],
    });
  });

  const kernel = f32([1, 3], 1, 2, 3);
  const recurrent_kernel = f32([1, 3], 4, 5, 6);

  test('GRU has its gates in the order z r h and a row of biases for each product when the reset gate comes after', () => {
    const given = { kernel, recurrent_kernel, bias: f32([2, 3], 10, 20, 30, 1, 2, 3) };
    expect(params('keras', gru(), given)).toEqual({
      ...{ W_z: [1], W_r: [2], W_n: [3], U_z: [4], U_r: [5], U_n: [6] },
      ...{ b_z: [11], b_r: [22], b_n: [30], c_n: [3] },
    });
    expect(gradients('keras', gru(), given, ['b_z', 'b_r', 'b_n', 'c_n']).bias).toEqual({
      shape: [2, 3],
      data: [1, 2, 3, 1, 2, 4],
    });
  });

  test('GRU has one row of biases when the reset gate comes before', () => {
    const before = gru({ reset: 'before' });
    expect(params('keras', before, { kernel, recurrent_kernel, bias: f32([3], 10, 20, 30) })).toMatchObject({
      b_z: [10],
      b_r: [20],
      b_n: [30],
    });
    expect(code(() => params('keras', before, { kernel, recurrent_kernel, bias: f32([2, 3], 1, 2, 3, 4, 5, 6) }))).toBe(
      'WEIGHTS-OPTION',
    );
  });

  test('SimpleRNN', () => {
    const given = { kernel: f32([1, 2], 1, 2), recurrent_kernel: f32([2, 2], 3, 4, 5, 6) };
    expect(params('keras', rnn(), given)).toEqual({ W: [1, 2], U: [3, 5, 4, 6], b: [0, 0] });
  });
});

describe('gradients in a framework’s layout', () => {
  test('come back only for what was given', () => {
    const given = { W: ones([1, 3, 1]), R: ones([1, 3, 1]) };
    expect(Object.keys(gradients('onnx', gru(), given, []))).toEqual(['W', 'R']);
  });

  test('stay float64 where ours are', () => {
    const { signature } = rnn();
    const ours = { W: { shape: [1, 1], data: Float64Array.of(0.1) } };
    const given = { W: ones([1, 1, 1]) };
    expect(gradientsToWeights('onnx', 'rnn', signature, { I: 1, H: 1 }, ours, given).W?.data).toEqual(Float64Array.of(0.1));
  });

  // The map of gradients must be the transpose of the map of weights: ⟨A w, g⟩ = ⟨w, Aᵀ g⟩, exactly in small integers.
  const cases: [WeightFormat, { signature: Signature }][] = [
    ['onnx', rnn()],
    ['torch', rnn()],
    ['keras', rnn()],
    ['onnx', lstm({ peepholes: true })],
    ['onnx', lstm({ peepholes: true, coupled: true })],
    ['torch', lstm()],
    ['torch', lstm({ projection: true })],
    ['keras', lstm()],
    ['onnx', gru()],
    ['onnx', gru({ reset: 'before' })],
    ['torch', gru()],
    ['keras', gru()],
    ['keras', gru({ reset: 'before' })],
  ];
  test.each(cases)('are the transpose of the weights’ map: %s %o', (format, { signature }) => {
    const sizes = { I: 3, H: 5, P: 2 };
    let seed = 1;
    const small = () => {
      seed = (seed * 48271) % 2147483647;
      return (seed % 19) - 9;
    };
    const filled = (shape: readonly number[]) => f32(shape, ...count(...shape).data.map(small));
    const given = Object.fromEntries(
      Object.entries(shapesOf(format, signature, sizes)).map(([name, shape]) => [name, filled(shape)]),
    );
    const ours = weightsToParams(format, signature.name, signature, sizes, given);
    const cotangents = Object.fromEntries(Object.entries(ours).map(([name, { shape }]) => [name, filled(shape)]));
    const theirs = gradientsToWeights(format, signature.name, signature, sizes, cotangents, given);
    expect(Object.keys(theirs)).toEqual(Object.keys(given));
    expect(inner(ours, cotangents)).toBe(inner(given, theirs));
    expect(inner(ours, cotangents)).not.toBe(0);
  });
});

function inner(a: Tensors, b: Tensors): number {
  let sum = 0;
  for (const [name, { data }] of Object.entries(a)) {
    for (let k = 0; k < data.length; k++) sum += (data[k] ?? Number.NaN) * (b[name]?.data[k] ?? Number.NaN);
  }
  return sum;
}

/** Shapes as the frameworks document them, written out apart from the tables under test. */
function shapesOf(
  format: WeightFormat,
  { name, options }: Signature,
  { I, H, P }: { I: number; H: number; P: number },
): Record<string, number[]> {
  const G = { rnn: 1, gru: 3, lstm: 4 }[name] ?? 0;
  if (format === 'onnx') {
    return { W: [1, G * H, I], R: [1, G * H, H], B: [1, 2 * G * H], ...(options.peepholes ? { P: [1, 3 * H] } : {}) };
  }
  if (format === 'keras') {
    return { kernel: [I, G * H], recurrent_kernel: [H, G * H], bias: options.reset === 'after' ? [2, 3 * H] : [G * H] };
  }
  return {
    ...{ weight_ih_l0: [G * H, I], weight_hh_l0: [G * H, options.projection ? P : H] },
    ...{ bias_ih_l0: [G * H], bias_hh_l0: [G * H] },
    ...(options.projection ? { weight_hr_l0: [P, H] } : {}),
  };
}

describe('weights are refused:', () => {
  const W = ones([1, 4, 1]);
  const R = ones([1, 4, 1]);

  test('with options that the framework does not have', () => {
    expect(mistake(() => params('torch', lstm({ peepholes: true }), {}))).toBe(
      'WEIGHTS-OPTION | options.peepholes | peepholes = true cannot be said in torch weights: its LSTM has no peepholes | Give "params" instead of "weights", or leave the option out.',
    );
    for (const [format, cell] of [
      ['torch', lstm({ coupled: true })],
      ['cudnn', gru({ reset: 'before' })],
      ['tf1', gru()],
      ['mlx', gru({ reset: 'before' })],
      ['keras', lstm({ peepholes: true })],
      ['keras', lstm({ coupled: true })],
      ['keras', lstm({ projection: true })],
      ['onnx', lstm({ projection: true })],
    ] as const) {
      expect(code(() => params(format, cell, {}))).toBe('WEIGHTS-OPTION');
    }
  });

  test('with a tensor that needs another option', () => {
    expect(mistake(() => params('onnx', lstm(), { W, R, P: ones([1, 3]) }))).toBe(
      'WEIGHTS-OPTION | weights.P | weights.P is given, but the option peepholes is not true | Set "options": {"peepholes": true}, or leave P out.',
    );
    expect(mistake(() => params('torch', lstm(), { weight_hr_l0: ones([1, 1]) }))).toContain('"projection": true');
  });

  test('with an unknown or a missing tensor', () => {
    expect(mistake(() => params('torch', rnn(), { weight_ih_10: ones([1, 1]) }))).toContain(
      'WEIGHTS-NAME | weights.weight_ih_10',
    );
    expect(mistake(() => params('torch', rnn(), { weight_ih_l0_reverse: ones([1, 1]) }))).toContain('one layer, one direction');
    expect(mistake(() => params('onnx', lstm(), { W }))).toBe(
      'WEIGHTS-MISSING | weights.R | weights.R is missing; onnx weights of lstm need it | Give it, too: such a layer has W, R and B.',
    );
  });

  test('of two directions', () => {
    expect(mistake(() => params('onnx', lstm(), { W: ones([2, 4, 1]), R }))).toMatch(
      /^WEIGHTS-DIRECTIONS \| weights.W \| weights.W has shape \[2, 4, 1\]/,
    );
  });

  test('of shapes that do not divide into gates, or disagree', () => {
    expect(mistake(() => params('onnx', lstm(), { W: ones([1, 6, 1]), R }))).toBe(
      'WEIGHTS-SHAPE | weights.W | weights.W has 6 along axis 1; it must be 4·H, a multiple of 4 | Give it 4·H, a multiple of 4 there: look whether two of its axes are swapped.',
    );
    expect(mistake(() => params('onnx', lstm(), { W, R: ones([1, 4, 2]) }))).toContain(
      'weights.R (axis 2, H = 2) makes H = 2, but weights.W (axis 1, 4·H = 4) makes it 1',
    );
    expect(
      mistake(() => params('keras', gru(), { kernel: ones([1, 3]), recurrent_kernel: ones([1, 3]), bias: ones([3]) })),
    ).toContain('weights.bias has shape [3], as it has with reset = before; the option is after');
  });

  test('but not for a rate that nobody trains, which holds what its declaration says', () => {
    const { signature } = rnn();
    const [first] = signature.params;
    if (!first) throw new Error('rnn has params');
    const rate = { ...first, name: 'zoneout_h', shape: [], init: 0.1, trainable: false };
    const zoned = { signature: { ...signature, params: [...signature.params, rate] } };
    const weights = { weight_ih_l0: ones([1, 1]), weight_hh_l0: ones([1, 1]) };
    expect(params('torch', zoned, weights)).toEqual({ W: [1], U: [1], b: [0] });
    const unset = { signature: { ...signature, params: [...signature.params, { ...rate, init: undefined }] } };
    expect(mistake(() => params('torch', unset, weights))).toContain('it has zoneout_h, which the layout does not hold');
  });

  test('for a cell of ours under a known name that has other parameters', () => {
    const { signature } = rnn();
    const [first, ...rest] = signature.params;
    if (!first) throw new Error('rnn has params');
    const renamed = { signature: { ...signature, params: [{ ...first, name: 'V' }, ...rest] } };
    expect(mistake(() => params('torch', renamed, {}))).toContain(
      'WEIGHTS-CELL | weights | cell rnn cannot take torch weights: it has no parameter W',
    );
    const more = { signature: { ...signature, params: [...signature.params, { ...first, name: 'V' }] } };
    expect(mistake(() => params('torch', more, {}))).toContain('it has V, which the layout does not hold');
    const odd = {
      signature: {
        ...lstm().signature,
        params: lstm().signature.params.map((p) => (p.name === 'W_f' ? { ...p, shape: ['H', 'H'] } : p)),
      },
    };
    expect(mistake(() => params('torch', odd, {}))).toContain('W_f is over [H,H], its neighbours are over [H,I]');
  });

  test('for a cell named like a member of every object', () => {
    expect(code(() => params('torch', { signature: { ...rnn().signature, name: 'constructor' } }, {}))).toBe('WEIGHTS-CELL');
  });

  test('with biases whose sum float32 cannot hold', () => {
    const given = { W: ones([1, 1, 1]), R: ones([1, 1, 1]), B: f32([1, 2], 3e38, 3e38) };
    expect(code(() => params('onnx', rnn(), given))).toBe('WEIGHTS-RANGE');
  });
});
