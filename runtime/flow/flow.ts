/**
 * Gradient flow: how large ∂L/∂h_t is at every step t, for a loss at the end of the sequence.
 *
 * The loss is L = Σ c ⊙ s_T with a random c of norm 1 for every sequence, so that the norm is 1 at the last step where
 * nothing else of the step reads the state.
 */
import { fillingOf } from '../../codegen/frontend/declare/constant.js';
import type { Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { type CellData, type CellResult, elements, shapeOf, type Tensor, type Tensors } from '../data.js';
import { initialValues } from '../layer/init.js';
import { bell, type Stream, streamOf, within } from '../random.js';

export interface FlowChoices {
  /** The state that the loss reads; default the first. */
  readonly state: string;
  readonly seed: number;
  /** Factor of the parameters that are drawn. */
  readonly scale: number;
  /** In the place of drawn ones. */
  readonly params?: Tensors;
}

/** One state over time. */
export interface StateFlow {
  readonly name: string;
  /** ‖∂L/∂s_t‖, root mean square over the sequences, t = 0 first. */
  readonly norms: readonly number[];
  /**
   * Of ln‖∂L/∂s_t‖ per step back in time, by least squares; below 0 it vanishes, above 0 it explodes. The limit for many
   * steps is the largest Lyapunov exponent along the trajectory. `null` where fewer than two norms are above 0.
   */
  readonly rate: number | null;
  /** Of each unit: the share of steps and sequences at which it is beyond ±0.95, where tanh and σ have hardly a slope. */
  readonly saturation: readonly number[];
}

/** A named value over time: its mean over the sequences. */
export interface TraceFlow {
  readonly name: string;
  /** Dims of one step. */
  readonly shape: readonly number[];
  /** `[T][units]`. */
  readonly mean: readonly (readonly number[])[];
}

export interface Flow {
  readonly states: readonly StateFlow[];
  readonly traces: readonly TraceFlow[];
}

/** Beyond it a unit of tanh has less than a tenth of its slope. */
const SATURATED = 0.95;

/** Data for one measurement: everything drawn from the seed, sequences of full length, start states as declared. */
export function flowData(signature: Signature, sizes: Sizes, { state, seed, scale, params = {} }: FlowChoices): CellData {
  const draw = (path: string, shape: readonly number[], next: (stream: Stream) => number): Tensor => {
    const stream = streamOf(seed, path);
    return { shape, data: Float32Array.from({ length: elements(shape) }, () => next(stream)) };
  };
  const inputs = signature.inputs.map((declaration) => {
    const { name, range } = declaration;
    return [name, draw(`inputs.${name}`, shapeOf(declaration, sizes, ['T', 'B']), range === undefined ? bell : within(range))];
  });
  const filled = signature.params.map((declaration) => {
    const { name } = declaration;
    const shape = shapeOf(declaration, sizes);
    const own = Object.hasOwn(params, name) ? params[name] : undefined;
    if (own !== undefined) return [name, own];
    const filling = fillingOf(declaration, signature);
    const data = initialValues(filling, shape, seed, `params.${name}`);
    return [name, { shape, data: typeof filling === 'string' ? data.map((value) => scale * value) : data }];
  });
  const read = signature.state.find(({ name }) => name === state);
  if (read === undefined) throw new Error(`no state ${state}`);
  return {
    inputs: Object.fromEntries(inputs),
    state: {},
    params: Object.fromEntries(filled),
    reverse: false,
    ...(signature.options.training === true ? { seed } : {}),
    cotangents: { outputs: {}, state: { [state]: unitRows(draw('cotangent', shapeOf(read, sizes, ['B']), bell)) } },
  };
}

/** What of a result with traces of all states, and of `traced` values, says how gradients flow. */
export function measureFlow(
  result: Pick<CellResult, 'traces' | 'gradients'>,
  states: readonly string[],
  traced: readonly string[],
): Flow {
  const of = (tensors: Tensors | undefined, name: string): Tensor => {
    const tensor = tensors?.[name];
    if (tensor === undefined) throw new Error(`${name} was not traced`);
    return tensor;
  };
  return {
    states: states.map((name) => {
      const norms = normsOf(of(result.gradients?.traces, name));
      return { name, norms, rate: rateOf(norms), saturation: saturationOf(of(result.traces, name)) };
    }),
    traces: traced.map((name) => ({ name, ...meanOf(of(result.traces, name)) })),
  };
}

function normsOf({ shape: [T = 0, B = 1], data }: Tensor): number[] {
  const each = data.length / T;
  return Array.from({ length: T }, (_, t) => {
    let sum = 0;
    for (let at = t * each; at < (t + 1) * each; at++) sum += (data[at] ?? 0) ** 2;
    return Math.sqrt(sum / B);
  });
}

function rateOf(norms: readonly number[]): number | null {
  const points = norms.flatMap((norm, t) =>
    norm > 0 && Number.isFinite(norm) ? [[norms.length - 1 - t, Math.log(norm)] as const] : [],
  );
  if (points.length < 2) return null;
  const mean = (part: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + part(point), 0) / points.length;
  const [x, y] = [mean((point) => point[0]), mean((point) => point[1])];
  return mean((point) => (point[0] - x) * (point[1] - y)) / mean((point) => (point[0] - x) ** 2);
}

function saturationOf({ shape: [T = 0, B = 1], data }: Tensor): number[] {
  const units = data.length / (T * B);
  const counts = new Array<number>(units).fill(0);
  for (const [at, value] of data.entries()) if (Math.abs(value) > SATURATED) counts[at % units] = (counts[at % units] ?? 0) + 1;
  return counts.map((count) => count / (T * B));
}

function meanOf({ shape: [T = 0, B = 1, ...shape], data }: Tensor): Pick<TraceFlow, 'shape' | 'mean'> {
  const units = data.length / (T * B);
  const mean = Array.from({ length: T }, (_, t) =>
    Array.from({ length: units }, (_, unit) => {
      let sum = 0;
      for (let b = 0; b < B; b++) sum += data[(t * B + b) * units + unit] ?? 0;
      return sum / B;
    }),
  );
  return { shape, mean };
}

/** Every row of norm 1. */
function unitRows({ shape, data }: Tensor): Tensor {
  const [B = 1] = shape;
  const each = data.length / B;
  const rows = Float32Array.from(data);
  for (let b = 0; b < B; b++) {
    const row = rows.subarray(b * each, (b + 1) * each);
    const norm = Math.hypot(...row);
    for (const [at, value] of row.entries()) row[at] = norm === 0 ? 0 : value / norm;
  }
  return { shape, data: rows };
}
