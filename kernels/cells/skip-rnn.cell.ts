import { cell, choice, dot, mat, matvec, min, round, scalar, sigmoid, straightThrough, tanh, vec } from 'recurve';

/**
 * Skip RNN: a gate that counts up decides whether a step updates the state or copies it (Campos et al. 2018,
 * arXiv:1708.06834).
 *
 * g = round(u)
 * s' = g S(s, x) + (1 − g) s
 * δ = σ(w_p · s' + b_p)
 * u' = g δ + (1 − g) (u + min(δ, 1 − u))
 *
 * `u` is one number per sequence. It starts at 1 where a run gives no other, so that the first step updates. The gradient
 * passes `round` unchanged (straight-through), and halves round to the even number, 0.
 * `inner`: S is a `'gru'` with s = h, an `'lstm'` with s = (h, c), whose δ is that of c' as in the authors' program, or a
 * simple `'rnn'`, h' = g = tanh(W_g x + U_g h + b_g). Gates are those of `lstm`, and of `gru` with the reset gate before the
 * product; g is the candidate of each.
 * The output `update` is g: how many steps were updated, for a loss that counts them.
 */
export default cell({
  name: 'skip-rnn',
  options: { inner: choice('gru', 'lstm', 'rnn') },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: (o) => ({ h: vec('H'), c: vec('H', { when: o.inner === 'lstm' }), u: scalar({ init: 1, range: [0, 1] }) }),
  params: (o) => ({
    W_r: mat('H', 'I', { when: o.inner === 'gru' }),
    U_r: mat('H', 'H', { init: 'orthogonal', when: o.inner === 'gru' }),
    b_r: vec('H', { when: o.inner === 'gru' }),
    W_z: mat('H', 'I', { when: o.inner === 'gru' }),
    U_z: mat('H', 'H', { init: 'orthogonal', when: o.inner === 'gru' }),
    b_z: vec('H', { when: o.inner === 'gru' }),
    W_i: mat('H', 'I', { when: o.inner === 'lstm' }),
    U_i: mat('H', 'H', { init: 'orthogonal', when: o.inner === 'lstm' }),
    b_i: vec('H', { when: o.inner === 'lstm' }),
    W_f: mat('H', 'I', { when: o.inner === 'lstm' }),
    U_f: mat('H', 'H', { init: 'orthogonal', when: o.inner === 'lstm' }),
    b_f: vec('H', { init: 'ones', when: o.inner === 'lstm' }),
    W_o: mat('H', 'I', { when: o.inner === 'lstm' }),
    U_o: mat('H', 'H', { init: 'orthogonal', when: o.inner === 'lstm' }),
    b_o: vec('H', { when: o.inner === 'lstm' }),
    W_g: mat('H', 'I'),
    U_g: mat('H', 'H', { init: 'orthogonal' }),
    b_g: vec('H'),
    w_p: vec('H'),
    b_p: scalar({ init: 'ones' }),
  }),
  outputs: ['h', 'update'],
  step({ x }, { h, c, u }, p, { options: o }) {
    const update = straightThrough(round(u), u);
    const lstm = o.inner === 'lstm';
    const gru = o.inner === 'gru';
    const past = gru ? sigmoid(matvec(p.W_r, x) + matvec(p.U_r, h) + p.b_r) * h : h;
    const g = tanh(matvec(p.W_g, x) + matvec(p.U_g, past) + p.b_g);
    const z = gru ? sigmoid(matvec(p.W_z, x) + matvec(p.U_z, h) + p.b_z) : 0;
    const i = lstm ? sigmoid(matvec(p.W_i, x) + matvec(p.U_i, h) + p.b_i) : 0;
    const f = lstm ? sigmoid(matvec(p.W_f, x) + matvec(p.U_f, h) + p.b_f) : 0;
    const memory = lstm ? f * c + i * g : gru ? (1 - z) * g + z * h : g;
    const out = lstm ? sigmoid(matvec(p.W_o, x) + matvec(p.U_o, h) + p.b_o) * tanh(memory) : memory;
    const next = update * out + (1 - update) * h;
    const kept = lstm ? update * memory + (1 - update) * c : next;
    const delta = sigmoid(dot(p.w_p, kept) + p.b_p);
    const counted = update * delta + (1 - update) * (u + min(delta, 1 - u));
    return { h: next, c: kept, u: counted, update };
  },
});
