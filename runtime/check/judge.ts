/**
 * What a run's results say of the kernels that made them. A draw of data may be one about which nothing can be said:
 * the exact results are not numbers, float32 cannot hold what they are made of, or it leaves too few of their digits.
 */
import type { Signature, SpecTree } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { compareResults, type TensorComparison, tensorsOf, type WrongUnit } from '../compare.js';
import type { CellData, CellResult, Tensor } from '../data.js';
import { rootMeanSquare } from '../norm.js';
import { runReference, TINY } from '../reference/index.js';
import { Conditioning, FAINT, type Limit } from './conditioning.js';

export type Verdict = 'agrees' | 'wrong' | 'cannot be judged';

/** Largest relative root-mean-square error of a tensor, and of each of its units, that passes without a question. */
export const TOLERANCE = 1e-5;

/**
 * How many times what float32 explains an error may be and still be float32's: there a function's value is rounded
 * once, while an adapter's `exp` or `sin` may be off by 1e-6, sixteen roundings.
 */
const EXCESS = 16;

/** Runs of the rounded reference that say how well-conditioned a tensor is. */
const TENSOR_RUNS = 6;
/** And a unit, which may be a single number that a few runs all happen to leave nearly as it is. */
const UNIT_RUNS = 24;

export interface JudgedTensor {
  readonly name: string;
  readonly verdict: Verdict;
  /** Relative root mean square; absolute of a tensor that is zero. */
  readonly error: number;
  /** The largest relative error that rounding to float32 alone makes; 0 where nobody had to ask. */
  readonly float32: number;
  readonly comparison: TensorComparison;
  /** Of a tensor that is wrong in this unit alone: one norm over all of it would not show it. */
  readonly unit?: WrongUnit;
}

/** One run beside the reference, tensor by tensor and unit by unit; every number of an agreement is finite. */
export function judge(tree: SpecTree, signature: Signature, sizes: Sizes, data: CellData, actual: CellResult): JudgedTensor[] {
  const exact = runReference(tree, signature, sizes, data);
  const compared = compareResults(actual, exact, TOLERANCE);
  const conditioning = new Conditioning(tree, signature, sizes, data, exact);
  const limit = ({ name }: TensorComparison) => conditioning.limit(name);

  const doubtful = compared.filter(({ problem }) => problem === undefined);
  const [whole, held] = [doubtful.filter(({ ok }) => !ok), doubtful.filter(({ ok }) => ok)];
  const leaves = () => conditioning.overflows || compared.some(({ notFinite }) => notFinite > 0);
  const explained = (tensor: TensorComparison) => isExplained(tensor, limit(tensor), leaves());
  const clear = (tensor: TensorComparison) => unexplainedUnit(tensor, limit(tensor), data) === undefined;
  while (conditioning.runs < TENSOR_RUNS && !(whole.every(explained) && held.every(clear))) conditioning.run();
  const unexplained = new Set(whole.filter((tensor) => !explained(tensor)));
  while (conditioning.runs < UNIT_RUNS && !held.every(clear)) conditioning.run();

  const [given, wanted] = [tensorsOf(actual), tensorsOf(exact)];
  return compared.map((comparison): JudgedTensor => {
    const { name, error, ok, problem } = comparison;
    const judged = { name, error, float32: limit(comparison).error, comparison };
    if (problem !== undefined) return { ...judged, verdict: 'wrong' };
    if (ok) {
      const unit = unexplainedUnit(comparison, limit(comparison), data);
      return unit === undefined ? { ...judged, verdict: 'agrees' } : { ...judged, verdict: 'wrong', unit };
    }
    const left = rootMeanSquare(given.get(name)?.data ?? []);
    if (vanishes(wanted.get(name), limit(comparison), data) && left <= cancellation(data)) {
      return { ...judged, verdict: 'agrees', error: left };
    }
    return { ...judged, verdict: unexplained.has(comparison) ? 'wrong' : 'cannot be judged' };
  });
}

/** The one that counts where there are several. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  return (['wrong', 'cannot be judged'] as const).find((verdict) => verdicts.includes(verdict)) ?? 'agrees';
}

/** @param leaves whether some number of the draw is not finite, exactly or in float32: it may make others so in the kernels */
function isExplained({ error, notFinite }: TensorComparison, limit: Limit, leaves: boolean): boolean {
  if (error === Number.POSITIVE_INFINITY) return leaves;
  return error <= EXCESS * limit.error || (notFinite > 0 && error <= TOLERANCE);
}

/** The worst unit whose error is more than float32 explains. */
function unexplainedUnit(tensor: TensorComparison, limit: Limit, data: CellData): WrongUnit | undefined {
  return tensor.units.find(({ unit, difference, size, numbers }) => {
    const rounding = limit.units[unit] ?? 0;
    const left = size / Math.sqrt(numbers);
    // What adapters take for zero is nothing in float32, and did not cancel.
    const faint = left >= TINY && left < FAINT;
    const nothing = left < NOTHING_LEFT * scaleOf(data) && (size === 0 || rounding >= size) && !faint;
    return difference > Math.max(EXCESS * rounding, nothing ? cancellation(data) * Math.sqrt(numbers) : 0);
  });
}

/** What is smaller than this beside the numbers that it comes from is the rounding of float64. */
const NOTHING_LEFT = 2 ** -40;

/**
 * Whether a tensor is zero but for the rounding of float64, such as the variance of equal numbers or the gradient of
 * their softmax: it depends on the arithmetic alone. What is small for another reason keeps its digits in float32, or
 * is smaller than all numbers there.
 */
function vanishes(exact: Tensor | undefined, limit: Limit, data: CellData): boolean {
  const size = rootMeanSquare(exact?.data ?? []);
  return size >= FAINT && size < NOTHING_LEFT * scaleOf(data) && limit.error >= 1;
}

/** What may be left in float32 where numbers as large as the data's cancel. */
function cancellation(data: CellData): number {
  return EXCESS * 2 ** -24 * scaleOf(data);
}

/** Size of the numbers that cancel: 1, as that of activations, or of the cotangents where they are larger. */
function scaleOf({ cotangents }: CellData): number {
  const groups = [cotangents?.outputs, cotangents?.state];
  return Math.max(1, ...groups.flatMap((group) => Object.values(group ?? {}).map((tensor) => rootMeanSquare(tensor.data))));
}
