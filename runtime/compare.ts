/** Measures how far a result is from the reference, tensor by tensor and unit by unit. */
import type { CellResult, Tensor, Tensors } from './data.js';
import { unwritten } from './memory/poison.js';
import { relativeError, rootMeanSquare, unitNorms } from './norm.js';

export interface WrongElement {
  /** `[t, b, unit]` for a sequence, `[b, unit]` for a state, `[row, column]` for a matrix. */
  readonly index: readonly number[];
  readonly actual: number;
  readonly expected: number;
}

/** One index of the last axis, whose own elements are off by more than the tolerance of their own norm. */
export interface WrongUnit {
  readonly unit: number;
  /** Norm of the difference over all other axes. */
  readonly difference: number;
  /** Norm of the reference over all other axes. */
  readonly size: number;
  /** How many numbers the norms are over. */
  readonly numbers: number;
}

export interface TensorComparison {
  /** `outputs.h`, `state.h`, `gradients.inputs.x`, `gradients.state.h`, `gradients.params.W`. */
  readonly name: string;
  /** Relative root-mean-square error; see `relativeError`. Infinity where the tensors cannot be compared. */
  readonly error: number;
  /** Whether the error is within the tolerance and every number of the reference is finite. Says nothing of `units`. */
  readonly ok: boolean;
  /** Units that are off where the whole tensor may be not, for smaller ones weigh little in one norm; worst first. */
  readonly units: readonly WrongUnit[];
  /** Axes of the tensor. */
  readonly rank: number;
  /** Elements that are not finite in the reference: about them a comparison says nothing. */
  readonly notFinite: number;
  /** Elements that no kernel wrote. */
  readonly unwritten: number;
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
  const found = tensorsOf(actual);
  const wanted = tensorsOf(expected);
  const unexpected = [...found.keys()].filter((name) => !wanted.has(name));
  return [
    ...[...wanted].map(([name, tensor]) => compareTensor(name, found.get(name), tensor, tolerance)),
    ...unexpected.map((name) => refused(name, 'the reference has no such tensor')),
  ];
}

/** Names of the tensors whose bits are not the same in two results of one device. */
export function differingBits(first: CellResult, second: CellResult): string[] {
  const [a, b] = [tensorsOf(first), tensorsOf(second)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => !sameBits(a.get(name), b.get(name)));
}

function sameBits(a: Tensor | undefined, b: Tensor | undefined): boolean {
  if (a === undefined || b === undefined || a.data.byteLength !== b.data.byteLength) return false;
  const [first, second] = [a, b].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return first?.every((byte, at) => byte === second?.[at]) === true;
}

/** Tensors by path, in the order of `CellResult`. */
export function tensorsOf(result: CellResult): Map<string, Tensor> {
  const groups: [string, Tensors | undefined][] = [
    ['outputs', result.outputs],
    ['state', result.state],
    ['traces', result.traces],
    ['gradients.inputs', result.gradients?.inputs],
    ['gradients.state', result.gradients?.state],
    ['gradients.params', result.gradients?.params],
    ['gradients.traces', result.gradients?.traces],
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
  const [blank = -1, ...more] = unwritten(actual.data);
  if (blank >= 0) {
    const count = more.length + 1;
    const problem = `no kernel wrote ${count} of its ${actual.data.length} numbers`;
    return { ...refused(name, problem), unwritten: count, worst: element(blank, actual, expected) };
  }
  const error = relativeError(actual.data, expected.data);
  let notFinite = 0;
  for (const value of expected.data) if (!Number.isFinite(value)) notFinite++;
  const units = wrongUnits(actual, expected, tolerance);
  const compared = { name, error, units, rank: expected.shape.length, notFinite, unwritten: 0 };
  if (error <= tolerance) return { ...compared, ok: notFinite === 0 };
  const at = firstWrong(actual.data, expected.data, tolerance);
  return at === undefined ? { ...compared, ok: false } : { ...compared, ok: false, worst: element(at, actual, expected) };
}

function refused(name: string, problem: string): TensorComparison {
  return { name, error: Number.POSITIVE_INFINITY, ok: false, units: [], rank: 0, notFinite: 0, unwritten: 0, problem };
}

/** Where one unit is all there is, its norm is the tensor's. */
function wrongUnits(actual: Tensor, expected: Tensor, tolerance: number): WrongUnit[] {
  const count = expected.shape.at(-1) ?? 1;
  if (count <= 1) return [];
  const numbers = expected.data.length / count;
  const { differences, sizes } = unitNorms(actual.data, expected.data, expected.shape);
  const wrong: WrongUnit[] = [];
  for (const [unit, difference] of differences.entries()) {
    const size = sizes[unit] as number;
    if (difference > tolerance * size) wrong.push({ unit, difference, size, numbers });
  }
  const relative = ({ difference, size }: WrongUnit) => difference / size;
  return wrong.sort((a, b) => (relative(b) === relative(a) ? b.difference - a.difference : relative(b) - relative(a)));
}

function element(at: number, actual: Tensor, expected: Tensor): WrongElement {
  return {
    index: unflatten(at, expected.shape),
    actual: actual.data[at] as number,
    expected: expected.data[at] as number,
  };
}

/**
 * The first element off by more than `tolerance` times the root mean square of `expected` (of 1 where that is
 * zero). A tensor whose relative error is above the tolerance has one, but for rounding: then the worst is named.
 */
function firstWrong(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): number | undefined {
  const limit = tolerance * (rootMeanSquare(expected) || 1);
  let worst: { at: number; difference: number } | undefined;
  for (let i = 0; i < expected.length; i++) {
    const [x, y] = [actual[i] as number, expected[i] as number];
    if (Object.is(x, y) || !Number.isFinite(y)) continue;
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
