/** Operators on each element by itself. */
import { TensorProto_DataType as Type } from 'onnx-buf';
import { attributeOf, integer, text } from '../attributes.js';
import { type Constant, ELEMENTS, type ElementType, formOf } from '../constant.js';
import { type Application, broadcastShape, broadcastTo, fault, input, type Operator } from './operator.js';

/** Of two, in their own type. */
const arithmetic =
  (compute: (a: number, b: number, type: ElementType) => number): Operator =>
  (application) => {
    const [a, b, shape] = pair(application);
    const result = application.workspace.make(a.type, shape, application.node.label);
    for (let k = 0; k < result.data.length; k++) {
      store(application, result, k, compute(a.data[k] ?? Number.NaN, b.data[k] ?? Number.NaN, a.type));
    }
    return [result];
  };

const comparison =
  (compare: (a: number, b: number) => boolean): Operator =>
  (application) => {
    const [a, b, shape] = pair(application);
    const result = application.workspace.make('BOOL', shape, application.node.label);
    for (let k = 0; k < result.data.length; k++)
      result.data[k] = Number(compare(a.data[k] ?? Number.NaN, b.data[k] ?? Number.NaN));
    return [result];
  };

function pair(application: Application): readonly [Constant, Constant, readonly number[]] {
  const [a, b] = [input(application, 0), input(application, 1)];
  if (a.type !== b.type) throw fault(application, `has inputs of types ${a.type} and ${b.type}`);
  // Before version 7 a flag and an axis said how shapes go together.
  if (attributeOf(application.node.proto, 'axis', application.node.scope.callAttributes)) {
    throw fault(application, 'broadcasts along an axis, as ONNX did before version 7; that is not read');
  }
  const shape = broadcastShape(application, [a.shape, b.shape]);
  return [broadcastTo(application, a, shape), broadcastTo(application, b, shape), shape];
}

/** An integer that leaves its type is refused: what a runtime makes of it is its own affair. */
function store(application: Application, { type, data }: Constant, k: number, value: number): void {
  const { kind, min = 0, max = 0, round } = formOf(type);
  if (kind === 'integer' && !(value >= min && value <= max && Number.isSafeInteger(value))) {
    throw fault(application, `gives ${value}, which ${type} does not hold`);
  }
  data[k] = round ? round(value) : value;
}

const unary =
  (compute: (value: number) => number): Operator =>
  (application) => {
    const from = input(application, 0);
    const result = application.workspace.make(from.type, from.shape, application.node.label);
    for (let k = 0; k < result.data.length; k++) store(application, result, k, compute(from.data[k] ?? Number.NaN));
    return [result];
  };

export const add = arithmetic((a, b) => a + b);
export const sub = arithmetic((a, b) => a - b);
export const mul = arithmetic((a, b) => a * b);
/** Whole numbers are cut towards zero. */
export const div = arithmetic((a, b, type) => (formOf(type).kind === 'float' ? a / b : Math.trunc(a / b)));
export const neg = unary((value) => -value);
export const sqrt = unary(Math.sqrt);
export const equal = comparison((a, b) => a === b);
export const less = comparison((a, b) => a < b);
export const greater = comparison((a, b) => a > b);
export const lessOrEqual = comparison((a, b) => a <= b);
export const greaterOrEqual = comparison((a, b) => a >= b);
export const and = comparison((a, b) => a !== 0 && b !== 0);
export const or = comparison((a, b) => a !== 0 || b !== 0);
export const not = unary((value) => Number(value === 0));

/** The first version names the type in words. */
export const cast: Operator = (application) => {
  const from = input(application, 0);
  const { node } = application;
  const attribute = attributeOf(node.proto, 'to', node.scope.callAttributes);
  const name = attribute && attribute.s.length > 0 ? text(node, 'to') : Type[integer(node, 'to') ?? 0];
  const type = (name ?? '').toUpperCase();
  if (!isElementType(type)) throw fault(application, `casts to ${name ?? 'no type'}, which is not read`);
  return [castTo(application, from, type)];
};

export const castLike: Operator = (application) => [castTo(application, input(application, 0), input(application, 1).type)];

function castTo(application: Application, from: Constant, type: ElementType): Constant {
  if (type === from.type) return from;
  const result = application.workspace.make(type, from.shape, application.node.label);
  const { kind } = formOf(type);
  for (let k = 0; k < result.data.length; k++) {
    const value = from.data[k] ?? Number.NaN;
    store(application, result, k, kind === 'float' ? value : kind === 'boolean' ? Number(value !== 0) : Math.trunc(value));
  }
  return result;
}

function isElementType(name: string): name is ElementType {
  return Object.hasOwn(ELEMENTS, name);
}
