/** Measures how far a result is from the reference, tensor by tensor. */
import type { CellResult, Tensor, Tensors } from './data.js';

export interface WrongElement {
  /** `[t, b, unit]` for a sequence, `[b, unit]` for a state, `[row, column]` for a matrix. */
  readonly index: readonly number[];
  readonly actual: number;
  readonly expected: number;
}

export interface TensorComparison {
  /** `outputs.h`, `state.h`, `gradients.inputs.x`, `gradients.state.h`, `gradients.params.W`. */
  readonly name: string;
  /** Relative root-mean-square error; see `relativeError`. Infinity where the tensors cannot be compared. */
  readonly error: number;
  readonly ok: boolean;
  /** The first wrong element in data order, of a tensor that is not ok. */
  readonly worst?: WrongElement;
  /** Why the tensors could not be compared at all. */
  readonly problem?: string;
}

/**
 * Compares every tensor of `expected` with its namesake; one that is missing, or that nobody expects, is not ok.
 *
 * @param tolerance the largest error that is ok
 */
export function compareResults(actual: CellResult, expected: CellResult, tolerance: number): TensorComparison[] {
  const found = flatten(actual);
  const wanted = flatten(expected);
  const unexpected = [...found.keys()].filter((name) => !wanted.has(name));
  return [
    ...[...wanted].map(([name, tensor]) => compareTensor(name, found.get(name), tensor, tolerance)),
    ...unexpected.map((name) => refused(name, 'the reference has no such tensor')),
  ];
}

/** Tensors by path, in the order of `CellResult`. */
function flatten(result: CellResult): Map<string, Tensor> {
  const groups: [string, Tensors | undefined][] = [
    ['outputs', result.outputs],
    ['state', result.state],
    ['gradients.inputs', result.gradients?.inputs],
    ['gradients.state', result.gradients?.state],
    ['gradients.params', result.gradients?.params],
  ];
  return new Map(
    groups.flatMap(([path, tensors]) =>
      Object.entries(tensors ?? {}).map(([name, tensor]): [string, Tensor] => [`${path}.${name}`, tensor]),
    ),
  );
}

function compareTensor(name: string, actual: Tensor | undefined, expected: Tensor, tolerance: number): TensorComparison {
  if (actual === undefined) return refused(name, 'the tensor is missing');
  if (`${actual.shape}` !== `${expected.shape}` || actual.data.length !== expected.data.length) {
    return refused(name, `shape [${actual.shape}], not [${expected.shape}]`);
  }
  const error = relativeError(actual.data, expected.data);
  if (error <= tolerance) return { name, error, ok: true };
  const at = firstWrong(actual.data, expected.data, tolerance);
  if (at === undefined) return { name, error, ok: false };
  return {
    name,
    error,
    ok: false,
    worst: {
      index: unflatten(at, expected.shape),
      actual: actual.data[at] as number,
      expected: expected.data[at] as number,
    },
  };
}

function refused(name: string, problem: string): TensorComparison {
  return { name, error: Number.POSITIVE_INFINITY, ok: false, problem };
}

/**
 * ‖a − b‖ / ‖b‖ over a tensor. Where ‖b‖ is zero, the root mean square of `a` instead: an absolute error.
 * Elements that are both NaN, or the same infinity, count as equal and enter neither norm; any other element that
 * is not finite on either side makes the error Infinity.
 */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const difference = new Norm();
  const size = new Norm();
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      if (Object.is(x, y)) continue;
      return Number.POSITIVE_INFINITY;
    }
    difference.add(x - y);
    size.add(y);
  }
  return size.norm === 0 ? difference.rootMeanSquare : difference.norm / size.norm;
}

/**
 * The first element off by more than `tolerance` times the root mean square of `expected` (of 1 where that is
 * zero). A tensor whose relative error is above the tolerance has one, but for rounding: then the worst is named.
 */
function firstWrong(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): number | undefined {
  const size = new Norm();
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(expected[i])) size.add(expected[i] as number);
  }
  const limit = tolerance * (size.norm === 0 ? 1 : size.rootMeanSquare);
  let worst: { at: number; difference: number } | undefined;
  for (let i = 0; i < expected.length; i++) {
    const [x, y] = [actual[i] as number, expected[i] as number];
    if (Object.is(x, y)) continue;
    const difference = Math.abs(x - y);
    if (!(difference <= limit)) return i;
    if (worst === undefined || difference > worst.difference) worst = { at: i, difference };
  }
  return worst?.at;
}

function unflatten(at: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = at;
  for (const size of [...shape].reverse()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}

/** Euclidean norm of many numbers, scaled so that no square overflows or vanishes. */
class Norm {
  private scale = 0;
  private sum = 0;
  private count = 0;

  add(value: number): void {
    const magnitude = Math.abs(value);
    this.count++;
    if (magnitude === 0) return;
    if (magnitude > this.scale) {
      this.sum = 1 + this.sum * (this.scale / magnitude) ** 2;
      this.scale = magnitude;
    } else {
      this.sum += (magnitude / this.scale) ** 2;
    }
  }

  get norm(): number {
    return this.scale * Math.sqrt(this.sum);
  }

  get rootMeanSquare(): number {
    return this.count === 0 ? 0 : this.norm / Math.sqrt(this.count);
  }
}
