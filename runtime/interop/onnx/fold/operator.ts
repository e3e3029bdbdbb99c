/** What the operators that are computed when a file is read have in common. */
import type { RecurveError } from '../../../../codegen/errors.js';
import { elements } from '../../../data.js';
import { shapeText } from '../../describe.js';
import type { PlacedNode } from '../attributes.js';
import { type Constant, formOf, MOST_AXES, type Workspace } from '../constant.js';
import { onnxError } from '../errors.js';
import type { ReadExternal } from '../external.js';

export interface Application {
  readonly node: PlacedNode;
  /** In the order of the operator's inputs; `undefined` for one that is left out. */
  readonly inputs: readonly (Constant | undefined)[];
  readonly workspace: Workspace;
  readonly readExternal: ReadExternal;
}

/**
 * The values of a node's outputs. What the operator would refuse is refused.
 * @throws RecurveError `ONNX-WEIGHTS`, `ONNX-ATTRIBUTE`, `ONNX-SIZE`
 */
export type Operator = (application: Application) => readonly Constant[];

export function fault({ node }: Pick<Application, 'node'>, complaint: string): RecurveError {
  return onnxError('ONNX-WEIGHTS', `${node.label} ${complaint}`, node.label, { fix: 'The model is damaged; export it again.' });
}

/** @throws RecurveError `ONNX-WEIGHTS` */
export function input(application: Application, index: number): Constant {
  const found = application.inputs[index];
  if (found) return found;
  throw fault(application, `lacks its input ${index}`);
}

/** Whole numbers of an input, such as axes or a shape. @throws RecurveError `ONNX-WEIGHTS` */
export function wholeNumbers(application: Application, index: number, most = MOST_AXES): readonly number[] | undefined {
  const found = application.inputs[index];
  if (found === undefined) return undefined;
  if (found.data.length > most)
    throw fault(application, `has ${found.data.length} numbers as input ${index}; at most ${most} are read`);
  if (formOf(found.type).kind === 'integer' && found.shape.length <= 1) return Array.from(found.data);
  throw fault(
    application,
    `takes whole numbers along one axis as input ${index}, not ${found.type} of shape ${shapeText(found.shape)}`,
  );
}

/** An axis counted from the front; negative ones count from the end. @throws RecurveError `ONNX-WEIGHTS` */
export function axisFrom(application: Application, axis: number, rank: number): number {
  const counted = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(counted) && counted >= 0 && counted < rank) return counted;
  throw fault(application, `has the axis ${axis} on ${rank} axes`);
}

/** Distance of neighbours along each axis. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}

/** Another shape for the same values. @throws RecurveError `ONNX-WEIGHTS` */
export function reshaped({ node, workspace }: Application, constant: Constant, shape: readonly number[]): Constant {
  workspace.charge(64, shape, node.label);
  return { ...constant, shape };
}

/**
 * The elements of `from` at `start` + Σ index·stride, for every index of `shape`: transposed, sliced and repeated
 * values alike.
 */
export function strided(
  application: Application,
  from: Constant,
  shape: readonly number[],
  strides: readonly number[],
  start = 0,
): Constant {
  const result = application.workspace.make(from.type, shape, application.node.label);
  const count = elements(shape);
  const index = shape.map(() => 0);
  let at = start;
  for (let k = 0; k < count; k++) {
    result.data[k] = from.data[at] ?? Number.NaN;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      at += strides[axis] ?? 0;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      at -= (shape[axis] ?? 0) * (strides[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return result;
}

/** The shape of several after broadcasting, as NumPy's. @throws RecurveError `ONNX-WEIGHTS` */
export function broadcastShape(application: Application, shapes: readonly (readonly number[])[]): readonly number[] {
  const rank = Math.max(0, ...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((size) => size !== 1);
    const [size = 1, ...others] = sizes;
    if (others.every((other) => other === size)) return size;
    throw fault(application, `joins values of shapes ${shapes.map(shapeText).join(' and ')}, which do not fit`);
  });
}

/** A value repeated to a shape that `broadcastShape` found. */
export function broadcastTo(application: Application, from: Constant, shape: readonly number[]): Constant {
  if (from.shape.length === shape.length && from.shape.every((size, axis) => size === shape[axis])) return from;
  const own = stridesOf(from.shape);
  const offset = shape.length - from.shape.length;
  const strides = shape.map((_, axis) => ((from.shape[axis - offset] ?? 1) === 1 ? 0 : (own[axis - offset] ?? 0)));
  return strided(application, from, shape, strides);
}
