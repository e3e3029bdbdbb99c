/** Intervals in which values lie, and what functions make of them. Bounds may be generous, never too narrow. */

export interface Range {
  readonly low: number;
  readonly high: number;
  /** Whether it may be infinite or NaN. */
  readonly wild: boolean;
}

export const INFINITE = Number.POSITIVE_INFINITY;
export const between = (low: number, high: number): Range => ({ low, high, wild: false });
export const ANY = between(-INFINITE, INFINITE);
export const WILD: Range = { ...ANY, wild: true };
export const ZERO = between(0, 0);

/** Quotients and logarithms of less than this may leave float32. */
export const TINY = 1e-30;
/** e to the power of more than this does. */
export const LARGE = 80;
/** A factor beyond this makes values overflow that a sum would not. */
export const MOST_FACTOR = 1e9;
const MOST = 1e38;

export const hull = (a: Range, b: Range): Range => ({
  low: Math.min(a.low, b.low),
  high: Math.max(a.high, b.high),
  wild: a.wild || b.wild,
});
const largest = ({ low, high }: Range) => Math.max(Math.abs(low), Math.abs(high));
const isBounded = ({ low, high }: Range) => low > -INFINITE && high < INFINITE;
/** Of many values. */
export const sumOf = ({ low, high }: Range) => between(low < 0 ? -INFINITE : low, high > 0 ? INFINITE : high);
export const negated = ({ low, high }: Range) => between(-high, -low);
/** Zero times anything is zero. */
const times = (a: number, b: number) => (a === 0 || b === 0 ? 0 : a * b);

export function product(a: Range, b: Range): Range {
  const range = corners(a, b);
  const overflows = isBounded(a) && isBounded(b) ? largest(range) > MOST : Math.min(largest(a), largest(b)) > MOST_FACTOR;
  return { ...range, wild: overflows };
}

function corners(a: Range, b: Range): Range {
  const all = [times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)];
  return between(Math.min(...all), Math.max(...all));
}

export function quotient(a: Range, b: Range): Range {
  if (b.low < TINY && b.high > -TINY) return WILD;
  return product(a, between(1 / b.high, 1 / b.low));
}

export function squared(a: Range): Range {
  const { low, high, wild } = product(a, a);
  const least = a.low > 0 ? low : a.high < 0 ? a.high ** 2 : 0;
  return { low: Math.max(0, least), high, wild };
}

/** A function that never falls, and stays finite. */
export const rising = (f: (x: number) => number) => (x: Range) => between(f(x.low), f(x.high));
export const always = (low: number, high: number) => () => between(low, high);
export const clampTo = (low: number, high: number) => (x: Range) =>
  between(Math.min(Math.max(x.low, low), high), Math.max(Math.min(x.high, high), low));
/** Like x for large x, and never far below zero. */
export const rectified = (least: number) => (x: Range) => between(least, Math.max(0, x.high));
export const exponential = (x: Range) => (x.high > LARGE ? WILD : between(Math.exp(x.low), Math.exp(x.high)));
export const logarithm = (x: Range) => (x.low < TINY ? WILD : between(Math.log(x.low), Math.log(x.high)));
