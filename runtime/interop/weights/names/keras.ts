/**
 * Keras' names: `lstm/lstm_cell/kernel:0` (Keras 2), `layers/lstm/cell/vars/0` (the weights file of Keras 3); and Haste's, which
 * are the same but for the gates' order. A Haste layer is a PyTorch module, so a dot stands before its names, or nothing.
 */
import { shapeText } from '../../describe.js';
import type { FrameworkName } from '../../types.js';
import { cellOf, type Found, plain, type Recognized, type Scheme } from './scheme.js';

const NAMED = /^(|.*[./])(kernel|recurrent_kernel|bias|recurrent_bias)(?::0)?$/;
const NUMBERED = /^(|.*[./])vars[./]([012])$/;
const OF_A_CELL = /cell|lstm|gru|rnn/i;
const VARIABLES = ['kernel', 'recurrent_kernel', 'bias'];

export const KERAS_NAMES: Scheme = {
  example: 'kernel, recurrent_kernel, bias (Keras, Haste)',

  part(stored) {
    const [, path = '', number] = NUMBERED.exec(stored) ?? [];
    // Every layer has numbered variables; its path says which is a recurrent one.
    if (number !== undefined && OF_A_CELL.test(path)) return { prefix: path, layer: '', name: VARIABLES[Number(number)] ?? '' };
    const [, prefix = '', name] = NAMED.exec(stored) ?? [];
    return name === undefined ? undefined : { prefix, layer: '', name };
  },

  recognize(found) {
    const { parts } = found;
    // A convolution's kernel has more axes; a dense layer's second variable is its bias.
    const [inputs, columns, ...more] = found.shape('kernel') ?? [];
    const [units, width, ...deeper] = found.shape('recurrent_kernel') ?? [];
    if (inputs === undefined || units === undefined || columns !== width || more.length + deeper.length > 0) return [];
    const cell = cellOf((columns ?? 0) / units);
    if (cell === undefined) return [];
    return formatsOf(found, units, cell).map((format) => ({
      format,
      cell,
      ...bearing(found, format, cell),
      sources: plain(parts),
    }));
  },
};

function formatsOf(found: Found, units: number, cell: Recognized['cell']): readonly FrameworkName[] {
  const { prefix, parts } = found;
  if (parts.has('recurrent_bias')) return ['haste'];
  const bias = found.shape('bias') ?? [];
  const gates = cell === 'lstm' ? 4 : 3;
  if (cell !== 'rnn' && bias.length === 1 && bias[0] === 2 * gates * units) return ['cudnn'];
  if (cell !== 'lstm') return ['keras'];
  if (/haste/i.test(prefix)) return ['haste'];
  // Only Keras separates by slashes or has a cell within the layer.
  return /\/|cell/i.test(prefix) ? ['keras'] : ['keras', 'haste'];
}

/** What a GRU's bias tells of its reset gate. */
function bearing(found: Found, format: FrameworkName, cell: Recognized['cell']): Pick<Recognized, 'options' | 'remarks'> {
  if (cell !== 'gru' || format !== 'keras') return { options: {}, remarks: [] };
  const bias = found.shape('bias');
  if (bias === undefined) return { options: {}, remarks: ['without a bias, which would tell the place of the reset gate'] };
  const reset = bias.length === 2 ? 'after' : 'before';
  return { options: { reset }, remarks: [`reset ${reset} the product, as its bias of shape ${shapeText(bias)} says`] };
}
