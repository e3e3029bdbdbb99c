/** A chain of nodes as the weights of the built-in model `stack`. */
import { elements, type Tensor, type Tensors } from '../../data.js';
import { listText } from '../describe.js';
import { describeStack } from '../stack/describe.js';
import type { ReadStack } from '../stack/found.js';
import { type StackedLayer, stackedOptions } from '../stack/uniform.js';
import { type Chain, MOST_LAYERS } from './chain.js';
import { onnxError } from './errors.js';
import { directionsOf, type ImportedWeights, importWeights, layoutOf, type OnnxFile } from './import.js';
import { OP_FORMS } from './options.js';
import type { RecurrentNode } from './walk.js';

interface ImportedNode {
  readonly node: RecurrentNode;
  /** Forward, then reverse. */
  readonly parts: readonly ImportedWeights[];
}

/**
 * Reads all nodes of a chain, every value of them.
 *
 * @throws RecurveError `IMPORT-STACK` for layers that are no one stack, `ONNX-*`
 */
export function importChain(file: OnnxFile, chain: Chain): ReadStack {
  const [first] = chain;
  if (first === undefined) throw new Error('a chain has a node');
  if (chain.length > MOST_LAYERS) {
    const last = chain.at(-1)?.label ?? '';
    throw onnxError('ONNX-SIZE', `${last} ends a chain of more than ${MOST_LAYERS} nodes`, last);
  }
  const read = chain.map(
    (node): ImportedNode => ({
      node,
      parts: directionsOf(node).map((direction) => importWeights(file, node, direction)),
    }),
  );
  const { cell, gates } = OP_FORMS[first.op];
  const layers = read.flatMap(({ node, parts }) => parts.map((part) => stackedLayer(node, part, parts.length)));
  const uniform = stackedOptions(layers, cell);
  const named = read.flatMap(({ parts }, layer) =>
    Object.keys(parts[0]?.tensors ?? {}).map((name): [string, Tensor] => [
      chain.length > 1 ? `layers.${layer}.${name}` : name,
      behind(parts.flatMap((part) => part.tensors[name] ?? [])),
    ]),
  );
  const initial = startOf(read);
  const title = chain.some(({ op }) => op === 'DynamicQuantizeLSTM')
    ? 'DynamicQuantizeLSTM of com.microsoft, its weights dequantized'
    : `ONNX ${first.op}`;
  return {
    source: file.source,
    cell: 'stack',
    ...uniform,
    initial: { state: initial.state, ...(initial.lengths ? { lengths: initial.lengths } : {}) },
    weights: { format: 'onnx', tensors: Object.fromEntries(named) },
    readAs: describeStack(title, gates.length > 1 ? gates.join(' ') : '', uniform),
    notes: [...notesOf(read), ...initial.notes],
  };
}

function stackedLayer(node: RecurrentNode, part: ImportedWeights, directions: number): StackedLayer {
  const { cell, options, direction, sizes } = part;
  // A layer without peepholes has some of zeros.
  const { peepholes, ...others } = options;
  return {
    label: directions === 2 ? `${node.label}, ${direction},` : node.label,
    cell,
    options: others,
    free: peepholes === undefined ? {} : { peepholes },
    directions,
    reverse: direction === 'reverse',
    sizes,
  };
}

/** Directions behind one another, as a node has them. */
function behind(parts: readonly Tensor[]): Tensor {
  const [, ...rest] = parts[0]?.shape ?? [];
  const size = elements(rest);
  const data = new Float32Array(parts.length * size);
  for (const [place, part] of parts.entries()) data.set(part.data, place * size);
  return { shape: [parts.length, ...rest], data };
}

/** Initial states `[L·D, sequences, H]`, zeros for a node without; lengths, which are those of all layers. */
function startOf(read: readonly ImportedNode[]): {
  readonly state: Tensors;
  readonly lengths?: readonly number[];
  readonly notes: readonly string[];
} {
  const rows = read.flatMap(({ parts }) => parts);
  const state = ['h', 'c'].flatMap((name): [string, Tensor][] => {
    const given = rows.map((row) => row.state[name]);
    const counts = [...new Set(given.flatMap((tensor) => tensor?.shape[0] ?? []))].filter((count) => count !== 1);
    if (given.every((tensor) => tensor === undefined)) return [];
    if (counts.length > 1) throw unequal(read, `initial states of ${listText(counts.map(String))} sequences`);
    const [count = 1] = counts;
    const H = rows[0]?.sizes.H ?? 0;
    const data = new Float32Array(rows.length * count * H);
    given.forEach((tensor, row) => {
      for (let sequence = 0; tensor && sequence < count; sequence++) {
        const from = tensor.shape[0] === 1 ? 0 : sequence * H;
        data.set(tensor.data.subarray(from, from + H), (row * count + sequence) * H);
      }
    });
    return [[name, { shape: [rows.length, count, H], data }]];
  });
  const lengths = rows.map((row) => row.lengths?.join());
  // A node that reads all steps of what is zero behind a length is another thing than one that stops there.
  if (new Set(lengths).size > 1) throw unequal(read, 'sequence_lens that differ');
  const [first] = rows;
  const kept = [
    ...state.map(([name, { shape }]) => `state.${name} of ${shape[1] === 1 ? 'one sequence, for all' : `${shape[1]} sequences`}`),
    ...(first?.lengths ? ['lengths'] : []),
  ];
  return {
    state: Object.fromEntries(state),
    ...(first?.lengths ? { lengths: first.lengths } : {}),
    notes: kept.length > 0 ? [`kept beside the weights: ${listText(kept)}`] : [],
  };
}

function unequal(read: readonly ImportedNode[], what: string) {
  const chain = listText(read.map(({ node }) => node.label));
  return onnxError('ONNX-WEIGHTS', `${chain} have ${what}`, read[0]?.node.label ?? '');
}

/** Each sentence once, with the nodes that it is about. */
function notesOf(read: readonly ImportedNode[]): readonly string[] {
  const about = new Map<string, Set<string>>();
  for (const { node, parts } of read) {
    const kept = parts.flatMap(({ notes }) => notes).filter((note) => !/ is kept as /.test(note));
    for (const note of kept) about.set(note, (about.get(note) ?? new Set()).add(node.label));
  }
  const batchFirst =
    layoutOf(read[0]?.node as RecurrentNode) === 1 ? ['layout=1: the sequences of the model are [B, T, I]; give [T, B, I]'] : [];
  return [...[...about].map(([note, nodes]) => `${listText([...nodes])}: ${note}`), ...batchFirst];
}
