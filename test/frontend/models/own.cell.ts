import { cell, mat, matvec, scalar, tanh, vec } from 'recurve';

/** A cell of somebody's own, with two inputs and an output beside its state. */
export default cell({
  name: 'own',
  dims: ['I', 'H'],
  inputs: { x: vec('I'), gain: scalar() },
  state: { h: vec('H') },
  params: { W: mat('H', 'I'), U: mat('H', 'H') },
  step({ x, gain }, { h }, p) {
    const next = tanh(matvec(p.W, x) * gain + matvec(p.U, h));
    return { h: next, score: next * next };
  },
});
