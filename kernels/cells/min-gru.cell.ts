import { cell, choice, mat, matvec, sigmoid, vec } from 'recurve';
import { positive } from './positive.js';

/**
 * Minimal gated recurrent unit whose gate and candidate see the input only, so that it is a scan over time.
 *
 * z = σ(W_z x + b_z)
 * n = W_n x + b_n
 * h' = (1 − z) ⊙ h + z ⊙ n
 *
 * `candidate: 'positive'` has n = g(W_n x + b_n) with g(a) = a + ½ for a ≥ 0, else σ(a): the cell that the paper
 * trains in log space, here step by step. The state then stays positive if it begins so; the paper begins at g of a
 * free number, zeros here stay outside of its logarithm's domain but mean the same sum.
 *
 * Feng et al. 2024, "Were RNNs All We Needed?", arXiv:2410.01201.
 */
export default cell({
  name: 'min-gru',
  options: { candidate: choice('linear', 'positive') },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: { W_z: mat('H', 'I'), b_z: vec('H'), W_n: mat('H', 'I'), b_n: vec('H') },
  step({ x }, { h }, p, { options: o }) {
    const z = sigmoid(matvec(p.W_z, x) + p.b_z);
    const a = matvec(p.W_n, x) + p.b_n;
    const n = o.candidate === 'positive' ? positive(a) : a;
    return { h: (1 - z) * h + z * n };
  },
});
