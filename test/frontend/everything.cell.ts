import {
  absoluteError,
  antisymmetric,
  argmax,
  binaryCrossEntropy,
  blockIndex,
  blocks,
  blockTriangular,
  broadcast,
  cell,
  concat,
  conv1d,
  conv2d,
  crossEntropy,
  delay,
  dot,
  dropConnect,
  dropout,
  embed,
  huber,
  index,
  integer,
  kernel,
  layerNorm,
  logSumExp,
  lowRank,
  map,
  mat,
  matvec,
  max,
  maxOver,
  mean,
  noise,
  norm,
  outer,
  rmsNorm,
  sample,
  scalar,
  sigmoid,
  slice,
  softmax,
  split,
  squaredError,
  stack,
  sum,
  symbol,
  tanh,
  transpose,
  variance,
  vec,
  zoneout,
} from 'recurve';

/** Every operation of the language once: what an editor must accept and the compiler must read. */
export default cell({
  name: 'everything',
  options: { depth: integer(2, { min: 1, max: 3 }), taps: integer(3, { min: 1 }) },
  dims: ['X', 'X2', 'Y', 'Y2', 'N', 'I', 'H', 'K', 'G', 'J', 'V'],
  inputs: { x: vec('I'), gain: scalar(), line: map('X', 'I'), plane: map('X', 'Y', 3), heads: map('N', 'I'), word: symbol('V') },
  state: { h: vec('H'), clock: scalar(), memory: mat('H', 'I'), field: map('X', 'H') },
  params: (o) => ({
    W: mat('H', 'I'),
    U: stack(o.depth, 'H', 'H', { init: 'orthogonal' }),
    b: vec('H', { init: 0.5 }),
    rate: scalar({ init: 0.25, trainable: false }),
    plasticity: mat('H', 'I', { init: 0.1 }),
    heads: blocks('N', 'H', 'I'),
    gates: mat('G', 'I'),
    A: mat('H', 2),
    B: mat(2, 'I'),
    line: kernel('H', 'I', o.taps),
    plane: kernel('H', 3, 3, 2, { init: 'uniform' }),
    grouped: kernel('H', 'I', 2, { groups: 'N' }),
    place: map('X', 'H', { when: o.depth > 1 }),
    g: vec('H', { init: 'ones' }),
    masked: mat('H', 'H'),
    skew: mat('H', 'H'),
    words: mat('V', 'H'),
    counts: vec('V', { range: [0.5, 2] }),
  }),
  outputs: ['h', 'score', 'late'],
  step({ x, gain, line, plane, heads, word }, { h, clock, memory, field }, p, { options: o, t }) {
    let deep = h;
    for (let k = 0; k < o.depth; k++) deep = tanh(matvec(p.U[k], deep));
    const [i, f] = split(matvec(p.gates, x), 'H', 'H');
    const joined = concat('J', x, h);
    const attention = softmax(sum(matvec(p.heads, heads), 'H'));
    const read = matvec(memory + p.plasticity * memory, x) + matvec(p.W, matvec(transpose(memory), h));
    const along = conv1d(p.line, line, { padding: 'causal', dilation: 2 }) + (o.depth > 1 ? p.place : 0);
    const across = conv2d(p.plane, plane, { padding: 'valid', stride: [1, 2], to: ['X2', 'Y2'] });
    const grouped = conv1d(p.grouped, broadcast(heads, 'X', 'N', 'I'));
    const masked = matvec(transpose(blockTriangular(dropConnect(p.masked, 0.5), 4, 'lower')), h) + antisymmetric(p.skew, h);
    const late = delay(h, 3) + broadcast(sum(delay(x, 1)), 'H');
    const normal = layerNorm(deep, p.g, p.b) + rmsNorm(deep, p.g) + lowRank(p.A, p.B, x);
    const measured = mean(across) + variance(grouped) + maxOver(attention) + logSumExp(joined) + norm(slice(joined, 'K', 1));
    const logits = matvec(p.words, h) + crossEntropy(matvec(p.words, deep), word, { smoothing: p.rate, weights: p.counts });
    const seen = embed(p.words, word) + embed(p.words, argmax(logits)) * sample(logits, 0.7);
    const far = binaryCrossEntropy(deep, read) + squaredError(deep, h) + absoluteError(deep, h) + huber(deep, h, 0.5);
    const next = seen + far + sigmoid(i) * read + sigmoid(f) * normal + masked * sum(maxOver(along, 'X'));
    const counted = index('H') + blockIndex('H', 4) * t;
    const trained = o.training ? noise(next, 0.1) : next;
    return {
      h: zoneout(dropout(trained, p.rate, 'sequence'), h, p.rate) + counted * gain,
      clock: clock + 1,
      memory: memory + outer(h, x) * max(gain, 0),
      field: (field + along) / 2,
      score: dot(h, h) + measured + clock,
      late,
    };
  },
});
