/** Where PyTorch's layers put our parameters; how they are called is in names/torch.ts. */
import { type FormatLayout, NO_COUPLING, NO_PEEPHOLES, stacked, vector } from '../layout.js';

/** With `bias=False` a layer has neither. */
const BIASES = ['bias_ih_l0', 'bias_hh_l0'];

/**
 * torch.nn.RNN, LSTM and GRU, layer 0, forward (https://docs.pytorch.org/docs/stable/nn.html): weight_ih_l0
 * `[G·H, I]`, weight_hh_l0 `[G·H, H]` (`[4·H, P]` with proj_size), bias_ih_l0 and bias_hh_l0 `[G·H]`,
 * weight_hr_l0 `[P, H]`. Gates: LSTM i f g o; GRU r z n. torch.nn.GRU applies the reset gate after the product; others that
 * write this layout do before, and then the candidate's two biases are one. Paddle has the same names, gates and equations.
 */
export const TORCH: FormatLayout = {
  rnn: {
    tensors: [
      stacked('weight_ih_l0', ['W']),
      stacked('weight_hh_l0', ['U']),
      vector('bias_ih_l0', ['b']),
      vector('bias_hh_l0', ['b']),
    ],
    refuses: [],
    together: BIASES,
  },
  lstm: {
    tensors: [
      stacked('weight_ih_l0', ['W_i', 'W_f', 'W_g', 'W_o']),
      stacked('weight_hh_l0', ['U_i', 'U_f', 'U_g', 'U_o']),
      vector('bias_ih_l0', ['b_i', 'b_f', 'b_g', 'b_o']),
      vector('bias_hh_l0', ['b_i', 'b_f', 'b_g', 'b_o']),
      { ...stacked('weight_hr_l0', ['W_h']), needs: { option: 'projection', value: true } },
    ],
    refuses: [NO_PEEPHOLES, NO_COUPLING],
    together: BIASES,
  },
  gru: {
    tensors: [
      stacked('weight_ih_l0', ['W_r', 'W_z', 'W_n']),
      stacked('weight_hh_l0', ['U_r', 'U_z', 'U_n']),
      vector('bias_ih_l0', ['b_r', 'b_z', 'b_n']),
      vector('bias_hh_l0', ['b_r', 'b_z', ['c_n', 'b_n']]),
    ],
    refuses: [],
    together: BIASES,
  },
};
