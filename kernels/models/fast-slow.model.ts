import { broadcast, choice, dropout, flag, integer, layer, model, over, repeat, scalar, vec } from 'recurve';

/**
 * Fast-Slow RNN: in every step the fast cells hand their state to each other, and one slow cell looks on.
 *
 * h_1(t) = fast_1(x(t), h_k(t−1))
 * s(t) = slow(h_1(t), s(t−1))
 * h_2(t) = fast_2(s(t), h_1(t))
 * h_i(t) = fast_i(h_{i−1}(t)), i = 3 … k
 *
 * Mujika, Meier & Steger 2017, arXiv:1705.08639. `fast` is k, and `cell` the kind of all cells: `lstm` makes it the paper's FS-LSTM-k,
 * whose h and c go from one to the next. The fast state is of size H, the slow one of size S. A fast cell behind the second hears
 * nothing: as in the authors' program its input is one 0, and its matrices on the input have one column.
 *
 * `layerNorm`, `ba` (Ba et al. 2016), and `zoneout` (Krueger et al. 2017) are those of the cells, `dropout` draws masks on x and on what
 * the slow cell hears and says, with the rate dropout_h, a parameter that no gradient reaches, and only with `training`; the paper
 * has all three.
 */
export default model({
  name: 'fast-slow',
  options: {
    cell: choice('lstm', 'gru', 'rnn'),
    fast: integer(2, { min: 2, max: 16 }),
    layerNorm: choice('none', 'ba'),
    zoneout: flag(false),
    dropout: flag(false),
  },
  dims: ['I', 'H', 'S'],
  inputs: { x: over('T', vec('I')) },
  state: (o) => ({ h: over('T', vec('H')), c: over('T', vec('H', { when: o.cell === 'lstm' })) }),
  layers: (o) => ({
    first: layer(o.cell, {}, { options: o }),
    slow: layer(o.cell, { I: 'H', H: 'S' }, { options: o }),
    second: layer(o.cell, { I: 'S' }, { options: o }),
    more: repeat(o.fast - 2, layer(o.cell, { I: 1 }, { options: o })),
  }),
  params: (o) => ({ dropout_h: scalar({ trainable: false, init: 0.1, when: o.dropout }) }),
  run({ x }, { first, slow, second, more }, p, { options: o, state }) {
    const low = first({ x: o.dropout ? dropout(x, p.dropout_h) : x }, { from: state }).state;
    const s = slow({ x: o.dropout ? dropout(low.h, p.dropout_h) : low.h }).h;
    let fast = second({ x: o.dropout ? dropout(s, p.dropout_h) : s }, { from: low }).state;
    for (let k = 0; k < o.fast - 2; k++) fast = more[k]({ x: broadcast(0, 1) }, { from: fast }).state;
    if (o.cell === 'lstm') return { h: fast.h, c: fast.c };
    return { h: fast.h };
  },
});
