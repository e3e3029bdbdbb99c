/** Whether the layers of a model fit the cells that they are made of, as far as that is seen before options are chosen. */
import { didYouMean, listNames } from '../../suggest.js';
import type { Report } from '../diagnostics/diagnostics.js';
import type { Recovery } from '../diagnostics/recovery.js';
import { TRAINING } from '../language/training.js';
import type { CellTree, FunctionTree, LayerDeclaration, OptionDeclaration, OptionValue, Span } from '../tree.js';
import type { LayerCells } from './layer-cells.js';
import type { ModelDefinition } from './model.js';
import { choicesRead, known, type Possible, possible, type Sight } from './possible.js';

interface Check {
  readonly model: ModelDefinition;
  readonly helpers: Readonly<Record<string, FunctionTree>>;
  readonly cells: LayerCells;
  readonly recovery: Recovery;
  readonly report: Report;
}

/** Every cell that a layer may be, by its key. */
export function checkLayers(check: Check): Record<string, CellTree> {
  const used = new Map<string, CellTree>();
  for (const layer of check.model.layers) for (const [key, cell] of checkLayer(check, layer)) used.set(key, cell);
  return Object.fromEntries(used);
}

function checkLayer(all: Check, layer: LayerDeclaration): ReadonlyMap<string, CellTree> {
  const { model, helpers, recovery } = all;
  const report: Report = (...mistake) => {
    recovery.misfit(layer);
    all.report(...mistake);
  };
  const check = { ...all, report };
  const values = [...layer.dims, ...layer.options].map(({ value }) => value);
  const open: Sight = {
    optionsName: model.layersOptionsName,
    options: model.options,
    chosen: {},
    helpers,
    locals: new Map(),
  };
  const used = new Map<string, CellTree>();
  let whole = true;
  for (const chosen of choicesRead([layer.cell, layer.when, layer.count, ...values], open)) {
    const sight = { ...open, chosen };
    if (layer.when !== undefined && known(possible(layer.when, sight)) === false) continue;
    const cells = cellsOf(check, layer, possible(layer.cell, sight));
    whole &&= cells.whole;
    if (!cells.whole) recovery.misfit(layer);
    for (const [key, cell] of cells.found) {
      used.set(key, cell);
      checkDims(check, layer, cell, sight);
      checkOptions(check, layer, cell, sight);
    }
    if (layer.count !== undefined) checkCount(check, layer.count.span, possible(layer.count, sight));
  }
  // Under other options another cell may have what this one lacks.
  if (whole && used.size > 0) checkNames(check, layer, [...used.values()]);
  return used;
}

/** `whole`: nothing that the layer could be is in error. */
function cellsOf(
  { cells, recovery, report }: Check,
  { name, cell }: LayerDeclaration,
  values: Possible,
): { found: ReadonlyMap<string, CellTree>; whole: boolean } {
  const found = new Map<string, CellTree>();
  if (recovery.isPoison(cell)) return { found, whole: false };
  if (values === undefined) {
    if (recovery.optionsOpen) return { found, whole: false };
    const message = `which cell the layer \`${name}\` is made of cannot be seen without running the file`;
    const fix =
      "Write a name, `layer('gru')`, an imported cell, or an option: `layer(o.cell)` with `cell: choice('gru', 'lstm')`.";
    report('SPEC-LAYER-CELL', cell.span, message, fix);
    return { found, whole: false };
  }
  let whole = true;
  for (const [key, span] of values) {
    const tree = typeof key === 'string' ? cells.find(key) : 'none';
    if (tree === 'none') {
      const path = /[./\\]/.test(String(key));
      const fix = path
        ? `Import it, \`import mine from '${String(key)
            .replace(/^(?!\.)/, './')
            .replace(/\.ts$/, '.js')}';\`, and write \`layer(mine)\`.`
        : didYouMean(String(key), cells.builtIn, '`npx recurve list` shows them; a cell of your own is imported: `layer(mine)`.');
      const quoted = typeof key === 'string' ? `no built-in cell \`${key}\`` : `no cell \`${key}\``;
      report('SPEC-LAYER-CELL', span, `there is ${quoted}, of which the layer \`${name}\` is to be made`, fix);
    }
    if (tree === 'none' || tree === undefined) whole = false;
    else found.set(String(key), tree);
  }
  return { found, whole };
}

/** What the dims of a cell are in the model. */
function checkDims({ model, recovery, report }: Check, layer: LayerDeclaration, cell: CellTree, sight: Sight): void {
  const own = model.dims.map(({ name }) => name);
  const times = model.times.map(({ name }) => name);
  for (const { name, value } of layer.dims) {
    if (!cell.dims.some((dim) => dim.name === name)) continue;
    for (const [target, span] of possible(value, sight) ?? []) {
      if (recovery.isPoison(value) || (typeof target === 'string' && own.includes(target))) continue;
      if (typeof target === 'number' && Number.isInteger(target) && target >= 1) continue;
      if (typeof target !== 'string') {
        const message = `the dim \`${name}\` of a layer is a dim of the model or a whole number, and this is ${target}`;
        report('SPEC-LAYER-DIM', span, message, `Write \`{ ${name}: 'H' }\`, or \`{ ${name}: 3 }\`.`);
      } else if (times.includes(target) || target === 'T' || target === 'B') {
        const what = target === 'B' ? 'counts the sequences' : 'is a time axis';
        const message = `the dim \`${name}\` of a layer cannot be \`${target}\`, which ${what}`;
        report('SPEC-LAYER-DIM', span, message, 'A layer runs over every step of every sequence; its dims are of units.');
      } else if (!recovery.dimsOpen) {
        const fix = didYouMean(target, own, 'Add it to `dims`.');
        report('SPEC-DIM-UNDECLARED', span, `the dim \`${target}\` is not declared`, fix);
      }
    }
  }
  for (const name of certainDims(cell)) {
    if (own.includes(name) || recovery.dimsOpen || layer.dims.some((entry) => entry.name === name)) continue;
    const message = `the cell \`${cell.name}\` has the dim \`${name}\`, and the model has none of that name`;
    const fix = `Say what it is in the model, \`{ ${name}: '${own[0] ?? 'H'}' }\`, or add '${name}' to \`dims\`.`;
    report('SPEC-LAYER-DIM', layer.cell.span, message, fix);
  }
}

/** Dims that a cell has whatever its options: those of declarations that are always there. */
function certainDims({ dims, inputs, state, params }: CellTree): string[] {
  const always = [inputs, state, params].flatMap(({ entries }) => entries.filter(({ when }) => when === undefined));
  const shapes = always.flatMap(({ shape }) => shape.flatMap((axis) => (axis.kind === 'string' ? [axis.value] : [])));
  return dims.map(({ name }) => name).filter((name) => shapes.includes(name));
}

function checkOptions({ recovery, report }: Check, layer: LayerDeclaration, cell: CellTree, sight: Sight): void {
  for (const { name, value } of layer.options) {
    const option = cell.options.find((each) => each.name === name);
    if (option === undefined || name === TRAINING || recovery.isPoison(value)) continue;
    for (const [given, span] of possible(value, sight) ?? []) {
      const wanted = wantedOf(option, given);
      if (wanted === undefined) continue;
      const message = `the option \`${name}\` of \`${cell.name}\` cannot be ${typeof given === 'string' ? `\`${given}\`` : given}`;
      const values = option.kind === 'choice' ? option.values : [];
      report('SPEC-LAYER-OPTION', span, message, didYouMean(String(given), values, wanted));
    }
  }
}

/** What an option takes instead of a value; `undefined` where it takes that. */
function wantedOf(option: OptionDeclaration, given: OptionValue): string | undefined {
  switch (option.kind) {
    case 'choice':
      return option.values.some((value) => value === given) ? undefined : `It is one of ${listNames(option.values)}.`;
    case 'flag':
      return typeof given === 'boolean' ? undefined : 'It is true or false.';
    case 'real':
    case 'integer': {
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = option;
      const kind = option.kind === 'integer' ? 'a whole number' : 'a number';
      const fits = typeof given === 'number' && Number.isFinite(given) && given >= min && given <= max;
      if (fits && (option.kind === 'real' || Number.isInteger(given))) return undefined;
      const bounds = [option.min === undefined ? '' : `at least ${min}`, option.max === undefined ? '' : `at most ${max}`];
      return `It is ${[kind, bounds.filter((bound) => bound !== '').join(' and ')].filter((part) => part !== '').join(', ')}.`;
    }
  }
}

function checkCount({ report }: Check, at: Span, values: Possible): void {
  for (const [count] of values ?? []) {
    if (typeof count === 'number' && Number.isInteger(count) && count >= 0) continue;
    const message = `a layer is repeated a whole number of times, and this is ${typeof count === 'string' ? `\`${count}\`` : count}`;
    report('SPEC-COUNT', at, message, 'Write a number of 0 or more, or an `integer` option whose range keeps it there.');
  }
}

/** Dims and options that none of the cells has. */
function checkNames({ report }: Check, layer: LayerDeclaration, cells: readonly CellTree[]): void {
  const whose =
    cells.length === 1 ? `the cell \`${cells[0]?.name}\` has` : `none of ${listNames(cells.map(({ name }) => name))} has`;
  const no = cells.length === 1 ? 'no' : 'a';
  const dims = [...new Set(cells.flatMap((cell) => cell.dims.map(({ name }) => name)))];
  for (const { name, span } of layer.dims) {
    if (dims.includes(name)) continue;
    const fix = didYouMean(name, dims, `Its dims are ${listNames(dims)}: \`{ ${dims[0] ?? 'I'}: 'H' }\`.`);
    report('SPEC-LAYER-DIM', span, `${whose} ${no} dim \`${name}\``, fix);
  }
  const options = [...new Set(cells.flatMap((cell) => cell.options.map(({ name }) => name)))].filter((name) => name !== TRAINING);
  for (const { name, span } of layer.passesOptions ? [] : layer.options) {
    if (name === TRAINING) {
      const fix = 'Remove it: every layer gets the `training` of the model.';
      report('SPEC-OPTION-RESERVED', span, `the option \`${name}\` is the model's own`, fix);
    } else if (!options.includes(name)) {
      const known = options.length === 0 ? 'It has none; remove it.' : `They are ${listNames(options)}.`;
      report('SPEC-LAYER-OPTION', span, `${whose} ${no} option \`${name}\``, didYouMean(name, options, known));
    }
  }
}
