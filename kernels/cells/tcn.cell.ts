import { cell, choice, delay, dropout, flag, integer, mat, matvec, scalar, stack, vec } from 'recurve';
import { activate } from './activation.js';

/**
 * Temporal convolution: every step sees itself and some steps before it, without recurrence (Bai et al. 2018,
 * arXiv:1803.01271; dilation of van den Oord et al. 2016, arXiv:1609.03499).
 *
 * a = Σₖ K[k] x(t − k · dilation) + b, k = 0 … width − 1
 * y = φ(a)
 *
 * Steps before the first are 0. `width` taps lie `dilation` steps apart, and K[0] meets the current step; torch's Conv1d
 * stores the taps in the opposite order. `residual`: y = φ(φ(a) + W_r x), W_r the paper's 1×1 convolution.
 * `activation` is φ, relu in the paper. `dropout`: with `training`, one mask a sequence on φ(a), so that whole channels
 * drop out; its rate is the untrained parameter dropout_y, 0.1 where nobody gives it.
 * The paper's residual block is two of these convolutions, the second under the residual, with normalized weights.
 */
export default cell({
  name: 'tcn',
  options: {
    width: integer(3, { min: 1, max: 16 }),
    dilation: integer(1, { min: 1, max: 1024 }),
    activation: choice('relu', 'identity', 'tanh', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    residual: flag(false),
    dropout: flag(false),
  },
  dims: ['I', 'O'],
  inputs: { x: vec('I') },
  state: {},
  params: (o) => ({
    K: stack(o.width, 'O', 'I'),
    b: vec('O'),
    W_r: mat('O', 'I', { when: o.residual }),
    dropout_y: scalar({ trainable: false, init: 0.1, when: o.dropout }),
  }),
  step({ x }, _state, p, { options: o }) {
    let a = matvec(p.K[0], x) + p.b;
    for (let k = 1; k < o.width; k++) a = a + matvec(p.K[k], delay(x, k * o.dilation));
    const f = activate(o.activation, a);
    const y = o.dropout ? dropout(f, p.dropout_y, 'sequence') : f;
    return { y: o.residual ? activate(o.activation, y + matvec(p.W_r, x)) : y };
  },
});
