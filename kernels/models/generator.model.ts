import {
  argmax,
  choice,
  crossEntropy,
  either,
  embed,
  layer,
  mat,
  matvec,
  model,
  over,
  sample,
  scalar,
  shift,
  symbol,
  vec,
} from 'recurve';

/**
 * One to many: a sequence of symbols out of one vector. Each step hears the symbol that the step before has said.
 *
 * h_0 = c, the code
 * h_t = cell(E[s_{t−1}], h_{t−1})
 * s_t is drawn from softmax(W h_t + b), or the most likely one
 * loss_t = −log softmax(W h_t + b)[target_t]
 *
 * `mode` says how s_t is chosen: `greedy`, the most likely symbol; `sampled`, with the probabilities of softmax(logits / temperature),
 * the same for the same seed. The first step hears the state `said`, 0 where nobody gives another. With `forcing`
 * each step hears the target in place of what was said with this probability (scheduled sampling, Bengio et al. 2015,
 * arXiv:1506.03099): a parameter that no gradient reaches; `taught` is teacher forcing throughout (Williams & Zipser 1989), where
 * nothing is fed back and the projections of all steps are computed at once.
 */
export default model({
  name: 'generator',
  options: {
    cell: choice('gru', 'lstm', 'rnn'),
    mode: choice('greedy', 'sampled'),
    hears: choice('said', 'sometimes', 'taught'),
  },
  dims: ['V', 'E', 'H'],
  inputs: { code: vec('H'), target: over('T', symbol('V')) },
  state: (o) => ({ said: over('T', symbol('V', { when: o.hears !== 'taught' })) }),
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
    return { logits, said, loss: crossEntropy(logits, target) };
  },
});
