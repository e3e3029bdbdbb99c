import {
  argmax,
  broadcast,
  choice,
  crossEntropy,
  either,
  embed,
  index,
  integer,
  layer,
  mat,
  matvec,
  memory,
  model,
  over,
  sample,
  scalar,
  shift,
  softmax,
  steps,
  sum,
  symbol,
  tanh,
  transpose,
  vec,
} from 'recurve';

/**
 * An encoder and a decoder: a sequence of symbols out of another (Sutskever, Vinyals & Le 2014, arXiv:1409.3215; Cho et al. 2014,
 * arXiv:1406.1078). Each has a time axis, and lengths, of its own.
 *
 * g_s = encoder(D[source_s], g_{s−1})
 * h_t = decoder(E[w_{t−1}], h_{t−1}), h_0 = g at the source's end
 * a_t = softmax over s of score(g_s, h_t), no further than the source's own end
 * o_t = tanh(C Σ_s a_{t,s} g_s + R h_t)
 * logits_t = W o_t + b, loss_t = −log softmax(logits_t)[target_t], total = Σ loss of all steps of all sequences
 *
 * `attention` says what the score is: `dot`, g·h (Luong, Pham & Manning 2015, arXiv:1508.04025, who place it behind the decoder's
 * step, as it is here); `additive`, v·tanh(P g + Q h) (Bahdanau, Cho & Bengio 2015, arXiv:1409.0473); `none`, where o_t = h_t.
 * `hears` says what w is: `taught`, the target of the step before (teacher forcing, Williams & Zipser 1989), where nothing is fed back
 * and attention of all steps is computed at once; `said`, what the decoder itself said, the most likely symbol or, with `mode`
 * `sampled`, one drawn from softmax(logits / temperature); `sometimes`, the target with the probability `forcing` (scheduled
 * sampling, Bengio et al. 2015, arXiv:1506.03099). The first step hears symbol 0, or the state `said` that is given.
 *
 * `stop` is a symbol that ends a sequence early, 0 for none: a step that hears it, and every step behind that one, counts as behind
 * the sequence's length. Logits, symbols and losses are zero there, and no gradient comes of them. `length` is the number of steps
 * that count, with the one that said the stop symbol; the state `ended` is 1 from the end on.
 */
export default model({
  name: 'translator',
  options: {
    cell: choice('gru', 'lstm', 'rnn'),
    attention: choice('dot', 'additive', 'none'),
    hears: choice('taught', 'said', 'sometimes'),
    mode: choice('greedy', 'sampled'),
    stop: integer(0, { min: 0 }),
  },
  times: ['S', 'T'],
  dims: ['V', 'K', 'E', 'H', 'A'],
  inputs: { source: over('S', symbol('V')), target: over('T', symbol('K')) },
  state: (o) => ({
    said: over('T', symbol('K', { when: o.hears !== 'taught' })),
    ended: over('T', scalar({ range: [-1, 0.3], when: o.stop > 0 })),
  }),
  layers: (o) => ({ encoder: layer(o.cell, { I: 'E' }), decoder: layer(o.cell, { I: 'E' }) }),
  params: (o) => ({
    D: mat('V', 'E'),
    E: mat('K', 'E'),
    P: mat('A', 'H', { init: 'uniform', range: [-2, 2], when: o.attention === 'additive' }),
    Q: mat('A', 'H', { range: [-1, 1], when: o.attention === 'additive' }),
    v: vec('A', { range: [-1, 1], when: o.attention === 'additive' }),
    C: mat('H', 'H', { when: o.attention !== 'none' }),
    R: mat('H', 'H', { when: o.attention !== 'none' }),
    W: mat('K', 'H'),
    b: vec('K'),
    temperature: scalar({ init: 1, range: [0.5, 2], trainable: false, when: o.mode === 'sampled' }),
    forcing: scalar({ init: 0.5, trainable: false, when: o.hears === 'sometimes' }),
  }),
  run({ source, target }, { encoder, decoder }, p, { options: o, state }) {
    const code = encoder({ x: embed(p.D, source) });
    const taught = shift(target, -1);
    const heard = o.hears === 'taught' ? taught : o.hears === 'said' ? state.said : either(taught, state.said, p.forcing);
    const h = decoder({ x: embed(p.E, heard) }, { state: code.final }).h;
    const all = memory(code.h);
    const scores =
      o.attention === 'additive'
        ? matvec(tanh(memory(matvec(p.P, code.h)) + broadcast(matvec(p.Q, h), 'S', 'A')), p.v)
        : matvec(all, h);
    const weights = softmax(index('S') < steps('S') ? scores : -1e30);
    const out = o.attention === 'none' ? h : tanh(matvec(p.C, matvec(transpose(all), weights)) + matvec(p.R, h));
    const logits = matvec(p.W, out) + p.b;
    const said = o.mode === 'greedy' ? argmax(logits) : sample(logits, p.temperature);
    const loss = crossEntropy(logits, target);
    if (o.stop === 0) return { logits, said, loss, total: sum(sum(loss, 'T'), 'B') };
    const gone = heard === o.stop || state.ended > 0;
    const counted = gone ? 0 : loss;
    return {
      logits: gone ? 0 : logits,
      said: gone ? 0 : said,
      loss: counted,
      ended: gone ? 1 : 0,
      length: sum(gone ? 0 : 1, 'T'),
      total: sum(sum(counted, 'T'), 'B'),
    };
  },
});
