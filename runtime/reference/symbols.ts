/** Symbols: rows of a matrix by number, and numbers of largest values. */
import type { StepContext } from './context.js';
import type { Operation } from './operations.js';
import { lanesOf } from './reduce.js';
import { type Tape, Value } from './tape.js';
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
