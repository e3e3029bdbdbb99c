/** What `recurve import` keeps beside the weights: the state that a layer starts from, and the lengths of its sequences. */
import { RecurveError } from '../../../codegen/errors.js';
import { elements, type Tensor, type Tensors } from '../../data.js';
import { listText, own, pathOf } from '../describe.js';
import { numbersOf, type StoredTensor, storedTensor } from '../safetensors/stored.js';
import type { RunRequest } from '../types.js';

export interface Initial {
  /** `[sequences, …]` each, of a stack `[L·D, sequences, …]`; of one sequence it holds for every one. */
  readonly state: Tensors;
  readonly lengths?: readonly number[];
}

type Stored = Readonly<Record<string, StoredTensor>>;

/** `state.h`, `lengths` and such out of the tensors of a file; the others stay. */
export function takeInitial(tensors: Stored): { readonly initial: Initial; readonly others: Stored } {
  const entries = Object.entries(tensors);
  const state = entries
    .filter(([name]) => name.startsWith('state.'))
    .map(([name, stored]): [string, Tensor] => {
      const short = name.slice('state.'.length);
      return [short, storedTensor(stored, pathOf('state', short))];
    });
  const { lengths } = tensors;
  return {
    initial: { state: Object.fromEntries(state), ...(lengths ? { lengths: Array.from(numbersOf(lengths)) } : {}) },
    others: Object.fromEntries(entries.filter(([name]) => name !== 'lengths' && !name.startsWith('state.'))),
  };
}

/** One line for whoever runs it; `undefined` where there is nothing. */
export function initialText({ state, lengths }: Initial): string | undefined {
  const parts = [...Object.keys(state).map((name) => `state.${name}`), ...(lengths ? ['lengths'] : [])];
  return parts.length === 0 ? undefined : `${listText(parts)} come from the weights wherever the data leaves them out`;
}

/**
 * The initial state and lengths of a request: its own, and what it leaves out from the weights.
 *
 * @param source what to call the file of the weights
 * @param cell whose states they are
 * @throws RecurveError `RUN-WEIGHTS` where they are of another number of sequences
 */
export function startOf(
  request: RunRequest,
  { state, lengths }: Initial,
  source: string,
  cell?: string,
): Pick<RunRequest, 'state' | 'lengths'> {
  const along = cell === 'stack' ? 1 : 0;
  const [input] = Object.values(request.inputs);
  const sequences = input?.shape[1];
  const missing = Object.entries(state).filter(([name]) => !own(request.state, name));
  const fits = (name: string, count: number | undefined) => {
    if (sequences === undefined || count === sequences) return;
    throw new RecurveError({
      code: 'RUN-WEIGHTS',
      message: `${source} has the ${name} of ${count} sequences, but the data has ${sequences}`,
      fix: `Give ${name} in the data, or as many sequences as the model was made for.`,
      where: name,
    });
  };
  const filled = missing.map(([name, tensor]): [string, Tensor] => {
    if (tensor.shape[along] === 1 && sequences !== undefined) return [name, repeated(tensor, sequences, along)];
    fits(`state.${name}`, tensor.shape[along]);
    return [name, tensor];
  });
  if (!request.lengths && lengths) fits('lengths', lengths.length);
  const known = request.lengths ?? lengths;
  return { state: { ...Object.fromEntries(filled), ...request.state }, ...(known ? { lengths: known } : {}) };
}

/** @param along the axis of sequences, of size 1 */
function repeated({ shape, data }: Tensor, sequences: number, along: number): Tensor {
  const result = new Float32Array(sequences * data.length);
  const width = elements(shape.slice(along + 1));
  for (let k = 0; k < data.length / width; k++) {
    const row = data.subarray(k * width, (k + 1) * width);
    for (let sequence = 0; sequence < sequences; sequence++) result.set(row, (k * sequences + sequence) * width);
  }
  return { shape: shape.with(along, sequences), data: result };
}
