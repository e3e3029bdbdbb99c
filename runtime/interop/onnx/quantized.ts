/** com.microsoft.DynamicQuantizeLSTM: weights as 8-bit integers, transposed, one scale for all or one for each row of a gate. */
import { elements } from '../../data.js';
import { shapeText } from '../describe.js';
import { type Constant, formOf, type Workspace } from './constant.js';
import { onnxError } from './errors.js';

/**
 * float32 `[directions, G·H, columns]` from integers `[directions, columns, G·H]`.
 *
 * @param scale `[directions]` or `[directions, G·H]`, or one number
 * @param zero of the same shape, of the weights' type; none is 0
 * @param label how messages call the weights
 * @throws RecurveError `ONNX-WEIGHTS`, `ONNX-SIZE`
 */
export function dequantizedWeights(
  weights: Constant,
  scale: Constant,
  zero: Constant | undefined,
  label: string,
  workspace: Workspace,
): Constant {
  const [directions = 0, columns = 0, rows = 0] = weights.shape;
  if (weights.shape.length !== 3 || formOf(weights.type).bits !== 8 || formOf(weights.type).kind !== 'integer') {
    throw fault(
      label,
      `is ${weights.type} of shape ${shapeText(weights.shape)}; quantized weights are INT8 or UINT8 on three axes`,
    );
  }
  if (formOf(scale.type).kind !== 'float') throw fault(label, `has a scale of ${scale.type}`);
  if (zero && zero.type !== weights.type) throw fault(label, `is ${weights.type}, but its zero point is ${zero.type}`);
  const perRow = elements(scale.shape) === directions * rows && scale.shape.length === 2;
  if (!perRow && elements(scale.shape) !== directions && elements(scale.shape) !== 1) {
    throw fault(label, `has scales of shape ${shapeText(scale.shape)} for weights of shape ${shapeText(weights.shape)}`);
  }
  if (zero && elements(zero.shape) !== elements(scale.shape))
    throw fault(label, 'has scales and zero points of different shapes');
  const result = workspace.make('FLOAT', [directions, rows, columns], label);
  for (let direction = 0; direction < directions; direction++) {
    for (let row = 0; row < rows; row++) {
      const at = perRow ? direction * rows + row : Math.min(direction, scale.data.length - 1);
      const [step, offset] = [scale.data[at] ?? Number.NaN, zero?.data[at] ?? 0];
      for (let column = 0; column < columns; column++) {
        const integer = weights.data[(direction * columns + column) * rows + row] ?? 0;
        result.data[(direction * rows + row) * columns + column] = (integer - offset) * step;
      }
    }
  }
  return result;
}

function fault(label: string, complaint: string) {
  return onnxError('ONNX-WEIGHTS', `${label} ${complaint}`, label);
}
