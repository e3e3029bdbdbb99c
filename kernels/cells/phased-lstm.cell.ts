import { cell, choice, flag, mat, matvec, mod, scalar, sigmoid, tanh, vec } from 'recurve';

/**
 * Phased LSTM: a gate in time, open for a part of every unit's period, decides when the unit is written.
 *
 * φ = ((t − s) mod τ)/τ, in 0 … 1
 * k = 2φ/r where φ < r/2;  2 − 2φ/r where φ < r;  α φ elsewhere
 * i, f = σ(W x + U h + p ⊙ c + b)
 * c̃ = f ⊙ c + i ⊙ tanh(W_g x + U_g h + b_g)
 * o = σ(W_o x + U_o h + p_o ⊙ c̃ + b_o)
 * c' = k ⊙ c̃ + (1 − k) ⊙ c
 * h' = k ⊙ (o ⊙ tanh(c̃)) + (1 − k) ⊙ h
 *
 * `time` is t: the `input` t, one number for each step, for events at any moment, or the number of the `step`, from 0.
 * τ, s and r are the period, the shift and the open part of each unit. The paper draws τ log-uniform over the
 * time scales expected and s uniform in 0 … τ, and begins with r = 0.05; here all begin at 10, ±1/√H and 0.05. α leaks
 * while the gate is closed; it is not trained, 0.001 unless given, and 0 switches the leak off once trained.
 * `peepholes`: the terms with p.
 *
 * Neil et al. 2016, "Phased LSTM: Accelerating Recurrent Network Training for Long or Event-based Sequences",
 * arXiv:1610.09513.
 */
export default cell({
  name: 'phased-lstm',
  options: { time: choice('input', 'step'), peepholes: flag(true) },
  dims: ['I', 'H'],
  inputs: (o) => ({ x: vec('I'), t: scalar({ when: o.time === 'input' }) }),
  state: { h: vec('H'), c: vec('H') },
  params: (o) => ({
    W_i: mat('H', 'I'),
    U_i: mat('H', 'H', { init: 'orthogonal' }),
    b_i: vec('H'),
    p_i: vec('H', { when: o.peepholes }),
    W_f: mat('H', 'I'),
    U_f: mat('H', 'H', { init: 'orthogonal' }),
    b_f: vec('H', { init: 'ones' }),
    p_f: vec('H', { when: o.peepholes }),
    W_g: mat('H', 'I'),
    U_g: mat('H', 'H', { init: 'orthogonal' }),
    b_g: vec('H'),
    W_o: mat('H', 'I'),
    U_o: mat('H', 'H', { init: 'orthogonal' }),
    b_o: vec('H'),
    p_o: vec('H', { when: o.peepholes }),
    tau: vec('H', { init: 10 }),
    s: vec('H'),
    r: vec('H', { init: 0.05 }),
    alpha: scalar({ init: 0.001, trainable: false }),
  }),
  outputs: ['h'],
  step({ x, t }, { h, c }, p, { options: o, t: step }) {
    const open = openness((o.time === 'input' ? t : step) - p.s, p.tau, p.r, p.alpha);
    const a_i = matvec(p.W_i, x) + matvec(p.U_i, h) + p.b_i;
    const a_f = matvec(p.W_f, x) + matvec(p.U_f, h) + p.b_f;
    const a_o = matvec(p.W_o, x) + matvec(p.U_o, h) + p.b_o;
    const i = sigmoid(o.peepholes ? a_i + p.p_i * c : a_i);
    const f = sigmoid(o.peepholes ? a_f + p.p_f * c : a_f);
    const proposed = f * c + i * tanh(matvec(p.W_g, x) + matvec(p.U_g, h) + p.b_g);
    const out = sigmoid(o.peepholes ? a_o + p.p_o * proposed : a_o);
    return {
      h: open * (out * tanh(proposed)) + (1 - open) * h,
      c: open * proposed + (1 - open) * c,
    };
  },
});

/** k, the time gate, at `time` after the shift. */
function openness(time: number, period: number, ratio: number, leak: number): number {
  // `mod` has the sign of its first argument; the paper's is never negative.
  const past = mod(time, period);
  const phase = (past < 0 ? past + period : past) / period;
  const rise = (2 * phase) / ratio;
  return phase < ratio / 2 ? rise : phase < ratio ? 2 - rise : leak * phase;
}
