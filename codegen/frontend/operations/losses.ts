/** Losses that look at all units at once. Those that are per unit are written in the language: kernels/library/losses.ts. */
import type { NodeId, Rate } from '../../ir/graph.js';
import { didYouMean, listNames } from '../../suggest.js';
import type { Operand } from '../machine/arguments.js';
import type { Machine } from '../machine/machine.js';
import { describe, POISON, showShape, type Value } from '../machine/values.js';
import type { Span } from '../tree.js';
import { rateArgument, rateNode } from './draws.js';
import { reportedProbabilities } from './loss-arguments.js';
import { sameShape } from './products.js';
import { logSumExpParts, reduction } from './reductions.js';
import { reportedForeign, symbolArgument } from './symbols.js';

const NAMES = ['smoothing', 'weights'] as const;

interface Settings {
  readonly smoothing: Rate;
  readonly weights: NodeId | undefined;
}

/**
 * `logSumExp(x) − x[s]`: how surprising symbol s is where softmax(x) was said of all (in nats). With smoothing ε (Szegedy et al. 2016)
 * and weights w, (1 − ε)·w[s]·(logSumExp(x) − x[s]) + ε·mean(w·(logSumExp(x) − x)): no part is negative where no weight is.
 */
export function crossEntropy(machine: Machine, [first, second, third]: readonly Operand[], at: Span): Value {
  if (first === undefined || second === undefined) return POISON;
  const x = machine.number(first.value, first.span);
  const target = machine.number(second.value, second.span);
  if (x === undefined || target === undefined) return POISON;
  const shape = machine.shape(x);
  if (shape.length === 0 && machine.shape(target).length === 1) {
    const message = `the first argument of \`crossEntropy\` is a scalar and the second ${showShape(machine.shape(target))}: they are the wrong way round`;
    machine.report('SPEC-SYMBOL', at, message, 'Write `crossEntropy(logits, s)`, the logits first.');
    return POISON;
  }
  const symbol = symbolArgument(machine, 'crossEntropy', second, 'for a probability q of each write `logSumExp(x) - dot(q, x)`');
  if (symbol === undefined) return POISON;
  if (shape.length !== 1) {
    const message = `the first argument of \`crossEntropy\` is ${showShape(shape)}, and it takes a vector: a number for each symbol`;
    machine.report('SPEC-PRODUCT-SHAPE', first.span, message, 'Write `crossEntropy(logits, s)`, the logits over one dim.');
    return POISON;
  }
  if (reportedForeign(machine, 'crossEntropy', { id: symbol, span: second.span }, shape[0] ?? '', 'a number for each'))
    return POISON;
  if (reportedProbabilities(machine, 'crossEntropy', first)) return POISON;
  const settings = settingsOf(machine, x, third);
  if (settings === undefined) return POISON;
  const { top, rest } = logSumExpParts({ machine, x, shape, axes: [0], at });
  const { smoothing, weights } = settings;
  const { builder } = machine;
  const apply = (op: 'add' | 'sub' | 'mul' | 'div', a: NodeId, b: NodeId) => builder.apply(op, [a, b], at);
  const isRight = builder.apply('eq', [builder.leaf({ op: 'index', blocks: undefined }, shape, at), symbol], at);
  const own = (of: NodeId) => builder.reduce('sum', builder.apply('select', [isRight, of, builder.constant(0, at)], at), [0], at);
  const weighted = (loss: NodeId, weight: NodeId | undefined) => (weight === undefined ? loss : apply('mul', weight, loss));
  // The distance to the maximum comes first: of large logits the small part would be lost in the sum.
  const surprise = (of: NodeId) => apply('add', rest, apply('sub', top, of));
  const right = weighted(surprise(own(x)), weights && own(weights));
  if (smoothing === 0) return { kind: 'node', id: right };
  const each = weighted(surprise(x), weights);
  const mean = reduction('mean')(machine, [{ value: { kind: 'node', id: each }, span: at }], at);
  if (mean.kind !== 'node') return POISON;
  const epsilon = rateNode(machine, smoothing, at);
  const sharp = apply('sub', builder.constant(1, at), epsilon);
  return { kind: 'node', id: apply('add', apply('mul', sharp, right), apply('mul', epsilon, mean.id)) };
}

/** `undefined` after a mistake. */
function settingsOf(machine: Machine, x: NodeId, operand: Operand | undefined): Settings | undefined {
  if (operand === undefined) return { smoothing: 0, weights: undefined };
  const { value, span } = operand;
  if (value.kind === 'poison') return undefined;
  if (value.kind !== 'object') {
    const message = `the settings of \`crossEntropy\` are an object, and this is ${describe(value, machine.builder)}`;
    machine.report('SPEC-LOSS-SETTING', span, message, 'Write `{ smoothing: 0.1, weights: p.w }`, either or both.');
    return undefined;
  }
  let whole = true;
  const given = (name: (typeof NAMES)[number]): Operand | undefined => {
    const member = value.members.get(name);
    return member && { value: member, span: value.places?.get(name) ?? span };
  };
  for (const name of value.members.keys()) {
    if (NAMES.some((known) => known === name)) continue;
    const fix = didYouMean(name, NAMES, `There are ${listNames(NAMES)}.`);
    machine.report('SPEC-LOSS-SETTING', value.places?.get(name) ?? span, `\`crossEntropy\` has no setting \`${name}\``, fix);
    whole = false;
  }
  const [smoothing, weights] = [given('smoothing'), given('weights')];
  const rate = smoothing === undefined ? 0 : rateArgument(machine, smoothing);
  const vector = weights && weightsOf(machine, x, weights);
  if (!whole || rate === undefined || (weights !== undefined && vector === undefined)) return undefined;
  return { smoothing: rate, weights: vector };
}

function weightsOf(machine: Machine, x: NodeId, { value, span }: Operand): NodeId | undefined {
  const weights = machine.number(value, span);
  if (weights === undefined || sameShape(machine.shape(weights), machine.shape(x))) return weights;
  const [own, wanted] = [machine.shape(weights), machine.shape(x)].map(showShape);
  const message = `these weights are ${own}, and there is one for each symbol: ${wanted}`;
  const fix = 'A weight of a step or a sequence is a factor: `w * crossEntropy(logits, s)`.';
  machine.report('SPEC-LOSS-SETTING', span, message, fix);
  return undefined;
}
