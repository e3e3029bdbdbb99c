import type { Block, FormatLayout, WeightTensor } from './layout.js';

const matrix = (name: string, blocks: readonly Block[]): WeightTensor => ({
  name,
  lead: [],
  arrangement: 'rows',
  blocks,
  optional: false,
});
const vector = (name: string, blocks: readonly Block[]): WeightTensor => ({ ...matrix(name, blocks), optional: true });

/**
 * torch.nn.RNN, LSTM and GRU, layer 0, forward (https://docs.pytorch.org/docs/stable/nn.html): weight_ih_l0
 * `[G·H, I]`, weight_hh_l0 `[G·H, H]` (`[4·H, P]` with proj_size), bias_ih_l0 and bias_hh_l0 `[G·H]`,
 * weight_hr_l0 `[P, H]`. Gates: LSTM i f g o; GRU r z n, always with the reset gate after the product.
 */
export const TORCH: FormatLayout = {
  rnn: {
    tensors: [
      matrix('weight_ih_l0', ['W']),
      matrix('weight_hh_l0', ['U']),
      vector('bias_ih_l0', ['b']),
      vector('bias_hh_l0', ['b']),
    ],
    refuses: [],
  },
  lstm: {
    tensors: [
      matrix('weight_ih_l0', ['W_i', 'W_f', 'W_g', 'W_o']),
      matrix('weight_hh_l0', ['U_i', 'U_f', 'U_g', 'U_o']),
      vector('bias_ih_l0', ['b_i', 'b_f', 'b_g', 'b_o']),
      vector('bias_hh_l0', ['b_i', 'b_f', 'b_g', 'b_o']),
      { ...matrix('weight_hr_l0', ['W_h']), needs: { option: 'projection', value: true } },
    ],
    refuses: [
      { option: 'peepholes', value: true, because: 'torch.nn.LSTM has no peepholes' },
      { option: 'coupled', value: true, because: 'torch.nn.LSTM has a forget gate of its own' },
    ],
  },
  gru: {
    tensors: [
      matrix('weight_ih_l0', ['W_r', 'W_z', 'W_n']),
      matrix('weight_hh_l0', ['U_r', 'U_z', 'U_n']),
      vector('bias_ih_l0', ['b_r', 'b_z', 'b_n']),
      vector('bias_hh_l0', ['b_r', 'b_z', 'c_n']),
    ],
    refuses: [{ option: 'reset', value: 'before', because: 'torch.nn.GRU applies the reset gate after the product' }],
  },
};
