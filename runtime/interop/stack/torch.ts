/** torch.nn.RNN, GRU and LSTM out of a checkpoint, all layers and directions. */
import type { Tensor } from '../../data.js';
import type { TensorFile } from '../containers/container.js';
import { assumedOf, LAYER_NAMES, tensorsOf } from '../weights/file.js';
import { gateOrder } from '../weights/frameworks.js';
import { isReverse, type Layer, layersOf } from '../weights/layers.js';
import { refuseLeftovers } from '../weights/leftover.js';
import { describeStack } from './describe.js';
import type { FoundStack } from './found.js';
import { notOne } from './uniform.js';

/** @param layers of the module, at least one */
export function torchStack(file: TensorFile, prefix: string, layers: readonly Layer[]): FoundStack {
  return {
    name: prefix,
    layers: layers.map(({ layer }) => `${prefix}${layer}`),
    read() {
      const [first] = layers;
      if (first === undefined) throw new Error('a module has a layer');
      const other = layers.find(({ cell }) => cell !== first.cell);
      if (other) {
        const [mine, theirs] = [other, first].map(({ layer, cell }) => `${prefix}*_${layer} is of a ${LAYER_NAMES[cell]}`);
        throw notOne(`${mine}, and ${theirs}`, `${prefix}*_${other.layer}`);
      }
      for (const layer of layers) refuseLeftovers(file, layer, layersOf(file));
      const tensors = layers.flatMap((layer) =>
        Object.entries(tensorsOf(file, layer)).map(([name, tensor]): [string, Tensor] => [
          name.replace(/l0$/, layer.layer),
          tensor,
        ]),
      );
      const count = 1 + Math.max(...layers.map(({ layer }) => Number(/\d+/.exec(layer)?.[0])));
      const bidirectional = layers.some(isReverse);
      const options = { ...first.options, cell: first.cell, layers: count, bidirectional };
      const more = [...first.remarks, ...assumedOf(first)];
      return {
        source: file.source,
        cell: 'stack',
        options,
        reverse: false,
        initial: { state: {} },
        weights: { format: 'torch', tensors: Object.fromEntries(tensors) },
        readAs: describeStack(
          `PyTorch ${LAYER_NAMES[first.cell]}`,
          gateOrder('torch', first.cell),
          { options, reverse: false },
          more,
        ),
        notes: [],
      };
    },
  };
}
