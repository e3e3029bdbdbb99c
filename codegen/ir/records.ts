/** How the records of the vocabulary are put together. */

/** The position of a node in its graph. */
export type NodeId = number;

export type OpName =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'neg'
  | 'min'
  | 'max'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge'
  | 'eq'
  | 'ne'
  | 'and'
  | 'or'
  | 'not'
  | 'select'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'leakyRelu'
  | 'elu'
  | 'softplus'
  | 'softsign'
  | 'hardSigmoid'
  /** Derivatives, from the argument: y(1 − y) and 1 − y² lose every digit where the function saturates. */
  | 'sigmoidSlope'
  | 'tanhSlope'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'abs'
  | 'square'
  | 'clamp'
  | 'sin'
  | 'cos'
  | 'erf'
  | 'log1p'
  | 'expm1'
  | 'logSigmoid'
  | 'gelu'
  | 'geluSlope'
  | 'silu'
  | 'siluSlope'
  | 'mish'
  | 'mishSlope'
  | 'pow'
  | 'round'
  | 'floor'
  | 'mod'
  | 'step'
  | 'sign'
  | 'stopGradient'
  | 'straightThrough';

/** WGSL functions that an op calls; their text is in `emit/functions.ts`. */
export type WgslFunction =
  | 'rc_exp'
  | 'rc_log'
  | 'rc_tanh'
  | 'rc_tanh_slope'
  | 'rc_sigmoid'
  | 'rc_sigmoid_slope'
  | 'rc_softplus'
  | 'rc_expm1'
  | 'rc_uniform'
  | 'rc_normal'
  | 'rc_min'
  | 'rc_max'
  | 'rc_sin'
  | 'rc_cos'
  | 'rc_erf'
  | 'rc_log1p'
  | 'rc_gelu'
  | 'rc_gelu_slope'
  | 'rc_silu_slope'
  | 'rc_mish'
  | 'rc_mish_slope'
  | 'rc_pow'
  | 'rc_mod';

/** What an adjoint rule builds with. */
export interface RuleBuilder {
  apply(op: OpName, ...args: NodeId[]): NodeId;
  constant(value: number): NodeId;
}

/**
 * One cotangent per argument, `undefined` where none flows (booleans). `args` and `out` are the op's own
 * arguments and result, `cot` the cotangent of the result.
 */
export type AdjointRule = (g: RuleBuilder, args: readonly NodeId[], out: NodeId, cot: NodeId) => readonly (NodeId | undefined)[];

export interface OpRecord {
  readonly arity: 1 | 2 | 3;
  readonly result: 'number' | 'boolean';
  /** Value on constants, for folding; booleans as 0 and 1. */
  readonly fold: (...args: number[]) => number;
  readonly adjoint: AdjointRule;
  /** Whether it holds the cotangent back from some arguments: where a branch is not taken, or the function is flat. */
  readonly gates?: true;
  /** Expression over `vec4f` (booleans `vec4<bool>`) operands. */
  readonly wgsl: (...args: string[]) => string;
  readonly calls: readonly WgslFunction[];
  /** Floating-point operations per unit, elementary functions counted as ten. */
  readonly flops: number;
}

export const at = (args: readonly NodeId[], index: number): NodeId => {
  const id = args[index];
  if (id === undefined) throw new Error(`adjoint rule reads argument ${index} of ${args.length}`);
  return id;
};

type Unary = Omit<OpRecord, 'arity' | 'result' | 'adjoint' | 'fold' | 'wgsl' | 'calls'> & {
  calls?: readonly WgslFunction[];
  fold: (x: number) => number;
  wgsl: (x: string) => string;
  /** Cotangent of x. */
  adjoint: (g: RuleBuilder, x: NodeId, out: NodeId, cot: NodeId) => NodeId;
};

/** A function of one argument. */
export function unary(record: Unary): OpRecord {
  return {
    arity: 1,
    result: 'number',
    calls: record.calls ?? [],
    flops: record.flops,
    ...(record.gates ? { gates: record.gates } : {}),
    fold: (x = Number.NaN) => record.fold(x),
    wgsl: (x = '') => record.wgsl(x),
    adjoint: (g, args, out, cot) => [record.adjoint(g, at(args, 0), out, cot)],
  };
}

/**
 * The slope of a function of one argument, as an op of its own. Only adjoints hold slopes, and no adjoint is differentiated.
 */
export function slope(record: Omit<Unary, 'adjoint'>): OpRecord {
  return unary({
    ...record,
    adjoint: () => {
      throw new Error('the slope of a function is not differentiated: there are no second derivatives');
    },
  });
}

/** A comparison: no cotangent passes. */
export function comparison(operator: string, fold: (a: number, b: number) => boolean): OpRecord {
  return {
    arity: 2,
    result: 'boolean',
    calls: [],
    flops: 1,
    fold: (a = Number.NaN, b = Number.NaN) => (fold(a, b) ? 1 : 0),
    wgsl: (a, b) => `(${a} ${operator} ${b})`,
    adjoint: () => [undefined, undefined],
  };
}

/** Passes `cot` where `condition` holds and zero elsewhere; a product with 0 would turn infinity into NaN. */
export const where = (g: RuleBuilder, condition: NodeId, cot: NodeId, flat = g.constant(0)) =>
  g.apply('select', condition, cot, flat);
export const elsewhere = (g: RuleBuilder, condition: NodeId, cot: NodeId) => g.apply('select', condition, g.constant(0), cot);

export const nanOr = (value: number, ...args: number[]) => (args.some(Number.isNaN) ? Number.NaN : value);
