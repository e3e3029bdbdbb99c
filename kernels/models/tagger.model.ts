import { choice, concat, layer, mat, matvec, model, over, vec } from 'recurve';

/**
 * A label at every step from what came before and what comes after: one bidirectional layer and logits.
 *
 * f = forward(x), g = backward(x) from the last step to the first
 * logits = W [f; g] + b
 *
 * Schuster & Paliwal 1997, "Bidirectional Recurrent Neural Networks"; with LSTM, Graves & Schmidhuber 2005, "Framewise phoneme
 * classification". `merge` is what becomes of the two directions: `'concat'` as above, `'sum'` f + g, `'mean'` their mean,
 * `'product'` f ⊙ g. Every sequence is read back from its own end. K is the number of labels.
 */
export default model({
  name: 'tagger',
  options: { cell: choice('lstm', 'gru', 'rnn'), merge: choice('concat', 'sum', 'mean', 'product') },
  dims: ['I', 'H', 'K', 'D'],
  inputs: { x: over('T', vec('I')) },
  layers: (o) => ({ forward: layer(o.cell), backward: layer(o.cell) }),
  params: (o) => ({ W: mat('K', o.merge === 'concat' ? 'D' : 'H'), b: vec('K') }),
  run({ x }, { forward, backward }, p, { options: o }) {
    const f = forward({ x }).h;
    const g = backward({ x }, { reverse: true }).h;
    const sum = o.merge === 'product' ? f * g : f + g;
    const merged = o.merge === 'concat' ? concat('D', f, g) : o.merge === 'mean' ? sum / 2 : sum;
    return { logits: matvec(p.W, merged) + p.b };
  },
});
