/**
 * A safetensors file of weights alone: what `recurve import` writes, or a checkpoint in which PyTorch or Keras named
 * the tensors. The names say which framework it is, which layers there are and where each one starts.
 */
import { RecurveError } from '../../../codegen/errors.js';
import type { OptionValue } from '../../../codegen/frontend/tree.js';
import { didYouMean } from '../../../codegen/suggest.js';
import type { Tensor, Tensors } from '../../data.js';
import { listText, pathOf, quote } from '../describe.js';
import { weightFormatAt } from '../fields.js';
import { readMetadata } from '../safetensors/metadata.js';
import { readSafetensors, type SafetensorsFile } from '../safetensors/read.js';
import { storedTensor } from '../safetensors/stored.js';
import type { WeightFormat } from '../types.js';
import { type Initial, takeInitial } from './initial.js';

/** Which layer of a file that holds several. */
export interface LayerChoice {
  /** What its tensors' names start with: `encoder.rnn.`, `lstm/lstm_cell/`; the last separator may be left out. */
  readonly prefix?: string;
  /** PyTorch's ending of the names: `l0`, `l1_reverse`. */
  readonly layer?: string;
}

/** One layer and direction. */
export interface WeightsFile {
  readonly source: string;
  /** Where the file says so; one that `recurve import` wrote does. */
  readonly cell?: string;
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly reverse: boolean;
  /** What a file of `recurve import` has beside the weights. */
  readonly initial: Initial;
  readonly weights: { readonly format: WeightFormat; readonly tensors: Tensors };
}

interface NameForm {
  readonly format: WeightFormat;
  readonly pattern: RegExp;
  /** The tensor that only a recurrent layer has: a dense one has a `kernel` and a `bias` too. */
  readonly recurrent: string;
  /** The name in our layout tables. */
  readonly canonical: (name: string) => string;
}

const FORMS: readonly NameForm[] = [
  {
    format: 'torch',
    // torch.nn.LSTM and its like, or torch.nn.LSTMCell, which has no layers.
    pattern: /^(.*\.)?(weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(?:_(l\d+(?:_reverse)?))?$/,
    recurrent: 'weight_hh',
    canonical: (name) => `${name}_l0`,
  },
  {
    format: 'keras',
    pattern: /^(.*[./])?(kernel|recurrent_kernel|bias)(?::0)?$/,
    recurrent: 'recurrent_kernel',
    canonical: (name) => name,
  },
  { format: 'onnx', pattern: /^(.*[./])?([WRBP])$/, recurrent: 'R', canonical: (name) => name },
];

interface Layer {
  readonly form: NameForm;
  readonly prefix: string;
  readonly layer: string;
  /** By the framework's name, the name in the file. */
  readonly names: Map<string, string>;
}

/**
 * @param source what to call the file in messages
 * @throws RecurveError `SAFETENSORS-*`, `DATA-*`, `WEIGHTS-FORMAT`, `WEIGHTS-NONE`, `WEIGHTS-PREFIX`, `WEIGHTS-LAYER`
 */
export function parseWeightsFile(bytes: Uint8Array, source: string, choice: LayerChoice = {}): WeightsFile {
  const whole = readSafetensors(bytes, source);
  const metadata = readMetadata(whole.metadata, source);
  const { initial, others } =
    metadata.format === undefined ? { initial: { state: {} }, others: whole.tensors } : takeInitial(whole.tensors);
  const file = { ...whole, tensors: others };
  const format = metadata.format === undefined ? undefined : weightFormatAt(metadata.format, 'weights.format');
  const layers = layersOf(file, source).filter(({ form }) => format === undefined || form.format === format);
  if (layers.length === 0) throw noneError(file, source);
  const layer = chooseLayer(choosePrefix(layers, choice.prefix, source), choice.layer, source);
  if (format !== undefined) refuseOthers(file, layer.prefix, source);
  const tensors = [...layer.names, ...strangers(file, layer)].map(([name, stored]): [string, Tensor] => {
    const tensor = file.tensors[stored];
    if (!tensor) throw new Error(`${stored} was listed and is gone`);
    return [name, storedTensor(tensor, pathOf('weights', name))];
  });
  return {
    source,
    ...(metadata.cell === undefined ? {} : { cell: metadata.cell }),
    options: metadata.options,
    reverse: metadata.reverse || layer.layer.endsWith('_reverse'),
    initial,
    weights: { format: layer.form.format, tensors: Object.fromEntries(tensors) },
  };
}

function layersOf(file: SafetensorsFile, source: string): readonly Layer[] {
  const layers = new Map<string, Layer>();
  for (const stored of Object.keys(file.tensors)) {
    for (const form of FORMS) {
      const [, prefix = '', name, layer = ''] = form.pattern.exec(stored) ?? [];
      if (name === undefined) continue;
      const key = JSON.stringify([form.format, prefix, layer]);
      const found = layers.get(key) ?? { form, prefix, layer, names: new Map() };
      const canonical = form.canonical(name);
      if (found.names.has(canonical)) {
        const message = `${source} has both ${quote(found.names.get(canonical) ?? '')} and ${quote(stored)}`;
        throw new RecurveError({ code: 'WEIGHTS-LAYER', message, where: quote(stored) });
      }
      found.names.set(canonical, stored);
      layers.set(key, found);
    }
  }
  return [...layers.values()].filter(({ form, names }) => names.has(form.canonical(form.recurrent)));
}

function noneError(file: SafetensorsFile, source: string): RecurveError {
  const names = Object.keys(file.tensors).map(quote);
  return new RecurveError({
    code: 'WEIGHTS-NONE',
    message: `${source} has no weights of a recurrent layer: ${names.length > 0 ? `it has ${listText(names)}` : 'it is empty'}`,
    fix: 'Tensors are named weight_ih_l0, weight_hh_l0, … (PyTorch), kernel, recurrent_kernel, bias (Keras) or W, R, B, P (ONNX).',
    where: source,
  });
}

function choosePrefix(layers: readonly Layer[], wanted: string | undefined, source: string): readonly Layer[] {
  const prefixes = [...new Set(layers.map(({ prefix }) => prefix))];
  const chosen = prefixes.filter((prefix) => wanted === undefined || [prefix, prefix.slice(0, -1)].includes(wanted));
  const [only, ...more] = chosen;
  if (only !== undefined && more.length === 0) return layers.filter(({ prefix }) => prefix === only);
  const list = listText(prefixes.map(quote));
  throw new RecurveError({
    code: 'WEIGHTS-PREFIX',
    message:
      only === undefined
        ? `${source} has no recurrent layer whose names start with ${quote(wanted ?? '')}; there are ${list}`
        : `${source} has recurrent layers under ${prefixes.length} prefixes: ${list}`,
    fix: didYouMean(wanted ?? '', prefixes, `Choose one: --prefix ${prefixes.find((prefix) => prefix !== '')}`, '"'),
    where: source,
  });
}

function chooseLayer(layers: readonly Layer[], wanted: string | undefined, source: string): Layer {
  const names = layers.map(({ layer, form }) => (layer === '' ? form.format : layer));
  const [only, ...more] = layers.filter((_, index) => wanted === undefined || names[index] === wanted);
  if (only && more.length === 0) return only;
  const fault = only ? `has ${layers.length} layers and directions` : `has no layer ${quote(wanted ?? '')}`;
  throw new RecurveError({
    code: 'WEIGHTS-LAYER',
    message: `${source} ${fault}: ${listText(names)}`,
    fix: `Choose one of them: --layer ${names[0]}`,
    where: source,
  });
}

/** A file that we wrote holds one layer and nothing else. */
function refuseOthers(file: SafetensorsFile, prefix: string, source: string): void {
  const other = Object.keys(file.tensors).find((name) => !name.startsWith(prefix));
  if (other === undefined) return;
  throw new RecurveError({
    code: 'SAFETENSORS-NAME',
    message: `${source} has a tensor ${quote(other)} beside its weights`,
    fix: 'A whole request goes to --data.',
    where: quote(other),
  });
}

/** Tensors beside the layer's under no name of the framework: a slip of the pen, told by the layout's own check. */
function strangers(file: SafetensorsFile, { form, prefix }: Layer): readonly [string, string][] {
  return Object.keys(file.tensors)
    .filter((name) => name.startsWith(prefix) && !form.pattern.test(name))
    .map((name): [string, string] => [name.slice(prefix.length), name])
    .filter(([name]) => !/[./]/.test(name));
}
