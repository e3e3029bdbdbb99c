import { cell, choice, mat, matvec, real, vec } from 'recurve';
import { activate } from './activation.js';
import { clip } from './clipping.js';

/** Simple recurrent network, h' = φ(W x + U h + b) (Elman 1990, "Finding Structure in Time"). */
export default cell({
  name: 'rnn',
  options: {
    activation: choice('tanh', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    clip: real(0, { min: 0 }),
  },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: { W: mat('H', 'I'), U: mat('H', 'H', { init: 'orthogonal' }), b: vec('H') },
  step({ x }, { h }, p, { options: o }) {
    return { h: activate(o.activation, clip(matvec(p.W, x) + matvec(p.U, h) + p.b, o.clip)) };
  },
});
