/**
 * How a framework stores a cell's weights, as data: each of its tensors is a row of equal blocks, one to a gate,
 * and a block holds one of our parameters. The code that converts knows nothing of any cell or framework.
 */
import type { OptionValue } from '../../../codegen/frontend/tree.js';
import type { Axis } from '../sizes.js';

export type CellName = 'rnn' | 'lstm' | 'gru';

/**
 * Our parameter at a gate's place. Of several, the first that the chosen options have: a GRU's recurrent
 * candidate bias is `c_n` where the reset gate comes after the product, and part of `b_n` where it comes before.
 * `null` at the end: with none of them the block is there but unused, as ONNX's forget gate under `input_forget`.
 */
export type Block = string | readonly (string | null)[];

export interface WeightTensor {
  readonly name: string;
  /** Axes in front that only group blocks: `[1]` for ONNX's directions, `[2]` for the two biases of a Keras GRU. */
  readonly lead: readonly number[];
  /**
   * `rows`: a block is the parameter as it is, `[H, I]`, and blocks follow one another along the first axis.
   * `columns`: a block is the parameter transposed, `[I, H]`, and blocks stand side by side along the last axis.
   * `cudnn`: a block stands as in `columns` and has that shape, but what lies in it, read row by row, is the parameter as
   * it is: the layers over cuDNN hand its memory over without transposing it.
   */
  readonly arrangement: 'rows' | 'columns' | 'cudnn';
  /** In the framework's gate order. A parameter named twice is the sum of both blocks, and both get its gradient. */
  readonly blocks: readonly Block[];
  /** A second row of blocks under the first, of `columns`: `[I + H, G·H]` where one matrix takes x and h together. */
  readonly beneath?: readonly Block[];
  /** Zeros where it is missing. */
  readonly optional: boolean;
  /** The tensor exists only with this option. */
  readonly needs?: { readonly option: string; readonly value: OptionValue };
}

export interface CellLayout {
  /** Tensors of which a file holds all or none. */
  readonly together?: readonly string[];
  readonly tensors: readonly WeightTensor[];
  /** Options that the framework's layer does not have. */
  readonly refuses: readonly { readonly option: string; readonly value: OptionValue; readonly because: string }[];
}

/** One of the layout's tensors, its blocks settled for a cell and its options. */
export interface ResolvedTensor {
  readonly name: string;
  readonly arrangement: WeightTensor['arrangement'];
  /** `init`: what the parameter declares, or what is drawn. */
  readonly ifMissing: 'refused' | 'zeros' | 'init';
  /** Rows of blocks, one below the other, mostly one; a block is our parameter, `undefined` where it is unused. */
  readonly bands: readonly (readonly (string | undefined)[])[];
  readonly axes: readonly Axis[];
}

/** The cells that the framework has. */
export type FormatLayout = Readonly<Partial<Record<CellName, CellLayout>>>;

/** A matrix of blocks `[H, I]`, one below the other. */
export const stacked = (name: string, blocks: readonly Block[]): WeightTensor => ({
  name,
  lead: [],
  arrangement: 'rows',
  blocks,
  optional: false,
});

/** A matrix of blocks `[I, H]`, side by side. */
export const abreast = (name: string, blocks: readonly Block[], beneath?: readonly Block[]): WeightTensor => ({
  ...stacked(name, blocks),
  arrangement: 'columns',
  ...(beneath === undefined ? {} : { beneath }),
});

/** A vector of blocks `[H]`, zeros where it is missing. */
export const vector = (name: string, blocks: readonly Block[]): WeightTensor => ({ ...stacked(name, blocks), optional: true });

/** What no LSTM of most frameworks has. */
export const NO_PEEPHOLES = { option: 'peepholes', value: true, because: 'its LSTM has no peepholes' } as const;
export const NO_COUPLING = { option: 'coupled', value: true, because: 'its LSTM has a forget gate of its own' } as const;
export const NO_PROJECTION = { option: 'projection', value: true, because: 'its LSTM has no projection' } as const;
