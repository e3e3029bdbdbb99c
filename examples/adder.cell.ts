import { cell, dot, mat, matvec, scalar, sigmoid, tanh, vec } from 'recurve';

/** A minimal gated unit (Zhou et al. 2016) that tells one number at every step. */
export default cell({
  name: 'adder',
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: {
    W_f: mat('H', 'I'),
    U_f: mat('H', 'H', { init: 'orthogonal' }),
    b_f: vec('H', { init: -1 }),
    W_n: mat('H', 'I'),
    U_n: mat('H', 'H', { init: 'orthogonal' }),
    b_n: vec('H', { init: 'zeros' }),
    v: vec('H'),
    c: scalar({ init: 'zeros' }),
  },
  step({ x }, { h }, p) {
    const f = sigmoid(matvec(p.W_f, x) + matvec(p.U_f, h) + p.b_f);
    const n = tanh(matvec(p.W_n, x) + matvec(p.U_n, f * h) + p.b_n);
    const next = (1 - f) * h + f * n;
    return { h: next, y: dot(p.v, next) + p.c };
  },
});
