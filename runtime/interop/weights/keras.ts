import type { Block, FormatLayout, WeightTensor } from './layout.js';

const matrix = (name: string, blocks: readonly Block[]): WeightTensor => ({
  name,
  lead: [],
  arrangement: 'columns',
  blocks,
  optional: false,
});
const vector = (name: string, blocks: readonly Block[]): WeightTensor => ({
  name,
  lead: [],
  arrangement: 'rows',
  blocks,
  optional: true,
});

/**
 * Keras SimpleRNN, LSTM and GRU (https://keras.io/api/layers/recurrent_layers/): kernel `[I, G·H]`,
 * recurrent_kernel `[H, G·H]`, bias `[G·H]`, for a GRU with reset_after `[2, 3·H]` (input, then recurrent).
 * Gates: LSTM i f c o; GRU z r h. Our `reset: 'after'` is `reset_after=True`.
 */
export const KERAS: FormatLayout = {
  rnn: {
    tensors: [matrix('kernel', ['W']), matrix('recurrent_kernel', ['U']), vector('bias', ['b'])],
    refuses: [],
  },
  lstm: {
    tensors: [
      matrix('kernel', ['W_i', 'W_f', 'W_g', 'W_o']),
      matrix('recurrent_kernel', ['U_i', 'U_f', 'U_g', 'U_o']),
      vector('bias', ['b_i', 'b_f', 'b_g', 'b_o']),
    ],
    refuses: [
      { option: 'peepholes', value: true, because: 'the Keras layer LSTM has no peepholes' },
      { option: 'coupled', value: true, because: 'the Keras layer LSTM has a forget gate of its own' },
      { option: 'projection', value: true, because: 'the Keras layer LSTM has no projection' },
    ],
  },
  gru: {
    tensors: [
      matrix('kernel', ['W_z', 'W_r', 'W_n']),
      matrix('recurrent_kernel', ['U_z', 'U_r', 'U_n']),
      {
        ...vector('bias', ['b_z', 'b_r', 'b_n', 'b_z', 'b_r', 'c_n']),
        lead: [2],
        needs: { option: 'reset', value: 'after' },
      },
      { ...vector('bias', ['b_z', 'b_r', 'b_n']), needs: { option: 'reset', value: 'before' } },
    ],
    refuses: [],
  },
};
