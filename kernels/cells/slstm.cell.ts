import { blocks, broadcast, cell, choice, exp, logSigmoid, map, matvec, max, sigmoid, tanh, vec } from 'recurve';

/**
 * Scalar-memory LSTM of xLSTM: exponential gates, kept in range by a running maximum, and recurrence within heads.
 *
 * ĩ = W_i x + R_i h + b_i, and f̃, z̃, õ likewise
 * m' = max(log σ(f̃) + m, ĩ)
 * i = exp(ĩ − m')
 * f = exp(log σ(f̃) + m − m')
 * c' = f ⊙ c + i ⊙ tanh(z̃)
 * n' = f ⊙ n + i
 * h' = σ(õ) ⊙ c'/n'
 *
 * N heads of H units; R mixes the units of a head only. A unit with n ≤ 0 holds nothing, as at the start: it has f = 0 and
 * m' = ĩ, so that i cannot vanish; c/n does not depend on m. Gradients pass through m as through all else.
 * `forget: 'exp'` has the exponential forget gate, with f̃ in place of log σ(f̃).
 *
 * Beck et al. 2024, "xLSTM: Extended Long Short-Term Memory", arXiv:2405.04517.
 */
export default cell({
  name: 'slstm',
  options: { forget: choice('sigmoid', 'exp') },
  dims: ['I', 'N', 'H'],
  inputs: { x: vec('I') },
  state: { h: map('N', 'H'), c: map('N', 'H'), n: map('N', 'H'), m: map('N', 'H') },
  params: {
    W_i: blocks('N', 'H', 'I'),
    R_i: blocks('N', 'H', 'H', { init: 'orthogonal' }),
    b_i: map('N', 'H'),
    W_f: blocks('N', 'H', 'I'),
    R_f: blocks('N', 'H', 'H', { init: 'orthogonal' }),
    b_f: map('N', 'H', { init: 'ones' }),
    W_z: blocks('N', 'H', 'I'),
    R_z: blocks('N', 'H', 'H', { init: 'orthogonal' }),
    b_z: map('N', 'H'),
    W_o: blocks('N', 'H', 'I'),
    R_o: blocks('N', 'H', 'H', { init: 'orthogonal' }),
    b_o: map('N', 'H'),
  },
  outputs: ['h'],
  step({ x }, { h, c, n, m }, p, { options: o }) {
    const seen = broadcast(x, 'N', 'I');
    const a_i = matvec(p.W_i, seen) + matvec(p.R_i, h) + p.b_i;
    const a_f = matvec(p.W_f, seen) + matvec(p.R_f, h) + p.b_f;
    const z = tanh(matvec(p.W_z, seen) + matvec(p.R_z, h) + p.b_z);
    const out = sigmoid(matvec(p.W_o, seen) + matvec(p.R_o, h) + p.b_o);
    const kept = (o.forget === 'exp' ? a_f : logSigmoid(a_f)) + m;
    const larger = max(kept, a_i);
    const largest = n <= 0 ? a_i : larger;
    const i = exp(a_i - largest);
    // Below `larger` also where it is not taken: an infinity there would make its gradient NaN.
    const f = n <= 0 ? 0 : exp(kept - larger);
    const c_next = f * c + i * z;
    const n_next = f * n + i;
    return { h: out * (c_next / n_next), c: c_next, n: n_next, m: largest };
  },
});
