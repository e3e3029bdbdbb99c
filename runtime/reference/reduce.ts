/** Reductions and softmax, over all axes of a value or over one of them. */
import { commonRows, count, rowStride, type Tape, Value } from './tape.js';
import { commonAxes } from './tensor.js';

/** Numbers that are reduced to one: `count` of them from `from`, `stride` apart. */
type Forward = (x: Float64Array, from: number, stride: number, count: number, tape: Tape) => number;
/** Adds to `dx` what the cotangent `g` of the result `y` means for them. */
type Backward = (dx: Float64Array, x: Float64Array, from: number, stride: number, count: number, g: number, y: number) => void;

export interface Reduction {
  readonly forward: Forward;
  readonly backward: Backward;
  /** Whether some elements get no cotangent. */
  readonly gates?: true;
}

function total(x: Float64Array, from: number, stride: number, count: number, tape?: Tape): number {
  let sum = 0;
  for (let k = 0; k < count; k++) {
    sum += x[from + k * stride] as number;
    if (tape) sum = tape.rounded(sum);
  }
  return sum;
}

function largest(x: Float64Array, from: number, stride: number, count: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < count; k++) most = Math.max(most, x[from + k * stride] as number);
  return most;
}

/** A pullback from the slope at one element, given the element, the result and how many there are. */
function sloped(slope: (x: number, y: number, count: number) => number): Backward {
  return (dx, x, from, stride, count, g, y) => {
    for (let k = 0; k < count; k++) {
      const at = from + k * stride;
      dx[at] = (dx[at] as number) + g * slope(x[at] as number, y, count);
    }
  };
}

/** By name in the language. */
export const reductions: { readonly [R in 'sum' | 'mean' | 'variance' | 'maxOver' | 'logSumExp' | 'norm']: Reduction } = {
  sum: { forward: total, backward: sloped(() => 1) },
  mean: {
    forward: (x, from, stride, count, tape) => total(x, from, stride, count, tape) / count,
    backward: sloped((_x, _y, count) => 1 / count),
  },
  // The population's: divided by the number of elements.
  variance: {
    forward: (x, from, stride, count, tape) => {
      const mean = tape.rounded(total(x, from, stride, count, tape) / count);
      let sum = 0;
      for (let k = 0; k < count; k++) sum = tape.rounded(sum + ((x[from + k * stride] as number) - mean) ** 2);
      return sum / count;
    },
    backward: (dx, x, from, stride, count, g) => {
      const mean = total(x, from, stride, count) / count;
      for (let k = 0; k < count; k++) {
        const at = from + k * stride;
        dx[at] = (dx[at] as number) + (g * 2 * ((x[at] as number) - mean)) / count;
      }
    },
  },
  // Equal maxima share the cotangent. Where one of the elements is NaN nothing is known of any slope.
  maxOver: {
    gates: true,
    forward: largest,
    backward: (dx, x, from, stride, count, g, y) => {
      let ties = 0;
      for (let k = 0; k < count; k++) if (x[from + k * stride] === y) ties++;
      for (let k = 0; k < count; k++) {
        const at = from + k * stride;
        if (ties === 0) dx[at] = Number.NaN;
        else if (x[at] === y) dx[at] = (dx[at] as number) + g / ties;
      }
    },
  },
  logSumExp: {
    forward: (x, from, stride, count) => {
      const most = largest(x, from, stride, count);
      // All −∞, or one ∞: the limit, where the difference below would be NaN.
      if (!Number.isFinite(most)) return most;
      let sum = 0;
      for (let k = 0; k < count; k++) sum += Math.exp((x[from + k * stride] as number) - most);
      return most + Math.log(sum);
    },
    backward: sloped((x, y) => Math.exp(x - y)),
  },
  // No slope at the origin: 0/0 is NaN.
  norm: {
    forward: (x, from, stride, count) => {
      let sum = 0;
      for (let k = 0; k < count; k++) sum += (x[from + k * stride] as number) ** 2;
      return Math.sqrt(sum);
    },
    backward: sloped((x, y) => x / y),
  },
};

/** Element k of lane (outer, inner) is at `(outer · count + k) · inner count + inner`. */
interface Lanes {
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
  /** Position of the axis; -1 when the lanes run over all. */
  readonly position: number;
}

export function lanesOf(x: Value, dim: string | undefined): Lanes {
  if (dim === undefined) return { outer: x.rows, count: x.columns, inner: 1, position: -1 };
  const position = x.axes.findIndex((axis) => axis.dim === dim);
  const axis = x.axes[position];
  if (axis === undefined || x.axes.filter((other) => other.dim === dim).length > 1) {
    throw new Error(`${x} does not have the axis ${dim} exactly once`);
  }
  return {
    outer: x.rows * count(x.axes.slice(0, position)),
    count: axis.size,
    inner: count(x.axes.slice(position + 1)),
    position,
  };
}

/** Over the axis called `dim`, or over all. */
export function reduce(tape: Tape, { forward, backward, gates }: Reduction, x: Value, dim: string | undefined): Value {
  const { outer, count: length, inner, position } = lanesOf(x, dim);
  const data = new Float64Array(outer * inner);
  for (let lane = 0; lane < data.length; lane++) {
    data[lane] = forward(x.data, firstOf(lane, length, inner), inner, length, tape);
  }
  const axes = position < 0 ? [] : x.axes.filter((_, place) => place !== position);
  const pullback = (cotangent: Float64Array, gated: boolean) => {
    const dx = x.cotangent();
    for (let lane = 0; lane < data.length; lane++) {
      const [g, y] = [cotangent[lane] as number, data[lane] as number];
      if (gated && g === 0) continue;
      backward(dx, x.data, firstOf(lane, length, inner), inner, length, g, y);
    }
  };
  return tape.record(new Value(x.rows, axes, data, x.tracked), [x], pullback, gates ? [x] : []);
}

function firstOf(lane: number, length: number, inner: number): number {
  return Math.floor(lane / inner) * length * inner + (lane % inner);
}

/** exp(x − max) over its sum, along the axis called `dim` or over all. */
export function softmax(tape: Tape, x: Value, dim: string | undefined): Value {
  const { outer, count: length, inner } = lanesOf(x, dim);
  const y = new Float64Array(x.data.length);
  for (let lane = 0; lane < outer * inner; lane++) {
    const from = firstOf(lane, length, inner);
    const most = largest(x.data, from, inner, length);
    let sum = 0;
    for (let k = 0; k < length; k++) {
      const e = Math.exp((x.data[from + k * inner] as number) - most);
      y[from + k * inner] = e;
      sum += e;
    }
    for (let k = 0; k < length; k++) y[from + k * inner] = (y[from + k * inner] as number) / sum;
  }
  return tape.record(new Value(x.rows, x.axes, y, x.tracked), [x], (cotangent, gated) => {
    const dx = x.cotangent();
    for (let lane = 0; lane < outer * inner; lane++) {
      const from = firstOf(lane, length, inner);
      let mean = 0;
      for (let k = 0; k < length; k++) {
        const g = cotangent[from + k * inner] as number;
        if (!(gated && g === 0)) mean += g * (y[from + k * inner] as number);
      }
      for (let k = 0; k < length; k++) {
        const at = from + k * inner;
        const g = (cotangent[at] as number) - mean;
        if (!(gated && g === 0)) dx[at] = (dx[at] as number) + (y[at] as number) * g;
      }
    }
  });
}

/** Σ a · b over all elements; a scalar counts for each of them. */
export function dot(tape: Tape, a: Value, b: Value): Value {
  const columns = count(commonAxes([a, b]));
  const rows = commonRows([a, b]);
  const [rowA, rowB] = [rowStride(a), rowStride(b)];
  const [unitA, unitB] = [a.axes.length === 0 ? 0 : 1, b.axes.length === 0 ? 0 : 1];
  const data = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let k = 0; k < columns; k++)
      sum += (a.data[row * rowA + k * unitA] as number) * (b.data[row * rowB + k * unitB] as number);
    data[row] = sum;
  }
  return tape.record(new Value(rows, [], data, a.tracked || b.tracked), [a, b], (cotangent, gated) => {
    const da = a.tracked ? a.cotangent() : undefined;
    const db = b.tracked ? b.cotangent() : undefined;
    for (let row = 0; row < rows; row++) {
      const g = cotangent[row] as number;
      if (gated && g === 0) continue;
      for (let k = 0; k < columns; k++) {
        const [atA, atB] = [row * rowA + k * unitA, row * rowB + k * unitB];
        if (da) da[atA] = (da[atA] as number) + g * (b.data[atB] as number);
        if (db) db[atB] = (db[atB] as number) + g * (a.data[atA] as number);
      }
    }
  });
}
