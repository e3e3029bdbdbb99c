/** Operators that make values out of attributes or sizes. */
import { AttributeProto_AttributeType as Attribute, type AttributeProto, type TensorProto } from 'onnx-buf';
import { shapeText } from '../../describe.js';
import { attributeOf } from '../attributes.js';
import type { Constant, ElementType } from '../constant.js';
import { decodeTensor } from '../tensor.js';
import { type Application, fault, input, type Operator, wholeNumbers } from './operator.js';

/** Text and sparse values are no weights. */
export const constant: Operator = (application) => {
  const read = (name: string) => attributeOf(application.node.proto, name, application.node.scope.callAttributes);
  const { t } = read('value') ?? {};
  if (t) return [decoded(application, t)];
  for (const [name, type, listed, values] of FORMS) {
    const attribute = read(name);
    if (attribute) return [filled(application, type, listed ? [values(attribute).length] : [], values(attribute))];
  }
  throw fault(application, 'holds no dense numbers');
};

const FORMS: readonly (readonly [string, ElementType, boolean, (attribute: AttributeProto) => readonly number[]])[] = [
  ['value_float', 'FLOAT', false, ({ f }) => [f]],
  ['value_floats', 'FLOAT', true, ({ floats }) => floats],
  ['value_int', 'INT64', false, ({ i }) => [Number(i)]],
  ['value_ints', 'INT64', true, ({ ints }) => ints.map(Number)],
];

function filled(application: Application, type: ElementType, shape: readonly number[], values: readonly number[]): Constant {
  const result = application.workspace.make(type, shape, application.node.label);
  result.data.set(values);
  return result;
}

/** Charged: calls of a function share its tensors. */
function decoded({ node, workspace, readExternal }: Omit<Application, 'inputs'>, tensor: TensorProto): Constant {
  const value = decodeTensor(tensor, `the value of ${node.label}`, readExternal);
  workspace.charge(value.data.byteLength, value.shape, node.label);
  return value;
}

/** The one value of `ConstantOfShape`: float 0 unless given. */
export function fillValue(application: Omit<Application, 'inputs'>): { readonly type: ElementType; readonly value: number } {
  const attribute = attributeOf(application.node.proto, 'value', application.node.scope.callAttributes);
  if (!attribute) return { type: 'FLOAT', value: 0 };
  if (!attribute.t || attribute.type !== Attribute.TENSOR) throw fault(application, 'has a value that is no tensor');
  const { type, data } = decoded(application, attribute.t);
  if (data.length !== 1) throw fault(application, `has ${data.length} values to fill with; it takes one`);
  return { type, value: data[0] ?? 0 };
}

export const constantOfShape: Operator = (application) => {
  const shape = wholeNumbers(application, 0);
  if (!shape || shape.some((size) => size < 0)) throw fault(application, `makes a value of shape ${shapeText(shape ?? [])}`);
  const { type, value } = fillValue(application);
  const result = application.workspace.make(type, shape, application.node.label);
  result.data.fill(value);
  return [result];
};

export const range: Operator = (application) => {
  const [start, limit, delta] = [0, 1, 2].map((index) => input(application, index).data[0] ?? Number.NaN);
  const count = Math.max(0, Math.ceil(((limit ?? 0) - (start ?? 0)) / (delta ?? 1)));
  if (!Number.isFinite(count)) throw fault(application, `counts from ${start} to ${limit} by ${delta}`);
  const result = application.workspace.make(input(application, 0).type, [count], application.node.label);
  for (let k = 0; k < count; k++) result.data[k] = (start ?? 0) + k * (delta ?? 1);
  return [result];
};
