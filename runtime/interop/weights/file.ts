/**
 * A file of weights alone: what `recurve import` writes, or a checkpoint in which a framework named the tensors. The names
 * and shapes say whose it is, which layers there are and where each one starts; what they leave open is asked, and what
 * was assumed is said.
 */
import { RecurveError } from '../../../codegen/errors.js';
import type { OptionValue } from '../../../codegen/frontend/tree.js';
import type { Tensor, Tensors } from '../../data.js';
import type { TensorFile } from '../containers/container.js';
import { pathOf, quote } from '../describe.js';
import { weightFormatAt } from '../fields.js';
import { readMetadata } from '../safetensors/metadata.js';
import { storedTensor } from '../safetensors/stored.js';
import type { WeightFormat } from '../types.js';
import { FRAMEWORKS, gateOrder } from './frameworks.js';
import { type Initial, takeInitial } from './initial.js';
import { layerConfig } from './keras-config.js';
import { chooseAll, chooseLayer, isReverse, type Layer, type LayerChoice, layersOf } from './layers.js';
import type { CellName } from './layout.js';
import { refuseLeftovers } from './leftover.js';
import type { Source } from './names/index.js';

export type { LayerChoice } from './layers.js';

/** One layer and direction. */
export interface WeightsFile {
  readonly source: string;
  /** Where the file says so, or its shapes do. */
  readonly cell?: string;
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly reverse: boolean;
  /** What a file of `recurve import` has beside the weights. */
  readonly initial: Initial;
  readonly weights: { readonly format: WeightFormat; readonly tensors: Tensors };
  /** What was assumed: `Keras LSTM, gates i f c o, forward`. Absent where the file itself says everything. */
  readonly readAs?: string;
}

/** @throws RecurveError `SAFETENSORS-*`, `DATA-*`, `WEIGHTS-*` */
export function weightsOf(file: TensorFile, choice: LayerChoice = {}): WeightsFile {
  return Object.hasOwn(file.metadata, 'weights.format') ? ownWeights(file) : foreignWeights(file, choice);
}

/** A file that we wrote holds one layer and nothing else, and says in its metadata what it is. */
function ownWeights(file: TensorFile): WeightsFile {
  const { source } = file;
  const { initial, others: tensors } = takeInitial(file.tensors);
  const { cell, options, reverse = false, format } = readMetadata(file.metadata, source);
  const [first = ''] = Object.keys(tensors);
  const whole = cell === 'stack';
  const prefix = whole ? (first.startsWith('weights.') ? 'weights.' : '') : (/^(?:.*[./])?/.exec(first)?.[0] ?? '');
  const other = Object.keys(tensors).find(
    (name) => !name.startsWith(prefix) || (!whole && /[./]/.test(name.slice(prefix.length))),
  );
  if (other !== undefined) {
    throw new RecurveError({
      code: 'SAFETENSORS-NAME',
      message: `${source} has a tensor ${quote(other)} beside its weights`,
      fix: 'A whole request goes to --data.',
      where: quote(other),
    });
  }
  const named = Object.entries(tensors).map(([name, stored]): [string, Tensor] => {
    const short = name.slice(prefix.length);
    return [short, storedTensor(stored, pathOf('weights', short))];
  });
  return {
    source,
    ...(cell === undefined ? {} : { cell }),
    options,
    reverse,
    initial,
    weights: { format: weightFormatAt(format, 'weights.format'), tensors: Object.fromEntries(named) },
  };
}

/**
 * All layers and directions of a PyTorch module, for the model `stack`; a file that `import` wrote says itself what it holds.
 *
 * @throws RecurveError `SAFETENSORS-*`, `DATA-*`, `WEIGHTS-*`
 */
export function stackWeightsOf(file: TensorFile, choice: LayerChoice = {}): WeightsFile {
  if (Object.hasOwn(file.metadata, 'weights.format')) return ownWeights(file);
  if (choice.layer !== undefined) {
    throw new RecurveError({
      code: 'WEIGHTS-LAYER',
      message: `--layer ${choice.layer} chooses one layer, and stack takes all of ${file.source}`,
      fix: 'Leave --layer out, or run the cell itself on one layer.',
      where: '--layer',
    });
  }
  const layers = chooseAll(file, choice);
  const [first] = layers;
  const stray = layers.find(({ format, cell, layer }) => format !== 'torch' || cell !== first?.cell || !/^l\d+/.test(layer));
  if (first === undefined || stray !== undefined) {
    const what = stray === undefined ? 'none' : `${FRAMEWORKS[stray.format].title} ${LAYER_NAMES[stray.cell]}`;
    throw new RecurveError({
      code: 'WEIGHTS-LAYER',
      message: `${file.source} has ${what} where the layers of one torch.nn.RNN, GRU or LSTM are wanted`,
      fix: 'Choose the module with --prefix; of another framework write a request with "weights", layer by layer.',
      where: file.source,
    });
  }
  for (const layer of layers) refuseLeftovers(file, layer, layersOf(file));
  const tensors = layers.flatMap((layer) =>
    [...layer.sources].map(([name, source]): [string, Tensor] => [
      name.replace(/l0$/, layer.layer),
      made(file, layer, name, source),
    ]),
  );
  const count = 1 + Math.max(...layers.map(({ layer }) => Number(/\d+/.exec(layer)?.[0])));
  const bidirectional = layers.some(isReverse);
  return {
    source: file.source,
    cell: 'stack',
    options: { ...first.options, cell: first.cell, layers: count, bidirectional },
    reverse: false,
    initial: { state: {} },
    weights: { format: 'torch', tensors: Object.fromEntries(tensors) },
    readAs: describeLayer(first, `${count} layers${bidirectional ? ', both directions' : ''}`, assumedOf(first)),
  };
}

function foreignWeights(file: TensorFile, choice: LayerChoice): WeightsFile {
  const layer = chooseLayer(file, choice);
  refuseLeftovers(file, layer, layersOf(file));
  const tensors = [...layer.sources].map(([name, source]): [string, Tensor] => [name, made(file, layer, name, source)]);
  const config = file.model && isKeras(layer) ? layerConfig(file.model, layer.prefix, layer.cell) : undefined;
  const reverse = config?.reverse ?? (isReverse(layer) || file.metadata.reverse === 'true');
  const direction = directionText(reverse, isReverse(layer), config !== undefined);
  return {
    source: file.source,
    cell: layer.cell,
    options: { ...layer.options, ...config?.options },
    reverse,
    initial: { state: {} },
    weights: { format: layer.format, tensors: Object.fromEntries(tensors) },
    readAs: describeLayer(layer, direction, config ? config.remarks : assumedOf(layer)),
  };
}

const isKeras = ({ format }: Layer) => format === 'keras' || format === 'cudnn';

/** Where the file has no configuration, a cell's activations are its usual ones. */
function assumedOf(layer: Layer): readonly string[] {
  if (layer.cell === 'rnn') return ['tanh unless --set activation says otherwise'];
  return isKeras(layer) ? ['tanh and sigmoid'] : [];
}

function directionText(reverse: boolean, named: boolean, configured: boolean): string {
  if (!reverse) return 'forward';
  if (configured) return 'reverse, as its configuration says (outputs stay at the steps of their inputs)';
  return named ? 'reverse, as its name says' : 'reverse';
}

function made(file: TensorFile, layer: Layer, name: string, { parts, make }: Source): Tensor {
  const read = parts.map((part) => {
    const stored = file.tensors[layer.names.get(part) ?? ''];
    if (!stored) throw new Error(`${part} of ${name} was listed and is gone`);
    return storedTensor(stored, pathOf('weights', layer.names.get(part) ?? name));
  });
  const [first] = read;
  if (!first) throw new Error(`${name} has no part`);
  return make ? make(...read) : first;
}

const LAYER_NAMES: Readonly<Record<CellName, string>> = { lstm: 'LSTM', gru: 'GRU', rnn: 'RNN' };

function describeLayer({ format, cell, remarks }: Layer, direction: string, more: readonly string[]): string {
  const gates = gateOrder(format, cell);
  const title = `${FRAMEWORKS[format].title} ${LAYER_NAMES[cell]}`;
  return [title, ...(gates === '' ? [] : [`gates ${gates}`]), direction, ...remarks, ...more].join(', ');
}
