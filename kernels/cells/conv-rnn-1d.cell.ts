import { broadcast, cell, choice, conv1d, integer, kernel, map, vec } from 'recurve';
import { activate } from './activation.js';

/**
 * Recurrent network of signals: both products are convolutions over one axis of positions.
 *
 * h' = φ(W ∗ x + U ∗ h + b)
 *
 * x is a map of X positions and I channels, h of as many positions and H channels; ∗ pads with zeros to the same size.
 * `width`: taps of both kernels. `activation` is φ. For sequences of images: `conv-rnn`.
 *
 * Elman 1990 with the products of convolutional networks, as Liang & Hu 2015, "Recurrent Convolutional Neural Network
 * for Object Recognition", whose φ is relu.
 */
export default cell({
  name: 'conv-rnn-1d',
  options: {
    activation: choice('tanh', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    width: integer(3, { min: 1 }),
  },
  dims: ['X', 'I', 'H'],
  inputs: { x: map('X', 'I') },
  state: { h: map('X', 'H') },
  params: (o) => ({ W: kernel('H', 'I', o.width), U: kernel('H', 'H', o.width), b: vec('H') }),
  step({ x }, { h }, p, { options: o }) {
    return { h: activate(o.activation, conv1d(p.W, x) + conv1d(p.U, h) + broadcast(p.b, 'X', 'H')) };
  },
});
