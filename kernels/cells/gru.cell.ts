import { cell, choice, mat, matvec, real, vec } from 'recurve';
import { activate } from './activation.js';
import { clip } from './clipping.js';

/**
 * Gated recurrent unit (Cho et al. 2014).
 *
 * `reset: 'after'` applies the reset gate behind the recurrent product, n = tanh(W x + b + r ⊙ (U h + c)): arXiv v1,
 * cuDNN, PyTorch, ONNX with linear_before_reset = 1. `reset: 'before'` applies it to the state, U (r ⊙ h): arXiv v3,
 * Keras with reset_after = False, the default of ONNX.
 */
export default cell({
  name: 'gru',
  options: {
    reset: choice('after', 'before'),
    gateActivation: choice('sigmoid', 'hardSigmoid', 'tanh', 'relu', 'leakyRelu', 'elu', 'softplus', 'softsign'),
    candidateActivation: choice('tanh', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    clip: real(0, { min: 0 }),
  },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: (o) => ({
    W_r: mat('H', 'I'),
    U_r: mat('H', 'H', { init: 'orthogonal' }),
    b_r: vec('H'),
    W_z: mat('H', 'I'),
    U_z: mat('H', 'H', { init: 'orthogonal' }),
    b_z: vec('H'),
    W_n: mat('H', 'I'),
    U_n: mat('H', 'H', { init: 'orthogonal' }),
    b_n: vec('H'),
    c_n: vec('H', { when: o.reset === 'after' }),
  }),
  step({ x }, { h }, p, { options: o }) {
    const r = activate(o.gateActivation, clip(matvec(p.W_r, x) + matvec(p.U_r, h) + p.b_r, o.clip));
    const z = activate(o.gateActivation, clip(matvec(p.W_z, x) + matvec(p.U_z, h) + p.b_z, o.clip));
    const recurrent = o.reset === 'after' ? r * (matvec(p.U_n, h) + p.c_n) : matvec(p.U_n, r * h);
    const n = activate(o.candidateActivation, clip(matvec(p.W_n, x) + p.b_n + recurrent, o.clip));
    return { h: (1 - z) * n + z * h };
  },
});
