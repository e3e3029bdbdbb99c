/** From a node of a model to one direction's weights, in the form that `recurve run --weights` takes. */
import { RecurveError } from '../../../codegen/errors.js';
import { readUserFile } from '../../../codegen/read-file.js';
import { didYouMean } from '../../../codegen/suggest.js';
import { elements, type Tensor, type Tensors } from '../../data.js';
import { listText, quote, shapeText } from '../describe.js';
import type { CellName } from '../weights/layout.js';
import { attributeError, binary, integer, text } from './attributes.js';
import { type Constant, Workspace } from './constant.js';
import { onnxError } from './errors.js';
import { externalReader } from './external.js';
import { Folder, type Outcome } from './fold/index.js';
import { initialOf, type NamedOutcome } from './initial.js';
import { decodeModel } from './model.js';
import { OP_FORMS, type Options, optionsOf } from './options.js';
import { dequantizedWeights } from './quantized.js';
import { type Findings, findRecurrentNodes, type RecurrentNode } from './walk.js';
import { float32Of } from './weights.js';

/** Bytes of computed values that any model may have, and how many more for each of its own. */
const SMALL_MODEL = 64 * 2 ** 20;
const GROWTH = 16;

export interface OnnxFile extends Findings {
  readonly source: string;
  readonly folder: Folder;
  /** As `dequantizedWeights`, each set of weights once. */
  dequantized(weights: Constant, scale: Constant, zero: Constant | undefined, label: string): Constant;
}

export type Direction = 'forward' | 'reverse';

export interface ImportedWeights {
  readonly cell: CellName;
  readonly options: Options;
  readonly direction: Direction;
  /** Input and hidden size. */
  readonly sizes: { readonly I: number; readonly H: number };
  /** Where the node starts from other than zeros: h and for an LSTM c, `[sequences, H]`. */
  readonly state: Tensors;
  /** Steps of each sequence, where the model has them. */
  readonly lengths?: readonly number[];
  /** What it was taken for, one line. */
  readonly readAs: string;
  /** What else was kept, assumed or left to a run, a line each. */
  readonly notes: readonly string[];
  /** ONNX's own: W `[1, G·H, I]`, R `[1, G·H, H]`, B `[1, 2·G·H]`, P `[1, 3·H]`; B and P where the node has them. */
  readonly tensors: Tensors;
}

/**
 * @param source what to call the file in messages
 * @throws RecurveError `ONNX-FILE`, `ONNX-NOT-A-MODEL`, `ONNX-TRUNCATED`, `ONNX-CORRUPT`, `ONNX-NESTING`
 */
export async function openOnnx(path: string, source = path): Promise<OnnxFile> {
  const bytes = readUserFile(path, { code: 'ONNX-FILE', fix: 'Give an existing .onnx file.', source });
  const reader = externalReader(path);
  // What is computed may grow with the file and with those beside it.
  const workspace = new Workspace(() => SMALL_MODEL + GROWTH * (bytes.length + reader.opened()));
  const once = new Map<Constant, { readonly scale: Constant; readonly zero: Constant | undefined; readonly made: Constant }>();
  return {
    source,
    ...findRecurrentNodes(decodeModel(bytes, source), source),
    folder: new Folder(workspace, reader.read),
    dequantized(weights, scale, zero, label) {
      const found = once.get(weights);
      if (found && found.scale === scale && found.zero === zero) return found.made;
      const made = dequantizedWeights(weights, scale, zero, label, workspace);
      once.set(weights, { scale, zero, made });
      return made;
    },
  };
}

/**
 * The node of that path, or the only one that is so called within its graph; without a name the model's only one.
 *
 * @throws RecurveError `ONNX-NODE`
 */
export function nodeNamed({ source, nodes, strangers }: OnnxFile, name: string | undefined): RecurrentNode {
  const labels = nodes.map(({ label }) => label);
  const list = `\`recurve import ${source} --list\` shows them.`;
  if (name === undefined) {
    const [only, ...more] = nodes;
    if (only && more.length === 0) return only;
    const found = only ? `${source} has ${nodes.length} recurrent nodes: ${listText(labels)}` : noNodes({ source, strangers });
    throw onnxError('ONNX-NODE', found, source, {
      fix: only ? `Choose one with --node, or a whole network with --stack. ${list}` : ONLY_THESE,
    });
  }
  const exact = nodes.find(({ path }) => path === name);
  if (exact) return exact;
  const [near, ...others] = nodes.filter(({ path }) => path.endsWith(`/${name}`));
  if (near && others.length === 0) return near;
  if (near) {
    const paths = [near, ...others].map(({ label }) => label);
    throw onnxError('ONNX-NODE', `${JSON.stringify(name)} is ambiguous: ${listText(paths)}`, name, {
      fix: 'Give the whole path.',
    });
  }
  const found = nodes.length > 0 ? `it has ${listText(labels)}` : 'it has none';
  throw onnxError('ONNX-NODE', `${source} has no recurrent node ${JSON.stringify(name)}; ${found}`, name, {
    fix: didYouMean(name, labels, list, '"'),
  });
}

const ONLY_THESE =
  'The nodes of a model that can be imported are LSTM, GRU and RNN; save the weights of another layer as safetensors.';

/** Says so, and names what looks as if it were one. */
export function noNodes({ source, strangers }: Pick<OnnxFile, 'source' | 'strangers'>): string {
  const but = strangers.length > 0 ? `; it has ${listText(strangers)}, which cannot be imported` : '';
  return `${source} has no LSTM, GRU or RNN node of ONNX${but}`;
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
  throw onnxError('ONNX-DIRECTION', `${node.label} ${fault}`, node.label, {
    fix: second ? 'Choose with --direction forward or --direction reverse, or take both with --stack.' : 'Leave --direction out.',
  });
}

/**
 * Reads one direction of a node, every value of it.
 *
 * @throws RecurveError `ONNX-WEIGHTS`, `ONNX-SIZE`, `ONNX-EXTERNAL`, `ONNX-ATTRIBUTE`
 */
export function importWeights(file: OnnxFile, node: RecurrentNode, direction: Direction): ImportedWeights {
  const directions = directionsOf(node);
  const place = directions.indexOf(direction);
  const { cell, gates, inputs } = OP_FORMS[node.op];
  const { options, notes } = optionsOf(node, place, directions.length);
  const named = (name: string): NamedOutcome => {
    const index = inputs.indexOf(name) + 1;
    const outcome = index === 0 ? undefined : file.folder.outcomeOf(node.scope, node.proto.input[index] ?? '');
    return {
      input: name,
      label: `${name} of ${node.label}`,
      outcome: outcome?.kind === 'wrong' ? blame(outcome, name, node) : outcome,
    };
  };
  refuseMoreInputs(node, inputs);
  const W = weights(file, node, named('W'), named);
  const R = weights(file, node, named('R'), named);
  const [H, I] = [R.shape[2] ?? 0, W.shape[2] ?? 0];
  const rows = gates.length * H;
  const shapes: Readonly<Record<string, readonly number[]>> = {
    W: [directions.length, rows, I],
    R: [directions.length, rows, H],
    B: [directions.length, 2 * rows],
    P: [directions.length, 3 * H],
  };
  const given = { W, R, B: optional(named('B')), P: optional(named('P')) };
  const tensors = Object.entries(given).flatMap(([name, tensor]): [string, Tensor][] => {
    const expected = shapes[name] ?? [];
    if (tensor) checkShape(node, name, tensor, expected);
    return tensor ? [[name, sliceDirection(tensor, place)]] : [];
  });
  const hidden = integer(node, 'hidden_size');
  if (hidden !== undefined && hidden !== H) {
    throw attributeError(node, 'hidden_size', `is ${hidden}, but its R has shape ${shapeText(R.shape)}`);
  }
  const layout = layoutOf(node);
  const states = { h: named('initial_h'), ...(cell === 'lstm' ? { c: named('initial_c') } : {}) };
  const initial = initialOf(states, named('sequence_lens'), { directions: directions.length, place, H, layout });
  return {
    cell,
    options: given.P ? { ...options, peepholes: true } : options,
    direction,
    sizes: { I, H },
    tensors: Object.fromEntries(tensors),
    state: initial.state,
    ...(initial.lengths ? { lengths: initial.lengths } : {}),
    readAs: readAs(node, direction),
    notes: [...notes, ...initial.notes],
  };
}

/** Whether the model's sequences are `[T, B, I]` (0) or `[B, T, I]` (1); weights are the same. @throws RecurveError */
export function layoutOf(node: RecurrentNode): 0 | 1 {
  return binary(node, 'layout');
}

/** `read as ONNX LSTM, gates i o f c, forward`. */
function readAs(node: RecurrentNode, direction: Direction): string {
  const { gates } = OP_FORMS[node.op];
  const order = gates.length > 1 ? `, gates ${gates.join(' ')}` : '';
  if (node.op !== 'DynamicQuantizeLSTM') return `read as ONNX ${node.op}${order}, ${direction}`;
  return `read as DynamicQuantizeLSTM of com.microsoft${order}, ${direction}, its weights dequantized; ONNX Runtime rounds x and h to 8 bits, too`;
}

function blame({ error }: Extract<Outcome, { kind: 'wrong' }>, name: string, node: RecurrentNode): Outcome {
  const { code, message, fix } = error;
  return {
    kind: 'wrong',
    error: new RecurveError({ code, message: `${name} of ${node.label}: ${message}`, fix, where: node.label }, { cause: error }),
  };
}

function refuseMoreInputs(node: RecurrentNode, known: readonly string[]): void {
  const more = node.proto.input.findIndex((name, index) => index > known.length && name !== '');
  if (more < 0) return;
  throw onnxError(
    'ONNX-WEIGHTS',
    `${node.label} has an input ${quote(node.proto.input[more] ?? '')} behind those of ${node.op}`,
    node.label,
  );
}

/** Values that must be in the file; those of a quantized node are dequantized. */
function weights(file: OnnxFile, node: RecurrentNode, found: NamedOutcome, named: (name: string) => NamedOutcome): Tensor {
  const constant = constantOf(found);
  if (!constant) throw onnxError('ONNX-WEIGHTS', `${node.label} has no input ${found.input}, which ${node.op} needs`, node.label);
  if (node.op !== 'DynamicQuantizeLSTM') return float32Of(constant, found.label);
  const scale = constantOf(named(`${found.input}_scale`));
  if (!scale)
    throw onnxError('ONNX-WEIGHTS', `${node.label} has no input ${found.input}_scale, which ${node.op} needs`, node.label);
  const zero = constantOf(named(`${found.input}_zero_point`));
  return float32Of(file.dequantized(constant, scale, zero, found.label), found.label);
}

function optional(found: NamedOutcome): Tensor | undefined {
  // A bias of zeros is none.
  if (found.outcome?.kind === 'uniform' && found.outcome.fill === 0) return undefined;
  const constant = constantOf(found);
  return constant && float32Of(constant, found.label);
}

function constantOf({ label, outcome }: NamedOutcome): Constant | undefined {
  if (outcome === undefined) return undefined;
  if (outcome.kind === 'constant') return outcome.value;
  if (outcome.kind === 'wrong') throw outcome.error;
  const why = outcome.kind === 'runtime' ? outcome.by : 'of a shape that only a run knows';
  throw onnxError('ONNX-WEIGHTS', `${label} is not in the file: it is ${why}`, label, {
    fix: 'Export the model with its weights as initializers and with constant folding.',
  });
}

function checkShape(node: RecurrentNode, name: string, { shape }: Tensor, expected: readonly number[]): void {
  if (shape.length === expected.length && shape.every((size, axis) => size === expected[axis] && size > 0)) return;
  const message = `${name} of ${node.label} has shape ${shapeText(shape)}; with the other weights it must be ${shapeText(expected)}`;
  throw onnxError('ONNX-WEIGHTS', message, node.label);
}

function sliceDirection({ shape, data }: Tensor, place: number): Tensor {
  const one = [1, ...shape.slice(1)];
  const size = elements(one);
  return { shape: one, data: data.subarray(place * size, (place + 1) * size) };
}
