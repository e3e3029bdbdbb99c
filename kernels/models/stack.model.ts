import { choice, concat, dropout, flag, index, integer, layer, model, outer, over, real, repeat, scalar, vec } from 'recurve';

/** Final states as row k, and k + 1 for the backward direction, of those of all `count` layers and directions; zero elsewhere. */
function finals(both: boolean, count: number, k: number, ahead: number, back: number): number {
  const row = outer(index(count) === k ? 1 : 0, ahead);
  return both ? row + outer(index(count) === k + 1 ? 1 : 0, back) : row;
}

/**
 * Recurrent layers above each other, in one direction or both: `torch.nn.RNN`, `GRU` and `LSTM`, Keras stacks, chains of ONNX nodes.
 *
 * h_1 = layer_1(x)
 * h_k = layer_k(dropout(h_{k−1}))
 * y = h_layers
 *
 * `bidirectional`: every layer has a second one that reads each sequence from its own end, and what a layer gives is
 * [forward; backward] (Schuster & Paliwal 1997; Graves et al. 2013, arXiv:1303.5778). `dropout` draws masks on what each layer
 * gives to the next, never on y, with the rate dropout_h, a parameter that no gradient reaches, and only with `training`.
 * h_n, and c_n of LSTMs, are the states after the last step of each sequence, one row for each layer and direction in PyTorch's
 * order: layer 1 forward, layer 1 backward, layer 2 forward, …
 *
 * The other options are those of the cells and mean what they mean there: `activation` of the RNN (Elman 1990), `reset`
 * of the GRU (Cho et al. 2014), `peepholes`, `coupled` and `projection` of the LSTM (Hochreiter & Schmidhuber 1997), `gateActivation` of both, `clip` of all.
 * A cell that has none of that name takes no notice of it.
 */
export default model({
  name: 'stack',
  options: {
    cell: choice('lstm', 'gru', 'rnn'),
    layers: integer(2, { min: 1, max: 8 }),
    bidirectional: flag(false),
    dropout: flag(false),
    activation: choice('tanh', 'relu'),
    gateActivation: choice('sigmoid', 'hardSigmoid'),
    reset: choice('after', 'before'),
    peepholes: flag(false),
    coupled: flag(false),
    projection: flag(false),
    clip: real(0, { min: 0 }),
  },
  dims: ['I', 'H', 'P', 'D'],
  inputs: { x: over('T', vec('I')) },
  layers: (o) => ({
    first: layer(
      o.cell,
      {},
      {
        options: {
          activation: o.activation,
          gateActivation: o.gateActivation,
          reset: o.reset,
          peepholes: o.peepholes,
          coupled: o.coupled,
          projection: o.projection,
          clip: o.clip,
        },
      },
    ),
    firstReverse: layer(
      o.cell,
      {},
      {
        when: o.bidirectional,
        options: {
          activation: o.activation,
          gateActivation: o.gateActivation,
          reset: o.reset,
          peepholes: o.peepholes,
          coupled: o.coupled,
          projection: o.projection,
          clip: o.clip,
        },
      },
    ),
    deep: repeat(
      o.layers - 1,
      layer(
        o.cell,
        { I: o.bidirectional ? 'D' : o.projection && o.cell === 'lstm' ? 'P' : 'H' },
        {
          options: {
            activation: o.activation,
            gateActivation: o.gateActivation,
            reset: o.reset,
            peepholes: o.peepholes,
            coupled: o.coupled,
            projection: o.projection,
            clip: o.clip,
          },
        },
      ),
    ),
    deepReverse: repeat(
      o.bidirectional ? o.layers - 1 : 0,
      layer(
        o.cell,
        { I: 'D' },
        {
          options: {
            activation: o.activation,
            gateActivation: o.gateActivation,
            reset: o.reset,
            peepholes: o.peepholes,
            coupled: o.coupled,
            projection: o.projection,
            clip: o.clip,
          },
        },
      ),
    ),
  }),
  params: (o) => ({ dropout_h: scalar({ trainable: false, init: 0.1, when: o.dropout && o.layers > 1 }) }),
  run({ x }, { first, firstReverse, deep, deepReverse }, p, { options: o }) {
    const lstm = o.cell === 'lstm';
    const directions = o.bidirectional ? 2 : 1;
    const count = directions * o.layers;
    const ahead = first({ x });
    const back = o.bidirectional ? firstReverse({ x }, { reverse: true }) : ahead;
    let y = o.bidirectional ? concat('D', ahead.h, back.h) : ahead.h;
    let h_n = finals(o.bidirectional, count, 0, ahead.final.h, back.final.h);
    let c_n = lstm ? finals(o.bidirectional, count, 0, ahead.final.c, back.final.c) : 0;
    for (let k = 0; k < o.layers - 1; k++) {
      const below = o.dropout ? dropout(y, p.dropout_h) : y;
      const ahead = deep[k]({ x: below });
      const back = o.bidirectional ? deepReverse[k]({ x: below }, { reverse: true }) : ahead;
      y = o.bidirectional ? concat('D', ahead.h, back.h) : ahead.h;
      h_n = h_n + finals(o.bidirectional, count, directions * (k + 1), ahead.final.h, back.final.h);
      c_n = lstm ? c_n + finals(o.bidirectional, count, directions * (k + 1), ahead.final.c, back.final.c) : 0;
    }
    if (lstm) return { y, h_n, c_n };
    return { y, h_n };
  },
});
