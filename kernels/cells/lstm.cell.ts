import { cell, choice, dropConnect, dropout, flag, layerNorm, mat, matvec, real, scalar, vec, zoneout } from 'recurve';
import { activateWith } from './activation.js';
import { clip } from './clipping.js';
import { momentsOf, normalize } from './joint-normalization.js';

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000).
 *
 * i = σ(W_i x + U_i h + b_i)
 * f = σ(W_f x + U_f h + b_f)
 * g = tanh(W_g x + U_g h + b_g)
 * o = σ(W_o x + U_o h + b_o)
 * c' = f ⊙ c + i ⊙ g
 * h' = o ⊙ tanh(c')
 *
 * `peepholes`: the gates see the cell state, i and f the old one, + p_i ⊙ c and + p_f ⊙ c, o the new one, + p_o ⊙ c'
 * (Gers & Schmidhuber 2000).
 * `coupled`: f = 1 − i. `projection`: h' = W_h (o ⊙ tanh c'), of size P (Sak et al. 2014, arXiv:1402.1128).
 * `gateActivation`, `cellActivation` and `outputActivation` are ONNX's f, g and h, `gateAlpha`, `gateBeta` and so on their
 * constants where they have some (kernels/cells/activation.ts), ONNX's unless given; `clip` limits every
 * pre-activation to ±clip as ONNX does, 0 for no limit. `cellClip` limits the cell state itself, c' to ±cellClip before anything
 * reads it, as `cell_clip` of TFLite and of TF1's LSTMCell (Sak et al. 2014) does; 0 for no limit.
 *
 * `layerNorm` (Ba et al. 2016, arXiv:1607.06450): products of x and of h are normalized before they are added, each with
 * mean and variance over the units of all gates: i = σ(LN(W x)_i ⊙ gx_i + LN(U h)_i ⊙ gh_i + b_i) and so on; peepholes
 * are added behind that. `'ba'`: the state carries c' and only the output sees it normalized,
 * h' = o ⊙ tanh(LN(c'; g_c, b_c)), as in the paper and in Haste. `'normalizedState'`: the state itself is
 * c' = LN(f ⊙ c + i ⊙ g; g_c, b_c), as in the TorchScript cells of PyTorch's fastrnns benchmark. The biases of
 * both normalizations and b are one here, since they only add up.
 *
 * Regularizers, which draw only with `training`. Their rates are parameters that no gradient reaches, 0.1 where nobody
 * gives them, so that they can change from run to run:
 * `zoneout`: a unit keeps its old h with probability zoneout_h and its old c with zoneout_c; h' is computed from the c'
 * before zoneout (Krueger et al. 2017, arXiv:1606.01305).
 * `variationalDropout`: one mask a sequence on x and on the h that the matrices see, rates dropout_x and dropout_h (Gal &
 * Ghahramani 2016, arXiv:1512.05287; one mask for all gates).
 * `recurrentDropout`: a fresh mask at every step on the candidate g, rate dropout_g (Semeniuta et al. 2016,
 * arXiv:1603.05118).
 * `dropConnect`: one mask a run on every U, rate dropout_U (Wan et al. 2013; Merity et al. 2018, arXiv:1708.02182).
 */
export default cell({
  name: 'lstm',
  options: {
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
    cellActivation: choice(
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
    cellAlpha: real(1, { per: { cellActivation: { hardSigmoid: 0.2, leakyRelu: 0.01 } } }),
    cellBeta: real(0.5, { per: { cellActivation: { affine: 0, scaledTanh: 1 } } }),
    outputActivation: choice(
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
    outputAlpha: real(1, { per: { outputActivation: { hardSigmoid: 0.2, leakyRelu: 0.01 } } }),
    outputBeta: real(0.5, { per: { outputActivation: { affine: 0, scaledTanh: 1 } } }),
    peepholes: flag(false),
    coupled: flag(false),
    projection: flag(false),
    clip: real(0, { min: 0 }),
    cellClip: real(0, { min: 0 }),
    layerNorm: choice('none', 'ba', 'normalizedState'),
    zoneout: flag(false),
    variationalDropout: flag(false),
    recurrentDropout: flag(false),
    dropConnect: flag(false),
  },
  dims: ['I', 'H', 'P'],
  inputs: { x: vec('I') },
  state: (o) => ({ h: vec(o.projection ? 'P' : 'H'), c: vec('H') }),
  params: (o) => ({
    W_i: mat('H', 'I'),
    U_i: mat('H', o.projection ? 'P' : 'H', { init: 'orthogonal' }),
    b_i: vec('H'),
    p_i: vec('H', { when: o.peepholes }),
    W_f: mat('H', 'I', { when: !o.coupled }),
    U_f: mat('H', o.projection ? 'P' : 'H', { init: 'orthogonal', when: !o.coupled }),
    b_f: vec('H', { init: 'ones', when: !o.coupled }),
    p_f: vec('H', { when: o.peepholes && !o.coupled }),
    W_g: mat('H', 'I'),
    U_g: mat('H', o.projection ? 'P' : 'H', { init: 'orthogonal' }),
    b_g: vec('H'),
    W_o: mat('H', 'I'),
    U_o: mat('H', o.projection ? 'P' : 'H', { init: 'orthogonal' }),
    b_o: vec('H'),
    p_o: vec('H', { when: o.peepholes }),
    W_h: mat('P', 'H', { when: o.projection }),
    gx_i: vec('H', { init: 'ones', when: o.layerNorm !== 'none' }),
    gh_i: vec('H', { init: 'ones', when: o.layerNorm !== 'none' }),
    gx_f: vec('H', { init: 'ones', when: o.layerNorm !== 'none' && !o.coupled }),
    gh_f: vec('H', { init: 'ones', when: o.layerNorm !== 'none' && !o.coupled }),
    gx_g: vec('H', { init: 'ones', when: o.layerNorm !== 'none' }),
    gh_g: vec('H', { init: 'ones', when: o.layerNorm !== 'none' }),
    gx_o: vec('H', { init: 'ones', when: o.layerNorm !== 'none' }),
    gh_o: vec('H', { init: 'ones', when: o.layerNorm !== 'none' }),
    g_c: vec('H', { init: 'ones', when: o.layerNorm !== 'none' }),
    b_c: vec('H', { init: 'zeros', when: o.layerNorm !== 'none' }),
    zoneout_h: scalar({ trainable: false, init: 0.1, when: o.zoneout }),
    zoneout_c: scalar({ trainable: false, init: 0.1, when: o.zoneout }),
    dropout_x: scalar({ trainable: false, init: 0.1, when: o.variationalDropout }),
    dropout_h: scalar({ trainable: false, init: 0.1, when: o.variationalDropout }),
    dropout_g: scalar({ trainable: false, init: 0.1, when: o.recurrentDropout }),
    dropout_U: scalar({ trainable: false, init: 0.1, when: o.dropConnect }),
  }),
  outputs: ['h'],
  step({ x }, { h, c }, p, { options: o }) {
    const seen = o.variationalDropout ? dropout(x, p.dropout_x, 'sequence') : x;
    const past = o.variationalDropout ? dropout(h, p.dropout_h, 'sequence') : h;
    const [x_i, x_g, x_o] = [matvec(p.W_i, seen), matvec(p.W_g, seen), matvec(p.W_o, seen)];
    const x_f = o.coupled ? 0 : matvec(p.W_f, seen);
    const h_i = matvec(o.dropConnect ? dropConnect(p.U_i, p.dropout_U) : p.U_i, past);
    const h_g = matvec(o.dropConnect ? dropConnect(p.U_g, p.dropout_U) : p.U_g, past);
    const h_o = matvec(o.dropConnect ? dropConnect(p.U_o, p.dropout_U) : p.U_o, past);
    const h_f = o.coupled ? 0 : matvec(o.dropConnect ? dropConnect(p.U_f, p.dropout_U) : p.U_f, past);

    const plain = o.layerNorm === 'none';
    const gates = o.coupled ? 3 : 4;
    const X = plain ? { center: 0, scale: 1 } : momentsOf([x_i, x_g, x_o, x_f], gates);
    const R = plain ? { center: 0, scale: 1 } : momentsOf([h_i, h_g, h_o, h_f], gates);
    const a_i = plain ? x_i + h_i + p.b_i : normalize(x_i, X, p.gx_i) + normalize(h_i, R, p.gh_i) + p.b_i;
    const normal_f = plain || o.coupled ? x_f + h_f : normalize(x_f, X, p.gx_f) + normalize(h_f, R, p.gh_f);
    const a_f = o.coupled ? 0 : normal_f + p.b_f;
    const a_g = plain ? x_g + h_g + p.b_g : normalize(x_g, X, p.gx_g) + normalize(h_g, R, p.gh_g) + p.b_g;
    const a_o = plain ? x_o + h_o + p.b_o : normalize(x_o, X, p.gx_o) + normalize(h_o, R, p.gh_o) + p.b_o;

    const i = activateWith(o.gateActivation, clip(o.peepholes ? a_i + p.p_i * c : a_i, o.clip), o.gateAlpha, o.gateBeta);
    const seen_f = o.peepholes && !o.coupled ? a_f + p.p_f * c : a_f;
    const f = o.coupled ? 1 - i : activateWith(o.gateActivation, clip(seen_f, o.clip), o.gateAlpha, o.gateBeta);
    const candidate = activateWith(o.cellActivation, clip(a_g, o.clip), o.cellAlpha, o.cellBeta);
    const g = o.recurrentDropout ? dropout(candidate, p.dropout_g) : candidate;
    const sums = f * c + i * g;
    const next = clip(o.layerNorm === 'normalizedState' ? layerNorm(sums, p.g_c, p.b_c) : sums, o.cellClip);
    const out = activateWith(o.gateActivation, clip(o.peepholes ? a_o + p.p_o * next : a_o, o.clip), o.gateAlpha, o.gateBeta);
    const m =
      out *
      activateWith(o.outputActivation, o.layerNorm === 'ba' ? layerNorm(next, p.g_c, p.b_c) : next, o.outputAlpha, o.outputBeta);
    const hidden = o.projection ? matvec(p.W_h, m) : m;
    return {
      h: o.zoneout ? zoneout(hidden, h, p.zoneout_h) : hidden,
      c: o.zoneout ? zoneout(next, c, p.zoneout_c) : next,
    };
  },
});
