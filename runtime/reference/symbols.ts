/** Symbols: rows of a matrix by number, numbers of largest values, and how surprising a symbol is. */
import type { StepContext } from './context.js';
import type { Operation } from './operations.js';
import { lanesOf } from './reduce.js';
import { commonRows, rowStride, type Tape, Value } from './tape.js';
import { pointwise } from './tensor.js';

/** The row of a matrix of `rows` that a number stands for: the nearest there is. */
function rowOf(number: number, rows: number): number {
  return Math.floor(Math.min(Math.max(number, 0), rows - 1) + 0.5);
}

/** `[V, E]` and a scalar give `[E]`: the row of that number. */
export function embed(tape: Tape, matrix: Value, symbol: Value): Value {
  const [count, width] = matrix.axes;
  if (count === undefined || width === undefined || matrix.axes.length !== 2 || matrix.rows !== 1 || symbol.axes.length > 0) {
    throw new Error(`embed of ${matrix} and ${symbol}`);
  }
  const chosen = Array.from(symbol.data, (number) => rowOf(number, count.size));
  const data = new Float64Array(symbol.rows * width.size);
  for (const [row, from] of chosen.entries()) {
    for (let k = 0; k < width.size; k++) data[row * width.size + k] = matrix.data[from * width.size + k] as number;
  }
  return tape.record(new Value(symbol.rows, [width], data, matrix.tracked), [matrix], (cotangent) => {
    const sums = matrix.cotangent();
    for (const [row, to] of chosen.entries()) {
      for (let k = 0; k < width.size; k++) {
        const at = to * width.size + k;
        sums[at] = (sums[at] as number) + (cotangent[row * width.size + k] as number);
      }
    }
  });
}

/** The first of the largest along the axis called `dim`, or along the only one; behind the last where there is none. */
export function argmax(tape: Tape, x: Value, dim: string | undefined): Value {
  const { outer, count, inner, position } = lanesOf(x, dim ?? x.axes[0]?.dim);
  const axes = x.axes.filter((_, place) => place !== position);
  const data = new Float64Array(outer * inner);
  for (let lane = 0; lane < data.length; lane++) {
    const from = Math.floor(lane / inner) * count * inner + (lane % inner);
    const numbers = Array.from({ length: count }, (_, k) => x.data[from + k * inner] as number);
    const found = numbers.indexOf(Math.max(...numbers));
    data[lane] = found < 0 ? count : found;
  }
  return tape.record(new Value(x.rows, axes, data, false), [], () => {});
}

const noisy: Operation = {
  forward: (x, temperature, u) => x / temperature - Math.log(-Math.log(u)),
  pullbacks: [undefined, undefined, undefined],
};

/** The largest of x/temperature − log(−log u), u uniform: softmax(x/temperature) says how often each is it. */
export function sample(context: StepContext, x: Value, temperature: Value): Value {
  const { tape, random, sequences } = context;
  const draws = new Value(sequences.length, x.axes, random.uniforms(x.axes, context, 'step'), false);
  return argmax(tape, pointwise(tape, noisy, [x, temperature, draws]), undefined);
}

/** log Σ eˣ − x[s]; of a number that no unit has, log Σ eˣ. */
export function crossEntropy(tape: Tape, x: Value, symbol: Value): Value {
  const rows = commonRows([x, symbol]);
  const units = x.columns;
  const [strideX, strideS] = [rowStride(x), rowStride(symbol)];
  const data = new Float64Array(rows);
  const shares = new Float64Array(rows * units);
  for (let row = 0; row < rows; row++) {
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < units; k++) most = Math.max(most, x.data[row * strideX + k] as number);
    let sum = 0;
    for (let k = 0; k < units; k++) {
      const power = tape.rounded(Math.exp((x.data[row * strideX + k] as number) - most));
      shares[row * units + k] = power;
      sum = tape.rounded(sum + power);
    }
    for (let k = 0; k < units; k++) shares[row * units + k] = (shares[row * units + k] as number) / sum;
    const own = symbol.data[row * strideS] as number;
    const chosen = Number.isInteger(own) && own >= 0 && own < units ? (x.data[row * strideX + own] as number) : 0;
    data[row] = tape.rounded(most + Math.log(sum)) - chosen;
  }
  return tape.record(new Value(rows, [], data, x.tracked), [x], (cotangent, gated) => {
    const dx = x.cotangent();
    for (let row = 0; row < rows; row++) {
      const g = cotangent[row] as number;
      if (gated && g === 0) continue;
      for (let k = 0; k < units; k++) {
        const at = row * strideX + k;
        const share = (shares[row * units + k] as number) - (symbol.data[row * strideS] === k ? 1 : 0);
        dx[at] = (dx[at] as number) + g * share;
      }
    }
  });
}
