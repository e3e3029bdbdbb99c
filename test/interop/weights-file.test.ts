import { describe, expect, it } from 'vitest';
import {
  type LayerChoice,
  readSafetensors,
  type TensorToStore,
  weightsOf,
  writeSafetensors,
} from '../../runtime/interop/index.js';
import { mistake } from './errors.js';

type Shapes = Readonly<Record<string, readonly number[]>>;

/** A file with tensors of these shapes; every number of the n-th is n. */
function open(shapes: Shapes, metadata: Record<string, string> = {}) {
  const entries = Object.entries(shapes).map(([name, shape], index): [string, TensorToStore] => [
    name,
    { shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(index) },
  ]);
  const source = 'w.safetensors';
  return {
    source,
    kind: 'a safetensors file',
    ...readSafetensors(writeSafetensors(Object.fromEntries(entries), metadata), source),
  };
}

const read = (shapes: Shapes, choice: LayerChoice = {}, metadata: Record<string, string> = {}) => {
  const { weights, ...rest } = weightsOf(open(shapes, metadata), choice);
  const tensors = Object.fromEntries(Object.entries(weights.tensors).map(([name, { data }]) => [name, data[0]]));
  return { ...rest, format: weights.format, tensors };
};
const refusal = (shapes: Shapes, choice: LayerChoice = {}, metadata: Record<string, string> = {}) =>
  mistake(() => weightsOf(open(shapes, metadata), choice));

const [I, H] = [3, 2];
const named = (prefix: string, shapes: Shapes, ending = ''): Shapes =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [`${prefix}${name}${ending}`, shape]));
const torch = (prefix: string, layer = '_l0', gates = 4) =>
  named(prefix, { weight_ih: [gates * H, I], weight_hh: [gates * H, H], bias_ih: [gates * H], bias_hh: [gates * H] }, layer);
const keras = (prefix: string, gates = 4, bias = [gates * H]) =>
  named(prefix, { kernel: [I, gates * H], recurrent_kernel: [H, gates * H], bias });
const TORCH = { weight_ih_l0: 0, weight_hh_l0: 1, bias_ih_l0: 2, bias_hh_l0: 3 };
const KERAS = { kernel: 0, recurrent_kernel: 1, bias: 2 };
const onnx = (prefix: string) => named(prefix, { W: [1, 4 * H, I], R: [1, 4 * H, H], B: [1, 8 * H], P: [1, 3 * H] });

describe('a file of weights', () => {
  it('is known by its names and shapes, and says how it was read', () => {
    expect(read(torch('rnn.'))).toEqual({
      source: 'w.safetensors',
      cell: 'lstm',
      options: {},
      format: 'torch',
      tensors: TORCH,
      reverse: false,
      initial: { state: {} },
      readAs: 'PyTorch LSTM, gates i f g o, forward',
    });
    expect(read(torch('', '_l0', 3))).toMatchObject({ cell: 'gru', readAs: 'PyTorch GRU, gates r z n, forward' });
    expect(read(torch('', '_l0', 1))).toMatchObject({ cell: 'rnn' });
    expect(read(keras('lstm/lstm_cell/'))).toMatchObject({ format: 'keras', tensors: KERAS, cell: 'lstm' });
    expect(read(onnx(''))).toMatchObject({ format: 'onnx', tensors: { W: 0, R: 1, B: 2, P: 3 }, options: { peepholes: true } });
  });

  it('is recurve’s own where all names are parameters of the cell, whatever framework has them too', () => {
    const own = { params: Object.keys(KERAS) };
    expect(read(keras(''), own)).toMatchObject({
      format: 'recurve',
      tensors: KERAS,
      readAs: "recurve's own parameters, 3 tensors",
    });
    expect(read(keras('params.'), own)).toMatchObject({ format: 'recurve', tensors: KERAS });
    expect(refusal(keras(''), { params: ['kernel', 'bias'] })).toContain(
      'the names of w.safetensors are those of Keras and Haste',
    );
    expect(read(keras(''), { ...own, format: 'keras' })).toMatchObject({ format: 'keras' });
    expect(read(keras('lstm/'), { params: ['W'], format: 'recurve', prefix: 'lstm' })).toMatchObject({
      format: 'recurve',
      tensors: KERAS,
    });
  });

  it('is recurve’s own where some names are and no framework’s layer is there, or where its metadata say so', () => {
    const shapes = { W: [H, I], V: [H, H] };
    expect(read(shapes, { params: ['W', 'U'] })).toMatchObject({ format: 'recurve', tensors: { W: 0, V: 1 }, options: {} });
    expect(read(shapes, { params: ['X'] }, { cell: 'mine' })).toMatchObject({ format: 'recurve', cell: 'mine' });
    const told = read(shapes, {}, { 'weights.format': 'recurve', options: '{"layers":2}', reverse: 'true' });
    expect(told).toMatchObject({ format: 'recurve', options: { layers: 2 }, reverse: true });
    expect(told).not.toHaveProperty('readAs');
    expect(refusal(shapes, { params: ['X'] })).toContain('WEIGHTS-NONE');
    // A model's layer has options of its own: what the file says of the whole is not of it.
    const part = read(named('a.', shapes), { params: ['W'], prefix: 'a.' }, { cell: 'net', options: '{"layers":2}' });
    expect(part).toMatchObject({ options: {}, tensors: { W: 0, V: 1 } });
    expect(part).not.toHaveProperty('cell');
  });

  it('may have an initial state beside recurve’s own parameters, of which one may be called state', () => {
    const shapes = { W: [H, I], 'state.h': [1, H], 'state.W': [H, H] };
    expect(read(shapes, { params: ['W', 'state.W'] })).toMatchObject({
      tensors: { W: 0, 'state.W': 2 },
      initial: { state: { h: { shape: [1, H] } } },
    });
  });

  it('may have a prefix, and other layers beside it', () => {
    expect(read({ ...torch('model.rnn.'), 'model.fc.weight': [2, 2], 'model.fc.bias': [2] }).tensors).toEqual(TORCH);
    expect(read({ ...torch(''), 'fc.weight': [2, 2] }).tensors).toEqual(TORCH);
    const file = named('', keras('lstm/lstm_cell/'), ':0');
    expect(read({ ...file, 'dense/kernel:0': [2, 2], 'dense/bias:0': [2] }).tensors).toEqual(KERAS);
  });

  it('may be of a PyTorch cell, whose names have no layer, and have a projection', () => {
    expect(read(torch('cell.', '')).tensors).toEqual(TORCH);
    const projected = { weight_ih_l0: [4 * H, I], weight_hh_l0: [4 * H, 1], weight_hr_l0: [1, H] };
    expect(read(projected)).toMatchObject({ cell: 'lstm', options: { projection: true } });
  });

  it('with several prefixes takes the one of --prefix, with or without its separator, and is refused without', () => {
    const both = { ...torch('encoder.'), ...torch('decoder.') };
    expect(read(both, { prefix: 'encoder.' }).tensors).toEqual(TORCH);
    expect(read(both, { prefix: 'decoder' }).tensors).toEqual({ weight_ih_l0: 4, weight_hh_l0: 5, bias_ih_l0: 6, bias_hh_l0: 7 });
    expect(refusal(both)).toMatchInlineSnapshot(
      `"WEIGHTS-PREFIX | w.safetensors | w.safetensors has recurrent layers under 2 prefixes: "encoder." and "decoder." | Choose one: --prefix encoder."`,
    );
    expect(refusal(both, { prefix: 'encodr.' })).toMatchInlineSnapshot(
      `"WEIGHTS-PREFIX | w.safetensors | w.safetensors has no recurrent layer whose names start with "encodr."; there are "encoder." and "decoder." | Did you mean "encoder."?"`,
    );
  });

  it('is found by the start of its prefix where one layer lies below it', () => {
    const both = { ...keras('bi/forward_lstm/lstm_cell/'), ...keras('bi/backward_lstm/lstm_cell/') };
    expect(read(both, { prefix: 'bi/backward_lstm' }).tensors).toMatchObject({ kernel: 3 });
    expect(refusal(both, { prefix: 'bi' })).toContain('WEIGHTS-PREFIX');
    expect(refusal(both, { prefix: 'bi/back' })).toContain('WEIGHTS-PREFIX');
  });

  it('with several layers takes the one of --layer, in its direction, and is refused without', () => {
    const layers = { ...torch('rnn.'), ...torch('rnn.', '_l0_reverse'), ...torch('rnn.', '_l1') };
    expect(read(layers, { layer: 'l0' })).toMatchObject({ tensors: TORCH, reverse: false });
    expect(read(layers, { layer: 'l0_reverse' })).toMatchObject({ tensors: { weight_ih_l0: 4 }, reverse: true });
    expect(read(layers, { layer: 'l1' })).toMatchObject({ tensors: { weight_ih_l0: 8 }, reverse: false });
    expect(refusal(layers)).toMatchInlineSnapshot(
      `"WEIGHTS-LAYER | w.safetensors | w.safetensors has 3 layers and directions: l0, l0_reverse and l1 | Choose one of them: --layer l0"`,
    );
    expect(refusal(layers, { layer: 'l2' })).toMatchInlineSnapshot(
      `"WEIGHTS-LAYER | w.safetensors | w.safetensors has no layer "l2": l0, l0_reverse and l1 | Choose one of them: --layer l0"`,
    );
  });

  it.each([
    'bidirectional/backward_lstm/lstm_cell/',
    'layers/bidirectional/backward_layer/cell/',
    'rnn/bidirectional_rnn/bw/lstm_cell/',
    'encoder.BackwardLSTM/',
    'model/reverse_lstm/lstm_cell/',
  ])('under %s runs in reverse, and says why', (prefix) => {
    expect(read(keras(prefix))).toMatchObject({ reverse: true, readAs: expect.stringContaining('reverse, as its name says') });
  });

  it.each(['0.cell_bw.', 'lstm.backward.'])('under %s runs in reverse with PyTorch’s and Paddle’s names too', (prefix) => {
    expect(read(torch(prefix, ''))).toMatchObject({ reverse: true });
  });

  it.each(['forward_lstm/lstm_cell/', 'reversal/lstm_cell/', 'bwv/lstm_cell/', 'feedbackward/lstm_cell/'])(
    'under %s runs forward',
    (prefix) => {
      expect(read(keras(prefix)).reverse).toBe(false);
    },
  );

  it('that Paddle stores under two names is one layer', () => {
    const shapes = torch('lstm.');
    const file = open(shapes);
    const twice = Object.fromEntries(
      Object.entries(file.tensors).flatMap(([name, tensor]) => [
        [name, tensor],
        [name.replace('lstm.', 'lstm.0.cell.').replace('_l0', ''), tensor],
      ]),
    );
    expect(weightsOf({ ...file, tensors: twice }).cell).toBe('lstm');
    expect(refusal({ ...shapes, ...torch('lstm.0.cell.', '') })).toContain('WEIGHTS-PREFIX');
  });

  it.each([
    ['alone', 'rnn.module.', 'rnn.module.', []],
    ['beside its copy', 'rnn.module.', 'rnn.module.', ['rnn.module.weight_hh_l0']],
    ['beside the wrapped module, as fastai keeps it', 'rnn.module.', 'rnn.', ['rnn.module.weight_hh_l0']],
  ])('of WeightDrop has its weight in _raw, %s', (_, prefix, outer, copies) => {
    const { [`${prefix}weight_hh_l0`]: shape = [], ...others } = torch(prefix);
    const copied = Object.fromEntries(copies.map((name) => [name, shape]));
    const layer = read({ ...others, ...copied, [`${outer}weight_hh_l0_raw`]: shape });
    expect(layer.tensors.weight_hh_l0).toBe(3 + copies.length);
    expect(layer.readAs).toContain('weight_hh WeightDrop: _raw is the weight');
  });

  it('reparametrized in a way that the file does not tell is refused by what it has', () => {
    const { 'rnn.weight_hh_l0': shape = [], ...others } = torch('rnn.');
    expect(refusal({ ...others, 'rnn.weight_hh_l0_orig': shape })).toContain('WEIGHTS-PARAMETRIZATION | rnn.weight_hh_l0');
  });

  it('without recurrent weights is refused with what it has', () => {
    expect(refusal({ 'dense.kernel': [2, 2], 'dense.bias': [2] })).toMatchInlineSnapshot(
      `"WEIGHTS-NONE | w.safetensors | w.safetensors, a safetensors file, has no weights of a recurrent layer: it has "dense.kernel" and "dense.bias" | Tensors are named as the cell's own parameters, or weight_ih_l0, weight_hh_l0, … (PyTorch, Paddle), kernel, recurrent_kernel, bias (Keras, Haste), ii/kernel, hi/kernel, hi/bias, … (Flax), Wx, Wh, bias (MLX), lstm_cell/kernel of [I + H, 4·H], gates/kernel (TensorFlow 1) and W, R, B, P (ONNX), with any prefix."`,
    );
    expect(refusal({})).toContain('WEIGHTS-NONE');
    // A convolution has a kernel and a recurrent kernel too.
    expect(refusal({ 'c/kernel': [3, 3, 2, 8], 'c/recurrent_kernel': [3, 3, 2, 8], 'c/bias': [8] })).toContain('WEIGHTS-NONE');
  });

  it.each([
    ['a slip of the pen', { ...torch('rnn.'), 'rnn.bias_hh_1': [8] }],
    ['a normalization', { ...torch('cell.', ''), 'cell.layernorm_i.weight': [8], 'cell.layernorm_h.weight': [8] }],
    ['a normalization without a prefix', { ...torch('', ''), 'layernorm_i.weight': [8] }],
    ['a learnt initial state', { ...torch('rnn.'), 'rnn.h0': [1, H] }],
    ['what Haste normalizes with', { ...keras('haste.'), 'haste.gamma': [2, 8] }],
    [
      'a variable that Keras’ cell does not have',
      { ...named('layers/lstm/cell/vars/', { 0: [I, 8], 1: [H, 8], 2: [8] }), 'layers/lstm/cell/layer_norm/vars/0': [8] },
    ],
    [
      'a bias of the reset gate',
      {
        ...named('g/', {
          'ir/kernel': [I, H],
          'iz/kernel': [I, H],
          'in/kernel': [I, H],
          'hr/kernel': [H, H],
          'hz/kernel': [H, H],
          'hn/kernel': [H, H],
        }),
        'g/scale': [H],
      },
    ],
  ])('with %s in its layer is refused by that name', (_, shapes) => {
    const last = Object.keys(shapes).at(-1) ?? '';
    expect(refusal(shapes as Shapes)).toMatch(/^WEIGHTS-LEFTOVER/);
    expect(refusal(shapes as Shapes)).toContain(JSON.stringify(last));
  });

  it('may hold the state of a random generator in its layer', () => {
    const file = {
      ...named('layers/lstm/cell/vars/', { 0: [I, 8], 1: [H, 8], 2: [8] }),
      'layers/lstm/cell/seed_generator/vars/0': [2],
    };
    expect(read(file).tensors).toEqual(KERAS);
  });

  it('of Keras or Haste, who order an LSTM’s gates differently, is asked for where nothing tells', () => {
    expect(refusal(keras('rnn.'))).toMatchInlineSnapshot(
      `"WEIGHTS-FORMAT | w.safetensors | the names of w.safetensors are those of Keras and Haste, which order the gates differently, and nothing else tells which it is | Say whose layer it is: --format keras or --format haste."`,
    );
    expect(refusal(keras(''))).toContain('WEIGHTS-FORMAT');
    expect(read(keras('rnn.'), { format: 'haste' }).readAs).toBe('Haste LSTM, gates i g f o, forward');
    expect(read(keras('rnn.'), { format: 'keras' }).readAs).toContain('Keras LSTM, gates i f c o, forward');
    expect(read(keras('haste_lstm.')).format).toBe('haste');
    expect(read(keras('lstm.lstm_cell.')).format).toBe('keras');
    expect(read({ ...keras('rnn.', 3), 'rnn.recurrent_bias': [6] })).toMatchObject({ format: 'haste', cell: 'gru' });
    expect(refusal(torch('rnn.'), { format: 'keras' })).toMatchInlineSnapshot(
      `"WEIGHTS-FORMAT | w.safetensors | w.safetensors is not of keras: the names and shapes of its layer are those of PyTorch | Leave --format out, or say --format torch."`,
    );
  });

  it('of a Keras GRU tells by its bias where the reset gate comes', () => {
    expect(read(keras('gru/gru_cell/', 3, [2, 6]))).toMatchObject({ format: 'keras', options: { reset: 'after' } });
    expect(read(keras('gru/gru_cell/', 3, [6]))).toMatchObject({ format: 'keras', options: { reset: 'before' } });
    expect(read(keras('cu_dnngru/', 3, [12]))).toMatchObject({ format: 'cudnn', cell: 'gru' });
    expect(read(keras('cu_dnnlstm/', 4, [16]))).toMatchObject({ format: 'cudnn', cell: 'lstm' });
    const { bias: _, ...biasless } = keras('', 3);
    expect(read(named('gru/gru_cell/', biasless)).readAs).toContain('without a bias');
  });

  it('of Flax, MLX and TensorFlow 1 is known by its names', () => {
    const lstm = ['i', 'f', 'g', 'o'].flatMap((gate) => [
      [`i${gate}/kernel`, [I, H]],
      [`h${gate}/kernel`, [H, H]],
      [`h${gate}/bias`, [H]],
    ]);
    expect(read(named('params/OptimizedLSTMCell_0/', Object.fromEntries(lstm)))).toMatchObject({ format: 'flax', cell: 'lstm' });
    const nnx = lstm.map(([name, shape]) => [`cell.${String(name).replace('if/', 'if_/').replace('/', '.')}.value`, shape]);
    expect(read(Object.fromEntries(nnx)).tensors).toHaveProperty(['if/kernel']);
    expect(read({ 'c.dense_i.kernel': [I, 8], 'c.dense_h.kernel': [H, 8], 'c.dense_h.bias': [8] })).toMatchObject({
      format: 'nnx',
      cell: 'lstm',
    });
    expect(read({ 'rnn.Wx': [8, I], 'rnn.Wh': [8, H], 'rnn.bias': [8] })).toMatchObject({ format: 'mlx', cell: 'lstm' });
    expect(read({ Wx: [6, I], Wh: [6, H], b: [6], bhn: [H] })).toMatchObject({
      format: 'mlx',
      cell: 'gru',
      readAs: expect.stringContaining('bhn counts'),
    });
    expect(read({ Wxh: [H, I], Whh: [H, H], bias: [H] })).toMatchObject({ format: 'mlx', cell: 'rnn' });
    const scope = 'rnn/multi_rnn_cell/cell_0/basic_lstm_cell/';
    expect(read({ [`${scope}kernel`]: [I + H, 8], [`${scope}bias`]: [8] })).toMatchObject({
      ...{ format: 'tf1', cell: 'lstm' },
      readAs: 'TensorFlow 1 LSTM, gates i j f o, forward, forget_bias 1 added to the bias of f',
    });
    const gru = { 'gates/kernel': [I + H, 2 * H], 'gates/bias': [2 * H], 'candidate/kernel': [I + H, H], 'candidate/bias': [H] };
    expect(read(named('rnn/gru_cell/', gru))).toMatchObject({ format: 'tf1', cell: 'gru', options: { reset: 'before' } });
    expect(read({ 'rnn/basic_rnn_cell/weights': [I + H, H], 'rnn/basic_rnn_cell/biases': [H] })).toMatchObject({
      format: 'tf1',
      cell: 'rnn',
    });
  });

  it('of TensorFlow 1 has its forget bias added to the third gate, and not where its cell has none', () => {
    const bias = (scope: string) =>
      weightsOf(open({ [`${scope}bias`]: [8], [`${scope}kernel`]: [I + H, 8] })).weights.tensors.bias?.data;
    expect(bias('rnn/lstm_cell/')).toEqual(Float32Array.of(0, 0, 0, 0, 1, 1, 0, 0));
    expect(bias('rnn/cudnn_compatible_lstm_cell/')).toEqual(new Float32Array(8));
  });

  it('says in its metadata which cell, options and direction it is for, and nothing is assumed', () => {
    const metadata = { cell: 'gru', options: '{"reset":"before"}', reverse: 'true', 'weights.format': 'onnx' };
    expect(read({ 'weights.W': [1], 'weights.R': [1] }, {}, metadata)).toEqual({
      source: 'w.safetensors',
      format: 'onnx',
      tensors: { W: 0, R: 1 },
      reverse: true,
      initial: { state: {} },
      cell: 'gru',
      options: { reset: 'before' },
    });
    expect(refusal({ 'weights.W': [1], 'weights.R': [1], 'inputs.x': [1] }, {}, metadata)).toMatchInlineSnapshot(
      `"SAFETENSORS-NAME | "inputs.x" | w.safetensors has a tensor "inputs.x" beside its weights | A whole request goes to --data."`,
    );
  });

  it('may have metadata of others, whatever it says', () => {
    for (const metadata of [
      { seed: '-1' },
      { seed: 'None' },
      { options: 'fast' },
      { weights_format: 'fp16' },
      { cel: 'x' },
      { cell: 'ours' },
    ]) {
      expect(read(torch('rnn.'), {}, metadata as unknown as Record<string, string>)).toMatchObject({
        tensors: TORCH,
        options: {},
      });
    }
  });
});
