/** Every operation that is not per unit, by its name in the language. */

import type { Structural } from '../language/vocabulary.js';
import type { Operand } from '../machine/arguments.js';
import type { Machine } from '../machine/machine.js';
import type { Value } from '../machine/values.js';
import type { Span } from '../tree.js';
import { blockIndex, broadcast, concat, delay, index, slice, split } from './axes.js';
import { convolution } from './convolution.js';
import { dropConnect, dropout, either, noise, zoneout } from './draws.js';
import { crossEntropy } from './losses.js';
import { blockTriangular, transpose } from './matrices.js';
import { antisymmetric, dot, lowRank, matvec, outer } from './products.js';
import { reduction } from './reductions.js';
import { argmax, embed, sample } from './symbols.js';

/** Checks the arguments and makes the nodes; a mistake is reported and gives poison. */
type Operation = (machine: Machine, operands: readonly Operand[], at: Span) => Value;

export const OPERATIONS: { readonly [Name in Structural]: Operation } = {
  matvec,
  transpose,
  blockTriangular,
  lowRank,
  antisymmetric,
  outer,
  dot,
  sum: reduction('sum'),
  mean: reduction('mean'),
  variance: reduction('variance'),
  maxOver: reduction('maxOver'),
  logSumExp: reduction('logSumExp'),
  norm: reduction('norm'),
  softmax: reduction('softmax'),
  broadcast,
  concat,
  slice,
  split,
  conv1d: convolution(1),
  conv2d: convolution(2),
  delay,
  index,
  blockIndex,
  dropout,
  zoneout,
  dropConnect,
  noise,
  either,
  embed,
  argmax,
  sample,
  crossEntropy,
};
