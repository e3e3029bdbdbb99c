/**
 * The data of a plain cell as peers take them that write it anew: the gates' weights side by side, what the data leave out as zeros, and
 * states only where the data have some.
 */
import type { Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { type CellData, type CellResult, shapeOf, type Tensor, type Tensors } from '../../runtime/data.js';
import { type KerasWeights, orZeros, packWeights, unpackWeights } from './keras.js';
import type { PlainCell } from './plain.js';

/** What has a gradient. */
export interface PackedArguments extends KerasWeights {
  /** `[T, B, I]`. */
  readonly x: Tensor;
  /** The bias behind the reset gate, `[H]`, of a gru that resets after the product. */
  readonly inner?: Tensor | undefined;
  /** h and c at the start, `[B, H]` each; none where the data have none, and then it starts from zeros. */
  readonly initial: readonly Tensor[];
}

export interface PackedData extends PackedArguments {
  /** Of the outputs h, `[T, B, H]`. */
  readonly cotangent: Tensor;
  /** Of h and c at the end, `[B, H]` each; none where the data have none. */
  readonly ofFinals: readonly Tensor[];
}

export interface PackedResult {
  readonly h: Tensor;
  /** Where their cotangents are given. */
  readonly finals: readonly Tensor[];
  readonly gradients: PackedArguments;
}

export function packData(
  cell: Pick<PlainCell, 'gates' | 'inner'>,
  signature: Signature,
  sizes: Sizes,
  data: CellData,
): PackedData {
  const states = (given: Tensors) =>
    Object.keys(given).length === 0
      ? []
      : signature.state.map((state) => orZeros(given[state.name], shapeOf(state, sizes, ['B'])));
  return {
    x: orZeros(data.inputs.x, shapeOf({ name: 'x', shape: ['I'] }, sizes, ['T', 'B'])),
    ...packWeights(cell, data.params),
    inner: cell.inner === undefined ? undefined : data.params[cell.inner],
    initial: states(data.state),
    cotangent: orZeros(data.cotangents?.outputs.h, shapeOf({ name: 'h', shape: ['H'] }, sizes, ['T', 'B'])),
    ofFinals: states(data.cotangents?.state ?? {}),
  };
}

/** A result under our names. */
export function unpackResult(
  cell: Pick<PlainCell, 'gates' | 'inner'>,
  signature: Signature,
  { h, finals, gradients }: PackedResult,
): CellResult {
  const states = (tensors: readonly Tensor[]) =>
    Object.fromEntries(tensors.map((tensor, index) => [signature.state[index]?.name ?? '', tensor]));
  const { x, inner, initial, ...weights } = gradients;
  const ofInner = cell.inner === undefined || inner === undefined ? {} : { [cell.inner]: inner };
  return {
    outputs: { h },
    state: states(finals),
    gradients: {
      inputs: { x },
      state: states(initial),
      params: { ...unpackWeights(cell, weights), ...ofInner },
    },
  };
}

/** What has a gradient as one list: x, kernel, recurrent kernel, bias, the inner bias where there is one, states. */
export function listed({ x, kernel, recurrentKernel, bias, inner, initial }: PackedArguments): Tensor[] {
  return [x, kernel, recurrentKernel, bias, ...(inner === undefined ? [] : [inner]), ...initial];
}

/** The same, back from a list of tensors in that order. */
export function fromList({ inner }: Pick<PlainCell, 'inner'>, tensors: readonly Tensor[]): PackedArguments {
  const [x, kernel, recurrentKernel, bias, ...rest] = tensors;
  if (!x || !kernel || !recurrentKernel || !bias) throw new Error('a peer gave fewer tensors than asked for');
  const weights = { x, kernel, recurrentKernel, bias };
  return inner === undefined ? { ...weights, initial: rest } : { ...weights, inner: rest[0], initial: rest.slice(1) };
}
