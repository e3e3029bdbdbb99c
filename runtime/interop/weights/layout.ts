/**
 * How a framework stores a cell's weights, as data: each of its tensors is a row of equal blocks, one to a gate,
 * and a block holds one of our parameters. The code that converts knows nothing of any cell or framework.
 */
import type { OptionValue } from '../../../codegen/frontend/tree.js';

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
   */
  readonly arrangement: 'rows' | 'columns';
  /** In the framework's gate order. A parameter named twice is the sum of both blocks, and both get its gradient. */
  readonly blocks: readonly Block[];
  /** Zeros where it is missing. */
  readonly optional: boolean;
  /** The tensor exists only with this option. */
  readonly needs?: { readonly option: string; readonly value: OptionValue };
}

export interface CellLayout {
  readonly tensors: readonly WeightTensor[];
  /** Options that the framework's layer does not have. */
  readonly refuses: readonly { readonly option: string; readonly value: OptionValue; readonly because: string }[];
}

export type FormatLayout = Readonly<Record<CellName, CellLayout>>;
