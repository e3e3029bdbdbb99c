/** Chooses a layout for a cell with its options, and holds the given tensors' names and shapes to it. */
import { RecurveError } from '../../../codegen/errors.js';
import type { Signature, TensorDeclaration } from '../../../codegen/frontend/tree.js';
import { didYouMean } from '../../../codegen/suggest.js';
import { fillOf, type Tensors } from '../../data.js';
import { listText, own, pathOf, shapeText } from '../describe.js';
import { type Axis, axisOf, type SizeLedger } from '../sizes.js';
import type { WeightFormat } from '../types.js';
import { FRAMEWORKS } from './frameworks.js';
import type { Block, CellLayout, CellName, ResolvedTensor, WeightTensor } from './layout.js';
import { ownTensors } from './layouts/own.js';

/**
 * The layout's tensors for this cell with these options.
 *
 * @throws RecurveError `WEIGHTS-CELL`, `WEIGHTS-OPTION`
 */
export function resolveLayout(format: WeightFormat, cell: string, signature: Signature): readonly ResolvedTensor[] {
  if (format === 'recurve') return ownTensors(signature);
  const layout = layoutOf(format, cell);
  for (const { option, value, because } of layout.refuses) {
    if (signature.options[option] !== value) continue;
    throw new RecurveError({
      code: 'WEIGHTS-OPTION',
      message: `${option} = ${value} cannot be said in ${format} weights: ${because}`,
      fix: 'Give "params" instead of "weights", or leave the option out.',
      where: `options.${option}`,
    });
  }
  const active = layout.tensors.filter((tensor) => isActive(tensor, signature));
  const resolved = active.map((tensor) => resolve(tensor, format, signature));
  const held = new Set(resolved.flatMap((tensor) => tensor.bands.flat()));
  // A framework's layer has no place for a rate; what may be missing in the data is not needed here either.
  const needed = signature.params.filter((param) => fillOf(param) === undefined);
  const homeless = needed.filter(({ name }) => !held.has(name)).map(({ name }) => name);
  if (homeless.length > 0) throw cellError(format, cell, `it has ${listText(homeless)}, which the layout does not hold`);
  return resolved;
}

/** What a tensor of the layout is called where the layer is one of several: `weight_ih_l1_reverse` for `weight_ih_l0`. */
export type Called = (name: string) => string;
const asItIs: Called = (name) => name;

/**
 * Holds the given tensors to the layout and learns sizes from their shapes.
 *
 * @param given by the names of the layout
 * @throws RecurveError `WEIGHTS-NAME`, `WEIGHTS-OPTION`, `WEIGHTS-MISSING`, `WEIGHTS-DIRECTIONS`, `WEIGHTS-SHAPE`, …
 */
export function measureWeights(
  ledger: SizeLedger,
  format: WeightFormat,
  cell: string,
  signature: Signature,
  given: Tensors,
  called: Called = asItIs,
): readonly ResolvedTensor[] {
  const resolved = resolveLayout(format, cell, signature);
  const unknown = Object.keys(given).filter((name) => !resolved.some((tensor) => tensor.name === name));
  const [stray] = unknown;
  if (stray !== undefined && format === 'recurve') throw paramError(cell, unknown, resolved);
  if (stray !== undefined) throw nameError(format, cell, stray, resolved, called);
  for (const { name, ifMissing, axes } of resolved) {
    const tensor = own(given, name);
    const where = `weights.${called(name)}`;
    if (tensor) {
      checkDirections(format, where, tensor.shape);
      checkRank(format, cell, signature, { name, where }, tensor.shape, axes);
      ledger.measure(where, tensor.shape, axes, 'WEIGHTS-SHAPE');
    } else if (ifMissing === 'refused') {
      throw new RecurveError({
        code: 'WEIGHTS-MISSING',
        message: `${where} is missing; ${format} weights of ${cell} need it`,
        fix: `Give it, too: ${format === 'recurve' ? cell : 'such a layer'} has ${listText(resolved.map((each) => called(each.name)))}.`,
        where,
      });
    }
  }
  requireWhole(format, cell, given, resolved, called);
  return resolved;
}

/**
 * A layer without biases is one thing, a layer that has lost some of them another: what is missing is no zero there.
 *
 * @throws RecurveError `WEIGHTS-MISSING`
 */
function requireWhole(
  format: WeightFormat,
  cell: string,
  given: Tensors,
  resolved: readonly ResolvedTensor[],
  called: Called,
): void {
  const { together = [] } = layoutOf(format, cell);
  const whole = together.filter((name) => resolved.some((tensor) => tensor.name === name));
  const lost = whole.find((name) => !own(given, name));
  const beside = whole.find((name) => own(given, name));
  if (lost === undefined || beside === undefined) return;
  throw new RecurveError({
    code: 'WEIGHTS-MISSING',
    message: `weights.${called(lost)} is missing; weights.${called(beside)} is there, and ${format} writes all of them or none`,
    fix: 'Give it too, zeros if that is what it is, or leave the others out.',
    where: `weights.${called(lost)}`,
  });
}

/** recurve's own has no table: the cell's declarations say all of it. */
const OWN: CellLayout = { tensors: [], refuses: [] };

function layoutOf(format: WeightFormat, cell: string): CellLayout {
  if (format === 'recurve') return OWN;
  const layouts = FRAMEWORKS[format].layout;
  const layout = Object.hasOwn(layouts, cell) ? layouts[cell as CellName] : undefined;
  if (layout) return layout;
  throw cellError(format, cell, `layouts are known for ${listText(Object.keys(layouts))}`);
}

function cellError(format: WeightFormat, cell: string, reason: string): RecurveError {
  return new RecurveError({
    code: 'WEIGHTS-CELL',
    message: `cell ${cell} cannot take ${format} weights: ${reason}`,
    fix: 'Give "params" instead, one tensor for each parameter of the cell.',
    where: 'weights',
  });
}

function isActive({ needs }: WeightTensor, signature: Signature): boolean {
  return needs === undefined || signature.options[needs.option] === needs.value;
}

function resolve(tensor: WeightTensor, format: WeightFormat, signature: Signature): ResolvedTensor {
  const { name, arrangement, optional, lead, blocks, beneath } = tensor;
  const bands = [blocks, ...(beneath ? [beneath] : [])].map((band) => bandOf(band, format, signature));
  const [{ shape, params } = { shape: [], params: [] }, lower] = bands;
  const grouped = lead.reduce((product, size) => product * size, 1);
  const [first = { times: 1 }, ...rest] = shape.map(axisOf);
  const gates = { ...first, times: params.length / grouped };
  const inner = lower ? rest.map((axis) => ({ ...axis, plus: lower.shape[1] })) : rest;
  const axes = [...lead.map((times) => ({ times })), ...(arrangement === 'rows' ? [gates, ...inner] : [...inner, gates])];
  const ifMissing = optional ? 'zeros' : 'refused';
  return { name, arrangement, ifMissing, bands: bands.map((band) => band.params.map((param) => param?.name)), axes };
}

interface Band {
  readonly params: readonly (TensorDeclaration | undefined)[];
  /** The dims of each. */
  readonly shape: readonly string[];
}

function bandOf(blocks: readonly Block[], format: WeightFormat, signature: Signature): Band {
  const params = blocks.map((block) => resolveBlock(block, format, signature));
  const shape = params.find((param) => param !== undefined)?.shape ?? [];
  const odd = params.find((param) => param !== undefined && param.shape.join() !== shape.join());
  if (odd) throw cellError(format, signature.name, `${odd.name} is over [${odd.shape}], its neighbours are over [${shape}]`);
  return { params, shape };
}

function resolveBlock(block: Block, format: WeightFormat, signature: Signature): TensorDeclaration | undefined {
  const candidates = [block].flat();
  const found = signature.params.find((param) => param.name === candidates.find((name) => isParam(name, signature)));
  if (found || candidates.includes(null)) return found;
  throw cellError(format, signature.name, `it has no parameter ${candidates[0]}`);
}

function isParam(name: string | null, signature: Signature): boolean {
  return signature.params.some((param) => param.name === name);
}

function checkDirections(format: WeightFormat, where: string, shape: readonly number[]): void {
  if (format !== 'onnx' || shape[0] === 1) return;
  throw new RecurveError({
    code: 'WEIGHTS-DIRECTIONS',
    message: `${where} has shape ${shapeText(shape)}; its first axis is the direction and must be 1`,
    fix: 'Give one direction: for the backward half of a bidirectional layer, its slice and "reverse": true.',
    where,
  });
}

/** A tensor that has another rank under another option: its shape tells which one is meant. */
function checkRank(
  format: WeightFormat,
  cell: string,
  signature: Signature,
  { name, where }: { readonly name: string; readonly where: string },
  shape: readonly number[],
  axes: readonly Axis[],
): void {
  if (shape.length === axes.length) return;
  const twins = layoutOf(format, cell).tensors.filter((tensor) => tensor.name === name && !isActive(tensor, signature));
  const needs = twins.map((tensor) => tensor.needs).find((option) => option !== undefined);
  if (needs === undefined) return;
  throw new RecurveError({
    code: 'WEIGHTS-OPTION',
    message: `${where} has shape ${shapeText(shape)}, as it has with ${needs.option} = ${needs.value}; the option is ${signature.options[needs.option]}`,
    fix: `Set the option ${needs.option} to ${JSON.stringify(needs.value)} (--set ${needs.option}=${needs.value}).`,
    where,
  });
}

/** Where one name is strange it may be a slip; where several are, other options are meant. */
function paramError(cell: string, unknown: readonly string[], resolved: readonly ResolvedTensor[]): RecurveError {
  const [first = ''] = unknown;
  const where = pathOf('weights', first);
  const names = resolved.map(({ name }) => name);
  const others = unknown.length === 1 ? '' : `, nor are ${unknown.length - 1} more`;
  const has = `It has ${listText(names)}; --set chooses options, and with them parameters.`;
  return new RecurveError({
    code: 'WEIGHTS-NAME',
    message: `${where} is not a parameter of ${cell} with these options${others}`,
    fix: unknown.length === 1 ? didYouMean(first, names, has, '"') : has,
    where,
  });
}

function nameError(
  format: WeightFormat,
  cell: string,
  name: string,
  resolved: readonly ResolvedTensor[],
  called: Called,
): RecurveError {
  const where = pathOf('weights', called(name));
  const inactive = layoutOf(format, cell).tensors.find((tensor) => tensor.name === name)?.needs;
  if (inactive) {
    return new RecurveError({
      code: 'WEIGHTS-OPTION',
      message: `${where} is given, but the option ${inactive.option} is not ${inactive.value}`,
      fix: `Set "options": {"${inactive.option}": ${JSON.stringify(inactive.value)}}, or leave ${called(name)} out.`,
      where,
    });
  }
  const names = resolved.map((tensor) => called(tensor.name));
  const extent = called === asItIs ? ': one layer, one direction; `stack` takes several' : '';
  return new RecurveError({
    code: 'WEIGHTS-NAME',
    message: `${where} is not a tensor of ${format} weights of ${cell}`,
    fix: didYouMean(called(name), names, `They are ${listText(names)}${extent}.`, '"'),
    where,
  });
}
