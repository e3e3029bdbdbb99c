import { broadcast, cell, conv1d, flag, integer, kernel, map, sigmoid, tanh, vec } from 'recurve';

/**
 * Long short-term memory of signals: ConvLSTM over one axis of positions.
 *
 * i = σ(W_i ∗ x + U_i ∗ h + P_i ⊙ c + b_i)
 * f = σ(W_f ∗ x + U_f ∗ h + P_f ⊙ c + b_f)
 * g = tanh(W_g ∗ x + U_g ∗ h + b_g)
 * c' = f ⊙ c + i ⊙ g
 * o = σ(W_o ∗ x + U_o ∗ h + P_o ⊙ c' + b_o)
 * h' = o ⊙ tanh(c')
 *
 * x is a map of X positions and I channels, h and c of as many positions and H channels; ∗ pads with zeros to the same
 * size. `width`: taps of every kernel, and 1 is an LSTM at each position with weights in common by its
 * kernel. `peepholes`: the terms with P, a weight for every position and channel, as the paper has them; i and f see
 * the old c, o the new one. For sequences of images: `conv-lstm`.
 *
 * Shi et al. 2015, "Convolutional LSTM Network: A Machine Learning Approach for Precipitation Nowcasting",
 * arXiv:1506.04214.
 */
export default cell({
  name: 'conv-lstm-1d',
  options: { width: integer(3, { min: 1 }), peepholes: flag(true) },
  dims: ['X', 'I', 'H'],
  inputs: { x: map('X', 'I') },
  state: { h: map('X', 'H'), c: map('X', 'H') },
  params: (o) => ({
    W_i: kernel('H', 'I', o.width),
    U_i: kernel('H', 'H', o.width),
    b_i: vec('H'),
    P_i: map('X', 'H', { when: o.peepholes }),
    W_f: kernel('H', 'I', o.width),
    U_f: kernel('H', 'H', o.width),
    b_f: vec('H', { init: 'ones' }),
    P_f: map('X', 'H', { when: o.peepholes }),
    W_g: kernel('H', 'I', o.width),
    U_g: kernel('H', 'H', o.width),
    b_g: vec('H'),
    W_o: kernel('H', 'I', o.width),
    U_o: kernel('H', 'H', o.width),
    b_o: vec('H'),
    P_o: map('X', 'H', { when: o.peepholes }),
  }),
  outputs: ['h'],
  step({ x }, { h, c }, p, { options: o }) {
    const a_i = conv1d(p.W_i, x) + conv1d(p.U_i, h) + broadcast(p.b_i, 'X', 'H');
    const a_f = conv1d(p.W_f, x) + conv1d(p.U_f, h) + broadcast(p.b_f, 'X', 'H');
    const a_g = conv1d(p.W_g, x) + conv1d(p.U_g, h) + broadcast(p.b_g, 'X', 'H');
    const a_o = conv1d(p.W_o, x) + conv1d(p.U_o, h) + broadcast(p.b_o, 'X', 'H');
    const i = sigmoid(o.peepholes ? a_i + p.P_i * c : a_i);
    const f = sigmoid(o.peepholes ? a_f + p.P_f * c : a_f);
    const next = f * c + i * tanh(a_g);
    const out = sigmoid(o.peepholes ? a_o + p.P_o * next : a_o);
    return { h: out * tanh(next), c: next };
  },
});
