/** `recurve import`: recurrent layers of a model's file, and the weights of one, or of a whole stack, for `recurve run --weights`. */
import { resolve } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import { readUserFile } from '../codegen/read-file.js';
import type { TensorFile } from '../runtime/interop/containers/container.js';
import { type FrameworkName, isTensorFile, openTensorFile, stackWeightsOf } from '../runtime/interop/index.js';
import {
  chainNamed,
  chainsOf,
  chooseDirection,
  type Direction,
  importChain,
  importWeights,
  layoutOf,
  nodeNamed,
  type OnnxFile,
  openOnnx,
} from '../runtime/interop/onnx/index.js';
import type { Context, Outcome } from './context.js';
import { refuseInput } from './files.js';
import type { Flags } from './flags.js';
import { listCheckpoint, listModel } from './import-list.js';
import { type StackFormat, writeStack } from './import-stack.js';
import { nextRun, store } from './import-store.js';

export interface ImportFlags extends Flags {
  readonly list?: true;
  readonly node?: string;
  readonly direction?: Direction;
  readonly stack?: true;
  readonly prefix?: string;
  readonly format?: FrameworkName;
  readonly as?: StackFormat;
  readonly out?: string;
}

/** @throws RecurveError `ONNX-*`, `IMPORT-*`, `OUT-FORMAT`, `OUT-INPUT`, `DATA-WRITE` */
export async function importModel(context: Context, model: string, flags: ImportFlags): Promise<Outcome> {
  const { list, direction, stack, out } = flags;
  const stray = (['node', 'direction', 'stack', 'prefix', 'as'] as const).find((flag) => flags[flag] !== undefined);
  if (out === undefined && stray !== undefined) {
    throw usage(`--${stray} chooses what to write, but --out is not given`, 'Add --out weights.safetensors.');
  }
  if (list && out !== undefined) throw usage('--list writes no file, but --out is given', 'Leave one of them out.');
  if (stack && direction !== undefined) {
    throw usage('--direction chooses one direction, and --stack takes all', 'Leave one of them out.');
  }
  if (out !== undefined && !/[^/\\]\.safetensors$/i.test(out)) {
    throw new RecurveError({
      code: 'OUT-FORMAT',
      message: `--out ${out} does not end in .safetensors`,
      fix: 'Weights are written as safetensors.',
      where: '--out',
    });
  }
  if (out !== undefined) refuseInput(context.io.cwd, out, [model]);
  const path = resolve(context.io.cwd, model);
  if (!/\.onnx$/i.test(model)) {
    const bytes = readUserFile(path, { code: 'ONNX-FILE', fix: 'Give an existing file.', source: model });
    if (isTensorFile(bytes, model)) return importCheckpoint(context, await openTensorFile(bytes, model), flags);
  }
  refuseForeign(flags, ['prefix', 'format'], 'a checkpoint', model);
  const file = await openOnnx(path, model);
  if (out === undefined) return listModel(context, file);
  if (stack || isOneStack(file, flags)) {
    return writeStack(context, importChain(file, chainNamed(file, flags.node)), { out, as: flags.as });
  }
  if (flags.as !== undefined) throw usage('--as is the layout of a stack, and one node is written', 'Add --stack.');
  return writeNode(context, file, flags, out);
}

/** All of a stack of PyTorch or Keras; one layer of theirs is read by `run` as it is. */
async function importCheckpoint(context: Context, file: TensorFile, flags: ImportFlags): Promise<Outcome> {
  refuseForeign(flags, ['node', 'direction'], 'an ONNX model', file.source);
  const { prefix, format, out } = flags;
  const choice = { ...(prefix === undefined ? {} : { prefix }), ...(format === undefined ? {} : { format }) };
  if (out === undefined && !Object.hasOwn(file.metadata, 'weights.format')) return listCheckpoint(context, file, choice);
  const stack = stackWeightsOf(file, choice);
  if (stack.cell === 'stack' && out !== undefined) return writeStack(context, stack, { out, as: flags.as });
  const what = stack.cell === 'stack' ? 'a stack' : `one layer of the cell ${stack.cell}`;
  throw usage(
    `${file.source} is what import wrote, ${what}`,
    `Give it to run: recurve run ${stack.cell} --weights ${file.source}.`,
  );
}

function refuseForeign(flags: ImportFlags, mine: readonly (keyof ImportFlags)[], kind: string, source: string): void {
  const stray = mine.find((flag) => flags[flag] !== undefined);
  if (stray !== undefined) throw usage(`--${stray} chooses within ${kind}, and ${source} is none`, `Leave --${stray} out.`);
}

function usage(message: string, fix: string): RecurveError {
  return new RecurveError({ code: 'IMPORT-USAGE', message, fix, where: '--out' });
}

/** Where nothing is chosen and the nodes of a model are the layers of one network, all of it is meant. */
function isOneStack(file: OnnxFile, { node, direction }: ImportFlags): boolean {
  return file.nodes.length > 1 && node === undefined && direction === undefined && chainsOf(file).chains.length === 1;
}

async function writeNode(context: Context, file: OnnxFile, flags: ImportFlags, out: string): Promise<Outcome> {
  const node = nodeNamed(file, flags.node);
  const imported = importWeights(file, node, chooseDirection(node, flags.direction));
  const { cell, options, direction, sizes, tensors, state, lengths, readAs } = imported;
  const batchFirst = layoutOf(node) === 1 ? ['layout=1: the sequences of the model are [B, T, I]; give [T, B, I]'] : [];
  const notes = [...imported.notes, ...batchFirst];
  const { path, shown, names } = await store(context, out, {
    cell,
    options,
    reverse: direction === 'reverse',
    initial: { state, ...(lengths ? { lengths } : {}) },
    weights: { format: 'onnx', tensors },
  });
  return {
    document: { ok: true, node: node.path, cell, direction, options, dims: sizes, tensors: names, readAs, notes, out: path },
    text: [
      `wrote ${shown}: ${Object.keys(tensors).join(', ')} of ${node.label}, ${direction}, I=${sizes.I} H=${sizes.H}`,
      readAs,
      ...notes,
      nextRun(cell, shown),
    ].join('\n'),
  };
}
