import { cell, choice, delay, integer, matvec, type Stack, sigmoid, stack, tanh, vec } from 'recurve';

/**
 * Quasi-recurrent network: convolutions over time make the gates, and all that is recurrent is a pooling.
 *
 * z = tanh(W_z[0] x + W_z[1] x₋₁ + … + b_z)
 * f = σ(W_f[0] x + W_f[1] x₋₁ + … + b_f), and o and i likewise
 * c' = f ⊙ c + (1 − f) ⊙ z
 * h' = o ⊙ c'
 *
 * x₋ₖ is the input k steps ago, 0 before the first. `width`: how many inputs the convolutions see. `pooling: 'f'` has no
 * output gate, h' = c'; `'fo'` is as above; `'ifo'` has an input gate too, c' = f ⊙ c + i ⊙ z.
 *
 * Bradbury et al. 2016, "Quasi-Recurrent Neural Networks", arXiv:1611.01576.
 */
export default cell({
  name: 'qrnn',
  options: { pooling: choice('fo', 'f', 'ifo'), width: integer(2, { min: 1 }) },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { c: vec('H') },
  params: (o) => ({
    W_z: stack(o.width, 'H', 'I'),
    b_z: vec('H'),
    W_f: stack(o.width, 'H', 'I'),
    b_f: vec('H'),
    W_o: stack(o.width, 'H', 'I', { when: o.pooling !== 'f' }),
    b_o: vec('H', { when: o.pooling !== 'f' }),
    W_i: stack(o.width, 'H', 'I', { when: o.pooling === 'ifo' }),
    b_i: vec('H', { when: o.pooling === 'ifo' }),
  }),
  outputs: ['h'],
  step({ x }, { c }, p, { options: o }) {
    const z = tanh(overTime(p.W_z, x, o.width) + p.b_z);
    const f = sigmoid(overTime(p.W_f, x, o.width) + p.b_f);
    const i = o.pooling === 'ifo' ? sigmoid(overTime(p.W_i, x, o.width) + p.b_i) : 1 - f;
    const next = f * c + i * z;
    if (o.pooling === 'f') return { c: next, h: next };
    return { c: next, h: sigmoid(overTime(p.W_o, x, o.width) + p.b_o) * next };
  },
});

/** The convolution over this input and those before it. */
function overTime(W: Stack, x: number, width: number): number {
  let sum = matvec(W[0], x);
  for (let k = 1; k < width; k++) sum = sum + matvec(W[k], delay(x, k));
  return sum;
}
