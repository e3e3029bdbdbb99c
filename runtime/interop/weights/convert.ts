/** Carries values between a framework's packed tensors and our parameters, both ways, by the layout tables. */
import { RecurveError } from '../../../codegen/errors.js';
import type { Signature } from '../../../codegen/frontend/tree.js';
import type { Sizes } from '../../../codegen/plan.js';
import { elements, shapeOf, type Tensor, type Tensors } from '../../data.js';
import { own } from '../describe.js';
import { SizeLedger } from '../sizes.js';
import type { WeightFormat } from '../types.js';
import { measureWeights, type ResolvedTensor, resolveLayout } from './resolve.js';

/**
 * The sizes that the framework's tensors fix: I, H, and P of a projection.
 *
 * @throws RecurveError `WEIGHTS-*`
 */
export function sizesFromWeights(format: WeightFormat, cell: string, signature: Signature, tensors: Tensors): Sizes {
  const ledger = new SizeLedger();
  measureWeights(ledger, format, cell, signature, tensors);
  return ledger.sizes();
}

/**
 * Our parameters, float32, from a framework's tensors. What the framework splits in two is summed; what is
 * optional and missing is zero. A rate that no framework's tensor holds is left out: it may be missing in the data.
 *
 * @throws RecurveError `WEIGHTS-*`
 */
export function weightsToParams(
  format: WeightFormat,
  cell: string,
  signature: Signature,
  sizes: Sizes,
  tensors: Tensors,
): Tensors {
  const layout = measureWeights(SizeLedger.of(sizes), format, cell, signature, tensors);
  const held = new Set(layout.flatMap(({ blocks }) => blocks));
  const params = new Map(
    signature.params
      .filter(({ name }) => held.has(name))
      .map((param) => {
        const shape = shapeOf(param, sizes);
        return [param.name, { shape, data: new Float32Array(elements(shape)) }];
      }),
  );
  for (const packed of layout) {
    const given = own(tensors, packed.name);
    if (!given) continue;
    packed.blocks.forEach((name, block) => {
      const param = name === undefined ? undefined : params.get(name);
      if (!param) return;
      for (let k = 0; k < param.data.length; k++) {
        const value = given.data[placeOf(packed, param.shape, block, k)] ?? 0;
        param.data[k] = (param.data[k] ?? 0) + value;
      }
    });
  }
  for (const [name, { data }] of params) checkFinite(name, data);
  return Object.fromEntries(params);
}

/**
 * Gradients of our parameters in the framework's layout, for the tensors that were given. Both halves of a
 * split parameter get its gradient; blocks that the options leave unused get zero.
 *
 * @param gradients of every parameter of the signature
 * @param given the request's tensors: only their names and shapes matter
 */
export function gradientsToWeights(
  format: WeightFormat,
  cell: string,
  signature: Signature,
  sizes: Sizes,
  gradients: Tensors,
  given: Tensors,
): Tensors {
  const shapes = new Map(signature.params.map((param) => [param.name, shapeOf(param, sizes)]));
  const packedGradients = resolveLayout(format, cell, signature).flatMap((packed): [string, Tensor][] => {
    const shape = own(given, packed.name)?.shape;
    if (!shape) return [];
    const double = packed.blocks.some((name) => name !== undefined && own(gradients, name)?.data instanceof Float64Array);
    const data = double ? new Float64Array(elements(shape)) : new Float32Array(elements(shape));
    packed.blocks.forEach((name, block) => {
      const gradient = name === undefined ? undefined : own(gradients, name);
      const paramShape = name === undefined ? undefined : shapes.get(name);
      if (!gradient || !paramShape) return;
      for (let k = 0; k < gradient.data.length; k++) {
        data[placeOf(packed, paramShape, block, k)] = gradient.data[k] ?? 0;
      }
    });
    return [[packed.name, { shape, data }]];
  });
  return Object.fromEntries(packedGradients);
}

/** Where element `k` of a parameter, of shape `[rows, columns]` or `[rows]`, lies in block `block`. */
function placeOf(packed: ResolvedTensor, shape: readonly number[], block: number, k: number): number {
  const [rows = 1, columns = 1] = shape;
  if (packed.arrangement === 'rows') return block * rows * columns + k;
  const row = Math.floor(k / columns);
  const column = k % columns;
  return (column * packed.blocks.length + block) * rows + row;
}

/** Two finite biases may still sum beyond float32. */
function checkFinite(name: string, data: Float32Array): void {
  const index = data.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  throw new RecurveError({
    code: 'WEIGHTS-RANGE',
    message: `the biases that add up to ${name}[${index}] exceed the range of float32`,
    fix: 'Scale the weights.',
    where: 'weights',
  });
}
