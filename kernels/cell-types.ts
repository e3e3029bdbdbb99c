/** The types of tensors and of what `cell` takes: what an editor checks of a cell. */
declare const tensor: unique symbol;
/** Values over units, one step of one sequence. */
export type Vec = number & { readonly [tensor]: 'vec' };
/** A matrix: as a parameter what `matvec` takes, as an input or state a value of every sequence. */
export type Mat = number & { readonly [tensor]: 'mat' };
/** One number. */
export type Scalar = number & { readonly [tensor]: 'scalar' };
/** Values over positions and channels. */
export type FeatureMap = number & { readonly [tensor]: 'map' };
/** One matrix for each head. */
export interface Blocks {
  /** Only `matvec` takes it. */
  readonly [tensor]: 'blocks';
}
/** Several matrices of one shape; `p.U[k]` with a static `k` is one of them. */
export interface Stack {
  /** Only one of its matrices at a time is used. */
  readonly [tensor]: 'stack';
  /** The k-th of them, counted from 0. */
  readonly [k: number]: Mat;
}
/** One matrix for each tap of a convolution; `p.K[k]` with a static `k` is that of one tap. */
export interface Kernel {
  /** Only `conv1d` and `conv2d` take it whole. */
  readonly [tensor]: 'kernel';
  /** That of one tap, counted from 0. */
  readonly [tap: number]: Mat;
}
/** A matrix made from another by `transpose`, `blockTriangular` or `dropConnect`; only `matvec` takes it. */
export interface Matrix {
  /** Not a number: no arithmetic applies to it. */
  readonly [tensor]: 'matrix';
}
export type OptionTable = Readonly<Record<string, string | number | boolean>>;
export type Values = Readonly<Record<string, Vec | Scalar | Mat | FeatureMap>>;
export type Params = Readonly<Record<string, Vec | Scalar | Mat | FeatureMap | Blocks | Stack | Kernel>>;
/** A cell that calls `dropout`, `zoneout`, `dropConnect` or `noise` has the option `training`, false by default. */
export type Chosen<O> = O & { readonly training: boolean };
/** What a step computes with: numbers, so that a `let` that starts as one can take a result, and matrices as they are. */
export type Plain<T> = { readonly [K in keyof T]: T[K] extends number ? number : T[K] };
export type Group<O, G> = G | ((options: Chosen<O>) => G);

/** What `cell` takes. Groups of tensors may depend on options: `params: (o) => ({ … })`. */
export interface Cell<O extends OptionTable, X extends Values, S extends Values, P extends Params> {
  /** ASCII letters, digits, `_` and `-`, a letter first; how kernels and files are called. */
  readonly name: string;
  /** What users choose when compiling: `choice`, `flag`, `real`, `integer`. */
  readonly options?: O;
  /** Every dim name that shapes use, besides `T` (time steps) and `B` (sequences). */
  readonly dims: readonly string[];
  /** One step of one sequence each; `[T, B, …]` in data. */
  readonly inputs: Group<O, X>;
  /** One sequence's each, `[B, …]` in data; the step gives its next value. */
  readonly state: Group<O, S>;
  /** Shared by all steps and sequences. */
  readonly params: Group<O, P>;
  /** Which sequences a caller gets; default: all that `step` returns. */
  readonly outputs?: readonly string[];
  /**
   * One time step: next value of every state, and any further outputs, by name. `t` is the number of the step, from
   * 0 in the order of processing: a reversed sequence counts from its own end. An output may be left out by an option.
   */
  step(
    inputs: Plain<X>,
    state: Plain<S>,
    params: Plain<P>,
    context: { readonly options: Chosen<O>; readonly t: number },
  ): { readonly [K in keyof S]: number } & Readonly<Record<string, number | undefined>>;
}
