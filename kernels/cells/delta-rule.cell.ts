import { cell, choice, dot, elu, flag, mat, matvec, outer, scalar, sigmoid, silu, sqrt, sum, vec } from 'recurve';

/**
 * Fast weights by the delta rule (DeltaNet): what a key held is replaced by the new value, not added to.
 *
 * k = φ(W_k x),  q = φ(W_q x),  v = W_v x
 * β = σ(w_β·x + b_β)
 * S' = S + β (v − S k) kᵀ
 * y = S' q
 *
 * Keys and queries have K units, values V; S is V by K. `keys` is φ: `'norm'` silu(a) divided by its Euclidean norm (Yang
 * et al., with 10⁻⁶ added to the squares), so that S is contracted along k; `'sum'` elu(a) + 1 divided by its sum (Schlag
 * et al.). `decay`: S' = α S + β (v − α S k) kᵀ with α = σ(w_α·x + b_α), the gated delta rule.
 *
 * Schlag et al. 2021, "Linear Transformers Are Secretly Fast Weight Programmers", arXiv:2102.11174; Yang et al. 2024,
 * "Parallelizing Linear Transformers with the Delta Rule over Sequence Length", arXiv:2406.06484; the gate: Yang et al.
 * 2024, "Gated Delta Networks", arXiv:2412.06464.
 */
export default cell({
  name: 'delta-rule',
  options: { keys: choice('norm', 'sum'), decay: flag(false) },
  dims: ['I', 'K', 'V'],
  inputs: { x: vec('I') },
  state: { S: mat('V', 'K') },
  params: (o) => ({
    W_k: mat('K', 'I'),
    W_q: mat('K', 'I'),
    W_v: mat('V', 'I'),
    w_b: vec('I'),
    b_b: scalar(),
    w_a: vec('I', { when: o.decay }),
    b_a: scalar({ init: 4, when: o.decay }),
  }),
  outputs: ['y'],
  step({ x }, { S }, p, { options: o }) {
    const k = normalize(o.keys, matvec(p.W_k, x));
    const q = normalize(o.keys, matvec(p.W_q, x));
    const v = matvec(p.W_v, x);
    const rate = sigmoid(dot(p.w_b, x) + p.b_b);
    const kept = o.decay ? sigmoid(dot(p.w_a, x) + p.b_a) * S : S;
    const next = kept + outer(rate * (v - matvec(kept, k)), k);
    return { S: next, y: matvec(next, q) };
  },
});

function normalize(kind: 'norm' | 'sum', a: number): number {
  if (kind === 'sum') {
    const positive = elu(a) + 1;
    return positive / sum(positive);
  }
  const smooth = silu(a);
  return smooth / sqrt(dot(smooth, smooth) + 1e-6);
}
