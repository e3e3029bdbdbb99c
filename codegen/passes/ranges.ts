/**
 * Interval arithmetic on the step graph: where a value can lie, and whether it can be infinite or NaN although all data
 * are finite. That is what decides where a zero cotangent has to be kept from a slope.
 *
 * A sum, or a product with something bounded or with a parameter, of finite values is taken as finite: only values near
 * float32's largest overflow there. A product of two unbounded values is not.
 */
import { argumentsOf, isApply, isContract, isExpand, isReduce, isWindow, type Node, type NodeId } from '../ir/graph.js';
import type { OpName } from '../ir/records.js';

export interface Range {
  readonly low: number;
  readonly high: number;
  /** Whether it may be infinite or NaN. */
  readonly wild: boolean;
}

const INFINITE = Number.POSITIVE_INFINITY;
const between = (low: number, high: number): Range => ({ low, high, wild: false });
const ANY = between(-INFINITE, INFINITE);
const WILD: Range = { ...ANY, wild: true };
const ZERO = between(0, 0);

/** Quotients and logarithms of less than this may leave float32. */
const TINY = 1e-30;
/** e to the power of more than this does. */
const LARGE = 80;
/** A factor beyond this makes values overflow that a sum would not. */
const MOST_FACTOR = 1e9;
const MOST = 1e38;
/** No normal draw of 24 bits is further out. */
const MOST_NORMAL = 6;

/**
 * Ranges of a step's values. States are what their next values make of them, step after step, and an initial state is
 * data: finite, and anything.
 */
export class Ranges {
  private readonly known = new Map<NodeId, Range>();
  private readonly wildStates = new Set<string>();

  constructor(
    private readonly nodes: readonly Node[],
    next: Readonly<Record<string, NodeId>>,
  ) {
    for (let before = -1; this.wildStates.size > before; ) {
      before = this.wildStates.size;
      this.known.clear();
      const { length } = nodes;
      for (let id = 0; id < length; id++) this.find(id, this.known);
      for (const [name, id] of Object.entries(next)) if (this.of(id).wild) this.wildStates.add(name);
    }
  }

  of(id: NodeId): Range {
    return this.known.get(id) ?? WILD;
  }

  /** The range of what an adjoint rule made, where the cotangent it was given is zero. */
  whereZero(value: NodeId, cotangent: NodeId): Range {
    return this.find(value, new Map([[cotangent, ZERO]]));
  }

  /** `known` are ranges that hold for this question alone. */
  private find(id: NodeId, known: Map<NodeId, Range>): Range {
    const found = known.get(id) ?? this.known.get(id);
    if (found !== undefined) return found;
    const node = this.nodes[id];
    if (node === undefined) throw new Error(`no node ${id}`);
    const ranges = argumentsOf(node).map((argument) => this.find(argument, known));
    const range = this.rangeOf(node, ranges);
    known.set(id, range);
    return range;
  }

  private rangeOf(node: Node, ranges: readonly Range[]): Range {
    const wild = ranges.some((range) => range.wild);
    const [first = ANY] = ranges;
    if (isContract(node)) return wild ? WILD : ANY;
    if (isReduce(node)) return node.kind === 'max' || wild ? first : sumOf(first);
    if (isExpand(node)) return first;
    if (isWindow(node)) return hull(first, ZERO);
    if (isApply(node)) {
      // What is made of NaN is NaN; a test is a test, and what it chooses from is another question.
      if (wild && node.type === 'number' && node.op !== 'select') return WILD;
      const [a = ANY, b = ANY, c = ANY] = ranges;
      return RANGES[node.op](a, b, c);
    }
    switch (node.op) {
      case 'constant':
        return Number.isFinite(node.value) ? between(node.value, node.value) : WILD;
      case 'state':
        return this.wildStates.has(node.name) ? WILD : ANY;
      case 'delayed':
        return node.group === 'state' && this.wildStates.has(node.name) ? WILD : ANY;
      case 'time':
      case 'index':
        return between(0, INFINITE);
      case 'extent':
        return between(1, INFINITE);
      case 'param':
        return between(-MOST_FACTOR, MOST_FACTOR);
      case 'random':
        return node.distribution === 'uniform' ? between(0, 1) : between(-MOST_NORMAL, MOST_NORMAL);
      default:
        return ANY;
    }
  }
}

const hull = (a: Range, b: Range): Range => ({
  low: Math.min(a.low, b.low),
  high: Math.max(a.high, b.high),
  wild: a.wild || b.wild,
});
const largest = ({ low, high }: Range) => Math.max(Math.abs(low), Math.abs(high));
const isBounded = ({ low, high }: Range) => low > -INFINITE && high < INFINITE;
/** Of many values. */
const sumOf = ({ low, high }: Range) => between(low < 0 ? -INFINITE : low, high > 0 ? INFINITE : high);
const negated = ({ low, high }: Range) => between(-high, -low);
/** Zero times anything is zero. */
const times = (a: number, b: number) => (a === 0 || b === 0 ? 0 : a * b);

function product(a: Range, b: Range): Range {
  const range = corners(a, b);
  const overflows = isBounded(a) && isBounded(b) ? largest(range) > MOST : Math.min(largest(a), largest(b)) > MOST_FACTOR;
  return { ...range, wild: overflows };
}

function corners(a: Range, b: Range): Range {
  const all = [times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)];
  return between(Math.min(...all), Math.max(...all));
}

function quotient(a: Range, b: Range): Range {
  if (b.low < TINY && b.high > -TINY) return WILD;
  return product(a, between(1 / b.high, 1 / b.low));
}

function squared(a: Range): Range {
  const { low, high, wild } = product(a, a);
  const least = a.low > 0 ? low : a.high < 0 ? a.high ** 2 : 0;
  return { low: Math.max(0, least), high, wild };
}

/** A function that never falls, and stays finite. */
const rising = (f: (x: number) => number) => (x: Range) => between(f(x.low), f(x.high));
const always = (low: number, high: number) => () => between(low, high);
const clampTo = (low: number, high: number) => (x: Range) =>
  between(Math.min(Math.max(x.low, low), high), Math.max(Math.min(x.high, high), low));
/** Like x for large x, and never far below zero. */
const rectified = (least: number) => (x: Range) => between(least, Math.max(0, x.high));
const test = always(0, 1);
const exponential = (x: Range) => (x.high > LARGE ? WILD : between(Math.exp(x.low), Math.exp(x.high)));
const logarithm = (x: Range) => (x.low < TINY ? WILD : between(Math.log(x.low), Math.log(x.high)));

const RANGES: { readonly [O in OpName]: (a: Range, b: Range, c: Range) => Range } = {
  select: (_test, then, otherwise) => hull(then, otherwise),
  add: (a, b) => between(a.low + b.low, a.high + b.high),
  sub: (a, b) => between(a.low - b.high, a.high - b.low),
  mul: product,
  div: quotient,
  neg: negated,
  min: (a, b) => between(Math.min(a.low, b.low), Math.min(a.high, b.high)),
  max: (a, b) => between(Math.max(a.low, b.low), Math.max(a.high, b.high)),
  clamp: (x, low, high) => hull(clampTo(low.low, high.high)(x), hull(low, high)),
  lt: test,
  le: test,
  gt: test,
  ge: test,
  eq: test,
  ne: test,
  and: test,
  or: test,
  not: test,
  sigmoid: always(0, 1),
  tanh: always(-1, 1),
  relu: clampTo(0, INFINITE),
  leakyRelu: (x, slope) => hull(clampTo(0, INFINITE)(x), product(clampTo(-INFINITE, 0)(x), slope)),
  elu: (x, alpha) => hull(clampTo(0, INFINITE)(x), product(between(-1, 0), alpha)),
  softplus: rectified(0),
  softsign: always(-1, 1),
  hardSigmoid: always(0, 1),
  sigmoidSlope: always(0, 0.25),
  tanhSlope: always(0, 1),
  exp: exponential,
  log: logarithm,
  sqrt: (x) => (x.low < 0 ? WILD : rising(Math.sqrt)(x)),
  abs: (x) => between(x.low > 0 ? x.low : x.high < 0 ? -x.high : 0, Math.max(-x.low, x.high)),
  square: squared,
  sin: always(-1, 1),
  cos: always(-1, 1),
  erf: always(-1, 1),
  log1p: (x) => logarithm(between(1 + x.low, 1 + x.high)),
  expm1: (x) => (x.high > LARGE ? WILD : rising(Math.expm1)(x)),
  logSigmoid: (x) => between(x.low, 0),
  gelu: rectified(-0.2),
  geluSlope: always(-0.2, 1.2),
  silu: rectified(-0.3),
  siluSlope: always(-0.2, 1.2),
  mish: rectified(-0.4),
  mishSlope: always(-0.2, 1.2),
  pow: (x, y) => (x.low < TINY ? WILD : exponential(product(logarithm(x), y))),
  round: (x) => between(x.low - 1, x.high + 1),
  floor: (x) => between(x.low - 1, x.high),
  mod: (a, b) => (b.low < TINY && b.high > -TINY ? WILD : hull(a, ZERO)),
  step: test,
  sign: always(-1, 1),
  stopGradient: (x) => x,
  straightThrough: (forward) => forward,
};
