/** What a record of the vocabulary holds, and how records are put together. */
import { always, type Range } from './interval.js';

/** The position of a node in its graph. */
export type NodeId = number;

/** What an adjoint rule builds with: ops by their records. */
export interface RuleBuilder {
  apply(op: OpRecord, ...args: NodeId[]): NodeId;
  constant(value: number): NodeId;
}

/**
 * One cotangent per argument, `undefined` where none flows (booleans). `args` and `out` are the op's own
 * arguments and result, `cot` the cotangent of the result.
 */
export type AdjointRule = (g: RuleBuilder, args: readonly NodeId[], out: NodeId, cot: NodeId) => readonly (NodeId | undefined)[];

/** A per-unit operation as the compiler needs it. */
export interface OpRecord {
  readonly arity: 1 | 2 | 3;
  readonly result: 'number' | 'boolean';
  /** Value on constants, for folding; booleans as 0 and 1. */
  readonly fold: (...args: number[]) => number;
  readonly adjoint: AdjointRule;
  /** Whether it holds the cotangent back from some arguments: where a branch is not taken, or the function is flat. */
  readonly gates?: true;
  /** Expression over `vec4f` (booleans `vec4<bool>`) operands; the functions `rc_…` that it calls are in `wgsl/`. */
  readonly wgsl: (...args: string[]) => string;
  /** Floating-point operations per unit, elementary functions counted as ten. */
  readonly flops: number;
  /** Where the result lies for arguments that lie there and are not wild. */
  readonly range: (a: Range, b: Range, c: Range) => Range;
}

/** What tests and random cells do with an op. */
export interface Cases {
  /** How a cell uses it on `a` and `b`, two values around 0 (and `h`, the state): value and adjoint are compared with the reference. */
  readonly expression: string;
  /** How random cells write it: `$0` and `$1` are values, `$2` a leaf of continuous data. Results are bounded, and jumps depend on a `$2`. */
  readonly random: readonly string[];
  /** Arguments, away from kinks, where finite differences check the slopes of the reference. None for tests and what has no slopes. */
  readonly points: readonly (readonly number[])[];
}

/** An operator of the language. */
export interface OperatorRecord extends OpRecord {
  readonly cases: Cases;
}

export interface Parameter {
  readonly name: string;
  readonly type?: 'boolean';
  /** What it is where it is left out; such a parameter is static. */
  readonly default?: number;
}

/** A function of the language. */
export interface FunctionRecord extends OpRecord {
  readonly parameters: readonly Parameter[];
  /** `x / (1 + |x|)`. */
  readonly equation: string;
  /** Whole sentences: what the equation leaves open, the slope at kinks, the paper. */
  readonly summary?: string;
  readonly cases: FunctionCases;
}

export interface FunctionCases extends Cases {
  /** What is measured where its own call with `x` and `y` would not do. */
  readonly measured?: string;
  /** Ranges of the arguments within which kernels hold 1e-5, value and slopes. Where plain formulas lose digits, say so here. */
  readonly precision: readonly (readonly Interval[])[];
}

export type Interval = readonly [low: number, high: number];
export const NEAR: Interval = [-0.01, 0.01];
export const MIDDLE: Interval = [-3, 3];
export const FAR: Interval = [-30, 30];
export const LEFT: Interval = [-12, -6];

export const at = (args: readonly NodeId[], index: number): NodeId => {
  const id = args[index];
  if (id === undefined) throw new Error(`adjoint rule reads argument ${index} of ${args.length}`);
  return id;
};

interface UnaryOp {
  readonly flops: number;
  readonly gates?: true;
  readonly fold: (x: number) => number;
  readonly wgsl: (x: string) => string;
  /** Cotangent of x. */
  readonly adjoint: (g: RuleBuilder, x: NodeId, out: NodeId, cot: NodeId) => NodeId;
  readonly range: (x: Range) => Range;
}

/** An op of one argument. */
export function unary({ fold, wgsl, adjoint, ...record }: UnaryOp): OpRecord {
  return {
    ...record,
    arity: 1,
    result: 'number',
    fold: (x = Number.NaN) => fold(x),
    wgsl: (x = '') => wgsl(x),
    adjoint: (g, args, out, cot) => [adjoint(g, at(args, 0), out, cot)],
  };
}

type Named = Pick<FunctionRecord, 'equation' | 'summary' | 'cases'>;

/** A function of one argument. */
export function unaryFunction({ equation, summary, cases, ...record }: UnaryOp & Named): FunctionRecord {
  return { ...unary(record), parameters: [{ name: 'x' }], equation, ...(summary ? { summary } : {}), cases };
}

/** A function of one argument that is constant between its jumps: no cotangent passes. */
export function flatFunction({
  equation,
  summary,
  cases,
  ...record
}: Omit<UnaryOp, 'adjoint' | 'flops'> & Named): FunctionRecord {
  const never = () => {
    throw new Error('no cotangent passes through a jump');
  };
  return { ...unaryFunction({ ...record, flops: 2, adjoint: never, equation, summary, cases }), adjoint: () => [] };
}

/**
 * The slope of a function of one argument, as an op of its own: y(1 − y) and 1 − y² lose every digit where the function
 * saturates. Only adjoints hold slopes, and no adjoint is differentiated.
 */
export function slope(record: Omit<UnaryOp, 'adjoint'>): OpRecord {
  return unary({
    ...record,
    adjoint: () => {
      throw new Error('the slope of a function is not differentiated: there are no second derivatives');
    },
  });
}

/** A comparison: no cotangent passes. */
export function comparison(operator: string, fold: (a: number, b: number) => boolean, expression: string): OperatorRecord {
  return {
    arity: 2,
    result: 'boolean',
    flops: 1,
    fold: (a = Number.NaN, b = Number.NaN) => (fold(a, b) ? 1 : 0),
    wgsl: (a, b) => `(${a} ${operator} ${b})`,
    adjoint: () => [undefined, undefined],
    range: always(0, 1),
    cases: { expression, random: [], points: [] },
  };
}

/** Of tests: no cotangent passes. */
export function logic(record: Pick<OperatorRecord, 'arity' | 'fold' | 'wgsl'> & { expression: string }): OperatorRecord {
  const { expression, ...own } = record;
  return {
    ...own,
    result: 'boolean',
    flops: 1,
    adjoint: () => [],
    range: always(0, 1),
    cases: { expression, random: [], points: [] },
  };
}

export const nanOr = (value: number, ...args: number[]) => (args.some(Number.isNaN) ? Number.NaN : value);
