import {
  argmax,
  choice,
  crossEntropy,
  either,
  embed,
  integer,
  layer,
  mat,
  matvec,
  model,
  over,
  sample,
  scalar,
  shift,
  sum,
  symbol,
  vec,
} from 'recurve';

/**
 * One to many: a sequence of symbols out of one vector. Each step hears the symbol that the step before has said.
 *
 * h_0 = c, the code
 * h_t = cell(E[s_{t−1}], h_{t−1})
 * s_t is drawn from softmax(W h_t + b), or the most likely one
 * loss_t = −log softmax(W h_t + b)[target_t], total = Σ loss of all steps of all sequences
 *
 * `mode` says how s_t is chosen: `greedy`, the most likely symbol; `sampled`, with the probabilities of softmax(logits / temperature),
 * the same for the same seed. The first step hears the state `said`, 0 where nobody gives another. With `forcing`
 * each step hears the target in place of what was said with this probability (scheduled sampling, Bengio et al. 2015,
 * arXiv:1506.03099): a parameter that no gradient reaches; `taught` is teacher forcing throughout (Williams & Zipser 1989), where
 * nothing is fed back and the projections of all steps are computed at once.
 *
 * `stop` is a symbol that ends a sequence early, 0 for none, since 0 is what the first step hears: a step that hears it, and every step
 * behind that one, counts as behind the sequence's length. Logits, symbols and losses are zero there, and no gradient comes of them.
 * `length` is the number of steps that count, with the one that said the stop symbol; the state `ended` is 1 from the end on. With
 * `taught` what is heard is the target, and its stop symbol ends the loss.
 */
export default model({
  name: 'generator',
  options: {
    cell: choice('gru', 'lstm', 'rnn'),
    mode: choice('greedy', 'sampled'),
    hears: choice('said', 'sometimes', 'taught'),
    stop: integer(0, { min: 0 }),
  },
  dims: ['V', 'E', 'H'],
  inputs: { code: vec('H'), target: over('T', symbol('V')) },
  state: (o) => ({
    said: over('T', symbol('V', { when: o.hears !== 'taught' })),
    ended: over('T', scalar({ range: [-1, 0.3], when: o.stop > 0 })),
  }),
  layers: (o) => ({ decoder: layer(o.cell, { I: 'E' }) }),
  params: (o) => ({
    E: mat('V', 'E'),
    W: mat('V', 'H'),
    b: vec('V'),
    temperature: scalar({ init: 1, range: [0.5, 2], trainable: false, when: o.mode === 'sampled' }),
    forcing: scalar({ init: 0.5, trainable: false, when: o.hears === 'sometimes' }),
  }),
  run({ code, target }, { decoder }, p, { options: o, state }) {
    const taught = shift(target, -1);
    const heard = o.hears === 'taught' ? taught : o.hears === 'said' ? state.said : either(taught, state.said, p.forcing);
    const h = decoder({ x: embed(p.E, heard) }, { state: { h: code } }).h;
    const logits = matvec(p.W, h) + p.b;
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
