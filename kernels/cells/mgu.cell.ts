import { cell, choice, mat, matvec, sigmoid, tanh, vec } from 'recurve';

/**
 * Minimal gated unit: one gate forgets and resets (Zhou et al. 2016, arXiv:1603.09420).
 *
 * f = σ(W_f x + U_f h + b_f)
 * n = tanh(W_n x + U_n (f ⊙ h) + b_n)
 * h' = (1 − f) ⊙ h + f ⊙ n
 *
 * `gate`: what the gate sees. `'full'` is the line above; Heck & Salem 2017 (arXiv:1701.03452) leave out
 * the input, `'mgu1'`: f = σ(U_f h + b_f), the bias too, `'mgu2'`: f = σ(U_f h), or all but the bias, `'mgu3'`: f = σ(b_f).
 */
export default cell({
  name: 'mgu',
  options: { gate: choice('full', 'mgu1', 'mgu2', 'mgu3') },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: (o) => ({
    W_f: mat('H', 'I', { when: o.gate === 'full' }),
    U_f: mat('H', 'H', { init: 'orthogonal', when: o.gate !== 'mgu3' }),
    b_f: vec('H', { init: 'ones', when: o.gate !== 'mgu2' }),
    W_n: mat('H', 'I'),
    U_n: mat('H', 'H', { init: 'orthogonal' }),
    b_n: vec('H'),
  }),
  step({ x }, { h }, p, { options: o }) {
    const recurrent = o.gate === 'mgu3' ? 0 : matvec(p.U_f, h);
    const biased = o.gate === 'mgu2' ? recurrent : recurrent + p.b_f;
    const f = sigmoid(o.gate === 'full' ? matvec(p.W_f, x) + biased : biased);
    const n = tanh(matvec(p.W_n, x) + matvec(p.U_n, f * h) + p.b_n);
    return { h: (1 - f) * h + f * n };
  },
});
