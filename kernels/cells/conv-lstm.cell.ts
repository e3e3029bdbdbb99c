import { broadcast, cell, conv2d, flag, integer, kernel, map, sigmoid, tanh, vec } from 'recurve';

/**
 * Long short-term memory of images (ConvLSTM): the products are convolutions.
 *
 * i = σ(W_i ∗ x + U_i ∗ h + P_i ⊙ c + b_i)
 * f = σ(W_f ∗ x + U_f ∗ h + P_f ⊙ c + b_f)
 * g = tanh(W_g ∗ x + U_g ∗ h + b_g)
 * c' = f ⊙ c + i ⊙ g
 * o = σ(W_o ∗ x + U_o ∗ h + P_o ⊙ c' + b_o)
 * h' = o ⊙ tanh(c')
 *
 * x is a map of X by Y positions and I channels, h and c of as many positions and H channels; ∗ pads with zeros to the
 * same size. `width`: every kernel is width by width, and 1 is an LSTM at each position with weights in common by its
 * kernel. `peepholes`: the terms with P, a weight for every position and channel, as the paper has them; i and f see
 * the old c, o the new one. For sequences of signals: `conv-lstm-1d`.
 *
 * Shi et al. 2015, "Convolutional LSTM Network: A Machine Learning Approach for Precipitation Nowcasting",
 * arXiv:1506.04214.
 */
export default cell({
  name: 'conv-lstm',
  options: { width: integer(3, { min: 1 }), peepholes: flag(true) },
  dims: ['X', 'Y', 'I', 'H'],
  inputs: { x: map('X', 'Y', 'I') },
  state: { h: map('X', 'Y', 'H'), c: map('X', 'Y', 'H') },
  params: (o) => ({
    W_i: kernel('H', 'I', o.width, o.width),
    U_i: kernel('H', 'H', o.width, o.width),
    b_i: vec('H'),
    P_i: map('X', 'Y', 'H', { when: o.peepholes }),
    W_f: kernel('H', 'I', o.width, o.width),
    U_f: kernel('H', 'H', o.width, o.width),
    b_f: vec('H', { init: 'ones' }),
    P_f: map('X', 'Y', 'H', { when: o.peepholes }),
    W_g: kernel('H', 'I', o.width, o.width),
    U_g: kernel('H', 'H', o.width, o.width),
    b_g: vec('H'),
    W_o: kernel('H', 'I', o.width, o.width),
    U_o: kernel('H', 'H', o.width, o.width),
    b_o: vec('H'),
    P_o: map('X', 'Y', 'H', { when: o.peepholes }),
  }),
  outputs: ['h'],
  step({ x }, { h, c }, p, { options: o }) {
    const a_i = conv2d(p.W_i, x) + conv2d(p.U_i, h) + broadcast(p.b_i, 'X', 'Y', 'H');
    const a_f = conv2d(p.W_f, x) + conv2d(p.U_f, h) + broadcast(p.b_f, 'X', 'Y', 'H');
    const a_g = conv2d(p.W_g, x) + conv2d(p.U_g, h) + broadcast(p.b_g, 'X', 'Y', 'H');
    const a_o = conv2d(p.W_o, x) + conv2d(p.U_o, h) + broadcast(p.b_o, 'X', 'Y', 'H');
    const i = sigmoid(o.peepholes ? a_i + p.P_i * c : a_i);
    const f = sigmoid(o.peepholes ? a_f + p.P_f * c : a_f);
    const next = f * c + i * tanh(a_g);
    const out = sigmoid(o.peepholes ? a_o + p.P_o * next : a_o);
    return { h: out * tanh(next), c: next };
  },
});
