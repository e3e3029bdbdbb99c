/** The recurrent layers of a file, by the names of its tensors: which there are, and which one is meant. */
import { RecurveError } from '../../../codegen/errors.js';
import { didYouMean } from '../../../codegen/suggest.js';
import type { TensorFile } from '../containers/container.js';
import { listText, own, quote } from '../describe.js';
import type { WeightFormat } from '../types.js';
import { FRAMEWORKS } from './frameworks.js';
import { type Found, type Recognized, SCHEMES, type Scheme } from './names/index.js';

/** Which layer of a file that holds several. */
export interface LayerChoice {
  /** What its tensors' names start with: `encoder.rnn.`, `lstm/lstm_cell/`; the last separator may be left out. */
  readonly prefix?: string;
  /** PyTorch's ending of the names: `l0`, `l1_reverse`. */
  readonly layer?: string;
  /** Whose layer it is, where the names leave that open. */
  readonly format?: WeightFormat;
  /** Names of the cell's own parameters, where it is known what the weights are for. */
  readonly params?: readonly string[];
}

/** One layer and direction, and one way to read it. */
export interface Layer extends Recognized {
  readonly prefix: string;
  readonly layer: string;
  /** By part, the name in the file. */
  readonly names: ReadonlyMap<string, string>;
}

interface Group {
  readonly scheme: Scheme;
  readonly prefix: string;
  readonly layer: string;
  readonly names: Map<string, string>;
}

/**
 * Every layer under every name that it has.
 *
 * @throws RecurveError `WEIGHTS-LAYER`, `WEIGHTS-PARAMETRIZATION`
 */
export function layersOf(file: TensorFile): readonly Layer[] {
  return groupsOf(file).flatMap((group) => {
    const found: Found = {
      ...group,
      parts: new Set(group.names.keys()),
      shape: (part) => own(file.tensors, group.names.get(part) ?? '')?.shape,
    };
    return group.scheme.recognize(found).map((recognized): Layer => ({ ...recognized, ...group }));
  });
}

function groupsOf(file: TensorFile): readonly Group[] {
  const groups = new Map<string, Group>();
  const has = (name: string) => Object.hasOwn(file.tensors, name);
  for (const stored of Object.keys(file.tensors)) {
    SCHEMES.forEach((scheme, index) => {
      const part = scheme.part(stored, has);
      if (part === undefined) return;
      const key = JSON.stringify([index, part.prefix, part.layer]);
      const group = groups.get(key) ?? { scheme, prefix: part.prefix, layer: part.layer, names: new Map() };
      groups.set(key, group);
      const twin = group.names.get(part.name);
      if (twin !== undefined) {
        const message = `${file.source} has both ${quote(twin)} and ${quote(stored)}`;
        const fix = 'Save one of the two: both would be the same part of the layer.';
        throw new RecurveError({ code: 'WEIGHTS-LAYER', message, fix, where: quote(stored) });
      }
      group.names.set(part.name, stored);
    });
  }
  return [...groups.values()];
}

/** Some frameworks store one layer under two names, as Paddle does with `weight_ih_l0` and `0.cell.weight_ih`. */
function withoutAliases(layers: readonly Layer[], file: TensorFile): readonly Layer[] {
  return layers.filter((layer, index) => !layers.slice(0, index).some((earlier) => isSame(earlier, layer, file)));
}

function isSame(a: Layer, b: Layer, { tensors }: TensorFile): boolean {
  if (a.format !== b.format || a.names.size !== b.names.size || isReverse(a) !== isReverse(b)) return false;
  return [...a.names].every(([part, name]) => {
    const [left, right] = [own(tensors, name), own(tensors, b.names.get(part) ?? '')];
    return left !== undefined && right !== undefined && Buffer.compare(left.bytes, right.bytes) === 0;
  });
}

/** Whether a layer's names say that it runs from the end: `l0_reverse`, `backward_lstm/`, `0.cell_bw.`. */
export function isReverse({ prefix, layer }: Pick<Layer, 'prefix' | 'layer'>): boolean {
  const words = `${prefix}${layer}`.split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])/).map((word) => word.toLowerCase());
  return words.some((word) => ['reverse', 'reversed', 'backward', 'backwards', 'bw', 'bwd'].includes(word));
}

/** @throws RecurveError `WEIGHTS-NONE`, `WEIGHTS-PREFIX`, `WEIGHTS-LAYER`, `WEIGHTS-FORMAT` */
export function chooseLayer(file: TensorFile, choice: LayerChoice): Layer {
  const layers = allLayers(file);
  return chooseFormat(chooseEnding(choosePrefix(layers, choice.prefix, file.source), choice.layer, file.source), choice, file);
}

/** All layers and directions, each once. @throws RecurveError `WEIGHTS-NONE` */
export function allLayers(file: TensorFile): readonly Layer[] {
  const layers = withoutAliases(layersOf(file), file);
  if (layers.length === 0) throw noneError(file);
  return layers;
}

function noneError({ source, kind, tensors }: TensorFile): RecurveError {
  const names = Object.keys(tensors).map(quote);
  return new RecurveError({
    code: 'WEIGHTS-NONE',
    message: `${source}, ${kind}, has no weights of a recurrent layer: it has ${names.length > 0 ? listText(names) : 'no tensors'}`,
    fix: `Tensors are named as the cell's own parameters, or ${listText(SCHEMES.map(({ example }) => example))}, with any prefix.`,
    where: source,
  });
}

function choosePrefix(layers: readonly Layer[], wanted: string | undefined, source: string): readonly Layer[] {
  const only = chosenPrefix([...new Set(layers.map(({ prefix }) => prefix))], wanted, source);
  return layers.filter(({ prefix }) => prefix === only);
}

/** The only one, or the one that is wanted. @throws RecurveError `WEIGHTS-PREFIX` */
export function chosenPrefix(prefixes: readonly string[], wanted: string | undefined, source: string): string {
  const [only, ...more] = matching(prefixes, wanted);
  if (only !== undefined && more.length === 0) return only;
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

/** A prefix itself, with or without its separator, or else those below it. */
function matching(prefixes: readonly string[], wanted: string | undefined): readonly string[] {
  if (wanted === undefined) return prefixes;
  const exact = prefixes.filter((prefix) => [prefix, prefix.slice(0, -1)].includes(wanted));
  if (exact.length > 0) return exact;
  return prefixes.filter(
    (prefix) => prefix.startsWith(wanted) && (/[./]$/.test(wanted) || /[./]/.test(prefix[wanted.length] ?? '')),
  );
}

function chooseEnding(layers: readonly Layer[], wanted: string | undefined, source: string): readonly Layer[] {
  const endings = [...new Set(layers.map(({ layer }) => layer))];
  const [only, ...more] = endings.filter((ending) => wanted === undefined || ending === wanted);
  if (only !== undefined && more.length === 0) return layers.filter(({ layer }) => layer === only);
  const names = endings.map((ending) => (ending === '' ? 'one without a number' : ending));
  const fault = only === undefined ? `has no layer ${quote(wanted ?? '')}` : `has ${endings.length} layers and directions`;
  throw new RecurveError({
    code: 'WEIGHTS-LAYER',
    message: `${source} ${fault}: ${listText(names)}`,
    fix: endings.every((ending) => ending === '')
      ? 'Leave --layer out.'
      : `Choose one of them: --layer ${endings.find((ending) => ending !== '')}`,
    where: source,
  });
}

/** @throws RecurveError `WEIGHTS-FORMAT` */
export function chooseFormat(layers: readonly Layer[], { format }: LayerChoice, { source }: TensorFile): Layer {
  const [only, ...more] = layers.filter((layer) => format === undefined || layer.format === format);
  if (only && more.length === 0) return only;
  const titles = layers.map((layer) => FRAMEWORKS[layer.format].title);
  const formats = layers.map((layer) => layer.format);
  if (only === undefined) {
    throw new RecurveError({
      code: 'WEIGHTS-FORMAT',
      message: `${source} is not of ${format}: the names and shapes of its layer are those of ${listText(titles)}`,
      fix: `Leave --format out, or say --format ${formats[0]}.`,
      where: source,
    });
  }
  throw new RecurveError({
    code: 'WEIGHTS-FORMAT',
    message: `the names of ${source} are those of ${listText(titles)}, which order the gates differently, and nothing else tells which it is`,
    fix: `Say whose layer it is: ${formats.map((name) => `--format ${name}`).join(' or ')}.`,
    where: source,
  });
}
