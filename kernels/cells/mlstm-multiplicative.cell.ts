import { cell, choice, mat, matvec, sigmoid, tanh, vec } from 'recurve';

/**
 * Multiplicative LSTM: the recurrent product depends on the input (Krause et al. 2016, arXiv:1609.07959). Not the mLSTM of
 * xLSTM.
 *
 * m = (W_m x) ⊙ (U_m h)
 * i = σ(W_i x + U_i m + b_i)
 * f = σ(W_f x + U_f m + b_f)
 * g = tanh(W_g x + U_g m + b_g)
 * o = σ(W_o x + U_o m + b_o)
 * c' = f ⊙ c + i ⊙ g
 * h' = o ⊙ tanh(c')
 *
 * `outputGate: 'outside'` is the form above, with which Radford et al. 2017 (arXiv:1704.01444) trained. `'inside'` has
 * a linear candidate, g = W_g x + U_g m + b_g, and the gate within the tanh, h' = tanh(o ⊙ c'), as public ports of the
 * paper's program have it. m is of size M.
 */
export default cell({
  name: 'mlstm-multiplicative',
  options: { outputGate: choice('outside', 'inside') },
  dims: ['I', 'H', 'M'],
  inputs: { x: vec('I') },
  state: { h: vec('H'), c: vec('H') },
  params: {
    W_m: mat('M', 'I'),
    U_m: mat('M', 'H'),
    W_i: mat('H', 'I'),
    U_i: mat('H', 'M'),
    b_i: vec('H'),
    W_f: mat('H', 'I'),
    U_f: mat('H', 'M'),
    b_f: vec('H', { init: 'ones' }),
    W_g: mat('H', 'I'),
    U_g: mat('H', 'M'),
    b_g: vec('H'),
    W_o: mat('H', 'I'),
    U_o: mat('H', 'M'),
    b_o: vec('H'),
  },
  outputs: ['h'],
  step({ x }, { h, c }, p, { options: o }) {
    const m = matvec(p.W_m, x) * matvec(p.U_m, h);
    const i = sigmoid(matvec(p.W_i, x) + matvec(p.U_i, m) + p.b_i);
    const f = sigmoid(matvec(p.W_f, x) + matvec(p.U_f, m) + p.b_f);
    const a_g = matvec(p.W_g, x) + matvec(p.U_g, m) + p.b_g;
    const out = sigmoid(matvec(p.W_o, x) + matvec(p.U_o, m) + p.b_o);
    const next = f * c + i * (o.outputGate === 'outside' ? tanh(a_g) : a_g);
    return { h: o.outputGate === 'outside' ? out * tanh(next) : tanh(out * next), c: next };
  },
});
