/** Where MLX' layers put our parameters; how they are called is in names/mlx.ts. */
import { type FormatLayout, NO_COUPLING, NO_PEEPHOLES, NO_PROJECTION, stacked, vector } from '../layout.js';

/**
 * mlx.nn RNN, LSTM and GRU (mlx/nn/layers/recurrent.py): Wx `[G·H, I]`, Wh `[G·H, H]`, bias `[G·H]`; a GRU's are b and, for
 * the candidate inside the reset gate, bhn `[H]`. Gates: LSTM i f g o; GRU r z n, reset after the product. Without a
 * hidden state MLX leaves bhn out of the first step; here as in every other step it counts.
 */
export const MLX: FormatLayout = {
  rnn: { tensors: [stacked('Wxh', ['W']), stacked('Whh', ['U']), vector('bias', ['b'])], refuses: [] },
  lstm: {
    tensors: [
      stacked('Wx', ['W_i', 'W_f', 'W_g', 'W_o']),
      stacked('Wh', ['U_i', 'U_f', 'U_g', 'U_o']),
      vector('bias', ['b_i', 'b_f', 'b_g', 'b_o']),
    ],
    refuses: [NO_PEEPHOLES, NO_COUPLING, NO_PROJECTION],
  },
  gru: {
    tensors: [
      stacked('Wx', ['W_r', 'W_z', 'W_n']),
      stacked('Wh', ['U_r', 'U_z', 'U_n']),
      vector('b', ['b_r', 'b_z', 'b_n']),
      vector('bhn', ['c_n']),
    ],
    refuses: [{ option: 'reset', value: 'before', because: "MLX's GRU applies the reset gate after the product" }],
  },
};
