import { cell, choice, flag, mat, matvec, noise, scalar, vec } from 'recurve';
import { activate } from './activation.js';

/**
 * Echo state network: a fixed random reservoir of leaky units and a trained linear readout (Jaeger 2001, "The echo state
 * approach to analysing and training recurrent neural networks"; leaky units of Jaeger et al. 2007).
 *
 * h' = (1 − α) h + α φ(W x + ρ U h + b + noise)
 * y = V h' + V_x x + c
 *
 * W, U and b are never trained. The untrained parameters alpha (α, the leak, 0.3 where nobody gives it) and rho (ρ, 0.9)
 * set the reservoir's speed and, where U is orthogonal as `new` and `bench` make it, its spectral radius.
 * `activation` is φ. `readout: 'state'` leaves out V_x x.
 * `noise`: with `training`, a normal draw of the standard deviation sigma, an untrained parameter, 0.01.
 */
export default cell({
  name: 'echo-state',
  options: {
    activation: choice('tanh', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    readout: choice('stateAndInput', 'state'),
    noise: flag(false),
  },
  dims: ['I', 'H', 'O'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: (o) => ({
    W: mat('H', 'I', { trainable: false }),
    U: mat('H', 'H', { init: 'orthogonal', trainable: false }),
    b: vec('H', { trainable: false }),
    alpha: scalar({ trainable: false, init: 0.3 }),
    rho: scalar({ trainable: false, init: 0.9 }),
    sigma: scalar({ trainable: false, init: 0.01, when: o.noise }),
    V: mat('O', 'H'),
    V_x: mat('O', 'I', { when: o.readout === 'stateAndInput' }),
    c: vec('O'),
  }),
  step({ x }, { h }, p, { options: o }) {
    const sums = matvec(p.W, x) + p.rho * matvec(p.U, h) + p.b;
    const echo = activate(o.activation, o.noise ? noise(sums, p.sigma) : sums);
    const next = (1 - p.alpha) * h + p.alpha * echo;
    const y = matvec(p.V, next) + p.c;
    return { h: next, y: o.readout === 'state' ? y : y + matvec(p.V_x, x) };
  },
});
