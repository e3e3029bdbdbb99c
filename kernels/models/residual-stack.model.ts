import { choice, integer, layer, mat, matvec, model, over, repeat, vec } from 'recurve';

/**
 * Recurrent layers above each other, each with a way past it.
 *
 * h_0 = W x + b
 * h_k = h_{k−1} + layer_k(h_{k−1})
 * y = h_layers
 *
 * Wu et al. 2016 (arXiv:1609.08144), after He et al. 2015 (arXiv:1512.03385): with the sum deep stacks train where plain ones do not.
 */
export default model({
  name: 'residual-stack',
  options: { cell: choice('lstm', 'gru', 'rnn'), layers: integer(2, { min: 1, max: 8 }) },
  dims: ['I', 'H'],
  inputs: { x: over('T', vec('I')) },
  layers: (o) => ({ deep: repeat(o.layers, layer(o.cell, { I: 'H' })) }),
  params: { W: mat('H', 'I'), b: vec('H') },
  run({ x }, { deep }, p, { options: o }) {
    let h = matvec(p.W, x) + p.b;
    for (let k = 0; k < o.layers; k++) h = h + deep[k]({ x: h }).h;
    return { y: h };
  },
});
