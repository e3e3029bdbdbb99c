import {
  choice,
  concat,
  dropout,
  flag,
  index,
  integer,
  layer,
  mat,
  matvec,
  model,
  outer,
  over,
  real,
  repeat,
  scalar,
  transpose,
  vec,
} from 'recurve';

/** What the two directions of a layer give, as one. */
function merged(merge: string, ahead: number, back: number): number {
  if (merge === 'sum') return ahead + back;
  if (merge === 'mul') return ahead * back;
  if (merge === 'ave') return (ahead + back) / 2;
  return concat('D', ahead, back);
}

/** Row k of `count` rows. */
function row(rows: number, count: number, k: number): number {
  return matvec(transpose(rows), index(count) === k ? 1 : 0);
}

/** Final states as row k, and k + 1 for the backward direction, of those of all `count` layers and directions; zero elsewhere. */
function finals(both: boolean, count: number, k: number, ahead: number, back: number): number {
  const rows = outer(index(count) === k ? 1 : 0, ahead);
  return both ? rows + outer(index(count) === k + 1 ? 1 : 0, back) : rows;
}

/**
 * Recurrent layers above each other, in one direction or both: `torch.nn.RNN`, `GRU` and `LSTM`, Keras stacks, chains of ONNX nodes.
 *
 * h_1 = layer_1(x)
 * h_k = layer_k(dropout(h_{k−1}))
 * y = h_layers
 *
 * `bidirectional`: every layer has a second one that reads each sequence from its own end, and what a layer gives is
 * [forward; backward] (Schuster & Paliwal 1997; Graves et al. 2013, arXiv:1303.5778), or with `merge` their sum, product or mean, as
 * in Keras. `reverse`: every layer reads from the end (with `bidirectional` the two change places). `dropout` draws masks on what each
 * layer gives to the next, never on y, with the rate dropout_h, a parameter that no gradient reaches, and only with `training`.
 *
 * h_n, and c_n of LSTMs, are the states after the last step of each sequence, one row for each layer and direction in PyTorch's
 * order: layer 1 forward, layer 1 backward, layer 2 forward, … With `initialState` h_0 and c_0, rows in the same order, are what the
 * layers start from, and else zeros.
 *
 * The other options are those of the cells and mean what they mean there: the RNN (Elman 1990) has one `activation`, the GRU (Cho et
 * al. 2014) `reset`, the LSTM (Hochreiter & Schmidhuber 1997) `peepholes`, `coupled`, `projection` and `cellClip`. A cell that has none
 * of that name takes no notice of it.
 */
export default model({
  name: 'stack',
  options: {
    cell: choice('lstm', 'gru', 'rnn'),
    layers: integer(2, { min: 1, max: 32 }),
    bidirectional: flag(false),
    merge: choice('concat', 'sum', 'mul', 'ave'),
    reverse: flag(false),
    initialState: flag(false),
    dropout: flag(false),
    activation: choice(
      'tanh',
      'relu',
      'sigmoid',
      'leakyRelu',
      'elu',
      'softplus',
      'softsign',
      'hardSigmoid',
      'thresholdedRelu',
      'affine',
      'scaledTanh',
      'linear',
    ),
    alpha: real(1, { per: { activation: { hardSigmoid: 0.2, leakyRelu: 0.01 } } }),
    beta: real(0.5, { per: { activation: { affine: 0, scaledTanh: 1 } } }),
    gateActivation: choice(
      'sigmoid',
      'hardSigmoid',
      'tanh',
      'relu',
      'leakyRelu',
      'elu',
      'softplus',
      'softsign',
      'thresholdedRelu',
      'affine',
      'scaledTanh',
      'linear',
    ),
    gateAlpha: real(1, { per: { gateActivation: { hardSigmoid: 0.2, leakyRelu: 0.01 } } }),
    gateBeta: real(0.5, { per: { gateActivation: { affine: 0, scaledTanh: 1 } } }),
    candidateActivation: choice(
      'tanh',
      'relu',
      'sigmoid',
      'leakyRelu',
      'elu',
      'softplus',
      'softsign',
      'hardSigmoid',
      'thresholdedRelu',
      'affine',
      'scaledTanh',
      'linear',
    ),
    candidateAlpha: real(1, { per: { candidateActivation: { hardSigmoid: 0.2, leakyRelu: 0.01 } } }),
    candidateBeta: real(0.5, { per: { candidateActivation: { affine: 0, scaledTanh: 1 } } }),
    cellActivation: choice(
      'tanh',
      'relu',
      'sigmoid',
      'leakyRelu',
      'elu',
      'softplus',
      'softsign',
      'hardSigmoid',
      'thresholdedRelu',
      'affine',
      'scaledTanh',
      'linear',
    ),
    cellAlpha: real(1, { per: { cellActivation: { hardSigmoid: 0.2, leakyRelu: 0.01 } } }),
    cellBeta: real(0.5, { per: { cellActivation: { affine: 0, scaledTanh: 1 } } }),
    outputActivation: choice(
      'tanh',
      'relu',
      'sigmoid',
      'leakyRelu',
      'elu',
      'softplus',
      'softsign',
      'hardSigmoid',
      'thresholdedRelu',
      'affine',
      'scaledTanh',
      'linear',
    ),
    outputAlpha: real(1, { per: { outputActivation: { hardSigmoid: 0.2, leakyRelu: 0.01 } } }),
    outputBeta: real(0.5, { per: { outputActivation: { affine: 0, scaledTanh: 1 } } }),
    reset: choice('after', 'before'),
    peepholes: flag(false),
    coupled: flag(false),
    projection: flag(false),
    clip: real(0, { min: 0 }),
    cellClip: real(0, { min: 0 }),
    layerNorm: choice('none', 'ba'),
    zoneout: flag(false),
    variationalDropout: flag(false),
    recurrentDropout: flag(false),
    dropConnect: flag(false),
  },
  dims: ['I', 'H', 'P', 'D'],
  inputs: (o) => ({
    x: over('T', vec('I')),
    h_0: mat(o.bidirectional ? 2 * o.layers : o.layers, o.projection && o.cell === 'lstm' ? 'P' : 'H', { when: o.initialState }),
    c_0: mat(o.bidirectional ? 2 * o.layers : o.layers, 'H', { when: o.initialState && o.cell === 'lstm' }),
  }),
  layers: (o) => ({
    first: layer(o.cell, {}, { options: o }),
    firstReverse: layer(o.cell, {}, { options: o, when: o.bidirectional }),
    deep: repeat(
      o.layers - 1,
      layer(
        o.cell,
        { I: o.bidirectional && o.merge === 'concat' ? 'D' : o.projection && o.cell === 'lstm' ? 'P' : 'H' },
        { options: o },
      ),
    ),
    deepReverse: repeat(
      o.bidirectional ? o.layers - 1 : 0,
      layer(o.cell, { I: o.merge === 'concat' ? 'D' : o.projection && o.cell === 'lstm' ? 'P' : 'H' }, { options: o }),
    ),
  }),
  params: (o) => ({ dropout_h: scalar({ trainable: false, init: 0.1, when: o.dropout && o.layers > 1 }) }),
  run({ x, h_0, c_0 }, { first, firstReverse, deep, deepReverse }, p, { options: o }) {
    const lstm = o.cell === 'lstm';
    const directions = o.bidirectional ? 2 : 1;
    const count = directions * o.layers;
    let y = x;
    let h_n = 0;
    let c_n = 0;
    for (let l = 0; l < o.layers; l++) {
      const k = directions * l;
      const below = o.dropout && l > 0 ? dropout(y, p.dropout_h) : y;
      const forward = {
        h: o.initialState ? row(h_0, count, k) : 0,
        c: o.initialState && lstm ? row(c_0, count, k) : 0,
      };
      const backward = {
        h: o.initialState ? row(h_0, count, k + 1) : 0,
        c: o.initialState && lstm ? row(c_0, count, k + 1) : 0,
      };
      const run = { state: forward, reverse: o.reverse };
      const runBack = { state: backward, reverse: !o.reverse };
      const ahead = l === 0 ? first({ x: below }, run) : deep[l - 1]({ x: below }, run);
      const back = !o.bidirectional
        ? ahead
        : l === 0
          ? firstReverse({ x: below }, runBack)
          : deepReverse[l - 1]({ x: below }, runBack);
      y = o.bidirectional ? merged(o.merge, ahead.h, back.h) : ahead.h;
      h_n = h_n + finals(o.bidirectional, count, k, ahead.final.h, back.final.h);
      c_n = lstm ? c_n + finals(o.bidirectional, count, k, ahead.final.c, back.final.c) : 0;
    }
    if (lstm) return { y, h_n, c_n };
    return { y, h_n };
  },
});
