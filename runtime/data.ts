/** What goes into one run of a cell and what comes out: the same shape for the device and for the reference. */
import { RecurveError } from '../codegen/errors.js';
import { constantOf } from '../codegen/frontend/declare/constant.js';
import type { Signature, Sizes, TensorDeclaration } from '../codegen/frontend/tree.js';
import { isFixed } from '../codegen/ir/sizes.js';
import { type Lengths, lengthsAlong } from './lengths.js';

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}
/** A tensor as it is read, from a device or a file. */
export interface ReadTensor {
  /** Sizes of its axes, outermost first; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** In row-major order. */
  readonly data: Float32Array;
}
export type Tensors = Readonly<Record<string, Tensor>>;

export interface CellData {
  /** `[T, B, …]` each, in data order: `reverse` runs each sequence from its own end. */
  readonly inputs: Tensors;
  /** Initial state, `[B, …]` each; what is missing is the state's `init`, or zero. */
  readonly state: Tensors;
  readonly params: Tensors;
  /**
   * Steps of each sequence, 0 to T; `undefined` means T for all. One of no steps ends with the state it begins with.
   * What inputs and cotangents hold past a sequence's length is not read.
   */
  readonly lengths?: Lengths;
  readonly reverse: boolean;
  /** Of the random masks, a whole number below 2³²; 0 where it is missing. */
  readonly seed?: number;
  /** Where given, gradients are computed; what is missing inside is zero. */
  readonly cotangents?: { readonly outputs: Tensors; readonly state: Tensors };
}

export interface CellResult {
  /** `[T, B, …]`, zero past a sequence's length. */
  readonly outputs: Tensors;
  /** Final state `[B, …]`, at each sequence's own end. */
  readonly state: Tensors;
  /** Traced values `[T, B, …]`, where any are. */
  readonly traces?: Tensors;
  readonly gradients?: {
    readonly inputs: Tensors;
    readonly state: Tensors;
    readonly params: Tensors;
    /** Cotangents of traced values. */
    readonly traces?: Tensors;
  };
}

/** The shape of a declared tensor at these sizes, behind leading axes such as `[T, B]`. */
export function shapeOf(
  declaration: Pick<TensorDeclaration, 'name' | 'shape'>,
  sizes: Sizes,
  leading: readonly string[] = [],
): number[] {
  return [...leading, ...declaration.shape].map((dim) => sizeOf(sizes, dim));
}

/**
 * The size of a dim; digits are their own.
 *
 * @throws RecurveError `DIMS-MISSING`
 */
export function sizeOf(sizes: Sizes, dim: string): number {
  const size = isFixed(dim) ? Number(dim) : sizes[dim];
  if (size === undefined) {
    throw new RecurveError({
      code: 'DIMS-MISSING',
      message: `no size is given for dim ${dim}`,
      fix: `Add ${dim}=… to --dims.`,
      where: dim,
    });
  }
  return size;
}

/** What all of a state is that the data leave out: its `init`, or zero. */
export function startOf({ init }: Pick<TensorDeclaration, 'init'>): number {
  return constantOf(init) ?? 0;
}

/** What a parameter that is not trained holds where the data leaves it out; `undefined` where it may not. */
export function fillOf({ init, trainable }: Pick<TensorDeclaration, 'init' | 'trainable'>): number | undefined {
  return trainable ? undefined : constantOf(init);
}

/**
 * Refuses rates of random masks that are no probabilities.
 *
 * @throws RecurveError `DATA-RATE`
 */
export function requireRates(rates: readonly string[], params: Tensors): void {
  for (const name of rates) {
    const rate = Object.hasOwn(params, name) ? params[name]?.data[0] : undefined;
    if (rate === undefined || (rate >= 0 && rate <= 1)) continue;
    throw new RecurveError({
      code: 'DATA-RATE',
      message: `params.${name} is ${rate}, and the rate of a random mask is from 0 to 1`,
      fix: 'Give a number from 0 (nothing is dropped) to 1 (everything is).',
      where: `params.${name}`,
    });
  }
}

/**
 * Of a symbol every number that is read is a whole one below how many there are.
 *
 * @param tensor `[T, B]`, or `[B]` where it has no time
 * @throws RecurveError `DATA-SYMBOL`
 */
export function requireSymbols(
  path: string,
  { shape, data }: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  count: number,
  lengths?: readonly number[],
): void {
  const [T = 0, B = 0] = shape.length > 1 ? shape : [1, shape[0]];
  for (let t = 0; t < T; t++) {
    for (let b = 0; b < B; b++) {
      if (shape.length > 1 && lengths !== undefined && t >= (lengths[b] ?? 0)) continue;
      const symbol = data[t * B + b];
      if (Number.isInteger(symbol) && Number(symbol) >= 0 && Number(symbol) < count) continue;
      const where = `${path}[${shape.length > 1 ? `${t}, ${b}` : b}]`;
      throw new RecurveError({
        code: 'DATA-SYMBOL',
        message: `${where} is ${symbol}, and a symbol is a whole number from 0 to ${count - 1}`,
        fix: `There are ${count} of them. Give each its number; a symbol of its own may stand for all that are not known.`,
        where,
      });
    }
  }
}

/** Holds the symbols that a run is given to how many there are of each. @throws RecurveError `DATA-SYMBOL` */
export function requireAllSymbols(
  signature: Pick<Signature, 'inputs' | 'state'>,
  sizes: Sizes,
  data: Pick<CellData, 'inputs' | 'state' | 'lengths'>,
): void {
  for (const group of ['inputs', 'state'] as const) {
    for (const { name, symbols, leading: [time = 'T'] = [] } of signature[group]) {
      const tensor = data[group][name];
      if (symbols === undefined || tensor === undefined) continue;
      requireSymbols(`${group}.${name}`, tensor, sizeOf(sizes, symbols), lengthsAlong(data.lengths, time));
    }
  }
}

/** What kernels and reference say alike. */
export function reversedModel(name: string): RecurveError {
  return new RecurveError({
    code: 'RUN-MODEL',
    message: `reverse is true, and ${name} is a model, which runs forward`,
    fix: 'Leave it out: the layers of a model have directions.',
    where: 'reverse',
  });
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Names and shapes of everything `data` may hold for a signature at these sizes. */
export function expectedShapes(
  signature: Signature,
  sizes: Sizes,
): Record<'inputs' | 'state' | 'params', Record<string, number[]>> {
  const group = (declarations: readonly TensorDeclaration[], leading: readonly string[]) =>
    Object.fromEntries(
      declarations.map((declaration) => [declaration.name, shapeOf(declaration, sizes, declaration.leading ?? leading)]),
    );
  return {
    inputs: group(signature.inputs, ['T', 'B']),
    state: group(signature.state, ['B']),
    params: group(signature.params, []),
  };
}
