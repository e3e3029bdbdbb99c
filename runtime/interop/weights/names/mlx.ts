/** MLX: `Wx`, `Wh`, `bias`; a GRU's `b` and `bhn`; an RNN's `Wxh`, `Whh`. */
import { cellOf, plain, type Recognized, type Scheme } from './scheme.js';

const NAME = /^(|.*[./])(Wx|Wh|Wxh|Whh|bias|b|bhn)$/;

export const MLX_NAMES: Scheme = {
  example: 'Wx, Wh, bias (MLX)',

  part(stored) {
    const [, prefix = '', name] = NAME.exec(stored) ?? [];
    return name === undefined ? undefined : { prefix, layer: '', name };
  },

  recognize({ parts, shape }) {
    const simple = parts.has('Wxh');
    const [rows = 0, units = 0] = shape(simple ? 'Whh' : 'Wh') ?? [];
    const cell = cellOf(rows / units);
    const input = shape(simple ? 'Wxh' : 'Wx');
    if (cell === undefined || (cell === 'rnn') !== simple || input?.length !== 2) return [];
    const first = 'bhn counts in the first step too, where MLX leaves it out if it gets no hidden state';
    const recognized: Recognized = {
      format: 'mlx',
      cell,
      options: {},
      remarks: cell === 'gru' && parts.has('bhn') ? [first] : [],
      sources: plain(parts),
    };
    return [recognized];
  },
};
