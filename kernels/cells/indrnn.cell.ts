import { cell, choice, mat, matvec, vec } from 'recurve';
import { activate } from './activation.js';

/**
 * Independently recurrent network: every unit sees only its own past (Li et al. 2018, arXiv:1803.04831).
 *
 * h' = φ(W x + u ⊙ h + b)
 *
 * `activation` is φ, relu in the paper. The paper keeps |u| below γ^(1/T), so that nothing grows beyond γ within T
 * steps; that is the caller's to do.
 */
export default cell({
  name: 'indrnn',
  options: {
    activation: choice('relu', 'tanh', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
  },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: { W: mat('H', 'I'), u: vec('H'), b: vec('H') },
  step({ x }, { h }, p, { options: o }) {
    return { h: activate(o.activation, matvec(p.W, x) + p.u * h + p.b) };
  },
});
