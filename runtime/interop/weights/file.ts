/**
 * A file of weights alone: what `recurve import` writes, the parameters that a program saved, or a checkpoint in which a
 * framework named the tensors. The names and shapes say whose it is, which layers there are and where each one starts; what they leave open is asked, and what
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
import { chooseLayer, isReverse, type Layer, type LayerChoice, layersOf } from './layers.js';
import type { CellName } from './layout.js';
import { refuseLeftovers } from './leftover.js';
import type { Source } from './names/index.js';
import { holdsOwn, readOwn } from './own.js';

export type { LayerChoice } from './layers.js';

/** One layer and direction, or all parameters of a cell or model. */
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
  return toldWeights(file, choice) ?? foreignWeights(file, choice);
}

/** Of a file that says what it is, or that holds the parameters of the cell that is run. @throws RecurveError as `weightsOf` */
export function toldWeights(file: TensorFile, choice: LayerChoice): WeightsFile | undefined {
  const said = file.metadata['weights.format'];
  if (said === 'recurve') return namedWeights(file, choice);
  if (said !== undefined) return importedWeights(file);
  if (!holdsOwn(file, choice)) return undefined;
  const weights = namedWeights(file, choice);
  const count = Object.keys(weights.weights.tensors).length;
  return { ...weights, readAs: `recurve's own parameters, ${count} tensor${count === 1 ? '' : 's'}` };
}

/** Parameters by their own names; below a prefix they are of a part of what the file says that it is of. */
function namedWeights(file: TensorFile, choice: LayerChoice): WeightsFile {
  const { cell, options, reverse = false } = readMetadata(file.metadata, file.source);
  const { initial, tensors } = readOwn(file, choice);
  const read = { source: file.source, initial, weights: { format: 'recurve', tensors } } as const;
  if (choice.prefix !== undefined) return { ...read, options: {}, reverse: false };
  return { ...read, ...(cell === undefined ? {} : { cell }), options, reverse };
}

/** A file of `recurve import` holds one layer or stack and nothing else, and says in its metadata what it is. */
function importedWeights(file: TensorFile): WeightsFile {
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

function foreignWeights(file: TensorFile, choice: LayerChoice): WeightsFile {
  const layer = chooseLayer(file, choice);
  refuseLeftovers(file, layer, layersOf(file));
  const tensors = tensorsOf(file, layer);
  const config = file.model && isKeras(layer) ? layerConfig(file.model, layer.prefix, layer.cell) : undefined;
  const reverse = config?.reverse ?? (isReverse(layer) || file.metadata.reverse === 'true');
  const direction = directionText(reverse, isReverse(layer), config !== undefined);
  return {
    source: file.source,
    cell: layer.cell,
    options: { ...layer.options, ...config?.options },
    reverse,
    initial: { state: {} },
    weights: { format: layer.format, tensors },
    readAs: describeLayer(layer, direction, config ? config.remarks : assumedOf(layer)),
  };
}

export const isKeras = ({ format }: Layer) => format === 'keras' || format === 'cudnn';

/** Where the file has no configuration, a cell's activations are its usual ones. */
export function assumedOf(layer: Layer): readonly string[] {
  if (layer.cell === 'rnn') return ['tanh unless --set activation says otherwise'];
  return isKeras(layer) ? ['tanh and sigmoid'] : [];
}

function directionText(reverse: boolean, named: boolean, configured: boolean): string {
  if (!reverse) return 'forward';
  if (configured) return 'reverse, as its configuration says (outputs stay at the steps of their inputs)';
  return named ? 'reverse, as its name says' : 'reverse';
}

/** A layer's tensors by the names of its framework's layout. @throws RecurveError `DATA-*`, `SAFETENSORS-DTYPE` */
export function tensorsOf(file: TensorFile, layer: Layer): Tensors {
  return Object.fromEntries([...layer.sources].map(([name, source]) => [name, made(file, layer, name, source)]));
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

export const LAYER_NAMES: Readonly<Record<CellName, string>> = { lstm: 'LSTM', gru: 'GRU', rnn: 'RNN' };

export function describeLayer({ format, cell, remarks }: Layer, direction: string, more: readonly string[]): string {
  const gates = gateOrder(format, cell);
  const title = `${FRAMEWORKS[format].title} ${LAYER_NAMES[cell]}`;
  return [title, ...(gates === '' ? [] : [`gates ${gates}`]), direction, ...remarks, ...more].join(', ');
}
