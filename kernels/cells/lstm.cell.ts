import { cell, choice, flag, mat, matvec, real, vec } from 'recurve';
import { activate } from './activation.js';
import { clip } from './clipping.js';

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000).
 *
 * `peepholes`: the gates see the cell state, i and f the old one, o the new one (Gers & Schmidhuber 2000).
 * `coupled`: f = 1 − i. `projection`: h' = W_h (o ⊙ tanh c'), of size P (Sak et al. 2014).
 * `gateActivation`, `cellActivation` and `outputActivation` are ONNX's f, g and h; `clip` limits every
 * pre-activation to ±clip as ONNX does, 0 for no limit.
 */
export default cell({
  name: 'lstm',
  options: {
    gateActivation: choice('sigmoid', 'hardSigmoid', 'tanh', 'relu', 'leakyRelu', 'elu', 'softplus', 'softsign'),
    cellActivation: choice('tanh', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    outputActivation: choice('tanh', 'relu', 'sigmoid', 'leakyRelu', 'elu', 'softplus', 'softsign', 'hardSigmoid'),
    peepholes: flag(false),
    coupled: flag(false),
    projection: flag(false),
    clip: real(0, { min: 0 }),
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
  }),
  outputs: ['h'],
  step({ x }, { h, c }, p, { options: o }) {
    const a_i = matvec(p.W_i, x) + matvec(p.U_i, h) + p.b_i;
    const i = activate(o.gateActivation, clip(o.peepholes ? a_i + p.p_i * c : a_i, o.clip));
    const g = activate(o.cellActivation, clip(matvec(p.W_g, x) + matvec(p.U_g, h) + p.b_g, o.clip));
    const a_f = o.coupled ? 0 : matvec(p.W_f, x) + matvec(p.U_f, h) + p.b_f;
    const seen_f = o.peepholes && !o.coupled ? a_f + p.p_f * c : a_f;
    const f = o.coupled ? 1 - i : activate(o.gateActivation, clip(seen_f, o.clip));
    const next = f * c + i * g;
    const a_o = matvec(p.W_o, x) + matvec(p.U_o, h) + p.b_o;
    const out = activate(o.gateActivation, clip(o.peepholes ? a_o + p.p_o * next : a_o, o.clip));
    const m = out * activate(o.outputActivation, next);
    return { h: o.projection ? matvec(p.W_h, m) : m, c: next };
  },
});
