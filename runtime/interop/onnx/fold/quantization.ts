/** Numbers as small integers with a scale and a zero point, one for all, for each slice of an axis, or for each block. */
import { elements } from '../../../data.js';
import { shapeText } from '../../describe.js';
import { integer } from '../attributes.js';
import { type Constant, formOf, halfToEven } from '../constant.js';
import { type Application, axisFrom, fault, input, type Operator } from './operator.js';

/** (x − zero)·scale, in the type of the scale. */
export const dequantizeLinear: Operator = (application) => {
  const [from, scale, zero] = [input(application, 0), input(application, 1), application.inputs[2]];
  if (formOf(scale.type).kind !== 'float') throw fault(application, `has a scale of ${scale.type}`);
  const place = placeOf(application, from, scale, zero);
  const result = application.workspace.make(scale.type, from.shape, application.node.label);
  const { round } = formOf(scale.type);
  for (let k = 0; k < result.data.length; k++) {
    const at = place(k);
    const value = ((from.data[k] ?? 0) - (zero?.data[at] ?? 0)) * (scale.data[at] ?? Number.NaN);
    result.data[k] = round ? round(value) : value;
  }
  return [result];
};

/** x / scale + zero, halves to even, held to the type of the zero point, which is UINT8 where there is none. */
export const quantizeLinear: Operator = (application) => {
  const [from, scale, zero] = [input(application, 0), input(application, 1), application.inputs[2]];
  const type = zero?.type ?? 'UINT8';
  const { min = 0, max = 0, kind } = formOf(type);
  if (kind !== 'integer') throw fault(application, `has a zero point of ${type}`);
  const place = placeOf(application, from, scale, zero);
  const result = application.workspace.make(type, from.shape, application.node.label);
  for (let k = 0; k < result.data.length; k++) {
    const at = place(k);
    const value = halfToEven(Math.fround((from.data[k] ?? 0) / (scale.data[at] ?? Number.NaN))) + (zero?.data[at] ?? 0);
    result.data[k] = Math.min(Math.max(value, min), max);
  }
  return [result];
};

/** Which scale an element has. */
function placeOf(application: Application, from: Constant, scale: Constant, zero: Constant | undefined): (k: number) => number {
  if (zero && zero.data.length !== scale.data.length)
    throw fault(application, 'has a scale and a zero point of different shapes');
  if (scale.data.length === 1) return () => 0;
  const axis = axisFrom(application, integer(application.node, 'axis') ?? 1, from.shape.length);
  const length = from.shape[axis] ?? 0;
  const inner = elements(from.shape.slice(axis + 1));
  const block = integer(application.node, 'block_size') ?? 0;
  if (block === 0 && scale.shape.length === 1 && scale.data.length === length) return (k) => Math.floor(k / inner) % length;
  const blocks = block > 0 ? Math.ceil(length / block) : 0;
  const expected = from.shape.map((size, at) => (at === axis ? blocks : size));
  if (block > 0 && scale.shape.join() === expected.join()) {
    return (k) =>
      (Math.floor(k / (inner * length)) * blocks + Math.floor((Math.floor(k / inner) % length) / block)) * inner + (k % inner);
  }
  throw fault(
    application,
    `has scales of shape ${shapeText(scale.shape)} for values of shape ${shapeText(from.shape)}, axis ${axis}`,
  );
}
