/** `recurve import`: recurrent nodes of an ONNX file, and the weights of one of them for `recurve run --weights`. */
import { resolve } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import { visible } from '../codegen/visible.js';
import { type TensorToStore, writeBeside, writeSafetensors } from '../runtime/interop/index.js';
import {
  chooseDirection,
  type Direction,
  importWeights,
  type ListedDirection,
  type ListedNode,
  layoutOf,
  listNodes,
  nodeNamed,
  noNodes,
  type OnnxFile,
  openOnnx,
} from '../runtime/interop/onnx/index.js';
import type { Colors, Context, Outcome } from './context.js';
import { refuseInput } from './files.js';
import type { Flags } from './flags.js';
import { displayPath, shellWord } from './paths.js';

export interface ImportFlags extends Flags {
  readonly list?: true;
  readonly node?: string;
  readonly direction?: Direction;
  readonly out?: string;
}

/** @throws RecurveError `ONNX-*`, `IMPORT-USAGE`, `OUT-FORMAT`, `OUT-INPUT`, `DATA-WRITE` */
export async function importModel(context: Context, model: string, flags: ImportFlags): Promise<Outcome> {
  const { list, node, direction, out } = flags;
  if (out === undefined && (node !== undefined || direction !== undefined)) {
    throw usage('--node and --direction choose what to write, but --out is not given', 'Add --out weights.safetensors.');
  }
  if (list && out !== undefined) throw usage('--list writes no file, but --out is given', 'Leave one of them out.');
  if (out !== undefined && !/[^/\\]\.safetensors$/i.test(out)) {
    throw new RecurveError({
      code: 'OUT-FORMAT',
      message: `--out ${out} does not end in .safetensors`,
      fix: 'Weights are written as safetensors.',
      where: '--out',
    });
  }
  if (out !== undefined) refuseInput(context.io.cwd, out, [model]);
  const file = await openOnnx(resolve(context.io.cwd, model), model);
  return out === undefined ? listModel(context, file) : writeWeights(context, file, flags, out);
}

function usage(message: string, fix: string): RecurveError {
  return new RecurveError({ code: 'IMPORT-USAGE', message, fix, where: '--out' });
}

async function writeWeights({ io }: Context, file: OnnxFile, flags: ImportFlags, out: string): Promise<Outcome> {
  const node = nodeNamed(file, flags.node);
  const imported = importWeights(file, node, chooseDirection(node, flags.direction));
  const { cell, options, direction, sizes, tensors, state, lengths, readAs } = imported;
  const batchFirst = layoutOf(node) === 1 ? ['layout=1: the sequences of the model are [B, T, I]; give [T, B, I]'] : [];
  const notes = [...imported.notes, ...batchFirst];
  const path = resolve(io.cwd, out);
  const named: Record<string, TensorToStore> = {};
  for (const [name, { shape, data }] of Object.entries(tensors)) named[`weights.${name}`] = { shape, data };
  for (const [name, { shape, data }] of Object.entries(state)) named[`state.${name}`] = { shape, data };
  if (lengths) named.lengths = { shape: [lengths.length], data: Int32Array.from(lengths) };
  const metadata = {
    cell,
    options: JSON.stringify(options),
    reverse: String(direction === 'reverse'),
    'weights.format': 'onnx',
  };
  await writeBeside(path, writeSafetensors(named, metadata));
  const shown = displayPath(path, io.cwd);
  return {
    document: {
      ok: true,
      node: node.path,
      cell,
      direction,
      options,
      dims: sizes,
      tensors: Object.keys(named),
      readAs,
      notes,
      out: path,
    },
    text: [
      `wrote ${shown}: ${Object.keys(tensors).join(', ')} of ${node.label}, ${direction}, I=${sizes.I} H=${sizes.H}`,
      readAs,
      ...notes,
      `next: npx recurve run ${cell} --data batch.json --weights ${shellWord(shown)}`,
    ].join('\n'),
  };
}

function listModel({ colors }: Context, file: OnnxFile): Outcome {
  const nodes = listNodes(file);
  const text = nodes.length === 0 ? noNodes(file) : nodes.map((node) => nodeText(node, colors));
  return {
    document: { model: file.source, nodes, ...(nodes.length === 0 ? { strangers: file.strangers } : {}) },
    text: [text].flat().join('\n'),
  };
}

function nodeText(node: ListedNode, colors: Colors): string {
  const { name, op, inputSize, hiddenSize, layout, problem } = node;
  const sizes = [inputSize === undefined ? '' : ` I=${inputSize}`, hiddenSize === undefined ? '' : ` H=${hiddenSize}`].join('');
  const batchFirst = layout === 1 ? ' layout=1 (its sequences are [B, T, I]; give [T, B, I])' : '';
  return [
    `${colors.bold(visible(name))}  ${op}${sizes}${batchFirst}`,
    ...(problem ? [`  ${colors.red('cannot be imported')}: ${problem.message}`] : []),
    ...node.directions.map((direction) => `  ${direction.direction}  ${directionText(node.cell, direction, colors)}`),
  ].join('\n');
}

function directionText(cell: string, { options = {}, notes = [], problem }: ListedDirection, colors: Colors): string {
  if (problem) return `${colors.red('cannot be imported')}: ${problem.message}`;
  const said = [cell, ...Object.entries(options).map(([option, value]) => `--set ${option}=${value}`)].join(' ');
  return [said, ...notes].join('\n    ');
}
