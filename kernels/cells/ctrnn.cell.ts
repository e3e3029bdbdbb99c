import { cell, choice, flag, mat, matvec, noise, scalar, sigmoid, sqrt, vec } from 'recurve';
import { activate } from './activation.js';

/**
 * Continuous-time recurrent network with leaky units, by Euler steps (Funahashi & Nakamura 1993; training as in Song,
 * Yang & Wang 2016).
 *
 * h' = (1 − α) h + α φ(W x + U h + b + noise)
 *
 * α = Δt/τ. `form: 'rate'` is the line above, where h is the rate (Yang et al. 2019). `'current'`: h is the current and
 * φ(h) the rate, h' = (1 − α) h + α (W x + U φ(h) + b + noise) (Song et al. 2016).
 * `leak: 'fixed'`: α is the untrained parameter alpha, 0.2 where nobody gives it. `'learned'`: α = σ(a), one for each unit.
 * `noise`: with `training`, a normal draw of standard deviation σ √(2/α) is added at every step, σ the untrained
 * parameter sigma, 0.1 where nobody gives it. `activation` is φ.
 */
export default cell({
  name: 'ctrnn',
  options: {
    activation: choice('tanh', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    form: choice('rate', 'current'),
    leak: choice('fixed', 'learned'),
    noise: flag(false),
  },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: (o) => ({
    W: mat('H', 'I'),
    U: mat('H', 'H', { init: 'orthogonal' }),
    b: vec('H'),
    alpha: scalar({ trainable: false, init: 0.2, when: o.leak === 'fixed' }),
    a: vec('H', { when: o.leak === 'learned' }),
    sigma: scalar({ trainable: false, init: 0.1, when: o.noise }),
  }),
  step({ x }, { h }, p, { options: o }) {
    const alpha = o.leak === 'fixed' ? p.alpha : sigmoid(p.a);
    const sums = matvec(p.W, x) + matvec(p.U, o.form === 'rate' ? h : activate(o.activation, h)) + p.b;
    // A scale of the shape of the value where every unit has its own.
    const driven = o.noise ? noise(sums, p.sigma * sqrt(2 / alpha)) : sums;
    return { h: (1 - alpha) * h + alpha * (o.form === 'rate' ? activate(o.activation, driven) : driven) };
  },
});
