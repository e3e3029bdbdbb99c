/**
 * A file of the cell's own parameters, as `params()` of the library gives them. Such a file mostly says nothing about itself:
 * it is known by the names that the cell declares.
 */
import { RecurveError } from '../../../codegen/errors.js';
import { didYouMean } from '../../../codegen/suggest.js';
import type { Tensor, Tensors } from '../../data.js';
import type { TensorFile } from '../containers/container.js';
import { listText, pathOf, quote } from '../describe.js';
import { type StoredTensor, storedTensor } from '../safetensors/stored.js';
import { type Initial, takeInitial } from './initial.js';
import { type LayerChoice, layersOf } from './layers.js';

type Stored = Readonly<Record<string, StoredTensor>>;

/**
 * Whether a file that does not say whose layout it has holds the cell's own parameters: all its names are theirs; or some are,
 * or the file says that it is of a cell, and no framework's layer is in it.
 *
 * @throws RecurveError as `layersOf`
 */
export function holdsOwn(file: TensorFile, choice: LayerChoice): boolean {
  const { format, params = [] } = choice;
  if (format !== undefined) return format === 'recurve';
  const names = Object.keys(named(apart(file, choice).others, choice.prefix));
  const own = names.filter((name) => params.includes(name));
  if (own.length > 0 && own.length === names.length) return true;
  return (own.length > 0 || Object.hasOwn(file.metadata, 'cell')) && layersOf(file).length === 0;
}

/** @throws RecurveError `WEIGHTS-LAYER`, `WEIGHTS-PREFIX`, `DATA-*`, `SAFETENSORS-DTYPE` */
export function readOwn(file: TensorFile, choice: LayerChoice): { readonly initial: Initial; readonly tensors: Tensors } {
  const { layer, prefix } = choice;
  if (layer !== undefined) {
    throw new RecurveError({
      code: 'WEIGHTS-LAYER',
      message: `--layer ${layer} chooses within a PyTorch file, and ${file.source} has recurve's own parameters`,
      fix: 'Leave --layer out; --prefix chooses among them.',
      where: '--layer',
    });
  }
  const { initial, others } = apart(file, choice);
  const entries = Object.entries(named(others, prefix));
  if (entries.length === 0 && prefix !== undefined) throw noneBelow(prefix, Object.keys(others), file.source);
  const read = entries.map(([name, stored]): [string, Tensor] => [name, storedTensor(stored, pathOf('weights', name))]);
  return { initial, tensors: Object.fromEntries(read) };
}

/** An initial state may lie beside the parameters; a layer of a model may be called `state`, and its parameters `state.W`. */
function apart({ tensors }: TensorFile, { prefix, params = [] }: LayerChoice): ReturnType<typeof takeInitial> {
  if (prefix !== undefined) return { initial: { state: {} }, others: tensors };
  const declared = Object.entries(tensors).filter(([name]) => params.includes(name));
  const { initial, others } = takeInitial(Object.fromEntries(Object.entries(tensors).filter(([name]) => !params.includes(name))));
  return { initial, others: { ...Object.fromEntries(declared), ...others } };
}

/** By the names of parameters: those below the prefix, or all, without what data files put before each. */
function named(tensors: Stored, prefix: string | undefined): Stored {
  const entries = Object.entries(tensors);
  if (prefix === undefined) {
    const common = ['params.', 'weights.'].find((each) => entries.every(([name]) => name.startsWith(each))) ?? '';
    return Object.fromEntries(entries.map(([name, stored]) => [name.slice(common.length), stored]));
  }
  const starts = /(?:^|[./])$/.test(prefix) ? [prefix] : [`${prefix}.`, `${prefix}/`];
  return Object.fromEntries(
    entries.flatMap(([name, stored]): [string, StoredTensor][] => {
      const start = starts.find((each) => name.startsWith(each));
      return start === undefined ? [] : [[name.slice(start.length), stored]];
    }),
  );
}

function noneBelow(prefix: string, names: readonly string[], source: string): RecurveError {
  const prefixes = [...new Set(names.flatMap((name) => /^.*[./]/.exec(name)?.[0] ?? []))];
  return new RecurveError({
    code: 'WEIGHTS-PREFIX',
    message: `${source} has no parameters whose names start with ${quote(prefix)}; it has ${listText(names.map(quote))}`,
    fix: didYouMean(prefix, prefixes, 'Leave --prefix out.', '"'),
    where: source,
  });
}
