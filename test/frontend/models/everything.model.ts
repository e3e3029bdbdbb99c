import {
  choice,
  concat,
  dropout,
  flag,
  integer,
  layer,
  mat,
  matvec,
  maxOver,
  mean,
  model,
  over,
  repeat,
  scalar,
  shift,
  softmax,
  sum,
  tanh,
  vec,
} from 'recurve';
import own from './own.cell.js';

/** Everything that a model can say: what an editor must accept and the compiler must read. More of it here. */
export default model({
  name: 'everything',
  options: { depth: integer(2, { min: 1, max: 8 }), cell: choice('gru', 'lstm'), wide: flag(false) },
  dims: ['I', 'H', 'D', 'K'],
  times: ['T'],
  inputs: { x: over('T', vec('I')), gain: over('T', scalar()), c: vec('K') },
  layers: (o) => ({
    first: layer('lstm', { I: 'I' }, { options: { peepholes: true } }),
    deep: repeat(o.depth - 1, layer(o.cell, { I: 'H' })),
    mine: layer(own, { I: 'D' }, { when: o.wide }),
    either: layer(o.wide ? own : 'rnn', { I: 'D' }),
  }),
  params: (o) => ({ W: mat('K', 'H'), b: vec('K'), h0: vec('H'), wide: scalar({ when: o.wide }) }),
  run({ x, c, gain }, { first, deep, mine, either }, p, { options }) {
    let h = first({ x }, { state: { h: p.h0 } }).h;
    for (let k = 0; k < options.depth - 1; k++) h = deep[k]({ x: h }).h + h;
    const joined = concat('D', h, shift(h, -1));
    const back = options.wide ? mine({ x: joined, gain }, { reverse: true }) : either({ x: joined, gain });
    const read = matvec(p.W, dropout(tanh(back.h), 0.1)) + p.b + c;
    const pooled = mean(read, 'T') + sum(read, 'T') + maxOver(read, 'T') + sum(softmax(read, 'T') * read, 'T');
    return { logits: pooled, read, last: back.final.h };
  },
});
