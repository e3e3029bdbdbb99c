import { describe, expect, it } from 'vitest';
import { type LayerChoice, parseWeightsFile, type TensorToStore, writeSafetensors } from '../../runtime/interop/index.js';
import { mistake } from './errors.js';

/** A file with these names; the n-th tensor holds n. */
function file(names: readonly string[], metadata: Record<string, string> = {}): Uint8Array {
  const entries = names.map((name, index): [string, TensorToStore] => [name, { shape: [1], data: Float32Array.of(index) }]);
  return writeSafetensors(Object.fromEntries(entries), metadata);
}

const read = (names: readonly string[], choice: LayerChoice = {}, metadata: Record<string, string> = {}) => {
  const { weights, reverse, cell, options } = parseWeightsFile(file(names, metadata), 'w.safetensors', choice);
  const tensors = Object.fromEntries(Object.entries(weights.tensors).map(([name, { data }]) => [name, data[0]]));
  return { format: weights.format, tensors, reverse, cell, options };
};
const refusal = (names: readonly string[], choice: LayerChoice = {}, metadata: Record<string, string> = {}) =>
  mistake(() => parseWeightsFile(file(names, metadata), 'w.safetensors', choice));

const torch = (prefix: string, layer = '_l0') =>
  ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map((name) => `${prefix}${name}${layer}`);
const TORCH = { weight_ih_l0: 0, weight_hh_l0: 1, bias_ih_l0: 2, bias_hh_l0: 3 };

describe('a file of weights', () => {
  it('is known by its names: PyTorch, Keras, ONNX', () => {
    expect(read(torch(''))).toMatchObject({ format: 'torch', tensors: TORCH, reverse: false, cell: undefined });
    expect(read(['kernel', 'recurrent_kernel', 'bias'])).toMatchObject({
      format: 'keras',
      tensors: { kernel: 0, recurrent_kernel: 1, bias: 2 },
    });
    expect(read(['W', 'R', 'B', 'P'])).toMatchObject({ format: 'onnx', tensors: { W: 0, R: 1, B: 2, P: 3 } });
  });

  it('may have a prefix, and other layers beside it', () => {
    expect(read([...torch('model.rnn.'), 'model.fc.weight', 'model.fc.bias']).tensors).toEqual(TORCH);
    const keras = ['kernel:0', 'recurrent_kernel:0', 'bias:0'].map((name) => `lstm/lstm_cell/${name}`);
    expect(read([...keras, 'dense/kernel:0', 'dense/bias:0']).tensors).toEqual({ kernel: 0, recurrent_kernel: 1, bias: 2 });
  });

  it('may be of a PyTorch cell, whose names have no layer', () => {
    expect(read(torch('cell.', '')).tensors).toEqual(TORCH);
  });

  it('with several prefixes takes the one of --prefix, with or without its separator, and is refused without', () => {
    const both = [...torch('encoder.'), ...torch('decoder.')];
    expect(read(both, { prefix: 'encoder.' }).tensors).toEqual(TORCH);
    expect(read(both, { prefix: 'decoder' }).tensors).toEqual({
      weight_ih_l0: 4,
      weight_hh_l0: 5,
      bias_ih_l0: 6,
      bias_hh_l0: 7,
    });
    expect(refusal(both)).toMatchInlineSnapshot(
      `"WEIGHTS-PREFIX | w.safetensors | w.safetensors has recurrent layers under 2 prefixes: "encoder." and "decoder." | Choose one: --prefix encoder."`,
    );
    expect(refusal(both, { prefix: 'encodr.' })).toMatchInlineSnapshot(
      `"WEIGHTS-PREFIX | w.safetensors | w.safetensors has no recurrent layer whose names start with "encodr."; there are "encoder." and "decoder." | Did you mean "encoder."?"`,
    );
  });

  it('with several layers takes the one of --layer, in its direction, and is refused without', () => {
    const layers = [...torch('rnn.'), ...torch('rnn.', '_l0_reverse'), ...torch('rnn.', '_l1')];
    expect(read(layers, { layer: 'l0' })).toMatchObject({ tensors: TORCH, reverse: false });
    expect(read(layers, { layer: 'l0_reverse' })).toMatchObject({ tensors: { weight_ih_l0: 4 }, reverse: true });
    expect(read(layers, { layer: 'l1' })).toMatchObject({ tensors: { weight_ih_l0: 8 }, reverse: false });
    expect(refusal(layers)).toMatchInlineSnapshot(
      `"WEIGHTS-LAYER | w.safetensors | w.safetensors has 3 layers and directions: l0, l0_reverse and l1 | Choose one of them: --layer l0"`,
    );
    expect(refusal(layers, { layer: 'l2' })).toMatchInlineSnapshot(
      `"WEIGHTS-LAYER | w.safetensors | w.safetensors has no layer "l2": l0, l0_reverse and l1 | Choose one of them: --layer l0"`,
    );
  });

  it('without recurrent weights is refused with what it has', () => {
    expect(refusal(['dense.kernel', 'dense.bias'])).toMatchInlineSnapshot(
      `"WEIGHTS-NONE | w.safetensors | w.safetensors has no weights of a recurrent layer: it has "dense.kernel" and "dense.bias" | Tensors are named weight_ih_l0, weight_hh_l0, … (PyTorch), kernel, recurrent_kernel, bias (Keras) or W, R, B, P (ONNX)."`,
    );
    expect(refusal([])).toContain('WEIGHTS-NONE');
  });

  it('keeps a misspelt name beside the layer, for the layout to refuse', () => {
    expect(Object.keys(read([...torch('rnn.'), 'rnn.bias_hh_1']).tensors)).toContain('bias_hh_1');
  });

  it('says in its metadata which cell, options and direction it is for', () => {
    const metadata = { cell: 'gru', options: '{"reset":"before"}', reverse: 'true', 'weights.format': 'onnx' };
    expect(read(['weights.W', 'weights.R'], {}, metadata)).toEqual({
      format: 'onnx',
      tensors: { W: 0, R: 1 },
      reverse: true,
      cell: 'gru',
      options: { reset: 'before' },
    });
    expect(refusal(['weights.W', 'weights.R', 'inputs.x'], {}, metadata)).toMatchInlineSnapshot(
      `"SAFETENSORS-NAME | "inputs.x" | w.safetensors has a tensor "inputs.x" beside its weights | A whole request goes to --data."`,
    );
  });
});
