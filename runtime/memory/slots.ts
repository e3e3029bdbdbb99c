/**
 * Where a host tensor's elements lie in its padded place on the device. Both directions of copying are built on
 * `runs`: stretches of elements that are next to each other on both sides.
 */
import type { Plan, TensorSlot } from '../../codegen/plan.js';
import { elements } from '../data.js';

/** Stretches of `length` elements, from `logical[i]` in the dense tensor to `padded[i]` in the padded one. */
export interface Runs {
  readonly length: number;
  readonly logical: readonly number[];
  readonly padded: readonly number[];
}

/** The stretches of a tensor of one shape inside its padded shape. A scalar is one stretch of one element. */
export function runs(shape: readonly number[], padded: readonly number[]): Runs {
  let logicalStarts = [0];
  let paddedStarts = [0];
  let logicalStride = elements(shape);
  let paddedStride = elements(padded);
  const length = shape.at(-1) ?? 1;
  for (let axis = 0; axis + 1 < shape.length; axis++) {
    const size = shape[axis] ?? 1;
    logicalStride /= size;
    paddedStride /= padded[axis] ?? 1;
    const indices = Array.from({ length: size }, (_, index) => index);
    const [inner, outer] = [logicalStride, paddedStride];
    logicalStarts = logicalStarts.flatMap((start) => indices.map((index) => start + index * inner));
    paddedStarts = paddedStarts.flatMap((start) => indices.map((index) => start + index * outer));
  }
  return { length, logical: logicalStarts, padded: paddedStarts };
}

/**
 * What a tensor's leading axes are. `sequence` `[T, B, …]`: by step on the device, by position in the data on the host.
 * `row` `[B, …]`. `shared` by all sequences: none.
 */
export type Leading = 'sequence' | 'row' | 'shared';

/** One tensor of a plan with everything about its place worked out. */
export interface PlacedTensor {
  /** As in `Plan.tensors`: `gradients.inputs.x`. */
  readonly path: string;
  /** Where the path begins: `gradients.inputs`. */
  readonly group: string;
  /** What is left of it: `x`, or `first.W_i` of a layer's parameter. */
  readonly name: string;
  readonly slot: TensorSlot;
  /** 32-bit words on the device, padding included. */
  readonly words: number;
  readonly leading: Leading;
  /** Of a sequence: its time axis. */
  readonly time: string;
  /** The shape behind the leading axes, dense and padded: a scalar is one of four. */
  readonly unit: { readonly shape: readonly number[]; readonly padded: readonly number[] };
  /** Of one unit. */
  readonly runs: Runs;
}

const LEADING: Readonly<Record<string, Leading>> = {
  inputs: 'sequence',
  state: 'row',
  params: 'shared',
  'cotangents.outputs': 'sequence',
  'cotangents.state': 'row',
  outputs: 'sequence',
  traces: 'sequence',
  final: 'row',
  'gradients.inputs': 'sequence',
  'gradients.state': 'row',
  'gradients.params': 'shared',
  'gradients.traces': 'sequence',
};
const RESULTS = new Set(Object.keys(LEADING).slice(Object.keys(LEADING).indexOf('outputs')));
const AXES: Readonly<Record<Leading, number>> = { sequence: 2, row: 1, shared: 0 };

/** The tensors of a plan, apart by what the host does with them. */
export function placeTensors(plan: Plan): { readonly given: PlacedTensor[]; readonly results: PlacedTensor[] } {
  const placed = Object.entries(plan.tensors).map(([path, slot]) => place(path, slot));
  return {
    given: placed.filter((tensor) => !RESULTS.has(tensor.group)),
    results: placed.filter((tensor) => RESULTS.has(tensor.group)),
  };
}

function place(path: string, slot: TensorSlot): PlacedTensor {
  const group = Object.keys(LEADING).find((known) => path.startsWith(`${known}.`));
  const alongTime = group === undefined ? undefined : LEADING[group];
  if (group === undefined || alongTime === undefined) throw new Error(`the plan has a tensor ${path} of no known group`);
  const leading = slot.total === true ? 'shared' : slot.timeless === true ? 'row' : alongTime;
  const own = slot.shape.slice(AXES[leading]);
  // One number takes an axis of its own in padded memory.
  const unit = { shape: slot.padded.length > slot.shape.length ? [...own, 1] : own, padded: slot.padded.slice(AXES[leading]) };
  return {
    path,
    group,
    name: path.slice(group.length + 1),
    slot,
    words: elements(slot.padded),
    leading,
    time: slot.time ?? 'T',
    unit,
    runs: runs(unit.shape, unit.padded),
  };
}
