import { choice, dot, integer, layer, mat, matvec, maxOver, mean, model, over, repeat, softmax, sum, tanh, vec } from 'recurve';

/**
 * One answer for a whole sequence: recurrent layers, what they say pooled over time, and logits.
 *
 * h = layer_layers(… layer_1(x))
 * m = pooled h over the steps of each sequence
 * logits = W m + b
 *
 * `pooling`: `'last'` the state after the last step, `'mean'` and `'max'` over all steps (Collobert & Weston 2008), or
 * `'attention'`, m = Σ_t α(t) h(t) with α = softmax over t of a · tanh(A h(t) + b_a) (Yang et al. 2016, "Hierarchical Attention
 * Networks for Document Classification"). Each over the steps of every sequence's own length. K is the number of classes.
 */
export default model({
  name: 'classifier',
  options: {
    cell: choice('lstm', 'gru', 'rnn'),
    layers: integer(1, { min: 1, max: 8 }),
    pooling: choice('last', 'mean', 'max', 'attention'),
  },
  dims: ['I', 'H', 'K', 'A'],
  inputs: { x: over('T', vec('I')) },
  layers: (o) => ({ first: layer(o.cell), deep: repeat(o.layers - 1, layer(o.cell, { I: 'H' })) }),
  params: (o) => ({
    A: mat('A', 'H', { when: o.pooling === 'attention' }),
    b_a: vec('A', { when: o.pooling === 'attention' }),
    a: vec('A', { when: o.pooling === 'attention' }),
    W: mat('K', 'H'),
    b: vec('K'),
  }),
  run({ x }, { first, deep }, p, { options: o }) {
    let top = first({ x });
    for (let k = 0; k < o.layers - 1; k++) top = deep[k]({ x: top.h });
    const weight = o.pooling === 'attention' ? softmax(dot(p.a, tanh(matvec(p.A, top.h) + p.b_a)), 'T') : 0;
    const all = o.pooling === 'mean' ? mean(top.h, 'T') : o.pooling === 'max' ? maxOver(top.h, 'T') : top.final.h;
    const pooled = o.pooling === 'attention' ? sum(weight * top.h, 'T') : all;
    return { logits: matvec(p.W, pooled) + p.b };
  },
});
