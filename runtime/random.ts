/**
 * Seeded random data for checks: the same seed gives the same bits on every machine.
 *
 * Every tensor has its own stream, keyed by its path, so that a parameter added by an option leaves the
 * others as they were.
 */
import type { Signature, TensorDeclaration } from '../codegen/frontend/tree.js';
import type { Sizes } from '../codegen/plan.js';
import { type CellData, elements, shapeOf, sizeOf, type Tensor } from './data.js';
import { type Lengths, lengthsAlong, timesOf } from './lengths.js';

export interface RandomChoices {
  readonly seed: number;
  /** Sequences of different lengths: one of T, the others 0 to T, and past them what must not be read. Default false. */
  readonly ragged?: boolean;
  readonly reverse?: boolean;
  /** Factor of everything that is drawn around zero: inputs, initial state and parameters without a range. Default 1. */
  readonly scale?: number;
  /** Whether to give cotangents, on every output and every final state. Default true. */
  readonly gradients?: boolean;
}

/** Uniform numbers in [0, 1). */
export type Stream = () => number;

/**
 * Data for one run of a cell; all values are float32, and finite but for what lies past a sequence's length.
 *
 * Inputs and cotangents are bell-shaped with variance 1, the initial state likewise with variance 1/4. Parameters
 * are uniform, as a zero would hide a wrong gradient: vectors and scalars in ±1/2, others in ±1/√(terms of a sum).
 * Those with a number as `init` are near it instead, see `nearby`: a rate stays a rate, a period positive. Other rates
 * are near a half.
 * What declares a range is uniform in it, and so are symbols among all there are.
 *
 * @param outputs dims of every output sequence behind `[T, B]`, by name: `{ h: ['H'] }`
 */
export function randomData(
  signature: Signature,
  sizes: Sizes,
  outputs: Readonly<Record<string, readonly string[]>>,
  choices: RandomChoices,
): CellData {
  const fill = (path: string, shape: readonly number[], draw: (stream: Stream) => number): Tensor => {
    const stream = streamOf(choices.seed, path);
    return { shape, data: Float32Array.from({ length: elements(shape) }, () => draw(stream)) };
  };
  const group = (
    path: string,
    declarations: readonly Pick<TensorDeclaration, 'name' | 'shape' | 'range' | 'leading' | 'symbols'>[],
    leading: readonly string[],
    draw: (stream: Stream) => number,
  ) =>
    Object.fromEntries(
      declarations.map((declaration) => {
        const shape = shapeOf(declaration, sizes, declaration.leading ?? leading);
        const { range, symbols } = declaration;
        const drawn = symbols === undefined ? (range === undefined ? draw : within(range)) : below(sizeOf(sizes, symbols));
        return [declaration.name, fill(`${path}.${declaration.name}`, shape, drawn)];
      }),
    );
  const scale = choices.scale ?? 1;
  const sequences = Object.entries(outputs).map(([name, shape]) => {
    const leading = signature.outputAxes?.[name];
    return { name, shape, ...(leading === undefined ? {} : { leading }) };
  });
  const lengths = choices.ragged ? randomLengths(timesOf(signature), sizes, choices.seed) : undefined;
  const alongTime = (path: string, declarations: Parameters<typeof group>[1], draw: (stream: Stream) => number) => {
    const tensors = group(path, declarations, ['T', 'B'], draw);
    for (const { name, leading: [time] = ['T'] } of declarations) {
      const tensor = tensors[name];
      if (time !== undefined && time !== 'B' && tensor !== undefined) poisonPadding(tensor, lengthsAlong(lengths, time));
    }
    return tensors;
  };
  return {
    inputs: alongTime('inputs', signature.inputs, (stream) => scale * bell(stream)),
    state: group('state', signature.state, ['B'], (stream) => (scale * bell(stream)) / 2),
    params: Object.fromEntries(
      signature.params.map((declaration) => {
        const shape = shapeOf(declaration, sizes);
        const path = `params.${declaration.name}`;
        if (declaration.range !== undefined) return [declaration.name, fill(path, shape, within(declaration.range))];
        if (signature.rates.includes(declaration.name))
          return [declaration.name, fill(path, shape, within(ratesNear(declaration)))];
        const [middle, bound] = rangeOf(declaration, shape);
        const factor = middle === 0 ? scale : 1;
        return [declaration.name, fill(path, shape, (stream) => middle + (2 * stream() - 1) * bound * factor)];
      }),
    ),
    ...(lengths ? { lengths } : {}),
    reverse: choices.reverse ?? false,
    ...(signature.options.training === true ? { seed: choices.seed } : {}),
    ...(choices.gradients === false
      ? {}
      : {
          cotangents: {
            outputs: alongTime('cotangents.outputs', sequences, bell),
            state: group(
              'cotangents.state',
              signature.state.map(({ name, shape }) => ({ name, shape })),
              ['B'],
              bell,
            ),
          },
        }),
  };
}

/** Middle and half the width of the interval that a parameter is drawn from. */
function rangeOf({ shape: dims, trainable, init }: TensorDeclaration, shape: readonly number[]): [number, number] {
  const value = init === 'zeros' ? 0 : init === 'ones' ? 1 : init;
  if (typeof value === 'number' && (!trainable || (typeof init === 'number' && value !== 0))) return nearby(value);
  return [0, shape.length < 2 ? 0.5 : 1 / Math.sqrt(terms(dims, shape))];
}

/** Uniform between two numbers. */
export function within([low, high]: readonly [number, number]): (stream: Stream) => number {
  return (stream) => low + (high - low) * stream();
}

/** A whole number below another. */
function below(count: number): (stream: Stream) => number {
  return (stream) => Math.floor(count * stream());
}

/** A rate is a probability, whatever its `init`; at 0 and at 1 alone little would be tried. */
function ratesNear({ init }: TensorDeclaration): readonly [number, number] {
  const value = init === 'ones' ? 1 : typeof init === 'number' && init > 0 ? init : 0.5;
  return [value / 2, Math.min(1.5 * value, (1 + value) / 2)];
}

/** From half of a value to one and a half of it; what is below 1 stays below 1, as rates and decays must. */
function nearby(value: number): [number, number] {
  const [low, high] = [0.5 * value, value < 1 ? Math.min(1.5 * value, (1 + value) / 2) : 1.5 * value];
  return [(low + high) / 2, (high - low) / 2];
}

/** Terms of one sum of a product: columns, times the taps of a kernel, which are its leading axes of fixed size. */
function terms(dims: readonly string[], shape: readonly number[]): number {
  const taps = shape.slice(0, -2).filter((_, axis) => /^\d+$/.test(dims[axis] ?? ''));
  return elements(taps) * (shape.at(-1) ?? 1);
}

/** Along each axis lengths of its own. */
function randomLengths(times: readonly string[], sizes: Sizes, seed: number): Lengths {
  const along = (time: string) =>
    lengthsUpTo(sizeOf(sizes, time), sizeOf(sizes, 'B'), streamOf(seed, time === 'T' ? 'lengths' : `lengths.${time}`));
  const [only = 'T', ...others] = times;
  return others.length === 0 ? along(only) : Object.fromEntries(times.map((time) => [time, along(time)]));
}

/** One full length at a random place, the next one shorter, the others anything from 0 to T. */
function lengthsUpTo(T: number, B: number, stream: Stream): number[] {
  const lengths = Array.from({ length: B }, () => Math.floor(stream() * (T + 1)));
  const full = Math.floor(stream() * B);
  lengths[(full + 1) % B] = Math.floor(stream() * T);
  lengths[full] = T;
  return lengths;
}

/** What no kernel may let into a result: no sum, no product with zero and no comparison forgives all of them. */
const POISON = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38];

/** Fills what lies past the length of each sequence of a `[T, B, …]` tensor. */
export function poisonPadding({ shape, data }: Tensor, lengths: readonly number[] | undefined): void {
  const [T = 0, B = 0, ...rest] = shape;
  const columns = elements(rest);
  for (const [sequence, length] of (lengths ?? []).entries()) {
    for (let t = length; t < T; t++) {
      const from = (t * B + sequence) * columns;
      for (let k = from; k < from + columns; k++) data[k] = POISON[(t + k) % POISON.length] ?? Number.NaN;
    }
  }
}

/** Sum of four uniforms, mean 0 and variance 1: near enough to normal, and exact on every machine. */
export function bell(stream: Stream): number {
  return (stream() + stream() + stream() + stream() - 2) * Math.sqrt(3);
}

/** The stream of this name, another for every seed. */
export const streamOf = (seed: number, name: string): Stream => sfc32(seed, hash(name));

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}

/** Chris Doty-Humphrey's "small fast counting" generator sfc32, from PractRand; twelve steps to mix the seed. */
function sfc32(seed: number, key: number): Stream {
  let [a, b, c, counter] = [seed | 0, key | 0, 0x9e3779b9 | 0, 1];
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}
