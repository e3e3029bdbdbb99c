/** Carries values between a framework's packed tensors and our parameters, both ways, by the layout tables. */
import { RecurveError } from '../../../codegen/errors.js';
import type { Signature } from '../../../codegen/frontend/tree.js';
import type { Sizes } from '../../../codegen/plan.js';
import { elements, shapeOf, type Tensor, type Tensors } from '../../data.js';
import { own } from '../describe.js';
import { SizeLedger } from '../sizes.js';
import type { WeightFormat } from '../types.js';
import type { ResolvedTensor } from './layout.js';
import { measureWeights, resolveLayout } from './resolve.js';

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
 * Our parameters, float32, from a layout's tensors. What the framework splits in two is summed; what is
 * optional and missing is zero. A rate that no tensor holds is left out: it may be missing in the data.
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
  const there = layout.filter(({ name, ifMissing }) => ifMissing !== 'init' || own(tensors, name));
  const held = new Set(there.flatMap(({ bands }) => bands.flat()));
  const params = new Map(
    signature.params
      .filter(({ name }) => held.has(name))
      .map((param) => {
        const shape = shapeOf(param, sizes);
        return [param.name, { shape, data: new Float32Array(elements(shape)) }];
      }),
  );
  const shapes = new Map([...params].map(([name, { shape }]) => [name, shape]));
  const written = new Set<string>();
  for (const packed of layout) {
    const given = own(tensors, packed.name);
    if (!given) continue;
    for (const { name, place } of placements(packed, shapes)) {
      const data = params.get(name)?.data ?? new Float32Array();
      // The first is taken as it is: added to zero, −0 would lose its sign.
      const former = written.has(name) ? data.slice() : undefined;
      for (let k = 0; k < data.length; k++)
        data[k] = former ? (former[k] ?? 0) + (given.data[place(k)] ?? 0) : (given.data[place(k)] ?? 0);
      written.add(name);
    }
  }
  for (const [name, { data }] of params) checkFinite(name, data);
  return Object.fromEntries(params);
}

/**
 * Our parameters as the framework's tensors: `weightsToParams` makes the same bits of them again. What the framework splits in two is
 * in the first half, and the second is zero; so is what the options leave unused.
 *
 * @throws RecurveError `WEIGHTS-CELL`, `WEIGHTS-OPTION`
 */
export function paramsToWeights(
  format: WeightFormat,
  cell: string,
  signature: Signature,
  sizes: Sizes,
  params: Tensors,
): Tensors {
  const shapes = new Map(signature.params.map((param) => [param.name, shapeOf(param, sizes)]));
  const placed = new Set<string>();
  const packed = resolveLayout(format, cell, signature).map((tensor): [string, Tensor] => {
    const shape = tensor.axes.map(
      ({ times, dim, plus }) => times * sizeOf(dim, sizes) + (plus === undefined ? 0 : sizeOf(plus, sizes)),
    );
    const data = new Float32Array(elements(shape));
    for (const { name, place } of placements(tensor, shapes)) {
      if (placed.has(name)) continue;
      placed.add(name);
      own(params, name)?.data.forEach((value, k) => {
        data[place(k)] = value;
      });
    }
    return [tensor.name, { shape, data }];
  });
  return Object.fromEntries(packed);
}

const sizeOf = (dim: string | undefined, sizes: Sizes): number => (dim === undefined ? 1 : (sizes[dim] ?? 0));

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
    // What is not trained has no gradient, and no framework's tensor is of such parameters alone.
    if (!shape || (format === 'recurve' && !own(gradients, packed.name))) return [];
    const double = packed.bands.flat().some((name) => name !== undefined && own(gradients, name)?.data instanceof Float64Array);
    const data = double ? new Float64Array(elements(shape)) : new Float32Array(elements(shape));
    for (const { name, place } of placements(packed, shapes)) {
      own(gradients, name)?.data.forEach((value, k) => {
        data[place(k)] = value;
      });
    }
    return [[packed.name, { shape, data }]];
  });
  return Object.fromEntries(packedGradients);
}

/** A parameter in a packed tensor: `place` tells where its element `k`, counted row by row, lies. */
interface Placement {
  readonly name: string;
  readonly place: (k: number) => number;
}

/** @param shapes of our parameters, `[rows, columns]` or `[rows]` */
function placements(packed: ResolvedTensor, shapes: ReadonlyMap<string, readonly number[]>): readonly Placement[] {
  let above = 0;
  return packed.bands.flatMap((band) => {
    const [rows = 1, columns = 1] = band.map((name) => shapes.get(name ?? '')).find((shape) => shape !== undefined) ?? [];
    const start = above;
    above += columns;
    const width = band.length * rows;
    return band.flatMap((name, block): Placement[] => {
      if (name === undefined) return [];
      const place = {
        rows: (k: number) => block * rows * columns + k,
        columns: (k: number) => (start + (k % columns)) * width + block * rows + Math.floor(k / columns),
        cudnn: (k: number) => Math.floor(k / rows) * width + block * rows + (k % rows),
      }[packed.arrangement];
      return [{ name, place }];
    });
  });
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
