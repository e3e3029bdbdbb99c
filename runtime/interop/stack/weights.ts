/** Weights of a whole stack as a framework lays them out, to the model's parameters and back, layer by layer. */
import { type ErrorDetail, RecurveError } from '../../../codegen/errors.js';
import type { Sizes } from '../../../codegen/plan.js';
import { didYouMean } from '../../../codegen/suggest.js';
import { elements, type Tensor, type Tensors } from '../../data.js';
import { listText, own, pathOf, shapeText } from '../describe.js';
import { SizeLedger } from '../sizes.js';
import type { FrameworkName, RunRequest } from '../types.js';
import { FRAMEWORKS } from '../weights/frameworks.js';
import { gradientsToWeights, measureWeights, weightsToParams } from '../weights/index.js';
import { type Naming, namingOf, type Place, STACK_FORMATS } from './names.js';
import type { StackLayer, Structure } from './structure.js';

/** Laid out as a framework does; recurve's own are the parameters already. */
export interface Weights {
  readonly format: FrameworkName;
  readonly tensors: Tensors;
}

/** `undefined` of those that are the model's parameters by name. */
export function ofFramework(weights: RunRequest['weights']): Weights | undefined {
  if (weights === undefined || weights.format === 'recurve') return undefined;
  return { format: weights.format, tensors: weights.tensors };
}

/** One layer and direction of a request's weights. */
interface Share {
  readonly row: StackLayer;
  /** In the names and shapes of one layer and direction. */
  readonly tensors: Tensors;
  readonly called: (part: string) => string;
}

/**
 * Holds the weights to the structure and learns sizes from their shapes.
 *
 * @throws RecurveError `WEIGHTS-*`
 */
export function measureStack(ledger: SizeLedger, weights: Weights, structure: Structure): void {
  const { format } = weights;
  const shares = sharesOf(weights, structure);
  const [first, ...others] = shares.map(({ row, tensors, called }) => {
    const alone = new SizeLedger();
    measureWeights(alone, format, structure.cell, row.cell, tensors, called);
    return { row, sizes: alone.sizes(), called };
  });
  for (const other of first === undefined ? [] : others) {
    const dim = ['H', 'P'].find((name) => other.sizes[name] !== first?.sizes[name]);
    if (dim !== undefined) {
      const [here, there] = [other, first].map((each) => `${layerText(each?.row, structure)} has ${dim} = ${each?.sizes[dim]}`);
      throw fault('WEIGHTS-SHAPE', `${here}, and ${there}: the layers of stack are of one size`, OWN_MODEL, where(other, format));
    }
    const reads = other.row.layer === 0 ? first?.sizes.I : widthOf(structure, first?.sizes ?? {});
    if (other.sizes.I !== reads) {
      const given = other.row.layer === 0 ? 'the other direction reads' : `layer ${other.row.layer - 1} gives N =`;
      const message = `${layerText(other.row, structure)} reads ${other.sizes.I} values, and ${given} ${reads}`;
      throw fault(
        'WEIGHTS-SHAPE',
        message,
        `Give its ${PROJECTIONS[format] ?? 'input matrix'} ${reads} inputs.`,
        where(other, format),
      );
    }
  }
  for (const { row, tensors, called } of shares) measureWeights(ledger, format, structure.cell, row.signature, tensors, called);
}

const OWN_MODEL = 'Layers of different sizes are a model of your own: a *.model.ts with a layer for each.';
const PROJECTIONS: Readonly<Record<string, string>> = { torch: 'weight_ih', onnx: 'W', keras: 'kernel' };

function where({ called }: { readonly called: Share['called'] }, format: Weights['format']): string {
  return `weights.${called({ torch: 'weight_ih_l0', onnx: 'W', keras: 'kernel' }[format as string] ?? '')}`;
}

function layerText(row: StackLayer | undefined, { directions }: Structure): string {
  const direction = directions === 1 ? '' : row?.reverse ? ', reverse,' : ', forward,';
  return `layer ${row?.layer}${direction}`;
}

/** N at these sizes of a layer. */
function widthOf({ output }: Structure, sizes: Sizes): number {
  return output.times * (sizes[output.dim ?? ''] ?? 0);
}

/** Parameters of the model, of all layers. @throws RecurveError `WEIGHTS-*` */
export function stackParams(weights: Weights, structure: Structure, sizes: Sizes): Tensors {
  const shares = sharesOf(weights, structure);
  return Object.fromEntries(
    shares.flatMap(({ row, tensors }) => {
      const params = weightsToParams(weights.format, structure.cell, row.signature, sizes, tensors);
      return Object.entries(params).map(([name, tensor]) => [`${row.prefix}${name}`, tensor]);
    }),
  );
}

/** Gradients of the model's parameters under the names and in the shapes of the request's weights. */
export function stackGradients(weights: Weights, structure: Structure, sizes: Sizes, gradients: Tensors): Tensors {
  const naming = requireNaming(weights, structure);
  const parts = sharesOf(weights, structure).map(({ row, tensors, called }) => {
    const own = Object.entries(gradients).flatMap(([name, tensor]): [string, Tensor][] =>
      name.startsWith(row.prefix) ? [[name.slice(row.prefix.length), tensor]] : [],
    );
    const packed = gradientsToWeights(weights.format, structure.cell, row.signature, sizes, Object.fromEntries(own), tensors);
    return new Map(Object.entries(packed).map(([part, tensor]) => [called(part), tensor]));
  });
  return Object.fromEntries(
    Object.keys(weights.tensors).map((name) => {
      const place = naming.placeOf(name);
      const found = parts.flatMap((packed) => packed.get(name) ?? []);
      return [name, place?.reverse === undefined ? joined(found) : (found[0] ?? joined(found))];
    }),
  );
}

/** Directions behind one another along the first axis. */
export function joined(tensors: readonly Tensor[]): Tensor {
  const [first, ...more] = tensors;
  if (first === undefined) throw new Error('nothing to join');
  if (more.length === 0) return first;
  const [, ...shape] = first.shape;
  const length = elements(first.shape);
  const data =
    first.data instanceof Float64Array ? new Float64Array(length * tensors.length) : new Float32Array(length * tensors.length);
  for (const [index, tensor] of tensors.entries()) data.set(tensor.data, index * length);
  return { shape: [tensors.length, ...shape], data };
}

/**
 * The weights of every layer and direction by themselves.
 * @throws RecurveError `WEIGHTS-FORMAT`, `WEIGHTS-OPTION`, `WEIGHTS-NAME`, `WEIGHTS-MISSING`, `WEIGHTS-DIRECTIONS`
 */
function sharesOf(weights: Weights, structure: Structure): readonly Share[] {
  const naming = requireNaming(weights, structure);
  const { format, tensors } = weights;
  const places = new Map(Object.keys(tensors).map((name) => [name, placeOf(name, naming, weights, structure)]));
  return structure.rows.map((row) => {
    const called = (part: string) =>
      naming.nameOf({ layer: row.layer, reverse: format === 'onnx' ? undefined : row.reverse, part });
    const mine = [...places].flatMap(([name, place]): [string, Tensor][] => {
      const tensor = own(tensors, name);
      if (tensor === undefined || place.layer !== row.layer || (place.reverse ?? row.reverse) !== row.reverse) return [];
      return [[place.part, place.reverse === undefined ? directionOf(name, tensor, row, structure) : tensor]];
    });
    return { row, tensors: Object.fromEntries(mine), called };
  });
}

function requireNaming({ format, tensors }: Weights, structure: Structure): Naming {
  const naming = namingOf(format, structure, Object.keys(tensors));
  if (naming === undefined) {
    const message = `weights.format is ${format}, and stack takes ${listText(STACK_FORMATS)}`;
    throw fault(
      'WEIGHTS-FORMAT',
      message,
      'Give "params" instead, one tensor for each parameter of the model.',
      'weights.format',
    );
  }
  refuseMerge(format, structure);
  const single = format === 'onnx' && structure.layers > 1 && Object.keys(tensors).every((name) => !name.startsWith('layers.'));
  if (single) {
    const message = `weights.tensors is one ONNX node, and layers = ${structure.layers}`;
    const fix = 'Write "layers": [{ "W": …, "R": … }, …], a node for each layer, in place of "tensors"; or set "layers": 1.';
    throw fault('WEIGHTS-MISSING', message, fix, 'weights.tensors');
  }
  const lost = format === 'torch' ? lostBias(tensors, structure, naming) : undefined;
  if (lost !== undefined) throw lost;
  return naming;
}

/** @throws RecurveError `WEIGHTS-OPTION` for a merge of the directions that the framework does not have */
export function refuseMerge(format: Weights['format'], { directions, merge }: Structure): void {
  if (format === 'keras' || directions === 1 || merge === 'concat') return;
  const { title } = FRAMEWORKS[format];
  const message = `merge = ${merge} cannot be said in ${format} weights: ${title} joins the two directions, merge = concat`;
  const fix = 'Leave the option out, or give "params", or the weights in the layout of Keras.';
  throw fault('WEIGHTS-OPTION', message, fix, 'options.merge');
}

/** `bias=False` is of all layers. */
function lostBias(tensors: Tensors, { rows }: Structure, naming: Naming): RecurveError | undefined {
  const names = rows.flatMap(({ layer, reverse }) =>
    ['bias_ih_l0', 'bias_hh_l0'].map((part) => naming.nameOf({ layer, reverse, part })),
  );
  const beside = names.find((name) => own(tensors, name));
  const lost = names.find((name) => !own(tensors, name));
  if (beside === undefined || lost === undefined) return undefined;
  const message = `weights.${lost} is missing; weights.${beside} is there, and torch writes all of them or none`;
  return fault(
    'WEIGHTS-MISSING',
    message,
    'Give it too, zeros if that is what it is, or leave the others out.',
    `weights.${lost}`,
  );
}

function placeOf(name: string, naming: Naming, { format }: Weights, structure: Structure): Place {
  const at = pathOf('weights', name);
  const place = naming.placeOf(name);
  if (place === undefined) {
    const parts = FRAMEWORKS[format].layout[structure.cell as 'rnn']?.tensors.map((tensor) => tensor.name) ?? [];
    const names = structure.rows.flatMap(({ layer, reverse }) => parts.map((part) => naming.nameOf({ layer, reverse, part })));
    const fix = didYouMean(name, names, `They are ${listText([...new Set(names)])}.`, '"');
    throw fault('WEIGHTS-NAME', `${at} is not a tensor of ${format} weights of stack`, fix, at);
  }
  if (place.layer >= structure.layers) {
    const message = `${at} is of layer ${place.layer}, counted from 0, and layers = ${structure.layers}`;
    throw fault('WEIGHTS-NAME', message, `Set "layers": ${place.layer + 1}, or leave it out.`, at);
  }
  if (place.reverse === true && structure.directions === 1) {
    const message = `${at} is of the reverse direction, and bidirectional = false`;
    throw fault('WEIGHTS-NAME', message, 'Set "bidirectional": true, or leave it out.', at);
  }
  return place;
}

/** One direction's part of an ONNX tensor. */
function directionOf(name: string, { shape, data }: Tensor, { reverse }: StackLayer, { directions }: Structure): Tensor {
  if (shape[0] !== directions) {
    const message = `${pathOf('weights', name)} has shape ${shapeText(shape)}; its first axis is the direction and must be ${directions}`;
    const fix =
      directions === 1
        ? 'Set "bidirectional": true, or give one direction.'
        : 'Give both directions, or set "bidirectional": false.';
    throw fault('WEIGHTS-DIRECTIONS', message, fix, pathOf('weights', name));
  }
  const [, ...rest] = shape;
  const size = elements(rest);
  const at = reverse ? 1 : 0;
  return { shape: [1, ...rest], data: data.subarray(at * size, (at + 1) * size) };
}

function fault(code: ErrorDetail['code'], message: string, fix: string, where: string): RecurveError {
  return new RecurveError({ code, message, fix, where });
}
