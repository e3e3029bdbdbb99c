/** Where Flax' layers put our parameters; how they are called is in names/flax.ts. */
import { abreast, type FormatLayout, NO_COUPLING, NO_PEEPHOLES, NO_PROJECTION, vector } from '../layout.js';

const LACKS = [NO_PEEPHOLES, NO_COUPLING, NO_PROJECTION];
const RESET = [{ option: 'reset', value: 'before', because: "Flax' GRUCell applies the reset gate after the product" }];

const dense = (name: string, param: string) => abreast(`${name}/kernel`, [param]);
const bias = (name: string, param: string) => vector(`${name}/bias`, [param]);

/**
 * flax.linen LSTMCell, OptimizedLSTMCell, GRUCell and SimpleCell, and flax.nnx.LSTMCell (flax/linen/recurrent.py): a dense
 * layer for each gate, `i`+gate of x and `h`+gate of h, kernels `[I, H]` and `[H, H]`. An LSTM has its biases at h; a GRU at
 * x, and one more in hn, which the reset gate meets. Where another bias is given all the same it adds up.
 */
export const FLAX: FormatLayout = {
  rnn: { tensors: [dense('i', 'W'), dense('h', 'U'), bias('i', 'b'), bias('h', 'b')], refuses: [] },
  lstm: {
    tensors: ['i', 'f', 'g', 'o'].flatMap((gate) => [
      dense(`i${gate}`, `W_${gate}`),
      dense(`h${gate}`, `U_${gate}`),
      bias(`h${gate}`, `b_${gate}`),
      bias(`i${gate}`, `b_${gate}`),
    ]),
    refuses: LACKS,
    together: ['hi/bias', 'hf/bias', 'hg/bias', 'ho/bias'],
  },
  gru: {
    tensors: [
      ...['r', 'z', 'n'].flatMap((gate) => [
        dense(`i${gate}`, `W_${gate}`),
        dense(`h${gate}`, `U_${gate}`),
        bias(`i${gate}`, `b_${gate}`),
      ]),
      ...['r', 'z'].map((gate) => bias(`h${gate}`, `b_${gate}`)),
      bias('hn', 'c_n'),
    ],
    refuses: RESET,
    together: ['ir/bias', 'iz/bias', 'in/bias'],
  },
};

/**
 * flax.nnx OptimizedLSTMCell, GRUCell and SimpleCell (flax/nnx/nn/recurrent.py): one dense layer for x and one for h,
 * kernels `[I, G·H]` and `[H, G·H]`. Gates: LSTM i f g o; GRU r z n. An LSTM has its bias at h, the others theirs at x.
 */
export const NNX: FormatLayout = {
  rnn: {
    tensors: [
      abreast('dense_i/kernel', ['W']),
      abreast('dense_h/kernel', ['U']),
      vector('dense_i/bias', ['b']),
      vector('dense_h/bias', ['b']),
    ],
    refuses: [],
  },
  lstm: {
    tensors: [
      abreast('dense_i/kernel', ['W_i', 'W_f', 'W_g', 'W_o']),
      abreast('dense_h/kernel', ['U_i', 'U_f', 'U_g', 'U_o']),
      vector('dense_h/bias', ['b_i', 'b_f', 'b_g', 'b_o']),
      vector('dense_i/bias', ['b_i', 'b_f', 'b_g', 'b_o']),
    ],
    refuses: LACKS,
  },
  gru: {
    tensors: [
      abreast('dense_i/kernel', ['W_r', 'W_z', 'W_n']),
      abreast('dense_h/kernel', ['U_r', 'U_z', 'U_n']),
      vector('dense_i/bias', ['b_r', 'b_z', 'b_n']),
      vector('dense_h/bias', ['b_r', 'b_z', 'c_n']),
    ],
    refuses: RESET,
  },
};
