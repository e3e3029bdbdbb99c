/** From a node of a model to one direction's weights, in the form that `recurve run --weights` takes. */
import { readUserFile } from '../../../codegen/read-file.js';
import { didYouMean } from '../../../codegen/suggest.js';
import { elements, type Tensor, type Tensors } from '../../data.js';
import { listText, shapeText } from '../describe.js';
import type { CellName } from '../weights/layout.js';
import { attributeError, binary, integer, text } from './attributes.js';
import { onnxError } from './errors.js';
import { externalReader, type ReadExternal } from './external.js';
import { decodeModel } from './model.js';
import { OP_FORMS, type Options, optionsOf } from './options.js';
import { decodeTensor } from './tensor.js';
import { findRecurrentNodes, type RecurrentNode } from './walk.js';

export interface OnnxFile {
  readonly source: string;
  readonly nodes: readonly RecurrentNode[];
  readonly readExternal: ReadExternal;
}

export type Direction = 'forward' | 'reverse';

export interface ImportedWeights {
  readonly cell: CellName;
  readonly options: Options;
  readonly direction: Direction;
  /** Input and hidden size. */
  readonly sizes: { readonly I: number; readonly H: number };
  /** ONNX's own: W `[1, G·H, I]`, R `[1, G·H, H]`, B `[1, 2·G·H]`, P `[1, 3·H]`; B and P where the node has them. */
  readonly tensors: Tensors;
}

/**
 * @param source what to call the file in messages
 * @throws RecurveError `ONNX-FILE`, `ONNX-NOT-A-MODEL`, `ONNX-TRUNCATED`, `ONNX-CORRUPT`, `ONNX-NESTING`
 */
export async function openOnnx(path: string, source = path): Promise<OnnxFile> {
  const bytes = readUserFile(path, { code: 'ONNX-FILE', fix: 'Give an existing .onnx file.', source });
  return { source, nodes: findRecurrentNodes(decodeModel(bytes, source), source), readExternal: externalReader(path) };
}

/**
 * The node of that path, or the only one that is so called within its graph; without a name the model's only one.
 *
 * @throws RecurveError `ONNX-NODE`
 */
export function nodeNamed({ source, nodes }: OnnxFile, name: string | undefined): RecurrentNode {
  const labels = nodes.map(({ label }) => label);
  const list = `\`recurve import ${source} --list\` shows them.`;
  if (name === undefined) {
    const [only, ...more] = nodes;
    if (only && more.length === 0) return only;
    const found = only ? `has ${nodes.length} recurrent nodes: ${listText(labels)}` : 'has no LSTM, GRU or RNN node';
    throw onnxError('NODE', `${source} ${found}`, source, { fix: only ? `Choose one with --node. ${list}` : undefined });
  }
  const exact = nodes.find(({ path }) => path === name);
  if (exact) return exact;
  const [near, ...others] = nodes.filter(({ path }) => path.endsWith(`/${name}`));
  if (near && others.length === 0) return near;
  if (near) {
    const paths = [near, ...others].map(({ label }) => label);
    throw onnxError('NODE', `${JSON.stringify(name)} is ambiguous: ${listText(paths)}`, name, { fix: 'Give the whole path.' });
  }
  const found = nodes.length > 0 ? `it has ${listText(labels)}` : 'it has none';
  throw onnxError('NODE', `${source} has no recurrent node ${JSON.stringify(name)}; ${found}`, name, {
    fix: didYouMean(name, labels, list, '"'),
  });
}

/** The directions in which a node runs. @throws RecurveError `ONNX-ATTRIBUTE` */
export function directionsOf(node: RecurrentNode): readonly Direction[] {
  const direction = text(node, 'direction') ?? 'forward';
  if (direction === 'bidirectional') return ['forward', 'reverse'];
  if (direction === 'forward' || direction === 'reverse') return [direction];
  throw attributeError(node, 'direction', `is ${JSON.stringify(direction)}; it is forward, reverse or bidirectional`);
}

/** @throws RecurveError `ONNX-DIRECTION`, `ONNX-ATTRIBUTE` */
export function chooseDirection(node: RecurrentNode, wanted: Direction | undefined): Direction {
  const directions = directionsOf(node);
  const [only, second] = directions;
  if (wanted === undefined && only && !second) return only;
  if (wanted !== undefined && directions.includes(wanted)) return wanted;
  const fault = second ? 'runs forward and reverse; a file holds one direction' : `runs ${only} only`;
  throw onnxError('DIRECTION', `${node.label} ${fault}`, node.label, {
    fix: second ? 'Choose with --direction forward or --direction reverse.' : 'Leave --direction out.',
  });
}

/**
 * Reads one direction of a node, every value of it.
 *
 * @throws RecurveError `ONNX-WEIGHTS`, `ONNX-EXTERNAL`, `ONNX-ATTRIBUTE`
 */
export function importWeights({ readExternal }: OnnxFile, node: RecurrentNode, direction: Direction): ImportedWeights {
  const directions = directionsOf(node);
  const place = directions.indexOf(direction);
  const { cell, gates } = OP_FORMS[node.op];
  const options = optionsOf(node, place, directions.length);
  const read = (name: string, input: number) => readInput(node, name, input, readExternal);
  const W = required(node, 'W', read('W', 1));
  const R = required(node, 'R', read('R', 2));
  const [H, I] = [R.shape[2] ?? 0, W.shape[2] ?? 0];
  const shapes: Readonly<Record<string, readonly number[]>> = {
    W: [directions.length, gates * H, I],
    R: [directions.length, gates * H, H],
    B: [directions.length, 2 * gates * H],
    P: [directions.length, 3 * H],
  };
  const given = { W, R, B: read('B', 3), P: node.op === 'LSTM' ? read('P', 7) : undefined };
  const tensors = Object.entries(given).flatMap(([name, tensor]): [string, Tensor][] => {
    const expected = shapes[name] ?? [];
    if (tensor) checkShape(node, name, tensor, expected);
    return tensor ? [[name, sliceDirection(tensor, place)]] : [];
  });
  const hidden = integer(node, 'hidden_size');
  if (hidden !== undefined && hidden !== H) {
    throw attributeError(node, 'hidden_size', `is ${hidden}, but its R has shape ${shapeText(R.shape)}`);
  }
  return { cell, options, direction, sizes: { I, H }, tensors: Object.fromEntries(tensors) };
}

/** Whether the model's sequences are `[T, B, I]` (0) or `[B, T, I]` (1); weights are the same. @throws RecurveError */
export function layoutOf(node: RecurrentNode): 0 | 1 {
  return binary(node, 'layout');
}

function readInput(node: RecurrentNode, name: string, input: number, readExternal: ReadExternal): Tensor | undefined {
  const found = node.scope.find(node.proto.input[input] ?? '');
  if (found === undefined) return undefined;
  if (found.kind === 'tensor') return decodeTensor(found.tensor, `${name} of ${node.label}`, readExternal);
  throw onnxError('WEIGHTS', `${name} of ${node.label} is not in the file: it is ${found.by}`, node.label, {
    fix: 'Export the model with its weights as initializers and with constant folding.',
  });
}

function required(node: RecurrentNode, name: string, tensor: Tensor | undefined): Tensor {
  if (tensor) return tensor;
  throw onnxError('WEIGHTS', `${node.label} has no input ${name}, which ${node.op} needs`, node.label);
}

function checkShape(node: RecurrentNode, name: string, { shape }: Tensor, expected: readonly number[]): void {
  if (shape.length === expected.length && shape.every((size, axis) => size === expected[axis])) return;
  const message = `${name} of ${node.label} has shape ${shapeText(shape)}; with the other weights it must be ${shapeText(expected)}`;
  throw onnxError('WEIGHTS', message, node.label);
}

function sliceDirection({ shape, data }: Tensor, place: number): Tensor {
  const [, ...rest] = shape;
  const size = elements(rest);
  return { shape: [1, ...rest], data: data.slice(place * size, (place + 1) * size) };
}
