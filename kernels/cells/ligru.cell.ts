import { cell, choice, dropout, flag, mat, matvec, scalar, sigmoid, vec } from 'recurve';
import { activate } from './activation.js';
import { momentsOf, normalize } from './joint-normalization.js';

/**
 * Light gated recurrent unit: a GRU without reset gate, with relu (Ravanelli et al. 2018, arXiv:1803.10225).
 *
 * z = σ(W_z x + b_z + U_z h)
 * n = relu(W_n x + b_n + U_n h)
 * h' = z ⊙ h + (1 − z) ⊙ n
 *
 * The paper normalizes W_z x and W_n x over the batch, which ties sequences to each other; that is replaced by
 * `layerNorm`: both products of x are normalized with mean and variance over the units of both, gains gx_z and gx_n and
 * biases b_z and b_n, which are those of the normalization.
 * `activation` is relu in the paper. `recurrentDropout`: with `training`, one mask a sequence on n, as the paper's
 * implementation does; its rate is the untrained parameter dropout_n, 0.1 where nobody gives it.
 */
export default cell({
  name: 'ligru',
  options: {
    activation: choice('relu', 'tanh', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    layerNorm: flag(false),
    recurrentDropout: flag(false),
  },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: (o) => ({
    W_z: mat('H', 'I'),
    U_z: mat('H', 'H', { init: 'orthogonal' }),
    b_z: vec('H'),
    W_n: mat('H', 'I'),
    U_n: mat('H', 'H', { init: 'orthogonal' }),
    b_n: vec('H'),
    gx_z: vec('H', { init: 'ones', when: o.layerNorm }),
    gx_n: vec('H', { init: 'ones', when: o.layerNorm }),
    dropout_n: scalar({ trainable: false, init: 0.1, when: o.recurrentDropout }),
  }),
  step({ x }, { h }, p, { options: o }) {
    const [x_z, x_n] = [matvec(p.W_z, x), matvec(p.W_n, x)];
    const moments = o.layerNorm ? momentsOf([x_z, x_n], 2) : { center: 0, scale: 1 };
    const driven_z = o.layerNorm ? normalize(x_z, moments, p.gx_z) : x_z;
    const driven_n = o.layerNorm ? normalize(x_n, moments, p.gx_n) : x_n;
    const z = sigmoid(driven_z + p.b_z + matvec(p.U_z, h));
    const n = activate(o.activation, driven_n + p.b_n + matvec(p.U_n, h));
    return { h: z * h + (1 - z) * (o.recurrentDropout ? dropout(n, p.dropout_n, 'sequence') : n) };
  },
});
