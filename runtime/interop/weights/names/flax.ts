/** Flax: a dense layer for each gate, `ii/kernel`, `hn/bias`, or one for x and one for h, `dense_i/kernel` (NNX). */
import { cellOf, plain, type Scheme } from './scheme.js';

/** NNX may put the array into a `value`, and calls the gate `if` `if_`, since that is a word of Python. */
const GATE = /^(|.*[./])([ih][ifgorzn]?)_?[./](kernel|bias)(?:[./]value)?$/;
const DENSE = /^(|.*[./])(dense_[ih])[./](kernel|bias)(?:[./]value)?$/;

const CELLS = [
  { cell: 'lstm', needs: ['ii', 'if', 'ig', 'io', 'hi', 'hf', 'hg', 'ho'] },
  { cell: 'gru', needs: ['ir', 'iz', 'in', 'hr', 'hz', 'hn'] },
  { cell: 'rnn', needs: ['i', 'h'] },
] as const;

export const FLAX_NAMES: Scheme = {
  example: 'ii/kernel, hi/kernel, hi/bias, … (Flax)',

  part(stored) {
    const [, prefix = '', dense, name] = DENSE.exec(stored) ?? GATE.exec(stored) ?? [];
    return dense === undefined ? undefined : { prefix, layer: '', name: `${dense}/${name}` };
  },

  recognize({ parts, shape }) {
    const dense = [...parts].filter((part) => part.startsWith('dense_'));
    const [units = 0, width, ...more] = shape('dense_h/kernel') ?? [];
    const cell = width === undefined || more.length > 0 ? undefined : cellOf(width / units);
    if (cell !== undefined && parts.has('dense_i/kernel')) {
      return [{ format: 'nnx', cell, options: {}, remarks: [], sources: plain(dense) }];
    }
    const found = CELLS.find(({ needs }) => needs.every((name) => shape(`${name}/kernel`)?.length === 2));
    if (found === undefined) return [];
    return [{ format: 'flax', cell: found.cell, options: {}, remarks: [], sources: plain(parts) }];
  },
};
