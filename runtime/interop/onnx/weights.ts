/** Constants as weights: float32, finite, and of the shapes that go together. */
import type { Tensor } from '../../data.js';
import { type Constant, formOf } from './constant.js';
import { onnxError } from './errors.js';

/** What is wrong with a constant as weights, or its values: looked at once, since many nodes may share it. */
const looked = new WeakMap<Constant, { readonly data: Float32Array } | { readonly complaint: string; readonly fix: string }>();

/**
 * @param label how messages call it
 * @throws RecurveError `ONNX-WEIGHTS`
 */
export function float32Of(constant: Constant, label: string): Tensor & { readonly data: Float32Array } {
  const found = looked.get(constant) ?? lookAt(constant);
  looked.set(constant, found);
  if ('data' in found) return { shape: constant.shape, data: found.data };
  throw onnxError('ONNX-WEIGHTS', `${label} ${found.complaint}`, label, { fix: found.fix });
}

function lookAt({ type, data }: Constant) {
  if (formOf(type).kind !== 'float') {
    const fix = 'Import the model before it is quantized.';
    return { complaint: `is ${type}; weights are FLOAT, DOUBLE, FLOAT16 or BFLOAT16`, fix };
  }
  const single = data instanceof Float32Array ? data : new Float32Array(data);
  const index = single.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return { data: single };
  const value = data[index] ?? Number.NaN;
  const fault = Number.isFinite(value) ? 'beyond the range of float32 (±3.4e38)' : 'which is not finite';
  return { complaint: `holds ${value} at element ${index}, ${fault}`, fix: 'Look where this number comes from in training.' };
}
