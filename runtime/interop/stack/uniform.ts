/** Layers are a stack where they are of one cell, with the same options and sizes, and each reads what the one below gives. */
import { RecurveError } from '../../../codegen/errors.js';
import type { OptionValue } from '../../../codegen/frontend/tree.js';
import type { CellName } from '../weights/layout.js';

type Options = Readonly<Record<string, OptionValue>>;

/** One layer in one direction. */
export interface StackedLayer {
  /** How messages call it. */
  readonly label: string;
  readonly cell: CellName;
  /** Of the cell; they have to be those of all others. */
  readonly options: Options;
  /** Of the cell; where one layer has such a one, the others are as good as with it. */
  readonly free: Options;
  /** 1 or 2, of its layer. */
  readonly directions: number;
  readonly reverse: boolean;
  readonly sizes: { readonly I: number; readonly H: number; readonly P?: number };
}

export interface Uniform {
  /** Of the model `stack`. */
  readonly options: Options;
  readonly reverse: boolean;
}

/**
 * @param layers in the order of states: layer 0 forward, layer 0 reverse, layer 1 forward, …
 * @param merge of the two directions, where it is known and another than concat
 * @throws RecurveError `IMPORT-STACK`
 */
export function stackedOptions(layers: readonly StackedLayer[], cell: CellName, merge?: string): Uniform {
  const [first] = layers;
  if (first === undefined) throw new Error('a stack has a layer');
  const free = Object.assign({}, ...layers.map((layer) => layer.free)) as Options;
  for (const [row, layer] of layers.entries()) {
    agree(layer, first, 'cell', layer.cell, first.cell);
    agree(layer, first, 'directions', layer.directions, first.directions);
    for (const option of new Set([...Object.keys(layer.options), ...Object.keys(first.options)])) {
      agree(layer, first, option, layer.options[option], first.options[option]);
    }
    for (const size of ['H', 'P'] as const) agree(layer, first, size, layer.sizes[size], first.sizes[size]);
    if (first.directions === 1) agree(layer, first, 'direction', directionOf(layer), directionOf(first));
    const gives = (first.sizes.P ?? first.sizes.H) * (merge === undefined ? first.directions : 1);
    const reads = row < first.directions ? first.sizes.I : gives;
    if (layer.sizes.I === reads) continue;
    const below = row < first.directions ? `${first.label} ${reads}` : `${layers[row - first.directions]?.label} gives ${gives}`;
    throw notOne(`${layer.label} reads ${layer.sizes.I} values, and ${below}`, layer.label);
  }
  const bidirectional = first.directions === 2;
  return {
    options: {
      cell,
      layers: layers.length / first.directions,
      bidirectional,
      ...(merge === undefined ? {} : { merge }),
      ...first.options,
      ...free,
    },
    reverse: !bidirectional && first.reverse,
  };
}

const directionOf = ({ reverse }: StackedLayer) => (reverse ? 'reverse' : 'forward');

function agree(
  layer: StackedLayer,
  first: StackedLayer,
  what: string,
  mine: OptionValue | undefined,
  theirs: OptionValue | undefined,
): void {
  if (mine === theirs) return;
  const said = (value: OptionValue | undefined) => (value === undefined ? `no ${what}` : `${what} = ${value}`);
  const differ = `${layer.label} has ${said(mine)}, and ${first.label} has ${said(theirs)}`;
  throw notOne(`${differ}: what a stack has holds for all its layers and directions`, layer.label);
}

/** Layers that have no place in one stack. `IMPORT-STACK` */
export function notOne(message: string, where: string): RecurveError {
  return new RecurveError({
    code: 'IMPORT-STACK',
    message,
    fix: 'Import them one by one, and write a *.model.ts with a layer for each.',
    where,
  });
}
