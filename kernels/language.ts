/**
 * The cell language: the names a spec file imports from `recurve`.
 *
 * A spec is never executed. These declarations exist so that an editor checks it while it is typed; the
 * compiler reads the file's syntax tree, and shapes and meaning are checked there. Every tensor is a branded
 * number, so that the arithmetic operators apply; arithmetic is per unit and per sequence.
 *
 * Derivatives where a function has a kink: `relu` and `leakyRelu` take the left slope at 0, `abs` takes 0,
 * `min` and `max` pass the cotangent to the first argument on a tie, `clamp` and `hardSigmoid` pass it only
 * strictly inside their linear part for `hardSigmoid` and including the bounds for `clamp`. Through `round`, `floor`,
 * `step`, `sign` and comparisons no cotangent passes; `%` and `mod` have slopes 1 and −trunc(a/b) everywhere.
 * NaN propagates through every function, except that `pow(x, 0)` is 1 as in JavaScript.
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
/** In radians; to float32's precision for |x| up to 50,000, and within ±1 beyond. */
export function sin(_x: number): number {
  return notExecuted('sin');
}
/** In radians; to float32's precision for |x| up to 50,000, and within ±1 beyond. */
export function cos(_x: number): number {
  return notExecuted('cos');
}
/** Error function, 2/√π ∫₀ˣ e^(−s²) ds. */
export function erf(_x: number): number {
  return notExecuted('erf');
}
/** log(1 + x), exact also where x is small. */
export function log1p(_x: number): number {
  return notExecuted('log1p');
}
/** eˣ − 1, exact also where x is small. */
export function expm1(_x: number): number {
  return notExecuted('expm1');
}
/** log(sigmoid(x)) = −softplus(−x). */
export function logSigmoid(_x: number): number {
  return notExecuted('logSigmoid');
}
/** x·Φ(x), Φ the normal distribution: the exact form by `erf`, not the one by `tanh` (Hendrycks & Gimpel 2016, arXiv:1606.08415). */
export function gelu(_x: number): number {
  return notExecuted('gelu');
}
/** x·sigmoid(x), also called swish (Elfwing et al. 2017, arXiv:1702.03118). */
export function silu(_x: number): number {
  return notExecuted('silu');
}
/** x·tanh(softplus(x)) (Misra 2019, arXiv:1908.08681). */
export function mish(_x: number): number {
  return notExecuted('mish');
}
/**
 * xʸ, also written `x ** y`, with the values of JavaScript's `Math.pow`: NaN for a negative x and a y that is not whole,
 * 1 for y = 0. The slope by y is xʸ·log(x): NaN for negative x, and 0 at x = 0 where y ≥ 0; a constant y needs none.
 */
export function pow(_x: number, _y: number): number {
  return notExecuted('pow');
}
/** The nearest whole number, halves to the even one (unlike `Math.round`). */
export function round(_x: number): number {
  return notExecuted('round');
}
/** The next whole number down. */
export function floor(_x: number): number {
  return notExecuted('floor');
}
/** a − b·trunc(a/b), also written `a % b`: the sign is a's, as in JavaScript. Exact while |a/b| is below 2²³, below |b| beyond. */
export function mod(_a: number, _b: number): number {
  return notExecuted('mod');
}
/** 1 where x ≥ 0, else 0. */
export function step(_x: number): number {
  return notExecuted('step');
}
/** −1, 0 or 1, as x is negative, zero or positive. */
export function sign(_x: number): number {
  return notExecuted('sign');
}
/** `test ? a : b`. The side that is not taken gets a zero cotangent. */
export function select(_test: boolean, _a: number, _b: number): number {
  return notExecuted('select');
}
/** x; no cotangent passes. */
export function stopGradient(_x: number): number {
  return notExecuted('stopGradient');
}
/**
 * The value of `forward`; the cotangent goes to `surrogate` unchanged, and none to `forward` (straight-through
 * estimator, Bengio et al. 2013, arXiv:1308.3432). A spike: `straightThrough(step(v - 1), sigmoid(4 * (v - 1)))`.
 */
export function straightThrough(_forward: number, _surrogate: number): number {
  return notExecuted('straightThrough');
}
