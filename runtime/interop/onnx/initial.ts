/** What a node has besides weights: the state that it starts from, and how long its sequences are. */
import type { Tensor, Tensors } from '../../data.js';
import { shapeText } from '../describe.js';
import { type Constant, formOf } from './constant.js';
import { onnxError } from './errors.js';
import type { Outcome } from './fold/index.js';
import { float32Of } from './weights.js';

/** A node's input as it was found, and how to speak of it. */
export interface NamedOutcome {
  /** `initial_h`. */
  readonly input: string;
  /** `initial_h of LSTM_0`. */
  readonly label: string;
  readonly outcome: Outcome | undefined;
}

export interface Initial {
  /** `[sequences, H]` each; of one sequence it holds for all. Zeros are left out. */
  readonly state: Tensors;
  readonly lengths?: readonly number[];
  /** A sentence for each thing that is kept, or that only a run of the model knows. */
  readonly notes: readonly string[];
}

interface Frame {
  readonly directions: number;
  readonly place: number;
  readonly H: number;
  readonly layout: 0 | 1;
}

/**
 * @param given by our name of the state, h and c
 * @throws RecurveError `ONNX-WEIGHTS`
 */
export function initialOf(given: Readonly<Record<string, NamedOutcome>>, lens: NamedOutcome, frame: Frame): Initial {
  const state: [string, Tensor][] = [];
  const notes: string[] = [];
  for (const [name, named] of Object.entries(given)) {
    const found = stateOf(named, frame);
    if (typeof found === 'string')
      notes.push(`${named.input} is ${found}; give it as state.${name}, zero where the data leaves it out`);
    else if (found?.data.some((value) => value !== 0)) {
      state.push([name, found]);
      const sequences = found.shape[0] === 1 ? 'one sequence, for every sequence of a run,' : `${found.shape[0]} sequences`;
      notes.push(`${named.input}, an initial state of ${sequences} is kept as state.${name}`);
    }
  }
  const lengths = lengthsOf(lens);
  if (typeof lengths === 'string') notes.push(`sequence_lens is ${lengths}; give it as lengths`);
  else if (lengths) notes.push(`sequence_lens is kept as lengths: ${shapeText(lengths)}`);
  return { state: Object.fromEntries(state), ...(typeof lengths === 'object' ? { lengths } : {}), notes };
}

/** The state of one direction; a text where only a run knows it, `undefined` where the node has none. */
function stateOf({ label, outcome }: NamedOutcome, frame: Frame): Tensor | string | undefined {
  const { directions, H, layout } = frame;
  if (outcome === undefined) return undefined;
  if (outcome.kind === 'wrong') throw outcome.error;
  if (outcome.kind === 'runtime') return outcome.by;
  if (outcome.kind === 'uniform') return { shape: [1, H], data: new Float32Array(H).fill(outcome.fill) };
  const { shape } = outcome.value;
  const batch = shape[layout === 0 ? 1 : 0] ?? 0;
  const expected = layout === 0 ? [directions, batch, H] : [batch, directions, H];
  const repeats = outcome.kind === 'repeated';
  const fits = shape.length === 3 && batch >= 1 && shape.every((size, axis) => size === expected[axis]);
  if (fits && (!repeats || batch === 1)) return oneDirection(outcome.value, label, batch, frame);
  if (repeats) return `of shape ${shapeText(shape)}, repeated to one that only a run knows`;
  const where = layout === 0 ? `[${directions}, sequences, ${H}]` : `[sequences, ${directions}, ${H}]`;
  throw onnxError('ONNX-WEIGHTS', `${label} has shape ${shapeText(shape)}; it must be ${where}`, label);
}

function oneDirection(value: Constant, label: string, batch: number, { directions, place, H, layout }: Frame): Tensor {
  const { data } = float32Of(value, label);
  const result = new Float32Array(batch * H);
  for (let sequence = 0; sequence < batch; sequence++) {
    const row = layout === 0 ? place * batch + sequence : sequence * directions + place;
    result.set(data.subarray(row * H, (row + 1) * H), sequence * H);
  }
  return { shape: [batch, H], data: result };
}

function lengthsOf({ label, outcome }: NamedOutcome): readonly number[] | string | undefined {
  if (outcome === undefined) return undefined;
  if (outcome.kind === 'wrong') throw outcome.error;
  if (outcome.kind === 'runtime') return outcome.by;
  if (outcome.kind !== 'constant') return 'of a shape that only a run knows';
  const { type, shape, data } = outcome.value;
  const good = formOf(type).kind === 'integer' && shape.length === 1 && data.length > 0 && data.every((length) => length >= 0);
  if (good) return Array.from(data);
  const fault = `is ${type} of shape ${shapeText(shape)}${data.some((length) => length < 0) ? ' with negative numbers' : ''}`;
  throw onnxError('ONNX-WEIGHTS', `${label} ${fault}; it is INT32, one length for each sequence`, label);
}
