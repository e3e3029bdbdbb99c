/**
 * The configuration of a Keras layer, out of its model's: activations, the place of the reset gate, the direction. A file of
 * weights alone has none.
 */
import { RecurveError } from '../../../codegen/errors.js';
import type { OptionValue } from '../../../codegen/frontend/tree.js';
import type { KerasModel } from '../containers/container.js';
import { describe } from '../describe.js';
import type { JsonObject } from '../fields.js';
import { asObject, kerasLayers } from './keras-graph.js';
import type { CellName } from './layout.js';

export interface LayerConfig {
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly reverse: boolean;
  readonly remarks: readonly string[];
}

interface Configured {
  /** Where Keras 3 stores its weights: `layers/bidirectional/backward_layer/`. */
  readonly path: string;
  /** Of the outermost layer, which Keras 2 has in its paths. */
  readonly name: string;
  readonly side: 'forward' | 'backward' | undefined;
  readonly reverse: boolean;
  readonly config: JsonObject;
}

const CLASSES = /^(?:SimpleRNN|LSTM|GRU|CuDNNLSTM|CuDNNGRU|RNN)$/;

/**
 * @param prefix of the layer's tensors
 * @returns `undefined` where the model has no such layer, or several
 * @throws RecurveError `WEIGHTS-ACTIVATION`
 */
export function layerConfig(model: KerasModel, prefix: string, cell: CellName): LayerConfig | undefined {
  const layers = layersIn(model.config);
  const segments = prefix.replace(/\\/g, '/').split('/');
  const backward = /backward/.test(prefix);
  const named = layers.filter(
    ({ name, side }) => segments.includes(name) && (side === undefined || (side === 'backward') === backward),
  );
  const [found, ...more] = [...layers.filter(({ path }) => prefix.startsWith(path)), ...(segments[0] === 'layers' ? [] : named)];
  if (found === undefined || more.length > 0) return undefined;
  const { config, reverse } = found;
  const options = { ...activations(config, cell, model.version, prefix), ...resetOf(config, cell) };
  return {
    options,
    reverse,
    remarks: Object.entries(options)
      .filter(([option]) => option !== 'reset')
      .map(([option, value]) => `${option} ${value}`),
  };
}

function layersIn(root: unknown): readonly Configured[] {
  return kerasLayers(root).flatMap(({ className, config, path }) => configured(className, config, path));
}

function configured(className: string, config: JsonObject, path: string): readonly Configured[] {
  const name = String(config.name ?? '');
  const base = { name, side: undefined, reverse: config.go_backwards === true };
  if (className === 'Bidirectional') {
    const forward = asObject(asObject(config.layer).config);
    const own =
      config.backward_layer === undefined || config.backward_layer === null ? undefined : asObject(config.backward_layer);
    const backward = asObject(own?.config ?? forward);
    const turned = own === undefined ? forward.go_backwards !== true : backward.go_backwards === true;
    return [
      { ...base, path: `${path}forward_layer/`, side: 'forward', reverse: forward.go_backwards === true, config: forward },
      { ...base, path: `${path}backward_layer/`, side: 'backward', reverse: turned, config: backward },
    ];
  }
  if (!CLASSES.test(className)) return [];
  return [{ ...base, path, config: className === 'RNN' ? asObject(asObject(config.cell).config) : config }];
}

function resetOf(config: JsonObject, cell: CellName): LayerConfig['options'] {
  if (cell !== 'gru' || typeof config.reset_after !== 'boolean') return {};
  return { reset: config.reset_after ? 'after' : 'before' };
}

/** Keras' name, and the cells' value with its constants α and β where they are not the usual ones. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  tanh: { value: 'tanh' },
  sigmoid: { value: 'sigmoid' },
  relu: { value: 'relu' },
  elu: { value: 'elu' },
  softplus: { value: 'softplus' },
  softsign: { value: 'softsign' },
  leaky_relu: { value: 'leakyRelu', alpha: 0.2 },
  linear: { value: 'affine', alpha: 1, beta: 0 },
};

interface Activation {
  readonly value: string;
  readonly alpha?: number;
  readonly beta?: number;
}

/** The options that name an activation, and what their constants start with. */
const PLACES: Readonly<Record<CellName, { readonly activation: readonly Place[]; readonly recurrent: readonly Place[] }>> = {
  rnn: { activation: [['activation', '']], recurrent: [] },
  gru: { activation: [['candidateActivation', 'candidate']], recurrent: [['gateActivation', 'gate']] },
  lstm: {
    activation: [
      ['cellActivation', 'cell'],
      ['outputActivation', 'output'],
    ],
    recurrent: [['gateActivation', 'gate']],
  },
};
type Place = readonly [option: string, constants: string];

function activations(config: JsonObject, cell: CellName, version: number, prefix: string): LayerConfig['options'] {
  const { activation, recurrent } = PLACES[cell];
  const chosen = (key: string, usual: string, places: readonly Place[]) => {
    if (places.length === 0 || config[key] === undefined) return [];
    const { value, alpha, beta } = activationAt(config[key], key, version, prefix);
    if (value === usual) return [];
    return places.flatMap(([option, constants]): [string, OptionValue][] => [
      [option, value],
      ...constant(constants, 'alpha', alpha),
      ...constant(constants, 'beta', beta),
    ]);
  };
  return Object.fromEntries([
    ...chosen('activation', 'tanh', activation),
    ...chosen('recurrent_activation', 'sigmoid', recurrent),
  ]);
}

/** `gateAlpha`; of a cell with one activation, `alpha`. */
function constant(start: string, name: 'alpha' | 'beta', value: number | undefined): [string, OptionValue][] {
  if (value === undefined) return [];
  return [[start === '' ? name : `${start}${name === 'alpha' ? 'Alpha' : 'Beta'}`, value]];
}

/** @throws RecurveError `WEIGHTS-ACTIVATION` */
function activationAt(value: unknown, key: string, version: number, prefix: string): Activation {
  const known = typeof value === 'string' && Object.hasOwn(ACTIVATIONS, value) ? ACTIVATIONS[value] : undefined;
  if (known !== undefined) return known;
  // max(0, min(1, 0.2 x + 0.5)) up to Keras 2, x / 6 + 0.5 since.
  if (value === 'hard_sigmoid') return { value: 'hardSigmoid', alpha: version < 3 ? 0.2 : 1 / 6 };
  throw new RecurveError({
    code: 'WEIGHTS-ACTIVATION',
    message: `the ${key} of ${prefix} is ${describe(value)}, which our cells do not have`,
    fix: 'Write the cell in a *.cell.ts with that activation.',
    where: prefix,
  });
}
