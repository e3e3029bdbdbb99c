import { cell, choice, dropConnect, dropout, flag, layerNorm, mat, matvec, real, scalar, vec, zoneout } from 'recurve';
import { activateWith } from './activation.js';
import { clip } from './clipping.js';
import { momentsOf, normalize } from './joint-normalization.js';

/**
 * Gated recurrent unit (Cho et al. 2014).
 *
 * r = σ(W_r x + U_r h + b_r)
 * z = σ(W_z x + U_z h + b_z)
 * n = tanh(W_n x + b_n + r ⊙ (U_n h + c_n))
 * h' = (1 − z) ⊙ n + z ⊙ h
 *
 * `reset: 'after'` applies the reset gate behind the recurrent product, as above: arXiv:1406.1078 v1, cuDNN, PyTorch,
 * ONNX with linear_before_reset = 1. `reset: 'before'` applies it to the state, n = tanh(W_n x + b_n + U_n (r ⊙ h)):
 * arXiv v3, Keras with reset_after = False, the default of ONNX.
 * `gateActivation` is σ and `candidateActivation` tanh; `gateAlpha`, `gateBeta` and so on are their constants where they have
 * some (kernels/cells/activation.ts), ONNX's unless given. `clip` limits every pre-activation to ±clip as ONNX does, 0 for
 * no limit.
 * `layerNorm: 'ba'`: products of x and of h are normalized before they are added (Ba et al. 2016, arXiv:1607.06450,
 * appendix), those of r and z with mean and variance over both gates' units, those of n by themselves:
 * n = tanh(LN(W_n x; gx_n, b_n) + r ⊙ LN(U_n h; gh_n, c_n)). The biases that the paper gives each normalization are
 * one here where they only add up.
 *
 * Regularizers, which draw only with `training`. Their rates are parameters that no gradient reaches, 0.1 where nobody
 * gives them, so that they can change from run to run:
 * `zoneout`: a unit keeps its old h with probability zoneout_h (Krueger et al. 2017, arXiv:1606.01305).
 * `variationalDropout`: one mask a sequence on x and on the h that the matrices see, rates dropout_x and dropout_h (Gal &
 * Ghahramani 2016, arXiv:1512.05287; one mask for all gates).
 * `recurrentDropout`: a fresh mask at every step on the candidate n, rate dropout_g (Semeniuta et al. 2016,
 * arXiv:1603.05118).
 * `dropConnect`: one mask a run on every U, rate dropout_U (Wan et al. 2013; Merity et al. 2018, arXiv:1708.02182).
 */
export default cell({
  name: 'gru',
  options: {
    reset: choice('after', 'before'),
    gateActivation: choice(
      'sigmoid',
      'hardSigmoid',
      'tanh',
      'relu',
      'leakyRelu',
      'elu',
      'softplus',
      'softsign',
      'thresholdedRelu',
      'affine',
      'scaledTanh',
      'linear',
    ),
    gateAlpha: real(1, { per: { gateActivation: { hardSigmoid: 0.2, leakyRelu: 0.01 } } }),
    gateBeta: real(0.5, { per: { gateActivation: { affine: 0, scaledTanh: 1 } } }),
    candidateActivation: choice(
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
    candidateAlpha: real(1, { per: { candidateActivation: { hardSigmoid: 0.2, leakyRelu: 0.01 } } }),
    candidateBeta: real(0.5, { per: { candidateActivation: { affine: 0, scaledTanh: 1 } } }),
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
    W_r: mat('H', 'I'),
    U_r: mat('H', 'H', { init: 'orthogonal' }),
    b_r: vec('H'),
    W_z: mat('H', 'I'),
    U_z: mat('H', 'H', { init: 'orthogonal' }),
    b_z: vec('H'),
    W_n: mat('H', 'I'),
    U_n: mat('H', 'H', { init: 'orthogonal' }),
    b_n: vec('H'),
    c_n: vec('H', { when: o.reset === 'after' }),
    gx_r: vec('H', { init: 'ones', when: o.layerNorm === 'ba' }),
    gh_r: vec('H', { init: 'ones', when: o.layerNorm === 'ba' }),
    gx_z: vec('H', { init: 'ones', when: o.layerNorm === 'ba' }),
    gh_z: vec('H', { init: 'ones', when: o.layerNorm === 'ba' }),
    gx_n: vec('H', { init: 'ones', when: o.layerNorm === 'ba' }),
    gh_n: vec('H', { init: 'ones', when: o.layerNorm === 'ba' }),
    zoneout_h: scalar({ trainable: false, init: 0.1, when: o.zoneout }),
    dropout_x: scalar({ trainable: false, init: 0.1, when: o.variationalDropout }),
    dropout_h: scalar({ trainable: false, init: 0.1, when: o.variationalDropout }),
    dropout_g: scalar({ trainable: false, init: 0.1, when: o.recurrentDropout }),
    dropout_U: scalar({ trainable: false, init: 0.1, when: o.dropConnect }),
  }),
  step({ x }, { h }, p, { options: o }) {
    const seen = o.variationalDropout ? dropout(x, p.dropout_x, 'sequence') : x;
    const past = o.variationalDropout ? dropout(h, p.dropout_h, 'sequence') : h;
    const U_r = o.dropConnect ? dropConnect(p.U_r, p.dropout_U) : p.U_r;
    const U_z = o.dropConnect ? dropConnect(p.U_z, p.dropout_U) : p.U_z;
    const U_n = o.dropConnect ? dropConnect(p.U_n, p.dropout_U) : p.U_n;
    const [x_r, x_z] = [matvec(p.W_r, seen), matvec(p.W_z, seen)];
    const [h_r, h_z] = [matvec(U_r, past), matvec(U_z, past)];
    const plain = o.layerNorm === 'none';
    const X = plain ? { center: 0, scale: 1 } : momentsOf([x_r, x_z], 2);
    const R = plain ? { center: 0, scale: 1 } : momentsOf([h_r, h_z], 2);
    const a_r = plain ? x_r + h_r + p.b_r : normalize(x_r, X, p.gx_r) + normalize(h_r, R, p.gh_r) + p.b_r;
    const a_z = plain ? x_z + h_z + p.b_z : normalize(x_z, X, p.gx_z) + normalize(h_z, R, p.gh_z) + p.b_z;
    const r = activateWith(o.gateActivation, clip(a_r, o.clip), o.gateAlpha, o.gateBeta);
    const z = activateWith(o.gateActivation, clip(a_z, o.clip), o.gateAlpha, o.gateBeta);
    const product = matvec(U_n, o.reset === 'after' ? past : r * past);
    const normal = plain ? product : layerNorm(product, p.gh_n, 0);
    const recurrent = o.reset === 'after' ? r * (normal + p.c_n) : normal;
    const driven = plain ? matvec(p.W_n, seen) + p.b_n : layerNorm(matvec(p.W_n, seen), p.gx_n, p.b_n);
    const n = activateWith(o.candidateActivation, clip(driven + recurrent, o.clip), o.candidateAlpha, o.candidateBeta);
    const next = (1 - z) * (o.recurrentDropout ? dropout(n, p.dropout_g) : n) + z * h;
    return { h: o.zoneout ? zoneout(next, h, p.zoneout_h) : next };
  },
});
