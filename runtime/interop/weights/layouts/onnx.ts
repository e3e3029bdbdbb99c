/** Where ONNX' operators put our parameters; reading an ONNX file is the business of interop/onnx. */
import type { Block, FormatLayout, WeightTensor } from '../layout.js';

const matrix = (name: string, blocks: readonly Block[]): WeightTensor => ({
  name,
  lead: [1],
  arrangement: 'rows',
  blocks,
  optional: false,
});
const vector = (name: string, blocks: readonly Block[]): WeightTensor => ({ ...matrix(name, blocks), optional: true });

/**
 * ONNX operators RNN, LSTM and GRU (https://onnx.ai/onnx/operators/), one direction: W `[1, G·H, I]`,
 * R `[1, G·H, H]`, B `[1, 2·G·H]` (input biases, then recurrent ones), P `[1, 3·H]`.
 * Gates: LSTM i o f c, its P i o f; GRU z r h. Our `reset` is `linear_before_reset`: 'after' 1, 'before' 0.
 * Our `coupled` is `input_forget`: the forget gate's blocks stay in place, without meaning.
 */
export const ONNX: FormatLayout = {
  rnn: {
    tensors: [matrix('W', ['W']), matrix('R', ['U']), vector('B', ['b', 'b'])],
    refuses: [],
  },
  lstm: {
    tensors: [
      matrix('W', ['W_i', 'W_o', ['W_f', null], 'W_g']),
      matrix('R', ['U_i', 'U_o', ['U_f', null], 'U_g']),
      vector('B', ['b_i', 'b_o', ['b_f', null], 'b_g', 'b_i', 'b_o', ['b_f', null], 'b_g']),
      { ...vector('P', ['p_i', 'p_o', ['p_f', null]]), needs: { option: 'peepholes', value: true } },
    ],
    refuses: [{ option: 'projection', value: true, because: 'the ONNX operator LSTM has no projection' }],
  },
  gru: {
    tensors: [
      matrix('W', ['W_z', 'W_r', 'W_n']),
      matrix('R', ['U_z', 'U_r', 'U_n']),
      vector('B', ['b_z', 'b_r', 'b_n', 'b_z', 'b_r', ['c_n', 'b_n']]),
    ],
    refuses: [],
  },
};
