/** Typed reading of a node's attributes, those that a function takes from its call included. */
import { type AttributeProto, AttributeProto_AttributeType as Type } from 'onnx-buf';
import { quote } from '../describe.js';
import { onnxError } from './errors.js';
import type { RecurrentNode } from './walk.js';

/** The attribute itself, or what the call gives where a function's body refers to it (`ref_attr_name`). */
export function attributeOf(
  node: { readonly attribute: readonly AttributeProto[] },
  name: string,
  callAttributes: ReadonlyMap<string, AttributeProto>,
): AttributeProto | undefined {
  const own = node.attribute.find((attribute) => attribute.name === name);
  return own && own.refAttrName !== '' ? callAttributes.get(own.refAttrName) : own;
}

/** @throws RecurveError `ONNX-ATTRIBUTE` */
export function integer(node: RecurrentNode, name: string): number | undefined {
  return typed(node, name, Type.INT, ({ i }) => Number(i));
}

/** @throws RecurveError `ONNX-ATTRIBUTE` */
export function float(node: RecurrentNode, name: string): number | undefined {
  return typed(node, name, Type.FLOAT, ({ f }) => f);
}

/** @throws RecurveError `ONNX-ATTRIBUTE` */
export function floats(node: RecurrentNode, name: string): readonly number[] {
  return typed(node, name, Type.FLOATS, (attribute) => attribute.floats) ?? [];
}

/** @throws RecurveError `ONNX-ATTRIBUTE` */
export function text(node: RecurrentNode, name: string): string | undefined {
  return typed(node, name, Type.STRING, ({ s }) => new TextDecoder().decode(s));
}

/** @throws RecurveError `ONNX-ATTRIBUTE` */
export function texts(node: RecurrentNode, name: string): readonly string[] | undefined {
  return typed(node, name, Type.STRINGS, ({ strings }) => strings.map((bytes) => new TextDecoder().decode(bytes)));
}

/** 0 or 1; 0 where it is left out. @throws RecurveError `ONNX-ATTRIBUTE` */
export function binary(node: RecurrentNode, name: string): 0 | 1 {
  const value = integer(node, name) ?? 0;
  if (value === 0 || value === 1) return value;
  throw attributeError(node, name, `is ${value}; it is 0 or 1`);
}

export function attributeError(node: RecurrentNode, name: string, complaint: string, fix?: string) {
  return onnxError('ATTRIBUTE', `${name} of ${node.label} ${complaint}`, node.label, { fix });
}

function typed<V>(node: RecurrentNode, name: string, type: Type, read: (attribute: AttributeProto) => V): V | undefined {
  const attribute = attributeOf(node.proto, name, node.scope.callAttributes);
  if (!attribute) return undefined;
  // The first version of the format had no types.
  if (attribute.type === type || attribute.type === Type.UNDEFINED) return read(attribute);
  throw attributeError(node, name, `is of type ${Type[attribute.type] ?? quote(String(attribute.type))}; it is ${Type[type]}`);
}
