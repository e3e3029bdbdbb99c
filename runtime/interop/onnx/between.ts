/**
 * What lies between two layers of a chain: operators that only move the axes of Y until the next node can read them. Y is followed
 * by its axes, each a product of T, B, D (the directions, where there are two) and H: `[T, D, B, H]` comes out of a node, and
 * `[T, B, D·H]` has to reach the next.
 */
import { integer, integers } from './attributes.js';
import { formOf } from './constant.js';
import type { Folder } from './fold/index.js';
import type { Source } from './scope.js';

export type Factor = 'T' | 'B' | 'D' | 'H';
/** Outermost factor first; an axis of size 1 has none. */
export type Axes = readonly (readonly Factor[])[];

/** Y of a node, or one direction of it, with its axes where they are now. */
export interface Moved {
  readonly axes: Axes;
  /** Where only one of two directions is left. */
  readonly direction?: 0 | 1;
}

export interface Sizes {
  /** 1 or 2. */
  readonly D: number;
  readonly H: number;
}

type Move = (
  source: Source,
  from: Moved,
  at: { readonly folder: Folder; readonly output: number; readonly sizes: Sizes },
) => Moved | undefined;

/** As a node gives it. */
export function yOf({ D }: Sizes, layout: 0 | 1): Moved {
  const directions: readonly Factor[] = D === 2 ? ['D'] : [];
  return { axes: layout === 0 ? [['T'], directions, ['B'], ['H']] : [['B'], ['T'], directions, ['H']] };
}

/** As a node reads it. */
export function isX({ axes }: Moved, { D }: Sizes, layout: 0 | 1): boolean {
  const values = D === 2 ? 'DH' : 'H';
  const found = axes.map((axis) => axis.join('')).join();
  return found === (layout === 0 ? `T,B,${values}` : `B,T,${values}`);
}

/** `undefined`: an operator that does something else. @param output which of its outputs */
export function moved(source: Source, from: Moved, at: Parameters<Move>[2]): Moved | undefined {
  const move = Object.hasOwn(MOVES, source.proto.opType) ? MOVES[source.proto.opType] : undefined;
  return move?.(source, from, at);
}

/** The directions of one node behind one another along H. */
export function rejoined(source: Source, [ahead, back]: readonly Moved[]): Moved | undefined {
  if (ahead?.direction !== 0 || back?.direction !== 1) return undefined;
  if (ahead.axes.join('|') !== back.axes.join('|')) return undefined;
  const axis = counted(integer(source, 'axis'), ahead.axes.length);
  if (axis === undefined || ahead.axes[axis]?.join() !== 'H') return undefined;
  return { axes: ahead.axes.with(axis, ['D', 'H']) };
}

const identity: Move = (_source, from, { output }) => (output === 0 ? from : undefined);

const MOVES: Readonly<Record<string, Move>> = {
  Identity: identity,

  Dropout(source, from, at) {
    const training = constants(source, 2, at.folder);
    // Left out, it is false; a run of the model is no training.
    return source.proto.input[2] === undefined || training?.every((value) => value === 0)
      ? identity(source, from, at)
      : undefined;
  },

  Transpose(source, { axes, ...rest }) {
    const order = integers(source, 'perm') ?? axes.map((_, axis) => axes.length - 1 - axis);
    const taken = order.map((axis) => axes[axis]);
    if (order.length !== axes.length || new Set(order).size !== order.length) return undefined;
    return taken.every((axis) => axis !== undefined) ? { ...rest, axes: taken } : undefined;
  },

  Squeeze(source, { axes, ...rest }, { folder }) {
    // Without axes, which go depends on the sizes of a run.
    const gone = axesOf(source, folder)?.map((axis) => counted(axis, axes.length));
    if (gone?.every((axis) => axis !== undefined && axes[axis]?.length === 0) !== true) return undefined;
    return { ...rest, axes: axes.filter((_, axis) => !gone.includes(axis)) };
  },

  Unsqueeze(source, { axes, ...rest }, { folder }) {
    const given = axesOf(source, folder);
    const rank = axes.length + (given?.length ?? 0);
    const fresh = given?.map((axis) => counted(axis, rank));
    if (fresh?.every((axis) => axis !== undefined) !== true || new Set(fresh).size !== fresh.length) return undefined;
    const others = [...axes];
    return { ...rest, axes: Array.from({ length: rank }, (_, axis) => (fresh.includes(axis) ? [] : (others.shift() ?? []))) };
  },

  Reshape(source, { axes, ...rest }, { folder, sizes }) {
    const wanted = integers(source, 'shape') ?? constants(source, 1, folder);
    if (wanted === undefined || (integer(source, 'allowzero') ?? 0) !== 0) return undefined;
    const shaped = reshaped(axes, wanted, rest.direction === undefined ? sizes : { ...sizes, D: 1 });
    return shaped && { ...rest, axes: shaped };
  },

  Slice(source, from, { folder, sizes }) {
    const listed = (name: string, input: number) => integers(source, name) ?? constants(source, input, folder);
    const [starts, ends] = [listed('starts', 1), listed('ends', 2)];
    const along = listed('axes', 3) ?? starts?.map((_, axis) => axis);
    const steps = source.proto.input[4] ? constants(source, 4, folder) : [1];
    if (starts?.length !== 1 || ends?.length !== 1 || along?.length !== 1 || steps?.join() !== '1') return undefined;
    const axis = counted(along[0], from.axes.length);
    const size = axis === undefined ? undefined : directionsAt(from, axis, sizes);
    if (axis === undefined || size === undefined) return undefined;
    const [start = 0, end = 0] = [starts[0], ends[0]].map((edge) =>
      Math.min(Math.max((edge ?? 0) < 0 ? (edge ?? 0) + size : (edge ?? 0), 0), size),
    );
    if (end - start === size) return from;
    return end - start === 1 ? { axes: from.axes.with(axis, []), direction: start === 0 ? 0 : 1 } : undefined;
  },

  Gather(source, from, { folder, sizes }) {
    const axis = counted(integer(source, 'axis') ?? 0, from.axes.length);
    const index = constants(source, 1, folder, 0);
    const size = axis === undefined ? undefined : directionsAt(from, axis, sizes);
    const place = size === undefined || index?.length !== 1 ? undefined : counted(index[0], size);
    if (axis === undefined || place === undefined) return undefined;
    const axes = from.axes.filter((_, other) => other !== axis);
    return size === 2 ? { axes, direction: place === 0 ? 0 : 1 } : { ...from, axes };
  },

  Split(source, from, { output, sizes }) {
    const axis = counted(integer(source, 'axis') ?? 0, from.axes.length);
    const two = axis !== undefined && directionsAt(from, axis, sizes) === 2 && source.proto.output.length === 2;
    return two && output < 2 ? { axes: from.axes.with(axis, []), direction: output === 0 ? 0 : 1 } : undefined;
  },
};

/** How many directions lie along the axis; `undefined` where it holds something else. */
function directionsAt({ axes }: Moved, axis: number, { D }: Sizes): number | undefined {
  const factors = axes[axis]?.join('');
  if (factors === 'D') return D;
  return factors === '' ? 1 : undefined;
}

/**
 * Axes of a constant shape: 0 takes the axis over, −1 what is left, and any other number so many values. Where only a run knows
 * T and B, a number stands for one of them.
 */
function reshaped(axes: Axes, wanted: readonly number[], sizes: Sizes): Axes | undefined {
  const open = wanted.indexOf(-1);
  const factors = axes.flat();
  const front: (readonly Factor[])[] = [];
  let at = 0;
  const ahead = open < 0 ? wanted : wanted.slice(0, open);
  for (const [axis, size] of ahead.entries()) {
    const taken = size === 0 ? kept(axes, axis, factors, at) : counting(factors.slice(at), size, sizes);
    if (taken === undefined) return undefined;
    front.push(taken);
    at += taken.length;
  }
  if (open < 0) return at === factors.length ? front : undefined;
  const rear: (readonly Factor[])[] = [];
  let end = factors.length;
  for (const size of wanted.slice(open + 1).toReversed()) {
    // An axis taken over behind a −1 may lie anywhere.
    const taken = size <= 0 ? undefined : counting(factors.slice(at, end).toReversed(), size, sizes)?.toReversed();
    if (taken === undefined) return undefined;
    rear.unshift(taken);
    end -= taken.length;
  }
  return [...front, factors.slice(at, end), ...rear];
}

function kept(axes: Axes, axis: number, factors: readonly Factor[], at: number): readonly Factor[] | undefined {
  const own = axes[axis];
  return own && own.join() === factors.slice(at, at + own.length).join() ? own : undefined;
}

/** So many of the first factors that they make the size. */
function counting(factors: readonly Factor[], size: number, sizes: Sizes): readonly Factor[] | undefined {
  const [first] = factors;
  if (first === 'T' || first === 'B') return [first];
  let product = 1;
  let count = 0;
  for (; product < size; count++) {
    const factor = factors[count];
    if (factor !== 'D' && factor !== 'H') return undefined;
    product *= sizes[factor];
  }
  return product === size ? factors.slice(0, count) : undefined;
}

function counted(axis: number | undefined, rank: number): number | undefined {
  if (axis === undefined) return undefined;
  const found = axis < 0 ? axis + rank : axis;
  return found >= 0 && found < rank ? found : undefined;
}

const axesOf = (source: Source, folder: Folder) => integers(source, 'axes') ?? constants(source, 1, folder);

/** Whole numbers of an input, where the file has them. @param most axes of it */
function constants(source: Source, input: number, folder: Folder, most = 1): readonly number[] | undefined {
  const outcome = folder.outcomeOf(source.scope, source.proto.input[input] ?? '');
  if (outcome?.kind !== 'constant') return undefined;
  const { type, shape, data } = outcome.value;
  return formOf(type).kind !== 'float' && shape.length <= most && data.length <= 64 ? Array.from(data) : undefined;
}
