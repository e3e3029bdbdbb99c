import { choice, concat, flag, integer, layer, mat, matvec, model, over, repeat, shift, vec } from 'recurve';

/** A step beside its neighbours at distance `d` (and 2d), those to come left out where `causal`. */
function context(dim: 'C' | 'D', x: number, reach: number, d: number, causal: boolean): number {
  const past = -d;
  const next = causal ? -2 * d : d;
  return reach === 1
    ? concat(dim, shift(x, past), x, shift(x, next))
    : concat(dim, shift(x, past), x, shift(x, next), shift(x, causal ? -3 * d : -2 * d), shift(x, causal ? -4 * d : 2 * d));
}

/**
 * Convolutional network over time: every layer sees a fixed context of steps around its own.
 *
 * h_1(t) = f(W_1 [x(t − d_1); x(t); x(t + d_1)] + b_1)
 * h_k(t) = f(W_k [h_{k−1}(t − d_k); h_{k−1}(t); h_{k−1}(t + d_k)] + b_k)
 * y(t) = V h_layers(t) + b
 *
 * The time-delay network of Waibel et al. (1989, "Phoneme recognition using time-delay neural networks"). Steps outside of a
 * sequence, each with a length of its own, are zero. `reach: 2` adds x(t − 2d) and x(t + 2d) behind these, in that order.
 * `causal`: nothing that is to come, so that instead of those behind t there are t − 2d, and with `reach: 2` t − 3d and
 * t − 4d behind it. `dilated`: d_k = 2^(k − 1), else 1 (van den Oord et al. 2016, arXiv:1609.03499; Bai et al. 2018,
 * arXiv:1803.01271). Columns of the matrices stand in the order of the context, the step before first.
 */
export default model({
  name: 'convolutional',
  options: {
    layers: integer(2, { min: 1, max: 8 }),
    reach: integer(1, { min: 1, max: 2 }),
    causal: flag(false),
    dilated: flag(false),
    activation: choice('relu', 'tanh', 'sigmoid'),
  },
  dims: ['I', 'H', 'O', 'C', 'D'],
  inputs: { x: over('T', vec('I')) },
  layers: (o) => ({
    first: layer('feedforward', { I: 'C', O: 'H' }, { options: { activation: o.activation } }),
    deep: repeat(o.layers - 1, layer('feedforward', { I: 'D', O: 'H' }, { options: { activation: o.activation } })),
  }),
  params: { V: mat('O', 'H'), b: vec('O') },
  run({ x }, { first, deep }, p, { options: o }) {
    let h = first({ x: context('C', x, o.reach, 1, o.causal) }).y;
    for (let k = 0; k < o.layers - 1; k++) h = deep[k]({ x: context('D', h, o.reach, o.dilated ? 2 ** (k + 1) : 1, o.causal) }).y;
    return { y: matvec(p.V, h) + p.b };
  },
});
