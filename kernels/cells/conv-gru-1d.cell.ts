import { broadcast, cell, choice, conv1d, integer, kernel, map, sigmoid, tanh, vec } from 'recurve';

/**
 * Gated recurrent unit of signals: ConvGRU over one axis of positions.
 *
 * z = σ(W_z ∗ x + U_z ∗ h + b_z)
 * r = σ(W_r ∗ x + U_r ∗ h + b_r)
 * n = tanh(W_n ∗ x + U_n ∗ (r ⊙ h) + b_n)
 * h' = (1 − z) ⊙ h + z ⊙ n
 *
 * x is a map of X positions and I channels, h of as many positions and H channels; ∗ pads with zeros to the same size.
 * `width`: taps of every kernel.
 * `reset: 'after'` applies the reset gate behind the convolution, n = tanh(W_n ∗ x + b_n + r ⊙ (U_n ∗ h + c_n)). z opens
 * to the new value, as in the paper; in `gru` it keeps the old one. For sequences of images: `conv-gru`.
 *
 * Ballas et al. 2016, "Delving Deeper into Convolutional Networks for Learning Video Representations",
 * arXiv:1511.06432.
 */
export default cell({
  name: 'conv-gru-1d',
  options: { width: integer(3, { min: 1 }), reset: choice('before', 'after') },
  dims: ['X', 'I', 'H'],
  inputs: { x: map('X', 'I') },
  state: { h: map('X', 'H') },
  params: (o) => ({
    W_z: kernel('H', 'I', o.width),
    U_z: kernel('H', 'H', o.width),
    b_z: vec('H'),
    W_r: kernel('H', 'I', o.width),
    U_r: kernel('H', 'H', o.width),
    b_r: vec('H'),
    W_n: kernel('H', 'I', o.width),
    U_n: kernel('H', 'H', o.width),
    b_n: vec('H'),
    c_n: vec('H', { when: o.reset === 'after' }),
  }),
  step({ x }, { h }, p, { options: o }) {
    const z = sigmoid(conv1d(p.W_z, x) + conv1d(p.U_z, h) + broadcast(p.b_z, 'X', 'H'));
    const r = sigmoid(conv1d(p.W_r, x) + conv1d(p.U_r, h) + broadcast(p.b_r, 'X', 'H'));
    const recurrent = o.reset === 'after' ? r * (conv1d(p.U_n, h) + broadcast(p.c_n, 'X', 'H')) : conv1d(p.U_n, r * h);
    const n = tanh(conv1d(p.W_n, x) + broadcast(p.b_n, 'X', 'H') + recurrent);
    return { h: (1 - z) * h + z * n };
  },
});
