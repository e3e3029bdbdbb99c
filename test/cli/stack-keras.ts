/** Files of Keras as `model.save` and `model.save_weights` write them, of a stack of layers with dropout in between. */
import { strToU8, zipSync } from 'fflate';
import * as h5 from 'h5wasm';
import type { Case, Named } from './stack-frameworks.js';
import { H } from './stack-frameworks.js';

const CLASSES = { lstm: 'LSTM', gru: 'GRU', rnn: 'SimpleRNN' } as const;
const SNAKES = { lstm: 'lstm', gru: 'gru', rnn: 'simple_rnn' } as const;
const VARS = ['kernel', 'recurrent_kernel', 'bias'];

/** Keras 3's paths for the names of requests: `layers/bidirectional_1/forward_layer/cell/vars/0`. */
export function kerasPaths(kase: Case, weights: Named): Named {
  const both = kase.direction === 'both';
  return Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => {
      const [, layer = '', side = '', part = ''] = /^layer_(\d+)\/(\w+)\/(\w+)$/.exec(name) ?? [];
      const kind = both ? 'bidirectional' : SNAKES[kase.cell];
      const path = `layers/${kind}${layer === '0' ? '' : `_${layer}`}/${both ? `${side}_layer/` : ''}cell/vars/${VARS.indexOf(part)}`;
      return [path, tensor];
    }),
  );
}

/** @param more of the layer's configuration */
export function kerasConfig(kase: Case, more: (k: number) => object = () => ({}), between = 'Dropout'): object {
  const { cell, options } = kase;
  const layers = Array.from({ length: kase.layers }, (_, k) => {
    const config = {
      name: `own_name_${9 - k}`,
      units: H,
      return_sequences: true,
      activation: options.activation ?? 'tanh',
      ...(cell === 'rnn' ? {} : { recurrent_activation: 'sigmoid' }),
      ...(cell === 'gru' ? { reset_after: options.reset === 'after' } : {}),
      ...more(k),
    };
    const own = { class_name: CLASSES[cell], config };
    const layer =
      kase.direction === 'both'
        ? {
            class_name: 'Bidirectional',
            config: { name: `own_name_${9 - k}`, layer: own, merge_mode: options.merge ?? 'concat', ...more(k) },
          }
        : own;
    return [layer, { class_name: between, config: { name: `between_${k}`, rate: 0.3, activation: 'relu' } }];
  });
  return {
    class_name: 'Sequential',
    config: { name: 'sequential', layers: [{ class_name: 'InputLayer', config: { name: 'x' } }, ...layers.flat()] },
  };
}

/** The same as a functional model, its layers in another order than that in which they read each other. */
export function functional(sequential: object): object {
  const { config } = sequential as { config: { layers: { class_name: string; config: { name: string } }[] } };
  const layers = config.layers.map((layer, k) => {
    const before = config.layers[k - 1]?.config.name;
    const history = { class_name: '__keras_tensor__', config: { shape: [], keras_history: [before, 0, 0] } };
    return { ...layer, name: layer.config.name, inbound_nodes: before === undefined ? [] : [{ args: [history], kwargs: {} }] };
  });
  return { class_name: 'Functional', config: { name: 'functional', layers } };
}

let written = 0;

export async function hdf5(tensors: Named, attributes: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
  const { FS } = await h5.ready;
  const path = `written-${written++}.h5`;
  const file = new h5.File(path, 'w');
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const segments = name.split('/');
    const last = segments.pop() ?? '';
    let group: h5.Group = file;
    for (const segment of segments) {
      const found = group.keys().includes(segment) ? group.get(segment) : undefined;
      group = found instanceof h5.Group ? found : group.create_group(segment);
    }
    group.create_dataset({ name: last, data: Float32Array.from(data), shape: [...shape] });
  }
  for (const [name, value] of Object.entries(attributes)) file.create_attribute(name, value);
  file.close();
  return Uint8Array.from(FS.readFile(path) as Uint8Array);
}

/** A `.keras` file. */
export async function archive(config: object, tensors: Named): Promise<Uint8Array> {
  return zipSync({
    'metadata.json': strToU8(JSON.stringify({ keras_version: '3.9.0' })),
    'config.json': strToU8(JSON.stringify(config)),
    'model.weights.h5': await hdf5(tensors),
  });
}
