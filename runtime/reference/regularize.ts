/** Dropout, zoneout, dropConnect and noise. No cotangent flows to a rate. */
import type { StepContext } from './context.js';
import type { Lifetime } from './draws.js';
import { masked } from './matrix.js';
import { type Operation, select } from './operations.js';
import { Value } from './tape.js';
import { commonAxes, pointwise } from './tensor.js';

/** What is dropped is zero even where it is infinite or NaN, and so is its cotangent. */
const drop: Operation = {
  gates: true,
  forward: (x, rate, draw) => (draw >= rate ? x / (1 - rate) : 0),
  pullbacks: [(g, _x, rate, draw) => (draw >= rate ? g / (1 - rate) : 0), undefined, undefined],
};
/** What a rate of 0 or 1 decides takes no part of the other value. */
const mix: Operation = {
  gates: true,
  forward: (next, previous, rate) => {
    if (rate === 0) return next;
    return rate === 1 ? previous : rate * previous + (1 - rate) * next;
  },
  pullbacks: [(g, _next, _previous, rate) => g * (1 - rate), (g, _next, _previous, rate) => g * rate, undefined],
};
const below: Operation = { forward: (draw, rate) => (draw < rate ? 1 : 0), pullbacks: [undefined, undefined] };
const addNoise: Operation = {
  forward: (x, scale, normal) => x + scale * normal,
  pullbacks: [(g) => g, (g, _x, _scale, normal) => g * normal, undefined],
};

/** Srivastava et al. 2014; with one mask for the sequence, Gal and Ghahramani 2016. */
export function dropout(context: StepContext, x: Value, rate: Value, lifetime: Lifetime): Value {
  const { tape, random, sequences } = context;
  if (!random.training) return x;
  const draws = random.uniforms(x.axes, context, lifetime);
  return pointwise(tape, drop, [x, inSinglePrecision(rate), new Value(sequences.length, x.axes, draws, false)]);
}

/** Krueger et al. 2017: units keep their previous value at random. */
export function zoneout(context: StepContext, next: Value, previous: Value, rate: Value, lifetime: Lifetime): Value {
  const { tape, random, sequences } = context;
  const single = inSinglePrecision(rate);
  if (!random.training) return pointwise(tape, mix, [next, previous, single]);
  const axes = commonAxes([next, previous]);
  const draws = new Value(sequences.length, axes, random.uniforms(axes, context, lifetime), false);
  return pointwise(tape, select, [pointwise(tape, below, [draws, single]), previous, next]);
}

/** Wan et al. 2013: entries of a matrix, the same ones for the whole run. */
export function dropConnect({ tape, random }: StepContext, matrix: Value, rate: Value): Value {
  if (!random.training) return matrix;
  if (rate.columns !== 1 || rate.rows !== 1) throw new Error(`dropConnect at a rate ${rate} of ${rate.rows} rows`);
  const single = Math.fround(rate.data[0] as number);
  const draws = random.perEntry(matrix);
  return masked(tape, matrix, (at) => (draws[at] as number) >= single, 1 - single);
}

/** Scheduled sampling (Bengio et al. 2015): a with this probability, else b, one draw for all units of a step. */
export function either(context: StepContext, a: Value, b: Value, rate: Value): Value {
  const { tape, random, sequences } = context;
  const single = inSinglePrecision(rate);
  const draws = new Value(sequences.length, [], random.uniforms([], context, 'step'), false);
  return pointwise(tape, select, [pointwise(tape, below, [draws, single]), a, b]);
}

/** Gaussian noise of standard deviation `scale`. */
export function noise(context: StepContext, x: Value, scale: Value): Value {
  const { tape, random, sequences } = context;
  if (!random.training) return x;
  const axes = commonAxes([x, scale]);
  const normals = random.normals(axes, context);
  return pointwise(tape, addNoise, [x, scale, new Value(sequences.length, axes, normals, false)]);
}

function inSinglePrecision(rate: Value): Value {
  if (rate.axes.length > 0) throw new Error(`a rate is a scalar, not ${rate}`);
  return new Value(rate.rows, [], Float64Array.from(rate.data, Math.fround), false);
}
