/** Typed reading of a node's attributes, those that a function takes from its call included. */
import { type AttributeProto, type NodeProto, AttributeProto_AttributeType as Type } from 'onnx-buf';
import { quote } from '../describe.js';
import { onnxError } from './errors.js';

/** Of axes, sizes or parts; a function's body may refer to one list many times. */
const MOST_INTEGERS = 4096;

/** A node where it stands. */
export interface PlacedNode {
  readonly proto: NodeProto;
  /** Of its scope: what the call gave of the function in whose body it stands. */
  readonly scope: { readonly callAttributes: ReadonlyMap<string, AttributeProto> };
  /** How messages call it. */
  readonly label: string;
}

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
export function integer(node: PlacedNode, name: string): number | undefined {
  return typed(node, name, Type.INT, ({ i }) => Number(i));
}

/** @throws RecurveError `ONNX-ATTRIBUTE` */
export function integers(node: PlacedNode, name: string): readonly number[] | undefined {
  return typed(node, name, Type.INTS, ({ ints }) => {
    if (ints.length <= MOST_INTEGERS) return ints.map(Number);
    throw attributeError(node, name, `has ${ints.length} numbers; at most ${MOST_INTEGERS} are read`);
  });
}

/** @throws RecurveError `ONNX-ATTRIBUTE` */
export function float(node: PlacedNode, name: string): number | undefined {
  return typed(node, name, Type.FLOAT, ({ f }) => f);
}

/** @throws RecurveError `ONNX-ATTRIBUTE` */
export function floats(node: PlacedNode, name: string): readonly number[] | undefined {
  return typed(node, name, Type.FLOATS, (attribute) => attribute.floats);
}

/** @throws RecurveError `ONNX-ATTRIBUTE` */
export function text(node: PlacedNode, name: string): string | undefined {
  return typed(node, name, Type.STRING, ({ s }) => new TextDecoder().decode(s));
}

/** @throws RecurveError `ONNX-ATTRIBUTE` */
export function texts(node: PlacedNode, name: string): readonly string[] | undefined {
  return typed(node, name, Type.STRINGS, ({ strings }) => strings.map((bytes) => new TextDecoder().decode(bytes)));
}

/** 0 or 1; 0 where it is left out. @throws RecurveError `ONNX-ATTRIBUTE` */
export function binary(node: PlacedNode, name: string): 0 | 1 {
  const value = integer(node, name) ?? 0;
  if (value === 0 || value === 1) return value;
  throw attributeError(node, name, `is ${value}; it is 0 or 1`);
}

export function attributeError(node: PlacedNode, name: string, complaint: string, fix?: string) {
  return onnxError('ONNX-ATTRIBUTE', `${name} of ${node.label} ${complaint}`, node.label, { fix });
}

function typed<V>(node: PlacedNode, name: string, type: Type, read: (attribute: AttributeProto) => V): V | undefined {
  const attribute = attributeOf(node.proto, name, node.scope.callAttributes);
  if (!attribute) return undefined;
  // The first version of the format had no types.
  if (attribute.type === type || attribute.type === Type.UNDEFINED) return read(attribute);
  throw attributeError(node, name, `is of type ${Type[attribute.type] ?? quote(String(attribute.type))}; it is ${Type[type]}`);
}
