import { cell, choice, index, lowRank, mat, matvec, mean, scalar, transpose, vec } from 'recurve';
import { activate } from './activation.js';

/**
 * Low-rank recurrent network: R pairs of connectivity patterns instead of a full matrix (Mastrogiuseppe & Ostojic 2018,
 * "Linking connectivity, dynamics, and computations in low-rank recurrent neural networks", arXiv:1711.09672).
 *
 * h' = (1 − α) h + α (M (Nᵀ φ(h)) / H + W x)
 *
 * h is the input current of each unit and φ(h) its rate; columns of M and N are the patterns m and n, of size H for each
 * of R. α = Δt/τ is the untrained parameter alpha, 0.1 where nobody gives it.
 * `activation` is φ. `scale: 'size'` divides by the number of units H, as the paper; `'none'` does not.
 */
export default cell({
  name: 'low-rank',
  options: {
    activation: choice('tanh', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    scale: choice('size', 'none'),
  },
  dims: ['I', 'H', 'R'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: {
    W: mat('H', 'I'),
    M: mat('H', 'R'),
    N: mat('H', 'R'),
    alpha: scalar({ trainable: false, init: 0.1 }),
  },
  step({ x }, { h }, p, { options: o }) {
    const recurrent = lowRank(p.M, transpose(p.N), activate(o.activation, h));
    // Units are numbered from 0, so that twice their mean number and one more is how many there are.
    const units = o.scale === 'size' ? 2 * mean(index('H')) + 1 : 1;
    return { h: (1 - p.alpha) * h + p.alpha * (recurrent / units + matvec(p.W, x)) };
  },
});
