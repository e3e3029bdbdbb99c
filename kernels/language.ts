/**
 * The cell language: the names a spec file imports from `recurve`.
 *
 * A spec is never executed. These declarations exist so that an editor checks it while it is typed; the
 * compiler reads the file's syntax tree, and shapes and meaning are checked there. Every tensor is a branded
 * number, so that the arithmetic operators apply; arithmetic is per unit and per sequence.
 *
 * Derivatives where a function has a kink: `relu` and `leakyRelu` take the left slope at 0, `abs` takes 0,
 * `min` and `max` pass the cotangent to the first argument on a tie, `clamp` and `hardSigmoid` pass it only
 * strictly inside their linear part for `hardSigmoid` and including the bounds for `clamp`.
 * NaN propagates through every function.
 */

declare const tensor: unique symbol;
/** Values over units, one step of one sequence. */
export type Vec = number & { readonly [tensor]: 'vec' };
/** A matrix parameter; only `matvec` takes it. */
export interface Mat {
  readonly [tensor]: 'mat';
}
export type Scalar = number & { readonly [tensor]: 'scalar' };

/** How a parameter is filled when nobody gives it: by `new`, `check` and `bench`. */
export type Init = 'uniform' | 'orthogonal' | 'zeros' | 'ones';
export interface Declared {
  /** Default `uniform` in ±1/√(last axis). */
  readonly init?: Init;
  /** The parameter exists only when this holds, e.g. `o.peepholes`. */
  readonly when?: boolean;
}

function notExecuted(name: string): never {
  throw new Error(`${name}: a cell is compiled from its source, not executed. Use \`npx recurve check <file>\`.`);
}

/** A vector over one dim. */
export function vec(_dim: string, _declared?: Declared): Vec {
  return notExecuted('vec');
}
/** A matrix of `rows` by `columns`; `matvec(W, x)` contracts over the columns. */
export function mat(_rows: string, _columns: string, _declared?: Declared): Mat {
  return notExecuted('mat');
}
/** One number for all units. */
export function scalar(_declared?: Declared): Scalar {
  return notExecuted('scalar');
}

/** An option with named values; the first is the default. */
export function choice<const V extends readonly [string, ...string[]]>(..._values: V): V[number] {
  return notExecuted('choice');
}
/** An option that is on or off. */
export function flag(_default: boolean): boolean {
  return notExecuted('flag');
}
/** A numeric option, fixed when compiling. */
export function real(_default: number, _range?: { readonly min?: number; readonly max?: number }): number {
  return notExecuted('real');
}
/** A whole-number option, fixed when compiling; may bound a `for`. */
export function integer(_default: number, _range?: { readonly min?: number; readonly max?: number }): number {
  return notExecuted('integer');
}

type OptionTable = Readonly<Record<string, string | number | boolean>>;
type Values = Readonly<Record<string, Vec | Scalar>>;
type Params = Readonly<Record<string, Vec | Scalar | Mat>>;
type Group<O, G> = G | ((options: O) => G);

export interface Cell<O extends OptionTable, X extends Values, S extends Values, P extends Params> {
  readonly name: string;
  readonly options?: O;
  /** Every dim name that shapes use, besides `T` (time steps) and `B` (sequences). */
  readonly dims: readonly string[];
  readonly inputs: Group<O, X>;
  readonly state: Group<O, S>;
  readonly params: Group<O, P>;
  /** Which sequences a caller gets; default: all that `step` returns. */
  readonly outputs?: readonly string[];
  /** One time step: next value of every state, and any further outputs, by name. */
  step(
    inputs: X,
    state: S,
    params: P,
    context: { readonly options: O },
  ): { readonly [K in keyof S]: number } & Readonly<Record<string, number>>;
}

/** Defines a cell: `export default cell({ … })`. */
export function cell<const O extends OptionTable, X extends Values, S extends Values, P extends Params>(
  definition: Cell<O, X, S, P>,
): Cell<O, X, S, P> {
  return definition;
}

/** Matrix-vector product `W x`: `mat('H', 'I')` with `vec('I')` gives a vector over `H`. */
export function matvec(_matrix: Mat, _x: number): number {
  return notExecuted('matvec');
}
/** 1 / (1 + e⁻ˣ). */
export function sigmoid(_x: number): number {
  return notExecuted('sigmoid');
}
export function tanh(_x: number): number {
  return notExecuted('tanh');
}
/** max(x, 0). */
export function relu(_x: number): number {
  return notExecuted('relu');
}
/** x for x > 0, else `slope`·x; slope 0.01 unless given, and static. */
export function leakyRelu(_x: number, _slope?: number): number {
  return notExecuted('leakyRelu');
}
/** x for x > 0, else `alpha`·(eˣ − 1); alpha 1 unless given, and static. */
export function elu(_x: number, _alpha?: number): number {
  return notExecuted('elu');
}
/** log(1 + eˣ). */
export function softplus(_x: number): number {
  return notExecuted('softplus');
}
/** x / (1 + |x|). */
export function softsign(_x: number): number {
  return notExecuted('softsign');
}
/** clamp(0.2·x + 0.5, 0, 1), as ONNX. */
export function hardSigmoid(_x: number): number {
  return notExecuted('hardSigmoid');
}
export function exp(_x: number): number {
  return notExecuted('exp');
}
/** Natural logarithm. */
export function log(_x: number): number {
  return notExecuted('log');
}
export function sqrt(_x: number): number {
  return notExecuted('sqrt');
}
export function abs(_x: number): number {
  return notExecuted('abs');
}
export function min(_a: number, _b: number): number {
  return notExecuted('min');
}
export function max(_a: number, _b: number): number {
  return notExecuted('max');
}
/** min(max(x, low), high). */
export function clamp(_x: number, _low: number, _high: number): number {
  return notExecuted('clamp');
}
/** x·x. */
export function square(_x: number): number {
  return notExecuted('square');
}
