import { antisymmetric, cell, choice, flag, mat, matvec, scalar, sigmoid, vec } from 'recurve';
import { activate } from './activation.js';

/**
 * Antisymmetric network: an ordinary differential equation that neither grows nor forgets, by Euler steps (Chang et al.
 * 2019, arXiv:1902.09689).
 *
 * A = U − Uᵀ − γ I
 * h' = h + ε φ(A h + W x + b)
 *
 * `gated`: z = σ(A h + W_z x + b_z), h' = h + ε z ⊙ φ(A h + W x + b), one product A h for both. `activation` is φ, tanh
 * in the paper. The step ε and the diffusion γ are untrained parameters, epsilon 0.1 and gamma 0.01 where nobody gives
 * them. The paper stores only the upper triangle of A; here U is a whole matrix, of which the antisymmetric part counts.
 */
export default cell({
  name: 'antisymmetric',
  options: {
    activation: choice('tanh', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    gated: flag(false),
  },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: (o) => ({
    W: mat('H', 'I'),
    U: mat('H', 'H'),
    b: vec('H'),
    W_z: mat('H', 'I', { when: o.gated }),
    b_z: vec('H', { when: o.gated }),
    epsilon: scalar({ trainable: false, init: 0.1 }),
    gamma: scalar({ trainable: false, init: 0.01 }),
  }),
  step({ x }, { h }, p, { options: o }) {
    const flow = antisymmetric(p.U, h) - p.gamma * h;
    const change = activate(o.activation, flow + matvec(p.W, x) + p.b);
    return { h: h + p.epsilon * (o.gated ? sigmoid(flow + matvec(p.W_z, x) + p.b_z) * change : change) };
  },
});
