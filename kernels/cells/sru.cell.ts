import { cell, choice, concat, flag, mat, matvec, real, sigmoid, vec } from 'recurve';
import { activate } from './activation.js';

/**
 * Simple recurrent unit: no matrix multiplies the state, so that units run side by side through time.
 *
 * f = σ(W_f x + v_f ⊙ c + b_f)
 * r = σ(W_r x + v_r ⊙ c + b_r)
 * c' = f ⊙ c + (1 − f) ⊙ W x
 * h' = r ⊙ φ(c') + (1 − r) ⊙ α u
 *
 * Both gates see the old c. `stateGates`: the terms with v; without them the gates see the input only, as in the first
 * version of the paper. `highway` is u: `projection` is W_u x, for any sizes; `identity` is x itself, and I = H;
 * `none` leaves (1 − r) ⊙ α u out. `scale` is α, which the paper sets to √(1 + 2·eᵇ) for a bias
 * b_r that starts at b, so √3 at 0. `activation` is φ, and `none` the final version's.
 *
 * Lei et al. 2018, "Simple Recurrent Units for Highly Parallelizable Recurrence", arXiv:1709.02755.
 */
export default cell({
  name: 'sru',
  options: {
    stateGates: flag(true),
    highway: choice('projection', 'identity', 'none'),
    scale: real(1, { min: 0 }),
    activation: choice('none', 'tanh', 'relu'),
  },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { c: vec('H') },
  params: (o) => ({
    W: mat('H', 'I'),
    W_f: mat('H', 'I'),
    v_f: vec('H', { when: o.stateGates }),
    b_f: vec('H'),
    W_r: mat('H', 'I'),
    v_r: vec('H', { when: o.stateGates }),
    b_r: vec('H'),
    W_u: mat('H', 'I', { when: o.highway === 'projection' }),
  }),
  outputs: ['h'],
  step({ x }, { c }, p, { options: o }) {
    const a_f = matvec(p.W_f, x) + p.b_f;
    const a_r = matvec(p.W_r, x) + p.b_r;
    const f = sigmoid(o.stateGates ? a_f + p.v_f * c : a_f);
    const r = sigmoid(o.stateGates ? a_r + p.v_r * c : a_r);
    const next = f * c + (1 - f) * matvec(p.W, x);
    const seen = r * (o.activation === 'none' ? next : activate(o.activation, next));
    if (o.highway === 'none') return { c: next, h: seen };
    // Joining one value says that I = H.
    const u = o.highway === 'identity' ? concat('H', x) : matvec(p.W_u, x);
    return { c: next, h: seen + (1 - r) * (o.scale * u) };
  },
});
