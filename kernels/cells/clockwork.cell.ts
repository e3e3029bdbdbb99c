import { blockIndex, blockTriangular, cell, integer, mat, matvec, mod, tanh, vec } from 'recurve';

/**
 * Clockwork network: modules of units that each tick with a period of their own and listen to slower ones only.
 *
 * T_k = 2ᵏ for module k = 0, 1, … modules − 1
 * h'ₖ = tanh(Wₖ x + Σ_{j ≥ k} U_{kj} h_j + bₖ) where t mod T_k = 0
 * h'ₖ = hₖ elsewhere
 *
 * t counts steps from 0, so all modules tick first. `modules`: unit u of H belongs to module ⌊u·modules/H⌋; 1 makes it the
 * simple recurrent network. U is H by H, and what would carry a faster module to a slower one is not used.
 *
 * Koutník et al. 2014, "A Clockwork RNN", arXiv:1402.3511.
 */
export default cell({
  name: 'clockwork',
  options: { modules: integer(4, { min: 1, max: 24 }) },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H') },
  step({ x }, { h }, p, { options: o, t }) {
    const period = 2 ** blockIndex('H', o.modules);
    const next = tanh(matvec(p.W, x) + matvec(blockTriangular(p.U, o.modules), h) + p.b);
    return { h: mod(t, period) === 0 ? next : h };
  },
});
