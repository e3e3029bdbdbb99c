import { cell, choice, integer, mat, matvec, sigmoid, stack, tanh, vec } from 'recurve';

/** Names of the biases of each layer. */
const B_N = ['b_n1', 'b_n2', 'b_n3', 'b_n4', 'b_n5', 'b_n6', 'b_n7', 'b_n8', 'b_n9', 'b_n10'] as const;
const B_T = ['b_t1', 'b_t2', 'b_t3', 'b_t4', 'b_t5', 'b_t6', 'b_t7', 'b_t8', 'b_t9', 'b_t10'] as const;
const B_C = ['b_c1', 'b_c2', 'b_c3', 'b_c4', 'b_c5', 'b_c6', 'b_c7', 'b_c8', 'b_c9', 'b_c10'] as const;

/**
 * Recurrent highway network: several highway layers one behind another in every step (Zilly et al. 2017,
 * arXiv:1607.03474).
 *
 * s₀ = h
 * n = tanh(W_n x + R_nₗ sₗ₋₁ + b_nₗ), W_n x only in the first layer
 * t = σ(W_t x + R_tₗ sₗ₋₁ + b_tₗ), W_t x only in the first layer
 * sₗ = n ⊙ t + sₗ₋₁ ⊙ (1 − t)
 * h' = s_L
 *
 * `depth` is L, 1 to 10: each layer waits for the one before. `carry: 'coupled'` is 1 − t, as above; `'separate'` has a gate
 * of its own, c = σ(W_c x + R_cₗ sₗ₋₁ + b_cₗ). Matrices of all layers are stacked, R_n `[L, H, H]`; biases are one vector a
 * layer, b_n1, b_n2 and so on. The paper starts b_t at −2 to −4.
 */
export default cell({
  name: 'rhn',
  options: { depth: integer(3, { min: 1, max: 10 }), carry: choice('coupled', 'separate') },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: (o) => ({
    W_n: mat('H', 'I'),
    R_n: stack(o.depth, 'H', 'H', { init: 'orthogonal' }),
    b_n1: vec('H'),
    b_n2: vec('H', { when: o.depth > 1 }),
    b_n3: vec('H', { when: o.depth > 2 }),
    b_n4: vec('H', { when: o.depth > 3 }),
    b_n5: vec('H', { when: o.depth > 4 }),
    b_n6: vec('H', { when: o.depth > 5 }),
    b_n7: vec('H', { when: o.depth > 6 }),
    b_n8: vec('H', { when: o.depth > 7 }),
    b_n9: vec('H', { when: o.depth > 8 }),
    b_n10: vec('H', { when: o.depth > 9 }),
    W_t: mat('H', 'I'),
    R_t: stack(o.depth, 'H', 'H', { init: 'orthogonal' }),
    b_t1: vec('H'),
    b_t2: vec('H', { when: o.depth > 1 }),
    b_t3: vec('H', { when: o.depth > 2 }),
    b_t4: vec('H', { when: o.depth > 3 }),
    b_t5: vec('H', { when: o.depth > 4 }),
    b_t6: vec('H', { when: o.depth > 5 }),
    b_t7: vec('H', { when: o.depth > 6 }),
    b_t8: vec('H', { when: o.depth > 7 }),
    b_t9: vec('H', { when: o.depth > 8 }),
    b_t10: vec('H', { when: o.depth > 9 }),
    W_c: mat('H', 'I', { when: o.carry === 'separate' }),
    R_c: stack(o.depth, 'H', 'H', { init: 'orthogonal', when: o.carry === 'separate' }),
    b_c1: vec('H', { when: o.carry === 'separate' }),
    b_c2: vec('H', { when: o.depth > 1 && o.carry === 'separate' }),
    b_c3: vec('H', { when: o.depth > 2 && o.carry === 'separate' }),
    b_c4: vec('H', { when: o.depth > 3 && o.carry === 'separate' }),
    b_c5: vec('H', { when: o.depth > 4 && o.carry === 'separate' }),
    b_c6: vec('H', { when: o.depth > 5 && o.carry === 'separate' }),
    b_c7: vec('H', { when: o.depth > 6 && o.carry === 'separate' }),
    b_c8: vec('H', { when: o.depth > 7 && o.carry === 'separate' }),
    b_c9: vec('H', { when: o.depth > 8 && o.carry === 'separate' }),
    b_c10: vec('H', { when: o.depth > 9 && o.carry === 'separate' }),
  }),
  step({ x }, { h }, p, { options: o }) {
    const separate = o.carry === 'separate';
    let s: number = h;
    for (let l = 0; l < o.depth; l++) {
      const a_n = matvec(p.R_n[l], s) + p[B_N[l] as 'b_n1'];
      const a_t = matvec(p.R_t[l], s) + p[B_T[l] as 'b_t1'];
      const n = tanh(l === 0 ? matvec(p.W_n, x) + a_n : a_n);
      const t = sigmoid(l === 0 ? matvec(p.W_t, x) + a_t : a_t);
      const a_c = separate ? matvec(p.R_c[l], s) + p[B_C[l] as 'b_c1'] : 0;
      const c = separate ? sigmoid(l === 0 ? matvec(p.W_c, x) + a_c : a_c) : 1 - t;
      s = n * t + s * c;
    }
    return { h: s };
  },
});
