/**
 * How much of an error float32 itself explains: what becomes of the reference when its inputs are off by half a unit
 * in the last place of float32 and every value and cotangent on its tape is rounded to float32: to the nearest, and
 * then up or down by chance (Parker 1997, "Monte Carlo Arithmetic"), since kernels round constants and sums elsewhere.
 */
import type { CellTree, Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { compareResults } from '../../runtime/compare.js';
import type { CellData, CellResult, Tensor, Tensors } from '../../runtime/data.js';
import { runReference } from '../../runtime/reference/index.js';
import { type Forward, reductions } from '../../runtime/reference/reduce.js';
import { Tape } from '../../runtime/reference/tape.js';
import { Random } from './random.js';

const TRIES = 6;
/** Smallest normal number: adapters may take what is smaller for zero. */
const TINY = 2 ** -126;

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
    const random = new Random(attempt, 0);
    const rounded = inFloat32(attempt === 0 ? toNearest : (value) => upOrDown(value, random), () =>
      runReference(tree, signature, sizes, perturbed(data, random)),
    );
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
function perturbed(data: CellData, random: Random): CellData {
  const group = (tensors: Tensors): Tensors =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { shape, data: values }]) => [
        name,
        { shape, data: Float64Array.from(values, (value) => value * (1 + (random.chance(0.5) ? 1 : -1) * 2 ** -24)) },
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

/** Runs with a tape that rounds whatever is recorded on it, and with sums that round every partial sum. */
function inFloat32<T>(rounding: (value: number) => number, run: () => T): T {
  const { record } = Tape.prototype;
  const restore = replaceSums(roundedSums(rounding));
  Tape.prototype.record = function (output, backward) {
    round(output.data, rounding);
    return record.call(this, output, (cotangent) => {
      round(cotangent, rounding);
      backward(cotangent);
    });
  };
  try {
    return run();
  } finally {
    Tape.prototype.record = record;
    restore();
  }
}

/** The reductions that add, by partial sums that are rounded: what they leave of equal numbers is not their exact sum. */
function roundedSums(rounding: (value: number) => number): Record<string, Forward> {
  const total = (terms: number, term: (k: number) => number) => {
    let sum = 0;
    for (let k = 0; k < terms; k++) sum = rounding(sum + term(k));
    return sum;
  };
  const sum: Forward = (x, from, stride, count) => total(count, (k) => x[from + k * stride] as number);
  return {
    sum,
    mean: (x, from, stride, count) => sum(x, from, stride, count) / count,
    variance: (x, from, stride, count) => {
      const mean = rounding(sum(x, from, stride, count) / count);
      return total(count, (k) => rounding((x[from + k * stride] as number) - mean) ** 2) / count;
    },
  };
}

/** Puts other sums in the place of the reference's; returns what puts them back. */
function replaceSums(sums: Record<string, Forward>): () => void {
  const replaced = Object.entries(sums).map(([name, forward]) => {
    const reduction = reductions[name];
    if (reduction === undefined) throw new Error(`no reduction ${name}`);
    const exact = { ...reduction };
    Object.assign(reduction, { forward });
    return () => Object.assign(reduction, exact);
  });
  return () => {
    for (const restore of replaced) restore();
  };
}

function round(values: Float64Array, rounding: (value: number) => number): void {
  for (let i = 0; i < values.length; i++) {
    const value = rounding(values[i] as number);
    values[i] = Math.abs(value) < TINY ? 0 : value;
  }
}

const toNearest = Math.fround;

/** One of the two neighbours in float32 of what it cannot hold; what it can hold stays. */
function upOrDown(value: number, random: Random): number {
  const nearest = Math.fround(value);
  if (nearest === value || !Number.isFinite(nearest) || random.chance(0.5)) return nearest;
  // Three quarters of the largest step at this exponent are between 0.75 and 1.5 of the step at this number.
  return Math.fround(nearest + Math.sign(value - nearest) * Math.abs(nearest) * 0.75 * 2 ** -23);
}
