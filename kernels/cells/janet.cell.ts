import { cell, mat, matvec, real, sigmoid, tanh, vec } from 'recurve';

/**
 * Just another network: an LSTM with only its forget gate (van der Westhuizen & Lasenby 2018, arXiv:1804.04849).
 *
 * s = W_f x + U_f h + b_f
 * g = tanh(W_g x + U_g h + b_g)
 * h' = σ(s) ⊙ h + (1 − σ(s − β)) ⊙ g
 *
 * `beta` is β, 1 in the paper's experiments: more is added than is forgotten; 0 couples the two as in `lstm` with
 * `coupled`. The paper starts b_f at log(uniform(1, T − 1)) for sequences of T steps, and b_g at 0.
 */
export default cell({
  name: 'janet',
  options: { beta: real(1, { min: 0 }) },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: {
    W_f: mat('H', 'I'),
    U_f: mat('H', 'H', { init: 'orthogonal' }),
    b_f: vec('H', { init: 'ones' }),
    W_g: mat('H', 'I'),
    U_g: mat('H', 'H', { init: 'orthogonal' }),
    b_g: vec('H', { init: 'zeros' }),
  },
  step({ x }, { h }, p, { options: o }) {
    const s = matvec(p.W_f, x) + matvec(p.U_f, h) + p.b_f;
    const g = tanh(matvec(p.W_g, x) + matvec(p.U_g, h) + p.b_g);
    // 1 − σ(a) is σ(−a), which keeps its precision where the gate is open.
    return { h: sigmoid(s) * h + sigmoid(o.beta - s) * g };
  },
});
