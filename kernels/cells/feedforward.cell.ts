import { cell, choice, dropout, flag, layerNorm, mat, matvec, scalar, vec } from 'recurve';
import { activate } from './activation.js';

/**
 * Feed-forward block repeated at every step, without recurrence.
 *
 * y = φ(W x + b)
 *
 * `activation` is φ. `layerNorm`: y = φ(LN(W x; gain, b)) (Ba et al. 2016, arXiv:1607.06450). `dropout`: with
 * `training`, a fresh mask at every step on y, its rate the untrained parameter dropout_y, 0.1 where nobody gives it
 * (Srivastava et al. 2014).
 * There is no state; all steps of all sequences are computed at once.
 */
export default cell({
  name: 'feedforward',
  options: {
    activation: choice('tanh', 'identity', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    layerNorm: flag(false),
    dropout: flag(false),
  },
  dims: ['I', 'O'],
  inputs: { x: vec('I') },
  state: {},
  params: (o) => ({
    W: mat('O', 'I'),
    b: vec('O'),
    gain: vec('O', { init: 'ones', when: o.layerNorm }),
    dropout_y: scalar({ trainable: false, init: 0.1, when: o.dropout }),
  }),
  step({ x }, _state, p, { options: o }) {
    const a = o.layerNorm ? layerNorm(matvec(p.W, x), p.gain, p.b) : matvec(p.W, x) + p.b;
    const y = activate(o.activation, a);
    return { y: o.dropout ? dropout(y, p.dropout_y) : y };
  },
});
