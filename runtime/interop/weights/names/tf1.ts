/**
 * TensorFlow 1: `rnn/basic_lstm_cell/kernel` and `bias`, a GRU's `gates/kernel` and `candidate/kernel`; before 1.2 they were
 * `weights` and `biases`. A dense layer has a kernel and a bias too: an LSTM's or an RNN's stand in a scope that says so.
 */
import type { Tensor } from '../../../data.js';
import type { CellName } from '../layout.js';
import type { Found, Recognized, Scheme, Source } from './scheme.js';

const LSTM_SCOPE = /(?:^|[./_])lstm(?:_block)?_(?:fused_)?cell(?:_\d+)?[./]$/;
const RNN_SCOPE = /(?:^|[./_])basic_rnn_cell(?:_\d+)?[./]$/;
/** A scope's own tensors; what lies a level deeper, such as an optimizer's copies, is not the layer. */
const SCOPED = new RegExp(
  '^(.*(?:lstm|rnn|lstm_block|lstm_fused|lstm_block_fused)_cell(?:_\\d+)?[./])' +
    '(kernel|recurrent_kernel|weights|bias|biases|w_[ifo]_diag|projection[./](?:kernel|weights))(?::0)?$',
);
const GATED = /^(|.*[./])(gates|candidate)[./](kernel|weights|bias|biases)(?::0)?$/;

export const TF1_NAMES: Scheme = {
  example: 'lstm_cell/kernel of [I + H, 4·H], gates/kernel (TensorFlow 1)',

  part(stored) {
    const [, outer = '', scope, inner = ''] = GATED.exec(stored) ?? [];
    if (scope !== undefined) return { prefix: outer, layer: '', name: `${scope}/${modern(inner)}` };
    const [, prefix = '', name] = SCOPED.exec(stored) ?? [];
    return name === undefined ? undefined : { prefix, layer: '', name: modern(name.replace('.', '/')) };
  },

  recognize(found) {
    const gates = gruOf(found);
    if (gates) return [gates];
    const [rows = 0, columns = 0, ...more] = found.shape('kernel') ?? [];
    if (more.length > 0) return [];
    if (RNN_SCOPE.test(found.prefix)) return rows > columns ? [layer(found, 'rnn', {}, [])] : [];
    // A Keras layer's cell has the same scope; its kernel takes x alone, and h has another.
    if (found.parts.has('recurrent_kernel')) return [];
    const bias = found.shape('bias');
    if (!LSTM_SCOPE.test(found.prefix) || bias?.length !== 1 || bias[0] !== columns || columns % 4 !== 0) return [];
    const state = found.shape('projection/kernel')?.[1] ?? columns / 4;
    return rows > state ? [lstm(found)] : [];
  },
};

const modern = (name: string) => name.replace('weights', 'kernel').replace('biases', 'bias');

function gruOf(found: Found): Recognized | undefined {
  const [gates, candidate] = [found.shape('gates/kernel'), found.shape('candidate/kernel')];
  if (gates?.length !== 2 || candidate?.length !== 2 || gates[1] !== 2 * (candidate[1] ?? 0)) return undefined;
  return layer(found, 'gru', { reset: 'before' }, ['reset before the product']);
}

function lstm(found: Found): Recognized {
  // CudnnCompatibleLSTMCell is an LSTMBlockCell whose forget_bias is 0.
  const forgetBias = /cudnn_compatible/.test(found.prefix) ? 0 : 1;
  const peepholes = found.parts.has('w_i_diag');
  const projection = found.parts.has('projection/kernel');
  const plain = layer(found, 'lstm', { ...(peepholes ? { peepholes } : {}), ...(projection ? { projection } : {}) }, [
    ...(peepholes ? ['with peepholes'] : []),
    ...(projection ? ['with a projection'] : []),
    `forget_bias ${forgetBias} added to the bias of f`,
  ]);
  return {
    ...plain,
    sources: new Map([...plain.sources, ['bias', { parts: ['bias'], make: (bias) => withForgetBias(bias, forgetBias) }]]),
  };
}

function layer(found: Found, cell: CellName, options: Recognized['options'], remarks: readonly string[]): Recognized {
  const sources = new Map([...found.parts].map((name): [string, Source] => [name, { parts: [name] }]));
  return { format: 'tf1', cell, options, remarks, sources };
}

/** The third of the four gates i j f o. */
function withForgetBias({ shape, data }: Tensor, forgetBias: number): Tensor {
  const units = data.length / 4;
  return { shape, data: Float32Array.from(data, (value, k) => (Math.floor(k / units) === 2 ? value + forgetBias : value)) };
}
