import {
  abs,
  blocks,
  broadcast,
  cell,
  choice,
  exp,
  index,
  logSigmoid,
  map,
  mat,
  matvec,
  max,
  maxOver,
  min,
  sigmoid,
  sqrt,
  sum,
  vec,
} from 'recurve';

/**
 * Matrix-memory LSTM of xLSTM: every head stores values under keys by exponential gates and reads them by a query.
 *
 * q = W_q x + b_q,  k = (W_k x + b_k)/√K,  v = W_v x + b_v,  o = σ(W_o x + b_o)
 * ĩ = w_i·x + b_i,  f̃ = w_f·x + b_f, one number a head
 * m' = max(log σ(f̃) + m, ĩ)
 * i = exp(ĩ − m')
 * f = exp(log σ(f̃) + m − m')
 * C' = f C + i v kᵀ
 * n' = f n + i k
 * h' = o ⊙ C' q / max(|n'·q|, exp(−m'))
 *
 * N heads, keys and queries of K units, values of V. C and n are kept without their factor exp(m); with it the divisor
 * would be max(|n'·q|, 1), the paper's. exp(−m') counts as at most e⁸⁰. Nothing of h returns: a scan over time.
 * `forget: 'exp'` has the exponential forget gate, with f̃ in place of log σ(f̃).
 *
 * Beck et al. 2024, "xLSTM: Extended Long Short-Term Memory", arXiv:2405.04517.
 */
export default cell({
  name: 'mlstm',
  options: { forget: choice('sigmoid', 'exp') },
  dims: ['I', 'N', 'K', 'V'],
  inputs: { x: vec('I') },
  state: { C: map('N', 'V', 'K'), n: map('N', 'K'), m: vec('N') },
  params: {
    W_q: blocks('N', 'K', 'I'),
    b_q: map('N', 'K'),
    W_k: blocks('N', 'K', 'I'),
    b_k: map('N', 'K'),
    W_v: blocks('N', 'V', 'I'),
    b_v: map('N', 'V'),
    W_o: blocks('N', 'V', 'I'),
    b_o: map('N', 'V'),
    w_i: mat('N', 'I'),
    b_i: vec('N'),
    w_f: mat('N', 'I'),
    b_f: vec('N', { init: 'ones' }),
  },
  outputs: ['h'],
  step({ x }, { C, n, m }, p, { options: o }) {
    const seen = broadcast(x, 'N', 'I');
    const q = matvec(p.W_q, seen) + p.b_q;
    const units = 1 + maxOver(index('K'));
    const k = (matvec(p.W_k, seen) + p.b_k) / sqrt(units);
    const v = matvec(p.W_v, seen) + p.b_v;
    const a_i = matvec(p.w_i, x) + p.b_i;
    const a_f = matvec(p.w_f, x) + p.b_f;
    const kept = (o.forget === 'exp' ? a_f : logSigmoid(a_f)) + m;
    const largest = max(kept, a_i);
    const i = exp(a_i - largest);
    const f = exp(kept - largest);
    const stored = broadcast(broadcast(i, 'N', 'V') * v, 'N', 'V', 'K') * broadcast(k, 'N', 'V', 'K');
    const C_next = broadcast(f, 'N', 'V', 'K') * C + stored;
    const n_next = broadcast(f, 'N', 'K') * n + broadcast(i, 'N', 'K') * k;
    const found = sum(C_next * broadcast(q, 'N', 'V', 'K'), 'K');
    const divisor = max(abs(sum(n_next * q, 'K')), exp(min(-largest, 80)));
    const out = sigmoid(matvec(p.W_o, seen) + p.b_o);
    return { C: C_next, n: n_next, m: largest, h: out * (found / broadcast(divisor, 'N', 'V')) };
  },
});
