/** Where TensorFlow 1's layers put our parameters; how they are called is in names/tf1.ts. */
import { abreast, type FormatLayout, NO_COUPLING, vector } from '../layout.js';

const peephole = (gate: string) => ({
  ...vector(`w_${gate}_diag`, [`p_${gate}`]),
  needs: { option: 'peepholes', value: true } as const,
});

/**
 * TensorFlow 1 (tensorflow/python/ops/rnn_cell_impl.py): one kernel `[I + H, G·H]` for x above h. BasicLSTMCell, LSTMCell and
 * LSTMBlockCell: gates i j f o, where j is the candidate; the forget_bias that they add at run time is not in the file, and
 * whoever reads it adds it to `bias`. With num_proj, projection/kernel `[H, P]` and a kernel of `[I + P, 4·H]`. GRUCell: gates
 * r u and a candidate of their own, reset before the product.
 */
export const TF1: FormatLayout = {
  rnn: { tensors: [abreast('kernel', ['W'], ['U']), vector('bias', ['b'])], refuses: [] },
  lstm: {
    tensors: [
      { ...abreast('projection/kernel', ['W_h']), needs: { option: 'projection', value: true } },
      abreast('kernel', ['W_i', 'W_g', 'W_f', 'W_o'], ['U_i', 'U_g', 'U_f', 'U_o']),
      vector('bias', ['b_i', 'b_g', 'b_f', 'b_o']),
      ...['i', 'f', 'o'].map(peephole),
    ],
    refuses: [NO_COUPLING],
  },
  gru: {
    tensors: [
      abreast('gates/kernel', ['W_r', 'W_z'], ['U_r', 'U_z']),
      vector('gates/bias', ['b_r', 'b_z']),
      abreast('candidate/kernel', ['W_n'], ['U_n']),
      vector('candidate/bias', ['b_n']),
    ],
    refuses: [{ option: 'reset', value: 'after', because: "TensorFlow 1's GRUCell applies the reset gate before the product" }],
  },
};
