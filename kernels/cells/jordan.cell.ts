import { cell, choice, mat, matvec, vec } from 'recurve';
import { activate } from './activation.js';

/**
 * Jordan network: the output, not the hidden layer, comes back (Jordan 1986, "Serial order: a parallel distributed
 * processing approach").
 *
 * h = φ(W x + U y + b)
 * y' = ψ(V h + c)
 *
 * `activation` is φ and `outputActivation` ψ. The state is y, of size O; Jordan's state units also keep a share of
 * their own past, which is left out here.
 */
export default cell({
  name: 'jordan',
  options: {
    activation: choice('tanh', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    outputActivation: choice('sigmoid', 'identity', 'tanh', 'relu', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
  },
  dims: ['I', 'H', 'O'],
  inputs: { x: vec('I') },
  state: { y: vec('O') },
  params: { W: mat('H', 'I'), U: mat('H', 'O'), b: vec('H'), V: mat('O', 'H'), c: vec('O') },
  step({ x }, { y }, p, { options: o }) {
    const h = activate(o.activation, matvec(p.W, x) + matvec(p.U, y) + p.b);
    return { y: activate(o.outputActivation, matvec(p.V, h) + p.c) };
  },
});
