/**
 * The cell language: the names a spec file imports from `recurve`. Those of models alone are in model-language.ts.
 *
 * A spec is never executed. These declarations exist so that an editor checks it while it is typed; the
 * compiler reads the file's syntax tree, and shapes and meaning are checked there. Every tensor is a branded
 * number, so that the arithmetic operators apply; arithmetic is per unit and per sequence, between values of one
 * shape or with scalars.
 *
 * Shapes are lists of dims: positions or heads first, units or channels last; `[]` for a scalar.
 *
 * Where a function has a kink its comment says which slope is taken. Through `round`, `floor`, `step`, `sign` and
 * comparisons no cotangent passes.
 * NaN propagates through every function, except that `pow(x, 0)` is 1 as in JavaScript.
 */
import type {
  Blocks,
  Cell,
  FeatureMap,
  Kernel,
  Mat,
  Matrix,
  OptionTable,
  Params,
  Scalar,
  Stack,
  Values,
  Vec,
} from './cell-types.js';
import { notExecuted } from './not-executed.js';

export type { Blocks, Cell, FeatureMap, Kernel, Mat, Matrix, Scalar, Stack, Vec } from './cell-types.js';

/** What stands before the vector in `matvec`: a matrix parameter, one made from it, or a computed value of two axes. */
type Factor = number | Blocks | Matrix | undefined;

/** A declared dim by name, or a whole number: an axis of that size. */
type Dim = string | number;

/** How a parameter is filled when nobody gives it: by `new`, `check` and `bench`. A number fills all of it. */
export type Init = 'uniform' | 'orthogonal' | 'zeros' | 'ones' | number;
/** What a declaration may say beside its shape. */
export interface Declared {
  /**
   * Of a parameter: default `uniform` in ±1/√(last axis). Of a state: the number, `'zeros'` (default) or `'ones'`, that
   * all of it is where a run gives no initial state. Inputs have none.
   */
  readonly init?: Init;
  /**
   * `[low, high]`: what `check` and `bench` draw it from, uniformly; a divisor `[0.5, 2]`, a gate `[0, 1]`; a
   * parameter without `init` is filled from it, too. It binds no one who runs the cell. By default inputs
   * and states are bell-shaped around 0, parameters small.
   */
  readonly range?: readonly [number, number];
  /** The tensor exists only when this holds, e.g. `o.peepholes`. */
  readonly when?: boolean;
  /**
   * `false` for a parameter that gets no gradient. With a number, `zeros` or `ones` as `init` it may then be
   * missing in the data, and is that. For parameters only.
   */
  readonly trainable?: boolean;
}

/** A vector over one dim. */
export function vec(_dim: Dim, _declared?: Declared): Vec {
  return notExecuted('vec');
}
/**
 * A matrix of `rows` by `columns`; `matvec(W, x)` contracts over the columns. As an input or state every sequence has
 * its own: a matrix memory.
 */
export function mat(_rows: Dim, _columns: Dim, _declared?: Declared): Mat {
  return notExecuted('mat');
}
/** One number for all units; as an input or state one for each sequence. */
export function scalar(_declared?: Declared): Scalar {
  return notExecuted('scalar');
}
/**
 * One of as many symbols as `count` says: a whole number from 0 to count − 1, one for each sequence. For inputs and states;
 * `embed` makes a vector of it. Of a vocabulary nothing is ever as long as that in memory.
 */
export function symbol(_count: Dim, _declared?: Pick<Declared, 'when'>): Scalar {
  return notExecuted('symbol');
}
/** A map of two to four dims: positions (or heads) first, channels last, `map('X', 'Y', 'C')`. */
export function map(_first: Dim, _second: Dim, ..._more: (Dim | Declared)[]): FeatureMap {
  return notExecuted('map');
}
/** A parameter of `heads` matrices, `rows` by `columns` each: `matvec` takes a value `[heads, columns]`. */
export function blocks(_heads: Dim, _rows: Dim, _columns: Dim, _declared?: Declared): Blocks {
  return notExecuted('blocks');
}
/** A parameter of `count` matrices, `rows` by `columns` each; `count` is static and `p.U[k]` one of them. */
export function stack(_count: number, _rows: Dim, _columns: Dim, _declared?: Declared): Stack {
  return notExecuted('stack');
}
/**
 * The kernel of a convolution, a parameter: a matrix from `inputs` to `outputs` channels for every tap,
 * `kernel('O', 'I', 3)` for `conv1d` and `kernel('O', 'I', 3, 3)` for `conv2d`. Extents are static. With
 * `groups: 'G'` every group of channels has its own matrices. Stored `[taps…, groups?, outputs, inputs]`.
 */
export function kernel(
  _outputs: Dim,
  _inputs: Dim,
  _extent: number,
  ..._more: (number | (Declared & { readonly groups?: Dim }))[]
): Kernel {
  return notExecuted('kernel');
}

/** An option with named values; the first is the default. */
export function choice<const V extends readonly [string, ...string[]]>(..._values: V): V[number] {
  return notExecuted('choice');
}
/** An option that is on or off. */
export function flag(_default: boolean): boolean {
  return notExecuted('flag');
}
/** Bounds of a numeric option, and other defaults by the value of a choice: `{ per: { activation: { elu: 1 } } }`. */
export interface NumberSettings {
  /** The least value; smaller ones are refused. */
  readonly min?: number;
  /** The largest value; larger ones are refused. */
  readonly max?: number;
  /** The default by the value of a `choice`, in the place of the general one. */
  readonly per?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}
/** A numeric option, fixed when compiling. */
export function real(_default: number, _settings?: NumberSettings): number {
  return notExecuted('real');
}
/** A whole-number option, fixed when compiling; may bound a `for`. */
export function integer(_default: number, _settings?: NumberSettings): number {
  return notExecuted('integer');
}

/** Defines a cell: `export default cell({ … })`. */
export function cell<const O extends OptionTable, X extends Values, S extends Values, P extends Params>(
  definition: Cell<O, X, S, P>,
): Cell<O, X, S, P> {
  return definition;
}

/**
 * Matrix-vector product `M x`: `mat('H', 'I')` with `vec('I')` gives a vector over `H`. Leading axes of `x` stay:
 * `[X, I]` gives `[X, H]`. `blocks('N', 'O', 'I')` takes `[…, N, I]` and gives `[…, N, O]`. A computed value of two
 * axes, `[R, C]`, takes `[…, C]` and gives `[…, R]`: of keys and queries, one a row, `matvec(k, q)` is every query's product
 * with every key, `[queries, keys]`.
 */
export function matvec(_matrix: Factor, _x: number): number {
  return notExecuted('matvec');
}
/** The matrix with rows and columns exchanged, for `matvec`. */
export function transpose(_matrix: Factor): Matrix {
  return notExecuted('transpose');
}
/**
 * A matrix parameter whose rows and columns are cut into `count` blocks, unit u in block ⌊u·count/size⌋. Entry (i, k)
 * counts where block(k) ≥ block(i), with `'lower'` where block(k) ≤ block(i); else it is zero and gets no gradient.
 * The clockwork RNN (Koutník et al. 2014) is made of one.
 */
export function blockTriangular(_matrix: Factor, _count: number, _side?: 'lower'): Matrix {
  return notExecuted('blockTriangular');
}
/** `A (B x)`: a matrix of the rank of `B`'s rows. */
export function lowRank(_a: Factor, _b: Factor, _x: number): number {
  return notExecuted('lowRank');
}
/** `U x − Uᵀ x` (AntisymmetricRNN, Chang et al. 2019). */
export function antisymmetric(_matrix: Factor, _x: number): number {
  return notExecuted('antisymmetric');
}
/** `a bᵀ`: `[R]` and `[C]` give `[R, C]`. */
export function outer(_a: number, _b: number): number {
  return notExecuted('outer');
}
/** Σ a·b over all units of two values of one shape. */
export function dot(_a: number, _b: number): number {
  return notExecuted('dot');
}

/**
 * Sum over all units, or over the axis named. In a model, `sum(x, 'T')` with the time axis of a sequence is over the steps
 * that each sequence has, and what it gives has no time; so are `mean`, `maxOver` and `softmax`. Of no steps it is 0.
 */
export function sum(_x: number, _axis?: Dim): number {
  return notExecuted('sum');
}
/** Mean over all units, or over the axis named; in a model also over a time axis, each sequence's own steps. */
export function mean(_x: number, _axis?: Dim): number {
  return notExecuted('mean');
}
/** Variance of the population: the mean of (x − mean)². */
export function variance(_x: number, _axis?: Dim): number {
  return notExecuted('variance');
}
/**
 * Largest value; equal maxima share the cotangent equally. With a NaN among them it is NaN, and so is every slope. In a
 * model also over a time axis: step by step in the order of time, with the slopes of `max`.
 */
export function maxOver(_x: number, _axis?: Dim): number {
  return notExecuted('maxOver');
}
/** log Σ eˣ, computed with the maximum subtracted. */
export function logSumExp(_x: number, _axis?: Dim): number {
  return notExecuted('logSumExp');
}
/** √(Σ x²); its gradient at x = 0 is not a number. */
export function norm(_x: number, _axis?: Dim): number {
  return notExecuted('norm');
}
/**
 * eˣ / Σ eˣ over all units or along the axis named, computed with the maximum subtracted; the shape of `x`. In a model also
 * along a time axis, for each unit over the steps that its sequence has: a sequence.
 */
export function softmax(_x: number, _axis?: Dim): number {
  return notExecuted('softmax');
}

/** The value repeated to the shape of these dims, which hold its own axes by name and in order. */
export function broadcast(_x: number, ..._dims: readonly [Dim, ...Dim[]]): number {
  return notExecuted('broadcast');
}
/** Values joined along their last axis, which then is `dim`: its size is the sum of theirs. Other axes are equal. */
export function concat(_dim: Dim, ..._parts: readonly [number, ...number[]]): number {
  return notExecuted('concat');
}
/** As many units of the last axis as `dim` has, from the static number `from`. */
export function slice(_x: number, _dim: Dim, _from: number): number {
  return notExecuted('slice');
}
/** The last axis cut into consecutive slices, whose sizes add up to its own. */
export function split<const D extends readonly Dim[]>(_x: number, ..._dims: D): { readonly [K in keyof D]: number } {
  return notExecuted('split');
}

/** Static settings of a convolution. */
export interface Convolution<N, D> {
  /**
   * `same` (default) and `causal` keep one position for every `stride` of them, ⌈X/stride⌉; `valid` those where the
   * whole kernel lies inside, ⌊(X − (extent − 1)·dilation − 1)/stride⌋ + 1. `causal` sees only positions before.
   */
  readonly padding?: 'same' | 'valid' | 'causal';
  /** Default 1. */
  readonly stride?: N;
  /** Distance between taps, default 1. */
  readonly dilation?: N;
  /** Dim of the result's positions; may be left out where there are as many as before. */
  readonly to?: D;
}
/**
 * out[p] = Σ_d K[d] · x[p·stride + d·dilation − left], zero outside: a map `[X, I]` gives `[Y, O]`, with a grouped
 * kernel `[X, G, I]` gives `[Y, G, O]`. left is ⌊(extent − 1)·dilation/2⌋ for `same`, (extent − 1)·dilation for
 * `causal`, 0 for `valid`.
 */
export function conv1d(_kernel: Kernel, _x: number, _settings?: Convolution<number, Dim>): number {
  return notExecuted('conv1d');
}
/** The same over two position axes: `[X, Y, I]` gives `[X2, Y2, O]`. Settings are one number for both axes or a pair. */
export function conv2d(
  _kernel: Kernel,
  _x: number,
  _settings?: Convolution<number | readonly [number, number], readonly [Dim, Dim]>,
): number {
  return notExecuted('conv2d');
}

/**
 * An input or state as it was `steps` ≥ 1 steps ago, static. Inputs before the first step are 0; `delay(h, k)` is `h`
 * as the step got it k steps ago, so the initial state counts as its value at step 0, and before that it is 0.
 */
export function delay(_x: number, _steps: number): number {
  return notExecuted('delay');
}
/** `[dim]`: the number of each unit, from 0. */
export function index(_dim: Dim): number {
  return notExecuted('index');
}
/** `[dim]`: the block of each unit where they are cut into `count`, ⌊unit·count/size⌋. */
export function blockIndex(_dim: Dim, _count: number): number {
  return notExecuted('blockIndex');
}

/**
 * In training 0 with probability `rate` and else x/(1 − rate), drawn afresh at every step or once for the `'sequence'`
 * (Gal & Ghahramani 2016); otherwise x. The rate, here and below, is a number, an option or a scalar parameter from
 * 0 to 1, refused where it is not, and gets no gradient. What is dropped or kept for certain takes no part: at a rate
 * of 1 the result is 0, and so are its gradients.
 */
export function dropout(_x: number, _rate: number, _per?: 'sequence'): number {
  return notExecuted('dropout');
}
/** In training `previous` with probability `rate`, else `next`; otherwise their mean so weighted (Krueger et al. 2017). */
export function zoneout(_next: number, _previous: number, _rate: number, _per?: 'sequence'): number {
  return notExecuted('zoneout');
}
/**
 * A matrix parameter, in training each entry 0 with probability `rate` and else M/(1 − rate), one mask for the run
 * (Wan et al. 2013; Merity et al. 2018).
 */
export function dropConnect(_matrix: Factor, _rate: number): Matrix {
  return notExecuted('dropConnect');
}
/**
 * `a` with probability `rate`, else `b`, all units of a step together, drawn afresh at every step, in training and
 * otherwise: what a network is taught, or what it said itself (scheduled sampling, Bengio et al. 2015, arXiv:1506.03099).
 */
export function either(_a: number, _b: number, _rate: number): number {
  return notExecuted('either');
}
/** In training x + scale·n with n standard normal, fresh at every step; otherwise x. */
export function noise(_x: number, _scale: number): number {
  return notExecuted('noise');
}

/**
 * Row `symbol` of a matrix parameter: `mat('V', 'H')` gives a vector over `H`. The gradient goes to the rows that were
 * taken, in an order that never changes. What is no whole number is rounded to the nearest row there is.
 */
export function embed(_matrix: Factor, _symbol: number): number {
  return notExecuted('embed');
}
/** The number of the largest value along the only axis, or the one named; of the first, where several are equal. No cotangent passes. */
export function argmax(_x: number, _axis?: Dim): number {
  return notExecuted('argmax');
}
/**
 * The number of a unit drawn with the probabilities softmax(x / temperature), in training and otherwise, afresh at every step;
 * the run's seed repeats it. Temperature 1 where it is left out. No cotangent passes. It is `argmax` of x / temperature and
 * Gumbel noise (Maddison et al. 2014, arXiv:1411.0030).
 */
export function sample(_x: number, _temperature?: number): number {
  return notExecuted('sample');
}
/** Settings of `crossEntropy`, those of `torch.nn.CrossEntropyLoss`. */
export interface Targets {
  /** ε from 0 to 1, a rate as of `dropout`: of the target (1 − ε) is the symbol's and ε is shared by all (Szegedy et al. 2016). Default 0. */
  readonly smoothing?: number;
  /** A weight for each symbol, of the shape of the logits: w[symbol] in front, within the mean of the smoothing each its own. */
  readonly weights?: number;
}
/**
 * logSumExp(x) − x[symbol]: the loss, in nats, of logits `x` where `symbol` is right; of no unit's number logSumExp(x). With
 * `smoothing` ε and `weights` w it is (1 − ε)·w[symbol]·(logSumExp(x) − x[symbol]) + ε·mean(w·(logSumExp(x) − x)).
 */
export function crossEntropy(_x: number, _symbol: number, _settings?: Targets): number {
  return notExecuted('crossEntropy');
}

/**
 * Layer normalization (Ba et al. 2016): (x − mean)/√(variance + 10⁻⁵)·gain + bias, over all units. Written in the
 * language itself: kernels/library/normalization.ts.
 */
export function layerNorm(_x: number, _gain: number, _bias: number): number {
  return notExecuted('layerNorm');
}
/** Root-mean-square normalization (Zhang & Sennrich 2019): x/√(mean(x²) + 10⁻⁵)·gain, over all units. */
export function rmsNorm(_x: number, _gain: number): number {
  return notExecuted('rmsNorm');
}
/**
 * The loss of a logit where the target, from 0 to 1, is how likely the unit is on: target·softplus(−logit) +
 * (1 − target)·softplus(logit), with the slope sigmoid(logit) − target. Per unit, of the shape of its arguments, as the errors
 * are: `mean(…)` or `sum(…)` makes one number of them.
 */
export function binaryCrossEntropy(_logit: number, _target: number): number {
  return notExecuted('binaryCrossEntropy');
}
/** (x − target)². */
export function squaredError(_x: number, _target: number): number {
  return notExecuted('squaredError');
}
/** |x − target|, with the slope 0 where they are equal. */
export function absoluteError(_x: number, _target: number): number {
  return notExecuted('absoluteError');
}
/** (x − target)²/2 where they are at most `delta` > 0 apart, else delta·(|x − target| − delta/2) (Huber 1964). */
export function huber(_x: number, _target: number, _delta: number): number {
  return notExecuted('huber');
}

/** The functions that are per unit: `sigmoid`, `exp`, `max`, `select`, … */
export * from './functions.js';
/** What models say beyond cells: `model`, `layer`, `over`, `shift`, … */
export * from './model-language.js';
