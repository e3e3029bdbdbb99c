/** ONNX: the operator's own inputs, as `recurve import` writes them. */
import { cellOf, plain, type Recognized, type Scheme } from './scheme.js';

const NAME = /^(|.*[./])([WRBP])$/;

export const ONNX_NAMES: Scheme = {
  example: 'W, R, B, P (ONNX)',

  part(stored) {
    const [, prefix = '', name] = NAME.exec(stored) ?? [];
    return name === undefined ? undefined : { prefix, layer: '', name };
  },

  recognize({ parts, shape }) {
    const [directions, rows = 0, units = 0] = shape('R') ?? [];
    const cell = directions === undefined ? undefined : cellOf(rows / units);
    if (cell === undefined || !parts.has('W')) return [];
    const options: Recognized['options'] = parts.has('P') ? { peepholes: true } : {};
    return [{ format: 'onnx', cell, options, remarks: [], sources: plain(parts) }];
  },
};
