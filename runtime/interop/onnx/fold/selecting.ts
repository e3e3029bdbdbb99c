/** Operators that take parts of values, or put values together. */
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
  strided,
  stridesOf,
  wholeNumbers,
} from './operator.js';

/** Version 1 has starts, ends and axes as attributes, later ones as inputs, with steps. */
export const slice: Operator = (application) => {
  const from = input(application, 0);
  const { node } = application;
  const starts = integers(node, 'starts') ?? wholeNumbers(application, 1) ?? [];
  const ends = integers(node, 'ends') ?? wholeNumbers(application, 2) ?? [];
  const axes = integers(node, 'axes') ?? wholeNumbers(application, 3) ?? starts.map((_, axis) => axis);
  const steps = wholeNumbers(application, 4) ?? starts.map(() => 1);
  if ([ends, axes, steps].some(({ length }) => length !== starts.length)) {
    throw fault(application, 'has starts, ends, axes and steps of different lengths');
  }
  const shape = [...from.shape];
  const strides = stridesOf(from.shape);
  let first = 0;
  const seen = new Set<number>();
  starts.forEach((start, k) => {
    const axis = axisFrom(application, axes[k] ?? 0, from.shape.length);
    if (seen.has(axis)) throw fault(application, `slices axis ${axis} twice`);
    seen.add(axis);
    const step = steps[k] ?? 1;
    if (step === 0) throw fault(application, 'has a step of 0');
    const length = from.shape[axis] ?? 0;
    const count = (value: number) => (value < 0 ? value + length : value);
    // Backward, the place before the first is an end.
    const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
    const begin = Math.min(Math.max(count(start), 0), high);
    const end = Math.min(Math.max(count(ends[k] ?? 0), low), high);
    shape[axis] = Math.max(0, Math.ceil((end - begin) / step));
    first += begin * (strides[axis] ?? 0);
    strides[axis] = (strides[axis] ?? 0) * step;
  });
  return [strided(application, from, shape, strides, first)];
};

export const concat: Operator = (application) => {
  const parts = application.inputs.map((_, index) => input(application, index));
  const [head] = parts;
  if (!head) throw fault(application, 'has nothing to join');
  const axis = axisFrom(application, integer(application.node, 'axis') ?? 1, head.shape.length);
  const outer = elements(head.shape.slice(0, axis));
  for (const { shape, type } of parts) {
    const fits = shape.length === head.shape.length && shape.every((size, at) => at === axis || size === head.shape[at]);
    if (!fits) throw fault(application, `joins shapes ${shapeText(head.shape)} and ${shapeText(shape)} along axis ${axis}`);
    if (type !== head.type) throw fault(application, `joins ${head.type} and ${type}`);
  }
  const joined = head.shape.map((size, at) =>
    at === axis ? parts.reduce((sum, part) => sum + (part.shape[axis] ?? 0), 0) : size,
  );
  const result = application.workspace.make(head.type, joined, application.node.label);
  const row = outer === 0 ? 0 : result.data.length / outer;
  let offset = 0;
  for (const { data } of parts) {
    const width = outer === 0 ? 0 : data.length / outer;
    for (let k = 0; k < outer; k++) result.data.set(data.subarray(k * width, (k + 1) * width), k * row + offset);
    offset += width;
  }
  return [result];
};

/** Into parts of the sizes given, or as equal as they get. */
export const split: Operator = (application) => {
  const from = input(application, 0);
  const { node } = application;
  const axis = axisFrom(application, integer(node, 'axis') ?? 0, from.shape.length);
  const length = from.shape[axis] ?? 0;
  const count = integer(node, 'num_outputs') ?? node.proto.output.length;
  const each = Math.ceil(length / count);
  const equal = Array.from({ length: node.proto.output.length }, (_, k) => Math.min(each, length - k * each));
  const sizes = integers(node, 'split') ?? wholeNumbers(application, 1, node.proto.output.length) ?? equal;
  if (
    sizes.some((size) => size < 0) ||
    sizes.reduce((sum, size) => sum + size, 0) !== length ||
    sizes.length < node.proto.output.length
  ) {
    throw fault(application, `cuts ${length} along axis ${axis} into ${shapeText(sizes)}`);
  }
  const strides = stridesOf(from.shape);
  let start = 0;
  return sizes.map((size) => {
    const shape = from.shape.map((whole, at) => (at === axis ? size : whole));
    const part = strided(application, from, shape, strides, start * (strides[axis] ?? 0));
    start += size;
    return part;
  });
};

/** The axis goes, and those of the indices come in its place. */
export const gather: Operator = (application) => {
  const [from, at] = [input(application, 0), input(application, 1)];
  const axis = axisFrom(application, integer(application.node, 'axis') ?? 0, from.shape.length);
  const length = from.shape[axis] ?? 0;
  const inner = elements(from.shape.slice(axis + 1));
  const outer = elements(from.shape.slice(0, axis));
  const shape = [...from.shape.slice(0, axis), ...at.shape, ...from.shape.slice(axis + 1)];
  const result = application.workspace.make(from.type, shape, application.node.label);
  for (let row = 0; row < outer; row++) {
    for (let k = 0; k < at.data.length; k++) {
      const place = checkedIndex(application, at.data[k] ?? 0, length);
      const start = (row * length + place) * inner;
      result.data.set(from.data.subarray(start, start + inner), (row * at.data.length + k) * inner);
    }
  }
  return [result];
};

function checkedIndex(application: Application, index: number, length: number): number {
  const counted = index < 0 ? index + length : index;
  if (Number.isInteger(counted) && counted >= 0 && counted < length) return counted;
  throw fault(application, `takes element ${index} of ${length}`);
}

export const where: Operator = (application) => {
  const [test, a, b] = [input(application, 0), input(application, 1), input(application, 2)];
  if (test.type !== 'BOOL' || a.type !== b.type)
    throw fault(application, `chooses by ${test.type} between ${a.type} and ${b.type}`);
  const shape = broadcastShape(application, [test.shape, a.shape, b.shape]);
  const [chooses, yes, no] = [test, a, b].map((value) => broadcastTo(application, value, shape));
  const result: Constant = application.workspace.make(a.type, shape, application.node.label);
  for (let k = 0; k < result.data.length; k++) result.data[k] = (chooses?.data[k] ? yes : no)?.data[k] ?? Number.NaN;
  return [result];
};
