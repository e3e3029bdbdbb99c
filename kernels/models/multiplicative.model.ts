import { choice, integer, layer, mat, matvec, model, over, repeat, vec } from 'recurve';

/**
 * Multiplicative LSTM layers with logits at every step, in which each input chooses its own recurrent matrix.
 *
 * m = (W_m x) ⊙ (U_m h)
 * h = LSTM cell of x and m
 * logits = W h + b
 *
 * Krause et al. 2016, arXiv:1609.07959, after the multiplicative RNN of Sutskever et al. 2011; the sequence model of Radford et
 * al. 2017, arXiv:1704.01444. The layers are the cell mlstm-multiplicative, and `outputGate` is its option. m is of size M.
 */
export default model({
  name: 'multiplicative',
  options: { layers: integer(1, { min: 1, max: 8 }), outputGate: choice('outside', 'inside') },
  dims: ['I', 'H', 'M', 'K'],
  inputs: { x: over('T', vec('I')) },
  layers: (o) => ({
    first: layer('mlstm-multiplicative', {}, { options: { outputGate: o.outputGate } }),
    deep: repeat(o.layers - 1, layer('mlstm-multiplicative', { I: 'H' }, { options: { outputGate: o.outputGate } })),
  }),
  params: { W: mat('K', 'H'), b: vec('K') },
  run({ x }, { first, deep }, p, { options: o }) {
    let h = first({ x }).h;
    for (let k = 0; k < o.layers - 1; k++) h = deep[k]({ x: h }).h;
    return { logits: matvec(p.W, h) + p.b };
  },
});
