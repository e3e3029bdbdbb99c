/** What `recurve import --list` says: recurrent nodes, and the stacks that they are the layers of. */
import { RecurveError } from '../codegen/errors.js';
import { visible } from '../codegen/visible.js';
import type { TensorFile } from '../runtime/interop/containers/container.js';
import { type LayerChoice, type ReadStack, stacksOf } from '../runtime/interop/index.js';
import {
  type Chain,
  chainsOf,
  importChain,
  type ListedDirection,
  type ListedNode,
  listNodes,
  noNodes,
  type OnnxFile,
} from '../runtime/interop/onnx/index.js';
import { optionFlags } from '../runtime/interop/stack/describe.js';
import type { Colors, Context, Outcome } from './context.js';

/** A stack, and what it is or why it is none. */
export interface ListedStack {
  /** What chooses it. */
  readonly name: string;
  /** Of its layers, from the first on. */
  readonly layers: readonly string[];
  readonly options?: ReadStack['options'];
  readonly reverse?: boolean;
  readonly readAs?: string;
  readonly notes?: readonly string[];
  readonly problem?: { readonly code: string; readonly message: string; readonly fix: string };
}

export function listModel({ colors }: Context, file: OnnxFile): Outcome {
  const nodes = listNodes(file);
  const stacks = chainsOf(file)
    .chains.filter(({ length }) => length > 1)
    .map((chain) => listedStack(chain.at(-1)?.path ?? '', labelsOf(chain), () => importChain(file, chain)));
  const text =
    nodes.length === 0
      ? [noNodes(file)]
      : [...nodes.map((node) => nodeText(node, colors)), ...stacks.map((stack) => stackText(stack, colors))];
  return {
    document: {
      model: file.source,
      nodes,
      ...(nodes.length === 0 ? { strangers: file.strangers } : {}),
      ...(stacks.length === 0 ? {} : { stacks }),
    },
    text: text.join('\n'),
  };
}

/** @throws RecurveError `WEIGHTS-NONE`, `WEIGHTS-PARAMETRIZATION` */
export function listCheckpoint({ colors }: Context, file: TensorFile, choice: LayerChoice): Outcome {
  const stacks = stacksOf(file).map(({ name, layers, read }) => listedStack(name, layers, () => read(choice)));
  const text = stacks.map((stack) => stackText({ ...stack, layers: [stack.name === '' ? '(no prefix)' : stack.name] }, colors));
  return {
    document: { model: file.source, stacks },
    text: stacks.length === 0 ? `${file.source} has no layers that a stack is made of` : text.join('\n'),
  };
}

const labelsOf = (chain: Chain): readonly string[] => chain.map(({ path }) => path);

/** The refusal of one stack is a line of the list, not the end of it. */
function listedStack(name: string, layers: readonly string[], read: () => ReadStack): ListedStack {
  try {
    const { options, reverse, readAs, notes } = read();
    return {
      name,
      layers,
      options,
      reverse,
      ...(readAs === undefined ? {} : { readAs }),
      ...(notes.length === 0 ? {} : { notes }),
    };
  } catch (error) {
    if (!(error instanceof RecurveError)) throw error;
    const { code, message, fix } = error;
    return { name, layers, problem: { code, message, fix } };
  }
}

function stackText({ layers, options = {}, reverse = false, notes = [], problem }: ListedStack, colors: Colors): string {
  const head = colors.bold(visible(layers.join(' → ')));
  if (problem) return `${head}\n  ${colors.red('cannot be imported as a stack')}: ${problem.message}`;
  return [head, `  stack ${optionFlags({ options, reverse })}`, ...notes.map((note) => `    ${note}`)].join('\n');
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
