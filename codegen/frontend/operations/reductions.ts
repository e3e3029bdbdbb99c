/** One number for all units, or for all along one axis: sums, means, maxima, and what is made of them. */
import type { NodeId, Shape } from '../../ir/graph.js';
import { isFixed } from '../../ir/sizes.js';
import { axisArgument, type Operand } from '../machine/arguments.js';
import type { Machine } from '../machine/machine.js';
import { POISON, type Value } from '../machine/values.js';
import type { Span } from '../tree.js';

/** A value and the axes over which it is reduced, by position. */
interface Reduction {
  readonly machine: Machine;
  readonly x: NodeId;
  readonly shape: Shape;
  readonly axes: readonly number[];
  readonly at: Span;
}

const FORMULAS = {
  sum: (over: Reduction) => sum(over, over.x),
  mean: (over: Reduction) => mean(over, over.x),
  variance,
  maxOver: (over: Reduction) => maximum(over),
  logSumExp,
  norm,
  softmax,
} as const;

export function reduction(name: keyof typeof FORMULAS) {
  return (machine: Machine, [operand, named]: readonly Operand[], at: Span): Value => {
    const x = operand && machine.number(operand.value, operand.span);
    if (x === undefined) return POISON;
    const shape = machine.shape(x);
    const axis = named && axisArgument(machine, shape, named);
    if (named !== undefined && axis === undefined) return POISON;
    const axes = axis === undefined ? [...shape.keys()] : [axis];
    return { kind: 'node', id: FORMULAS[name]({ machine, x, shape, axes, at }) };
  };
}

function sum({ machine, axes, at }: Reduction, x: NodeId): NodeId {
  return machine.builder.reduce('sum', x, axes, at);
}

function maximum({ machine, x, axes, at }: Reduction): NodeId {
  return machine.builder.reduce('max', x, axes, at);
}

function mean(over: Reduction, x: NodeId): NodeId {
  const { machine, shape, axes, at } = over;
  const dims = axes.map((axis) => shape[axis] ?? '');
  const { builder } = machine;
  const count = dims.every(isFixed)
    ? builder.constant(
        dims.reduce((product, dim) => product * Number(dim), 1),
        at,
      )
    : builder.leaf({ op: 'extent', dims }, [], at);
  return builder.apply('div', [sum(over, x), count], at);
}

/** What was reduced, once more beside every value that went into it. A scalar meets them as it is. */
function again({ machine, shape, axes, at }: Reduction, reduced: NodeId): NodeId {
  if (machine.shape(reduced).length === 0) return reduced;
  const kept = [...shape.keys()].filter((axis) => !axes.includes(axis));
  return machine.builder.expand(reduced, shape, kept, at);
}

function variance(over: Reduction): NodeId {
  const { machine, x, at } = over;
  const deviation = machine.builder.apply('sub', [x, again(over, mean(over, x))], at);
  return mean(over, machine.builder.apply('square', [deviation], at));
}

function norm(over: Reduction): NodeId {
  const { builder } = over.machine;
  return builder.apply('sqrt', [sum(over, builder.apply('square', [over.x], over.at))], over.at);
}

/** The maximum, and e to the power of what each value lies below it: no exponential overflows. */
function shifted(over: Reduction): { readonly top: NodeId; readonly powers: NodeId } {
  const { machine, x, at } = over;
  const top = machine.held(maximum(over), at);
  return { top, powers: machine.builder.apply('exp', [machine.builder.apply('sub', [x, again(over, top)], at)], at) };
}

function logSumExp(over: Reduction): NodeId {
  const { top, rest } = logSumExpParts(over);
  return over.machine.builder.apply('add', [top, rest], over.at);
}

/** log Σ eˣ in two parts: the maximum, which no cotangent reaches, and log Σ e^(x − maximum), which carries all of the slope. */
export function logSumExpParts(over: Reduction): { readonly top: NodeId; readonly rest: NodeId } {
  const { top, powers } = shifted(over);
  return { top, rest: over.machine.builder.apply('log', [sum(over, powers)], over.at) };
}

function softmax(over: Reduction): NodeId {
  const { powers } = shifted(over);
  return over.machine.builder.apply('div', [powers, again(over, sum(over, powers))], over.at);
}
