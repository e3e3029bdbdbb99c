import { cell, choice, dropConnect, dropout, flag, layerNorm, mat, matvec, real, scalar, vec, zoneout } from 'recurve';
import { activateWith } from './activation.js';
import { clip } from './clipping.js';

/**
 * Simple recurrent network (Elman 1990, "Finding Structure in Time").
 *
 * h' = φ(W x + U h + b)
 *
 * `activation` is φ, `alpha` and `beta` its constants where it has some (kernels/cells/activation.ts), ONNX's unless given;
 * `clip` limits the pre-activation to ±clip as ONNX does, 0 for no limit.
 * `layerNorm: 'ba'`: h' = φ(LN(W x + U h; gain, b)) (Ba et al. 2016, arXiv:1607.06450, equation 4).
 *
 * Regularizers, which draw only with `training`. Their rates are parameters that no gradient reaches, 0.1 where nobody
 * gives them, so that they can change from run to run:
 * `zoneout`: a unit keeps its old h with probability zoneout_h (Krueger et al. 2017, arXiv:1606.01305).
 * `variationalDropout`: one mask a sequence on x and on the h that U sees, rates dropout_x and dropout_h (Gal & Ghahramani
 * 2016, arXiv:1512.05287).
 * `recurrentDropout`: a fresh mask at every step on what the step computes, φ(…), rate dropout_g (Semeniuta et al. 2016,
 * arXiv:1603.05118, whose candidate g that is here).
 * `dropConnect`: one mask a run on U, rate dropout_U (Wan et al. 2013; Merity et al. 2018, arXiv:1708.02182).
 */
export default cell({
  name: 'rnn',
  options: {
    activation: choice(
      'tanh',
      'relu',
      'sigmoid',
      'leakyRelu',
      'elu',
      'softplus',
      'softsign',
      'hardSigmoid',
      'thresholdedRelu',
      'affine',
      'scaledTanh',
      'linear',
    ),
    alpha: real(1, { per: { activation: { hardSigmoid: 0.2, leakyRelu: 0.01 } } }),
    beta: real(0.5, { per: { activation: { affine: 0, scaledTanh: 1 } } }),
    clip: real(0, { min: 0 }),
    layerNorm: choice('none', 'ba'),
    zoneout: flag(false),
    variationalDropout: flag(false),
    recurrentDropout: flag(false),
    dropConnect: flag(false),
  },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: (o) => ({
    W: mat('H', 'I'),
    U: mat('H', 'H', { init: 'orthogonal' }),
    b: vec('H'),
    gain: vec('H', { init: 'ones', when: o.layerNorm === 'ba' }),
    zoneout_h: scalar({ trainable: false, init: 0.1, when: o.zoneout }),
    dropout_x: scalar({ trainable: false, init: 0.1, when: o.variationalDropout }),
    dropout_h: scalar({ trainable: false, init: 0.1, when: o.variationalDropout }),
    dropout_g: scalar({ trainable: false, init: 0.1, when: o.recurrentDropout }),
    dropout_U: scalar({ trainable: false, init: 0.1, when: o.dropConnect }),
  }),
  step({ x }, { h }, p, { options: o }) {
    const seen = o.variationalDropout ? dropout(x, p.dropout_x, 'sequence') : x;
    const past = o.variationalDropout ? dropout(h, p.dropout_h, 'sequence') : h;
    const U = o.dropConnect ? dropConnect(p.U, p.dropout_U) : p.U;
    const sums = matvec(p.W, seen) + matvec(U, past);
    const a = o.layerNorm === 'ba' ? layerNorm(sums, p.gain, p.b) : sums + p.b;
    const g = activateWith(o.activation, clip(a, o.clip), o.alpha, o.beta);
    const next = o.recurrentDropout ? dropout(g, p.dropout_g) : g;
    return { h: o.zoneout ? zoneout(next, h, p.zoneout_h) : next };
  },
});
