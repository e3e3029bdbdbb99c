/**
 * How much of an error float32 itself explains: what becomes of the reference when its inputs are off by half a unit
 * in the last place of float32 and every value and cotangent on its tape is rounded to float32: to the nearest, and
 * then up or down by chance (Parker 1997, "Monte Carlo Arithmetic"), since kernels round constants and sums elsewhere.
 * Where this alone exceeds the tolerance, a kernel that misses it may be right.
 */
import type { CellTree, Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { compareResults } from '../compare.js';
import type { CellData, CellResult, Tensor, Tensors } from '../data.js';
import { type Stream, streamOf } from '../random.js';
import { RoundingTape, runReference } from '../reference/index.js';

const TRIES = 6;

/**
 * How many times what this explains an error may be and still be float32's: here a function's value is rounded once,
 * while an adapter's `exp` or `sin` may be off by 1e-6, sixteen roundings.
 */
export const EXCESS = 16;

/** The largest relative error of every tensor over a few such runs, by name. */
export function conditioning(
  tree: CellTree,
  signature: Signature,
  sizes: Sizes,
  data: CellData,
  exact: CellResult,
): Map<string, number> {
  const worst = new Map<string, number>();
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const chance = streamOf(attempt, 'rounding');
    const tape = new RoundingTape(attempt === 0 ? Math.fround : (value) => upOrDown(value, chance));
    const rounded = runReference(tree, signature, sizes, perturbed(data, chance), tape);
    for (const { name, error } of compareResults(rounded, exact, 0)) worst.set(name, Math.max(error, worst.get(name) ?? 0));
  }
  for (const [name, error] of cancelled(exact, data)) worst.set(name, Math.max(error, worst.get(name) ?? 0));
  return worst;
}

/**
 * Tensors that are zero but for the rounding of float64, such as the variance of equal numbers or the gradient of their
 * softmax: what float32 leaves of them is a unit in the last place of the numbers near 1 that cancel, however the
 * reference happens to round.
 */
function cancelled({ outputs, state, gradients }: CellResult, { cotangents }: CellData): [string, number][] {
  const seeds = [cotangents?.outputs, cotangents?.state].flatMap((group) => Object.values(group ?? {}).map(size));
  const scale = Math.max(1, ...seeds);
  const groups = {
    outputs,
    state,
    ...Object.fromEntries(Object.entries(gradients ?? {}).map(([name, group]) => [`gradients.${name}`, group])),
  };
  return Object.entries(groups).flatMap(([group, tensors]) =>
    Object.entries(tensors).flatMap(([name, tensor]): [string, number][] => {
      const left = size(tensor);
      return left > 0 && left < 2 ** -40 * scale ? [[`${group}.${name}`, (2 ** -24 * scale) / left]] : [];
    }),
  );
}

/** Root mean square. */
function size({ data }: Tensor): number {
  let sum = 0;
  for (const value of data) sum += value * value;
  return Math.sqrt(sum / Math.max(1, data.length));
}

/** Relatively by 2⁻²⁴, up or down. */
function perturbed(data: CellData, chance: Stream): CellData {
  const group = (tensors: Tensors): Tensors =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { shape, data: values }]) => [
        name,
        { shape, data: Float64Array.from(values, (value) => value * (1 + (chance() < 0.5 ? 1 : -1) * 2 ** -24)) },
      ]),
    );
  const { cotangents } = data;
  return {
    ...data,
    inputs: group(data.inputs),
    state: group(data.state),
    params: group(data.params),
    ...(cotangents ? { cotangents: { outputs: group(cotangents.outputs), state: group(cotangents.state) } } : {}),
  };
}

/** One of the two neighbours in float32 of what it cannot hold; what it can hold stays. */
function upOrDown(value: number, chance: Stream): number {
  const nearest = Math.fround(value);
  if (nearest === value || !Number.isFinite(nearest) || chance() < 0.5) return nearest;
  // Three quarters of the largest step at this exponent are between 0.75 and 1.5 of the step at this number.
  return Math.fround(nearest + Math.sign(value - nearest) * Math.abs(nearest) * 0.75 * 2 ** -23);
}
