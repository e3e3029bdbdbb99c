/** Random masks and noise: what they are in training, and what stands for them otherwise. */
import type { Leaf, NodeId, Rate } from '../../ir/graph.js';
import type { Operand } from '../machine/arguments.js';
import type { Machine } from '../machine/machine.js';
import { describe, POISON, showShape, type Value } from '../machine/values.js';
import type { Span } from '../tree.js';
import { agree } from './arithmetic.js';
import { isWord, parameterArgument, refuseTwice } from './matrices.js';

type Per = Extract<Leaf, { op: 'random' }>['per'];

/** `dropout(x, rate)`: in training zero with probability `rate`, else scaled up so that the mean stays. */
export function dropout(machine: Machine, [first, second, third]: readonly Operand[], at: Span): Value {
  if (first === undefined || second === undefined) return POISON;
  const x = machine.number(first.value, first.span);
  const rate = rateArgument(machine, second);
  const per = perArgument(machine, third);
  if (x === undefined || rate === undefined || per === undefined) return POISON;
  if (!machine.training) return { kind: 'node', id: x };
  const { builder } = machine;
  const p = rateNode(machine, rate, at);
  const kept = builder.apply('ge', [uniform(machine, x, per, at), p], at);
  // At a rate of one nothing is kept, and there is no number to divide by.
  const scaled = rate === 1 ? x : builder.apply('div', [x, complement(machine, p, at)], at);
  return { kind: 'node', id: builder.apply('select', [kept, scaled, builder.constant(0, at)], at) };
}

/** `zoneout(next, previous, rate)`: in training the previous value with probability `rate`, else the mean of the two. */
export function zoneout(machine: Machine, [first, second, third, fourth]: readonly Operand[], at: Span): Value {
  if (first === undefined || second === undefined || third === undefined) return POISON;
  const next = machine.number(first.value, first.span);
  const previous = machine.number(second.value, second.span);
  const rate = rateArgument(machine, third);
  const per = perArgument(machine, fourth);
  if (next === undefined || previous === undefined || rate === undefined || per === undefined) return POISON;
  if (!agree(machine, '`zoneout`', [next, previous], at)) return POISON;
  const { builder } = machine;
  const p = rateNode(machine, rate, at);
  if (!machine.training) {
    const rest = builder.apply('mul', [complement(machine, p, at), next], at);
    const mean = builder.apply('add', [builder.apply('mul', [p, previous], at), rest], at);
    return { kind: 'node', id: certain(machine, p, { never: next, always: previous, else: mean }, at) };
  }
  const whole = machine.shape(next).length > 0 ? next : previous;
  const stays = builder.apply('lt', [uniform(machine, whole, per, at), p], at);
  return { kind: 'node', id: builder.apply('select', [stays, previous, next], at) };
}

/** `dropConnect(M, rate)`: a matrix some of whose entries are zero for the whole run in training. */
export function dropConnect(machine: Machine, [first, second]: readonly Operand[]): Value {
  if (first === undefined || second === undefined) return POISON;
  const matrix = parameterArgument(machine, 'dropConnect', first);
  const rate = rateArgument(machine, second);
  if (matrix === undefined || rate === undefined) return POISON;
  if (matrix.ref.drop !== undefined) return refuseTwice(machine, 'dropConnect', first.span);
  if (!machine.training) return { kind: 'matrix', matrix };
  return { kind: 'matrix', matrix: { ...matrix, ref: { ...matrix.ref, drop: { site: machine.nextDraw(), rate } } } };
}

/** `noise(x, scale)`: in training a normal draw of standard deviation `scale` is added. */
export function noise(machine: Machine, [first, second]: readonly Operand[], at: Span): Value {
  if (first === undefined || second === undefined) return POISON;
  const x = machine.number(first.value, first.span);
  const scale = machine.number(second.value, second.span);
  if (x === undefined || scale === undefined) return POISON;
  const [own, given] = [machine.shape(x), machine.shape(scale)];
  if (given.length > 0 && own.join() !== given.join()) {
    const message = `the scale of this \`noise\` is ${showShape(given)}, and its value is ${showShape(own)}`;
    machine.report('SPEC-NOISE-SCALE', second.span, message, 'Give it a scalar, or a scale of the shape of the value.');
    return POISON;
  }
  if (!machine.training) return { kind: 'node', id: x };
  const { builder } = machine;
  const draw = builder.leaf({ op: 'random', site: machine.nextDraw(), distribution: 'normal', per: 'step' }, own, at);
  return { kind: 'node', id: builder.apply('add', [x, builder.apply('mul', [scale, draw], at)], at) };
}

/** `either(a, b, rate)`: a with probability `rate`, else b, all units together, in training and otherwise. */
export function either(machine: Machine, [first, second, third]: readonly Operand[], at: Span): Value {
  if (first === undefined || second === undefined || third === undefined) return POISON;
  const a = machine.number(first.value, first.span);
  const b = machine.number(second.value, second.span);
  const rate = rateArgument(machine, third);
  if (a === undefined || b === undefined || rate === undefined) return POISON;
  if (!agree(machine, '`either`', [a, b], at)) return POISON;
  const { builder } = machine;
  if (rate === 0 || rate === 1) {
    const [taken, other] = rate === 1 ? [a, b] : [b, a];
    // A scalar among units is one for each of them, whatever the rate.
    const [own, shape] = [machine.shape(taken), machine.shape(other)];
    return { kind: 'node', id: own.length > 0 ? taken : builder.expand(taken, shape, [], at) };
  }
  const leaf: Leaf = { op: 'random', site: machine.nextDraw(), distribution: 'uniform', per: 'step' };
  const taken = builder.apply('lt', [builder.leaf(leaf, [], at), rateNode(machine, rate, at)], at);
  return { kind: 'node', id: builder.apply('select', [taken, a, b], at) };
}

function uniform(machine: Machine, like: NodeId, per: Per, at: Span): NodeId {
  const leaf: Leaf = { op: 'random', site: machine.nextDraw(), distribution: 'uniform', per };
  return machine.builder.leaf(leaf, machine.shape(like), at);
}

function perArgument(machine: Machine, operand: Operand | undefined): Per | undefined {
  if (operand === undefined) return 'step';
  return isWord(machine, operand, 'sequence', 'how often a mask is drawn') && 'sequence';
}

/** 1 − p. */
function complement({ builder }: Machine, p: NodeId, at: Span): NodeId {
  return builder.apply('sub', [builder.constant(1, at), p], at);
}

/** What a rate of 0 or 1 decides takes no part of the other value, be that infinite. */
function certain(
  { builder }: Machine,
  p: NodeId,
  value: { readonly never: NodeId; readonly always: NodeId; readonly else: NodeId },
  at: Span,
): NodeId {
  const test = (rate: number) => builder.apply('eq', [p, builder.constant(rate, at)], at);
  return builder.apply('select', [test(0), value.never, builder.apply('select', [test(1), value.always, value.else], at)], at);
}

/** A number from 0 to 1, as float32 holds it, or a scalar parameter; `undefined` after a mistake. */
export function rateArgument(machine: Machine, { value, span }: Operand): Rate | undefined {
  if (value.kind === 'poison') return undefined;
  if (value.kind === 'absent') {
    machine.absent(value, span);
    return undefined;
  }
  if (value.kind === 'declared' && value.group === 'params' && value.declaration.shape.length === 0) {
    const { name, init } = value.declaration;
    machine.used.add(`params.${name}`);
    machine.rates.add(name);
    if (typeof init !== 'number' || isProbability(init)) return { param: name };
    const message = `a rate is from 0 to 1, and the \`init\` of \`${name}\` is ${init}`;
    machine.report('SPEC-RATE', span, message, 'Declare it with an `init` from 0 to 1.');
    return undefined;
  }
  if (value.kind === 'static' && typeof value.value === 'number' && isProbability(value.value)) return Math.fround(value.value);
  const message = `a rate is a number from 0 to 1 or a scalar parameter, and this is ${describe(value, machine.builder)}`;
  machine.report(
    'SPEC-RATE',
    span,
    message,
    'Write a number, a `real` option, or `p.rate` with `rate: scalar({ init: 0.1, trainable: false })`.',
  );
  return undefined;
}

const isProbability = (rate: number) => rate >= 0 && rate <= 1;

/** No gradient flows to a rate. */
export function rateNode(machine: Machine, rate: Rate, at: Span): NodeId {
  const { builder } = machine;
  return typeof rate === 'number' ? builder.constant(rate, at) : machine.held(builder.param(rate.param, [], at), at);
}
