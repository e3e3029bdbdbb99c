import { choice, dropout, flag, integer, layer, mat, matvec, model, over, repeat, scalar, vec } from 'recurve';

/**
 * The same multilayer network at every step, without any memory of other steps.
 *
 * h_1 = f(W_1 x + b_1)
 * h_k = f(W_k h_{k−1} + b_k)
 * y = V h_layers + b
 *
 * A network that is applied to every position of a sequence on its own is the simplest of those that Schuster & Paliwal
 * (1997, "Bidirectional Recurrent Neural Networks") and Graves (2012, "Supervised Sequence Labelling with Recurrent Neural
 * Networks") hold recurrent ones against; transformers call it the position-wise feed-forward network (Vaswani et al.
 * 2017, arXiv:1706.03762). `activation` is f; `layers` is how many of them there are, `dropout` draws masks on what each
 * gives to the next, with the rate dropout_h, a parameter that no gradient reaches, and only with `training`.
 */
export default model({
  name: 'repeated',
  options: {
    layers: integer(2, { min: 1, max: 8 }),
    activation: choice('tanh', 'relu', 'sigmoid', 'softplus'),
    dropout: flag(false),
  },
  dims: ['I', 'H', 'O'],
  inputs: { x: over('T', vec('I')) },
  layers: (o) => ({
    first: layer('feedforward', { O: 'H' }, { options: { activation: o.activation } }),
    deep: repeat(o.layers - 1, layer('feedforward', { I: 'H', O: 'H' }, { options: { activation: o.activation } })),
  }),
  params: (o) => ({
    V: mat('O', 'H'),
    b: vec('O'),
    dropout_h: scalar({ trainable: false, init: 0.1, when: o.dropout }),
  }),
  run({ x }, { first, deep }, p, { options: o }) {
    let h = first({ x }).y;
    for (let k = 0; k < o.layers - 1; k++) h = deep[k]({ x: o.dropout ? dropout(h, p.dropout_h) : h }).y;
    return { y: matvec(p.V, h) + p.b };
  },
});
