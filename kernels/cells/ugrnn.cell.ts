import { cell, choice, mat, matvec, sigmoid, vec } from 'recurve';
import { activate } from './activation.js';

/**
 * Update gate network: a simple network and one gate that keeps (Collins et al. 2016, arXiv:1611.09913).
 *
 * c = φ(W_c x + U_c h + b_c)
 * g = σ(W_g x + U_g h + b_g)
 * h' = g ⊙ h + (1 − g) ⊙ c
 *
 * `activation` is φ, tanh or relu in the paper, which starts b_g at 1.
 */
export default cell({
  name: 'ugrnn',
  options: { activation: choice('tanh', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid') },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: {
    W_c: mat('H', 'I'),
    U_c: mat('H', 'H', { init: 'orthogonal' }),
    b_c: vec('H'),
    W_g: mat('H', 'I'),
    U_g: mat('H', 'H', { init: 'orthogonal' }),
    b_g: vec('H', { init: 'ones' }),
  },
  step({ x }, { h }, p, { options: o }) {
    const c = activate(o.activation, matvec(p.W_c, x) + matvec(p.U_c, h) + p.b_c);
    const g = sigmoid(matvec(p.W_g, x) + matvec(p.U_g, h) + p.b_g);
    return { h: g * h + (1 - g) * c };
  },
});
