/** Operators that give the same elements another shape or order. */
import { elements } from '../../../data.js';
import { shapeText } from '../../describe.js';
import { integer, integers } from '../attributes.js';
import type { Constant } from '../constant.js';
import {
  type Application,
  axisFrom,
  broadcastShape,
  broadcastTo,
  fault,
  input,
  type Operator,
  reshaped,
  strided,
  stridesOf,
  wholeNumbers,
} from './operator.js';

export const identity: Operator = (application) => [input(application, 0)];

/** A size of 0 takes over the input's, or is 0 with `allowzero`; one may be −1. Version 1 has the shape as an attribute. */
export const reshape: Operator = (application) => {
  const from = input(application, 0);
  const wanted = integers(application.node, 'shape') ?? wholeNumbers(application, 1);
  if (!wanted) throw fault(application, 'has no shape');
  const keeps = (integer(application.node, 'allowzero') ?? 0) === 0;
  const sizes = wanted.map((size, axis) => (size === 0 && keeps ? (from.shape[axis] ?? -2) : size));
  const known = elements(sizes.filter((size) => size !== -1));
  const shape = sizes.map((size) => (size === -1 ? elements(from.shape) / known : size));
  const good = shape.every((size) => Number.isInteger(size) && size >= 0) && elements(shape) === elements(from.shape);
  if (good && sizes.filter((size) => size === -1).length <= 1) return [reshaped(application, from, shape)];
  throw fault(application, `gives ${shapeText(from.shape)} the shape ${shapeText(wanted)}`);
};

const axesOf = (application: Application) => integers(application.node, 'axes') ?? wholeNumbers(application, 1);

/** Without axes, every axis of size 1 goes. */
export const squeeze: Operator = (application) => {
  const from = input(application, 0);
  const axes = axesOf(application)?.map((axis) => axisFrom(application, axis, from.shape.length));
  const gone = new Set(axes ?? from.shape.flatMap((size, axis) => (size === 1 ? [axis] : [])));
  const wrong = [...gone].find((axis) => from.shape[axis] !== 1);
  if (wrong !== undefined) throw fault(application, `removes axis ${wrong} of ${shapeText(from.shape)}, which is not of size 1`);
  return [
    reshaped(
      application,
      from,
      from.shape.filter((_, axis) => !gone.has(axis)),
    ),
  ];
};

/** Axes are those of the result. */
export const unsqueeze: Operator = (application) => {
  const from = input(application, 0);
  const axes = axesOf(application);
  if (!axes) throw fault(application, 'has no axes');
  const rank = from.shape.length + axes.length;
  const fresh = new Set(axes.map((axis) => axisFrom(application, axis, rank)));
  if (fresh.size < axes.length) throw fault(application, `has an axis twice: ${shapeText(axes)}`);
  const old = from.shape.values();
  return [
    reshaped(
      application,
      from,
      Array.from({ length: rank }, (_, axis) => (fresh.has(axis) ? 1 : (old.next().value ?? 1))),
    ),
  ];
};

export const flatten: Operator = (application) => {
  const from = input(application, 0);
  const axis = integer(application.node, 'axis') ?? 1;
  // Here an axis may also be the end.
  const at = axis < 0 ? axis + from.shape.length : axis;
  if (!(at >= 0 && at <= from.shape.length)) throw fault(application, `has the axis ${axis} on ${from.shape.length} axes`);
  return [reshaped(application, from, [elements(from.shape.slice(0, at)), elements(from.shape.slice(at))])];
};

export const transpose: Operator = (application) => {
  const from = input(application, 0);
  const rank = from.shape.length;
  const order = integers(application.node, 'perm') ?? from.shape.map((_, axis) => rank - 1 - axis);
  if (order.length !== rank || new Set(order).size !== rank || order.some((axis) => !(axis >= 0 && axis < rank))) {
    throw fault(application, `puts the axes of ${shapeText(from.shape)} into the order ${shapeText(order)}`);
  }
  const strides = stridesOf(from.shape);
  const pick = (values: readonly number[]) => order.map((axis) => values[axis] ?? 1);
  return [strided(application, from, pick(from.shape), pick(strides))];
};

/** Both ways: a size of 1 in the shape keeps the input's. */
export const expand: Operator = (application) => {
  const from = input(application, 0);
  const wanted = wholeNumbers(application, 1);
  if (!wanted || wanted.some((size) => size < 0)) throw fault(application, `has no shape: ${shapeText(wanted ?? [])}`);
  return [broadcastTo(application, from, broadcastShape(application, [from.shape, wanted]))];
};

export const tile: Operator = (application) => {
  const from = input(application, 0);
  const repeats = wholeNumbers(application, 1);
  if (repeats?.length !== from.shape.length || repeats.some((count) => count < 0)) {
    throw fault(application, `repeats ${shapeText(from.shape)} ${shapeText(repeats ?? [])} times`);
  }
  // Each axis as a pair, how often and how long, of which the first does not move.
  const own = stridesOf(from.shape);
  const pairs = from.shape.flatMap((size, axis) => [repeats[axis] ?? 1, size]);
  const strides = own.flatMap((stride) => [0, stride]);
  const result = strided(application, from, pairs, strides);
  return [
    reshaped(
      application,
      result,
      from.shape.map((size, axis) => size * (repeats[axis] ?? 1)),
    ),
  ];
};

export const shape: Operator = (application) => {
  const from = input(application, 0).shape;
  const bound = (name: string, standard: number) => {
    const value = integer(application.node, name) ?? standard;
    return Math.min(Math.max(value < 0 ? value + from.length : value, 0), from.length);
  };
  return [vector(application, from.slice(bound('start', 0), bound('end', from.length)))];
};

export const size: Operator = (application) => {
  const result = application.workspace.make('INT64', [], application.node.label);
  result.data[0] = elements(input(application, 0).shape);
  return [result];
};

function vector(application: Application, values: readonly number[]): Constant {
  const result = application.workspace.make('INT64', [values.length], application.node.label);
  result.data.set(values);
  return result;
}
