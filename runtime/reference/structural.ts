/** Functions of the language that look at more than one element at a time, by name. */
import type { StructuralName } from '../../codegen/frontend/tree.js';
import { axesOf, type StepContext } from './context.js';
import { convolve, type Padding, type Sweep } from './convolve.js';
import { crossEntropy } from './cross-entropy.js';
import type { Lifetime } from './draws.js';
import { blockOf, blockTriangular, transpose } from './matrix.js';
import { antisymmetric, matvec, outer } from './matvec.js';
import { describe, isArray, isNamespace, type Operand, toValue } from './operand.js';
import { select } from './operations.js';
import { dot, type Reduction, reduce, reductions, softmax } from './reduce.js';
import { dropConnect, dropout, either, noise, zoneout } from './regularize.js';
import { broadcast, concat, perUnit, slice, split } from './structure.js';
import { argmax, embed, sample } from './symbols.js';
import { type Axis, constant } from './tape.js';
import { pointwise } from './tensor.js';

type Structural = (context: StepContext, args: readonly Operand[]) => Operand;

/** A sum, mean, maximum …, over all units or one axis. */
const reducing =
  (reduction: Reduction): Structural =>
  ({ tape }, [x, dim]) =>
    reduce(tape, reduction, toValue(x), dim === undefined ? undefined : dimOf(dim));

/** One for every name that the parsed tree can hold. */
export const structural: { readonly [S in StructuralName]: Structural } = {
  matvec: ({ tape }, [matrix, x]) => matvec(tape, toValue(matrix), toValue(x)),
  lowRank: ({ tape }, [a, b, x]) => matvec(tape, toValue(a), matvec(tape, toValue(b), toValue(x))),
  antisymmetric: ({ tape }, [matrix, x]) => antisymmetric(tape, toValue(matrix), toValue(x)),
  transpose: ({ tape }, [matrix]) => transpose(tape, toValue(matrix)),
  blockTriangular: ({ tape }, [matrix, n, side]) =>
    blockTriangular(tape, toValue(matrix), wholeNumber(n), oneOf(side ?? 'upper', ['upper', 'lower'])),
  outer: ({ tape }, [a, b]) => outer(tape, toValue(a), toValue(b)),
  dot: ({ tape }, [a, b]) => dot(tape, toValue(a), toValue(b)),
  softmax: ({ tape }, [x, dim]) => softmax(tape, toValue(x), dim === undefined ? undefined : dimOf(dim)),
  sum: reducing(reductions.sum),
  mean: reducing(reductions.mean),
  variance: reducing(reductions.variance),
  maxOver: reducing(reductions.maxOver),
  logSumExp: reducing(reductions.logSumExp),
  norm: reducing(reductions.norm),
  broadcast: ({ tape, sizes }, [x, ...dims]) => broadcast(tape, toValue(x), axesOf(sizes, dims.map(dimOf))),
  concat: (context, [dim, ...parts]) => concat(context.tape, axisOf(context, dim), parts.map(toValue)),
  slice: (context, [x, dim, from]) => slice(context.tape, toValue(x), axisOf(context, dim), wholeNumber(from)),
  split: ({ tape, sizes }, [x, ...dims]) => split(tape, toValue(x), axesOf(sizes, dims.map(dimOf))),
  conv1d: (context, [kernel, x, settings]) => {
    return convolve(context.tape, toValue(kernel), toValue(x), sweepsOf(context, settings, 1));
  },
  conv2d: (context, [kernel, x, settings]) => {
    return convolve(context.tape, toValue(kernel), toValue(x), sweepsOf(context, settings, 2));
  },
  delay: ({ delayed }, [x, steps]) => delayed(toValue(x), wholeNumber(steps)),
  index: (context, [dim]) => perUnit(axisOf(context, dim), (unit) => unit),
  blockIndex: (context, [dim, n]) => {
    const axis = axisOf(context, dim);
    return perUnit(axis, (unit) => blockOf(unit, wholeNumber(n), axis.size));
  },
  dropout: (context, [x, rate, lifetime]) => dropout(context, toValue(x), toValue(rate), lifetimeOf(lifetime)),
  zoneout: (context, [next, previous, rate, lifetime]) =>
    zoneout(context, toValue(next), toValue(previous), toValue(rate), lifetimeOf(lifetime)),
  dropConnect: (context, [matrix, rate]) => dropConnect(context, toValue(matrix), toValue(rate)),
  noise: (context, [x, scale]) => noise(context, toValue(x), toValue(scale)),
  either: (context, [a, b, rate]) => {
    // What is certain draws nothing.
    const certain = typeof rate === 'number' ? Math.fround(rate) : undefined;
    if (certain === 0 || certain === 1) return pointwise(context.tape, select, [constant(certain), toValue(a), toValue(b)]);
    return either(context, toValue(a), toValue(b), toValue(rate));
  },
  embed: ({ tape }, [matrix, symbol]) => embed(tape, toValue(matrix), toValue(symbol)),
  argmax: ({ tape }, [x, dim]) => argmax(tape, toValue(x), dim === undefined ? undefined : dimOf(dim)),
  sample: (context, [x, temperature]) => sample(context, toValue(x), toValue(temperature ?? 1)),
  crossEntropy: ({ tape }, [x, symbol, settings]) => {
    const [smoothing, weights] = ['smoothing', 'weights'].map((name) => settingOf(settings, name));
    return crossEntropy(
      tape,
      toValue(x),
      toValue(symbol),
      toValue(smoothing ?? 0),
      weights === undefined ? undefined : toValue(weights),
    );
  },
};

export const isStructural = (name: string): name is StructuralName => Object.hasOwn(structural, name);

function sweepsOf(context: StepContext, settings: Operand | undefined, axes: number): Sweep[] {
  /** The setting of one axis: given for all, or a list with one for each. */
  const setting = (name: string, axis: number): Operand | undefined => {
    const given = settingOf(settings, name);
    return isArray(given) ? given[axis] : given;
  };
  return Array.from({ length: axes }, (_, axis) => {
    const to = setting('to', axis);
    return {
      padding: oneOf<Padding>(setting('padding', axis) ?? 'same', ['same', 'valid', 'causal']),
      stride: wholeNumber(setting('stride', axis) ?? 1),
      dilation: wholeNumber(setting('dilation', axis) ?? 1),
      to: to === undefined ? undefined : axisOf(context, to),
    };
  });
}

/** A member of the object that holds a call's settings. */
function settingOf(settings: Operand | undefined, name: string): Operand | undefined {
  if (settings !== undefined && !isNamespace(settings)) throw new Error(`settings are ${describe(settings)}`);
  return settings?.members.get(name);
}

function axisOf({ sizes }: StepContext, dim: Operand | undefined): Axis {
  const [axis] = axesOf(sizes, [dimOf(dim)]);
  if (axis === undefined) throw new Error('no dim');
  return axis;
}

/** A dim's name, or the digits of a fixed size. */
function dimOf(dim: Operand | undefined): string {
  if (typeof dim === 'string' || typeof dim === 'number') return String(dim);
  throw new Error(`expected a dim, found ${describe(dim)}`);
}

function wholeNumber(operand: Operand | undefined): number {
  if (typeof operand === 'number' && Number.isInteger(operand) && operand >= 0) return operand;
  throw new Error(`expected a whole number, found ${describe(operand)}`);
}

function lifetimeOf(operand: Operand | undefined): Lifetime {
  return oneOf<Lifetime>(operand ?? 'step', ['step', 'sequence']);
}

function oneOf<Choice extends string>(operand: Operand, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === operand);
  if (found === undefined) throw new Error(`expected one of ${choices.join(', ')}, found ${describe(operand)}`);
  return found;
}
