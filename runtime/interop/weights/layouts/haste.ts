import { abreast, type FormatLayout, NO_COUPLING, NO_PEEPHOLES, NO_PROJECTION, vector } from '../layout.js';

/**
 * Haste's LSTM and GRU (haste_pytorch): the names and shapes of Keras, but an LSTM's gates are i g f o. A GRU's are z r g,
 * with a recurrent_bias of its own and the reset gate after the product.
 */
export const HASTE: FormatLayout = {
  lstm: {
    tensors: [
      abreast('kernel', ['W_i', 'W_g', 'W_f', 'W_o']),
      abreast('recurrent_kernel', ['U_i', 'U_g', 'U_f', 'U_o']),
      vector('bias', ['b_i', 'b_g', 'b_f', 'b_o']),
    ],
    refuses: [NO_PEEPHOLES, NO_COUPLING, NO_PROJECTION],
  },
  gru: {
    tensors: [
      abreast('kernel', ['W_z', 'W_r', 'W_n']),
      abreast('recurrent_kernel', ['U_z', 'U_r', 'U_n']),
      vector('bias', ['b_z', 'b_r', 'b_n']),
      vector('recurrent_bias', ['b_z', 'b_r', 'c_n']),
    ],
    refuses: [{ option: 'reset', value: 'before', because: "Haste's GRU applies the reset gate after the product" }],
  },
};
