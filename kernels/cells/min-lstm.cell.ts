import { cell, choice, logSigmoid, mat, matvec, sigmoid, vec } from 'recurve';
import { positive } from './positive.js';

/**
 * Minimal long short-term memory: gates and candidate see the input only, and the two gates add up to 1.
 *
 * f = σ(W_f x + b_f)
 * i = σ(W_i x + b_i)
 * n = W_n x + b_n
 * h' = f/(f + i) ⊙ h + i/(f + i) ⊙ n
 *
 * `candidate: 'positive'` has n = g(W_n x + b_n) with g(a) = a + ½ for a ≥ 0, else σ(a): the cell that the paper trains
 * in log space, here step by step.
 *
 * Feng et al. 2024, "Were RNNs All We Needed?", arXiv:2410.01201.
 */
export default cell({
  name: 'min-lstm',
  options: { candidate: choice('linear', 'positive') },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: { W_f: mat('H', 'I'), b_f: vec('H'), W_i: mat('H', 'I'), b_i: vec('H'), W_n: mat('H', 'I'), b_n: vec('H') },
  step({ x }, { h }, p, { options: o }) {
    // f/(f + i) = σ(log f − log i), which exists also where both gates are closed.
    const odds = logSigmoid(matvec(p.W_f, x) + p.b_f) - logSigmoid(matvec(p.W_i, x) + p.b_i);
    const a = matvec(p.W_n, x) + p.b_n;
    const n = o.candidate === 'positive' ? positive(a) : a;
    return { h: sigmoid(odds) * h + sigmoid(-odds) * n };
  },
});
