/** `recurve list`: the built-in cells and models. */
import { lower, parseSpec, resolveOptions, resolveSignature, resolveSpec, valuesOf } from '../codegen/frontend/index.js';
import type { CellTree, ModelTree, OptionDeclaration, SpecTree, TensorDeclaration } from '../codegen/frontend/tree.js';
import { type Recurrence, recurrenceOf } from '../codegen/passes/recurrence.js';
import { outputShapes } from '../runtime/check/index.js';
import { builtInCells, builtInModels, parseChecked, resolveCell } from '../runtime/node/cells.js';
import type { Colors, Context, Outcome } from './context.js';
import { type ModelCosts, modelCosts, type StepCosts, stepCosts } from './costs.js';
import type { Flags } from './flags.js';
import { table } from './table.js';
import { chooseTarget, type NamedTarget, targetText } from './target.js';

interface ListedCell {
  readonly name: string;
  readonly summary: string;
  /** The whole doc comment: papers, what each option means. */
  readonly documentation: string;
  /** The lines of `step`, as written. */
  readonly equations: readonly string[];
  /** Absolute path of the spec. */
  readonly source: string;
  readonly options: readonly Omit<OptionDeclaration, 'span'>[];
  /** With every option at its default. */
  readonly dims: readonly string[];
  readonly inputs: readonly ListedTensor[];
  readonly state: readonly ListedTensor[];
  readonly params: readonly ListedTensor[];
  /** `parallel`, and how the loop over time runs where there is one: the first of `strategies`. */
  readonly strategy: string;
  readonly strategies: StepCosts['strategies'];
  /** What its recurrence is, found in its graph. */
  readonly class: Recurrence;
  /** In the loop over time. */
  readonly dispatchesPerStep: { readonly forward: number; readonly backward: number };
}

/** A built-in model: its layers stand where a cell has states. */
interface ListedModel extends Pick<ListedCell, 'name' | 'summary' | 'documentation' | 'equations' | 'source'> {
  readonly options: ListedCell['options'];
  /** With every option at its default: the cell of each layer, and what its dims are in the model. */
  readonly topology: readonly { readonly name: string; readonly cell: string; readonly dims: Readonly<Record<string, string>> }[];
  readonly times: readonly string[];
  readonly dims: readonly string[];
  readonly inputs: readonly PlacedTensor[];
  /** What each step is given by the one before. */
  readonly state: readonly PlacedTensor[];
  /** The layers' too, by `layer.name`. */
  readonly params: readonly ListedTensor[];
  readonly outputs: readonly PlacedTensor[];
  /** In the loops over each time axis, for each of its steps, and outside of them once a run. */
  readonly dispatches: ModelCosts;
}

interface ListedTensor {
  readonly name: string;
  readonly shape: readonly string[];
}

interface PlacedTensor extends ListedTensor {
  /** Axes in front of its shape in data: a time axis or none, then `B`. */
  readonly axes: readonly string[];
  /** The dim of what it is one of. */
  readonly symbols?: string;
}

/** What stands for all of them. */
const ALL = 'all';

/**
 * All built-in cells and models, a line each, or those named in full, a path among them.
 * @throws RecurveError `CELL-UNKNOWN`, `CELL-FILE`; SpecError
 */
export async function list(context: Context, named: readonly string[], flags: Pick<Flags, 'adapter' | 'json'>): Promise<Outcome> {
  const { io, colors } = context;
  if (named.length === 0 && flags.json === undefined) return { text: inShort(colors) };
  const every = named.length === 0 || named.includes(ALL);
  const all = [...builtInCells(), ...builtInModels()].map(({ path }) => path);
  const paths = every ? all : named.map((cell) => resolveCell(cell, io.cwd));
  const trees = paths.map((path) => ({ path, tree: parseChecked(path) }));
  const chosen = await chooseTarget(context, flags);
  const cells = trees.flatMap(({ tree, path }) => (tree.kind === 'cell' ? [describe(tree, path, chosen)] : []));
  const models = trees.flatMap(({ tree, path }) => (tree.kind === 'model' ? [describeModel(tree, path, chosen)] : []));
  const text = cells.map((cell) =>
    [
      `${colors.bold(cell.name)}  ${cell.summary}`,
      ...inFull(cell),
      ...cell.equations.map((line) => `    ${line}`),
      ...cell.options.map((option) => `  --set ${optionText(option)}`),
      `  params    ${cell.params.map(tensorText).join(' ')}`,
      `  class     ${cell.class}`,
      `  strategy  ${strategyText(cell)}`,
      `  source    ${cell.source}`,
    ].join('\n'),
  );
  const networks = models.map((model) =>
    [
      `${colors.bold(model.name)}  ${model.summary}`,
      ...indented(model.documentation),
      `  dims      ${[...model.times, 'B', ...model.dims].join(' ')}`,
      ...model.equations.map((line) => `    ${line}`),
      ...model.options.map((option) => `  --set ${optionText(option)}`),
      `  layers    ${model.topology.map(({ name, cell }) => `${name}: ${cell}`).join(', ')}`,
      `  inputs    ${model.inputs.map(placedText).join(' ')}`,
      ...(model.state.length === 0 ? [] : [`  state     ${model.state.map(placedText).join(' ')}`]),
      `  outputs   ${model.outputs.map(placedText).join(' ')}`,
      `  runs      ${dispatchText(model.dispatches)}`,
      `  source    ${model.source}`,
    ].join('\n'),
  );
  const note = `Dispatches, forward + backward, with every option at its default, are ${targetText(chosen)}.`;
  return { document: { target: chosen.name, cells, models }, text: [...text, ...networks, colors.dim(note)].join('\n\n') };
}

/** Names and what they stand for: nothing is compiled for it, and no adapter looked for. */
function inShort(colors: Colors): string {
  const rows = (specs: ReturnType<typeof builtInCells>) => specs.map(({ name, path }) => [`  ${name}`, parseSpec(path).summary]);
  const [cells, models] = [rows(builtInCells()), rows(builtInModels())];
  const lines = table([...cells, ...models]).split('\n');
  const more = `\`recurve list <name>\` shows one in full, \`recurve list ${ALL}\` each of them: equations, options, tensors, what runs.`;
  return [
    colors.bold('cells'),
    ...lines.slice(0, cells.length),
    '',
    colors.bold('models'),
    ...lines.slice(cells.length),
    '',
    colors.dim(more),
  ].join('\n');
}

function strategyText({ strategy, strategies, dispatchesPerStep: { forward, backward } }: ListedCell): string {
  if (strategies.length === 0) return strategy;
  const others = strategies.slice(1).map((other) => `, or ${other}`);
  return `${strategy}${others.join('')}; stepwise ${forward} + ${backward} dispatches a step`;
}

/** What a cell's own page begins with: where it comes from, its dims and the tensors that run through it. */
function inFull(cell: ListedCell): string[] {
  return [
    ...indented(cell.documentation),
    `  dims      T B ${cell.dims.join(' ')}`,
    `  inputs    ${cell.inputs.map(tensorText).join(' ')}`,
    `  state     ${cell.state.length === 0 ? 'none' : cell.state.map(tensorText).join(' ')}`,
  ];
}

const indented = (documentation: string) =>
  documentation === '' ? [] : [...documentation.split('\n').map((line) => (line === '' ? '' : `  ${line}`)), ''];

function describeModel(tree: ModelTree, source: string, { target }: NamedTarget): ListedModel {
  const options = resolveOptions(tree, {});
  const signature = resolveSpec(tree, options);
  const shapes = Object.entries(outputShapes(signature, valuesOf(tree, signature)));
  const placed = (axes: readonly string[], { name, shape, leading = axes, symbols }: TensorDeclaration): PlacedTensor => {
    return { name, shape, axes: leading, ...(symbols === undefined ? {} : { symbols }) };
  };
  return {
    name: tree.name,
    summary: tree.summary,
    documentation: tree.documentation,
    equations: equationsOf(tree),
    source,
    options: tree.options.map(({ span: _, ...option }) => option),
    topology: (signature.layers ?? []).map(({ name, cell, dims }) => ({ name, cell, dims })),
    times: signature.times ?? [],
    dims: signature.dims,
    inputs: signature.inputs.map((tensor) => placed(['T', 'B'], tensor)),
    state: signature.state.map((tensor) => placed(['B'], tensor)),
    params: signature.params.map(({ name, shape }) => ({ name, shape })),
    outputs: shapes.map(([name, shape]) => ({ name, shape, axes: signature.outputAxes?.[name] ?? ['T', 'B'] })),
    dispatches: modelCosts(tree, options, target),
  };
}

/** `3 + 2 dispatches a step of T, 5 + 9 once; 2 + 2 loops may be a wavefront`. */
function dispatchText({ perStep, once, inWaves }: ModelCosts): string {
  const text = ({ forward, backward }: ModelCosts['once']) => `${forward} + ${backward}`;
  const loops = Object.entries(perStep).map(([time, counts]) => `${text(counts)} dispatches a step of ${time}`);
  const waves = inWaves.forward + inWaves.backward === 0 ? '' : `; ${text(inWaves)} loops may be a wavefront`;
  return `${[...loops, `${text(once)} once`].join(', ')}${waves}`;
}

function describe(tree: CellTree, source: string, { target }: NamedTarget): ListedCell {
  const options = resolveOptions(tree, {});
  const signature = resolveSignature(tree, options);
  const costs = stepCosts(tree, options, target);
  const tensors = (group: readonly TensorDeclaration[]) => group.map(({ name, shape }) => ({ name, shape }));
  return {
    name: tree.name,
    summary: tree.summary,
    documentation: tree.documentation,
    equations: equationsOf(tree),
    source,
    options: tree.options.map(({ span: _, ...option }) => option),
    dims: signature.dims,
    inputs: tensors(signature.inputs),
    state: tensors(signature.state),
    params: tensors(signature.params),
    strategy: ['parallel', ...costs.strategies.slice(0, 1)].join(' + '),
    strategies: costs.strategies,
    class: recurrenceOf(lower(tree, signature)),
    dispatchesPerStep: costs.perStep,
  };
}

/** The lines between the braces of `step` or `run`, without their common indentation. */
export function equationsOf(tree: SpecTree): string[] {
  const { span } = tree.kind === 'cell' ? tree.step : tree.run;
  const lines = tree.sources[span.file] ?? [];
  const head = span.line - 1;
  const indentation = /^\s*/.exec(lines[head] ?? '')?.[0] ?? '';
  const end = lines.findIndex((line, index) => index > head && line.startsWith(`${indentation}}`));
  const body = lines.slice(head + 1, end < 0 ? undefined : end);
  const common = Math.min(...body.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return body.map((line) => line.slice(Number.isFinite(common) ? common : 0));
}

/** `activation=tanh|relu`: the default comes first or is named. */
export function optionText(option: Omit<OptionDeclaration, 'span'>): string {
  const declared = option as OptionDeclaration;
  if (declared.kind === 'choice') return `${declared.name}=${declared.values.join('|')}`;
  if (declared.kind === 'flag') return `${declared.name}=true|false (default ${declared.default})`;
  const { min, max, per } = declared;
  const range = min === undefined && max === undefined ? '' : `, ${min ?? '-∞'} to ${max ?? '∞'}`;
  const others = Object.entries(per?.defaults ?? {}).map(([value, standard]) => `; ${standard} for ${per?.option}=${value}`);
  return `${declared.name}=<${declared.kind}${range}> (default ${declared.default}${others.join('')})`;
}

function placedText({ name, shape, axes }: PlacedTensor): string {
  return `${name}[${[...axes, ...shape].join(',')}]`;
}

function tensorText({ name, shape }: ListedTensor): string {
  return `${name}[${shape.join(',')}]`;
}
