/** Functions that other frameworks have and recurve says otherwise: what to write for each. */

const PRODUCT = 'Write `matvec(p.W, x)` for a matrix times a vector, `dot(a, b)` for two vectors, `*` for each unit by itself.';
const REPEATED = 'Write the number: it is the same for every unit.';
const CHOICE = 'Write `a > b ? x : y`, for each unit by itself.';

/** By the name in lower case, without underscores. */
const INSTEAD: Readonly<Record<string, string>> = {
  matmul: PRODUCT,
  mm: PRODUCT,
  mv: PRODUCT,
  einsum: PRODUCT,
  linear: 'Write `matvec(p.W, x) + p.b`.',
  dense: 'Write `matvec(p.W, x) + p.b`.',
  add: 'Write `a + b`.',
  sub: 'Write `a - b`.',
  subtract: 'Write `a - b`.',
  mul: 'Write `a * b`, for each unit by itself.',
  multiply: 'Write `a * b`, for each unit by itself.',
  div: 'Write `a / b`.',
  divide: 'Write `a / b`.',
  relu6: 'Write `clamp(x, 0, 6)`.',
  hardtanh: 'Write `clamp(x, -1, 1)`.',
  selu: 'Write `1.0507 * elu(x, 1.67326)`.',
  prelu: 'Write `leakyRelu(x, p.a)`.',
  swish: 'Write `silu(x)`.',
  lerp: 'Write `a + w * (b - a)`.',
  rsqrt: 'Write `1 / sqrt(x)`.',
  reciprocal: 'Write `1 / x`.',
  maximum: 'Write `max(a, b)`; the largest of all units is `maxOver(x)`.',
  minimum: 'Write `min(a, b)`.',
  where: CHOICE,
  cond: CHOICE,
  ceil: 'Write `-floor(-x)`.',
  trunc: 'Write `x - x % 1`.',
  tan: 'Write `sin(x) / cos(x)`.',
  zeros: REPEATED,
  ones: REPEATED,
  full: REPEATED,
  cat: "Write `concat('N', a, b)`, where `N` is the dim of both together.",
  concatenate: "Write `concat('N', a, b)`, where `N` is the dim of both together.",
  chunk: "Write `const [a, b] = split(x, 'H', 'H')`.",
  expand: "Write `broadcast(x, 'H')`; what has no axes meets every shape by itself.",
  embedding: 'Write `embed(p.E, s)`.',
  mseloss: 'Write `squaredError(y, target)`.',
  l1loss: 'Write `absoluteError(y, target)`.',
  smoothl1loss: 'Write `huber(y, target, 1)`.',
  bcewithlogits: 'Write `binaryCrossEntropy(logits, target)`.',
  nllloss: 'Write `crossEntropy(logits, s)`: it takes logits.',
};

/** What to write in place of a function that is known elsewhere; `undefined` for what nobody has heard of. */
export function insteadOf(name: string): string | undefined {
  const key = name.toLowerCase().replaceAll('_', '');
  return Object.hasOwn(INSTEAD, key) ? INSTEAD[key] : undefined;
}

/** Their names in lower case, without underscores. */
export const FOREIGN: readonly string[] = Object.keys(INSTEAD);
