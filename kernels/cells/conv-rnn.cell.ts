import { broadcast, cell, choice, conv2d, integer, kernel, map, vec } from 'recurve';
import { activate } from './activation.js';

/**
 * Recurrent network of images: both products are convolutions, so that a unit sees its neighbours' past.
 *
 * h' = φ(W ∗ x + U ∗ h + b)
 *
 * x is a map of X by Y positions and I channels, h of as many positions and H channels; ∗ pads with zeros to the
 * same size. `width`: both kernels are width by width. `activation` is φ. For sequences of signals: `conv-rnn-1d`.
 *
 * Elman 1990 with the products of convolutional networks, as Liang & Hu 2015, "Recurrent Convolutional Neural Network
 * for Object Recognition", whose φ is relu.
 */
export default cell({
  name: 'conv-rnn',
  options: {
    activation: choice('tanh', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    width: integer(3, { min: 1 }),
  },
  dims: ['X', 'Y', 'I', 'H'],
  inputs: { x: map('X', 'Y', 'I') },
  state: { h: map('X', 'Y', 'H') },
  params: (o) => ({ W: kernel('H', 'I', o.width, o.width), U: kernel('H', 'H', o.width, o.width), b: vec('H') }),
  step({ x }, { h }, p, { options: o }) {
    return { h: activate(o.activation, conv2d(p.W, x) + conv2d(p.U, h) + broadcast(p.b, 'X', 'Y', 'H')) };
  },
});
