/** Where Keras' layers, and the CuDNN ones, put our parameters; how they are called is in names/keras.ts. */
import { abreast, type CellLayout, type FormatLayout, NO_COUPLING, NO_PEEPHOLES, NO_PROJECTION, vector } from '../layout.js';

const LSTM: CellLayout = {
  tensors: [
    abreast('kernel', ['W_i', 'W_f', 'W_g', 'W_o']),
    abreast('recurrent_kernel', ['U_i', 'U_f', 'U_g', 'U_o']),
    vector('bias', ['b_i', 'b_f', 'b_g', 'b_o']),
  ],
  refuses: [NO_PEEPHOLES, NO_COUPLING, NO_PROJECTION],
};

/**
 * Keras SimpleRNN, LSTM and GRU (https://keras.io/api/layers/recurrent_layers/): kernel `[I, G·H]`,
 * recurrent_kernel `[H, G·H]`, bias `[G·H]`, for a GRU with reset_after `[2, 3·H]` (input, then recurrent).
 * Gates: LSTM i f c o; GRU z r h. Our `reset: 'after'` is `reset_after=True`.
 */
export const KERAS: FormatLayout = {
  rnn: { tensors: [abreast('kernel', ['W']), abreast('recurrent_kernel', ['U']), vector('bias', ['b'])], refuses: [] },
  lstm: LSTM,
  gru: {
    tensors: [
      abreast('kernel', ['W_z', 'W_r', 'W_n']),
      abreast('recurrent_kernel', ['U_z', 'U_r', 'U_n']),
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

const cudnn = (name: string, blocks: readonly string[]) => ({ ...abreast(name, blocks), arrangement: 'cudnn' as const });

/**
 * Keras CuDNNLSTM and CuDNNGRU (keras/layers/cudnn_recurrent.py of Keras 2.2; `_convert_rnn_weights` turns them into LSTM
 * and GRU): Keras' gates and shapes, but each gate's block is cuDNN's memory as it is, `[H, I]` row by row, and bias
 * `[2·G·H]` holds the input's biases, then the recurrent ones. The reset gate comes after the product.
 */
export const CUDNN: FormatLayout = {
  lstm: {
    tensors: [
      cudnn('kernel', ['W_i', 'W_f', 'W_g', 'W_o']),
      cudnn('recurrent_kernel', ['U_i', 'U_f', 'U_g', 'U_o']),
      vector('bias', ['b_i', 'b_f', 'b_g', 'b_o', 'b_i', 'b_f', 'b_g', 'b_o']),
    ],
    refuses: LSTM.refuses,
  },
  gru: {
    tensors: [
      cudnn('kernel', ['W_z', 'W_r', 'W_n']),
      cudnn('recurrent_kernel', ['U_z', 'U_r', 'U_n']),
      vector('bias', ['b_z', 'b_r', 'b_n', 'b_z', 'b_r', 'c_n']),
    ],
    refuses: [{ option: 'reset', value: 'before', because: 'CuDNNGRU applies the reset gate after the product' }],
  },
};
