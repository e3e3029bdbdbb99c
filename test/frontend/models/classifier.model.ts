import { integer, layer, mat, matvec, mean, model, over, repeat, vec } from 'recurve';

/** One answer for a whole sequence. A layer whose first state is learned, and others above it. */
export default model({
  name: 'classifier',
  options: { layers: integer(2, { min: 1, max: 8 }) },
  dims: ['I', 'H', 'K'],
  times: ['T'],
  inputs: { x: over('T', vec('I')), c: vec('K') },
  layers: (o) => ({
    first: layer('lstm', { I: 'I' }, { options: { peepholes: true } }),
    deep: repeat(o.layers - 1, layer('lstm', { I: 'H' })),
  }),
  params: { W: mat('K', 'H'), b: vec('K'), h0: vec('H') },
  run({ x, c }, { first, deep }, p, { options }) {
    let h = first({ x }, { state: { h: p.h0 } }).h;
    for (let k = 0; k < options.layers - 1; k++) h = deep[k]({ x: h }).h + h;
    return { logits: matvec(p.W, mean(h, 'T')) + p.b + c };
  },
});
