/** What `recurve import` lists of each recurrent node. */
import { RecurveError } from '../../../codegen/errors.js';
import type { CellName } from '../weights/layout.js';
import { integer } from './attributes.js';
import { type Direction, directionsOf, importWeights, layoutOf, type OnnxFile } from './import.js';
import { OP_FORMS, type Options } from './options.js';
import type { RecurrentNode, RecurrentOp } from './walk.js';

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
}

export interface ListedDirection {
  readonly direction: Direction;
  /** What to give our cell beside the weights; absent where the direction cannot be imported. */
  readonly options?: Options;
  /** What is kept beside them, assumed or left to a run. */
  readonly notes?: readonly string[];
  /** Why it cannot be imported. */
  readonly problem?: Problem;
}

export interface ListedNode {
  /** What `--node` takes. */
  readonly name: string;
  readonly op: RecurrentOp;
  /** Our cell. */
  readonly cell: CellName;
  readonly directions: readonly ListedDirection[];
  readonly hiddenSize?: number;
  readonly inputSize?: number;
  /** 1 where the model's sequences are `[B, T, I]`; ours are `[T, B, I]`. */
  readonly layout?: 0 | 1;
  /** Why nothing of it can be imported. */
  readonly problem?: Problem;
}

/** Every recurrent node. Each is imported to the last value, so that what is listed without a problem has none. */
export function listNodes(file: OnnxFile): readonly ListedNode[] {
  return file.nodes.map((node) => {
    const about = { name: node.path, op: node.op, cell: OP_FORMS[node.op].cell };
    const general = attempt(() => ({
      layout: layoutOf(node),
      hiddenSize: integer(node, 'hidden_size'),
      kinds: directionsOf(node),
    }));
    if (!('value' in general)) return { ...about, directions: [], ...general };
    const { kinds, ...rest } = general.value;
    const directions = kinds.map((direction) => listDirection(file, node, direction));
    const sizes = directions.find((listed) => listed.sizes)?.sizes;
    return {
      ...about,
      ...rest,
      ...(sizes ? { hiddenSize: sizes.H, inputSize: sizes.I } : {}),
      directions: directions.map(({ sizes: _, ...listed }) => listed),
    };
  });
}

function listDirection(
  file: OnnxFile,
  node: RecurrentNode,
  direction: Direction,
): ListedDirection & { sizes?: { readonly I: number; readonly H: number } } {
  const imported = attempt(() => importWeights(file, node, direction));
  if (!('value' in imported)) return { direction, ...imported };
  const { options, notes, sizes } = imported.value;
  return { direction, options, ...(notes.length > 0 ? { notes } : {}), sizes };
}

/** The refusal of one node is a line of the list, not the end of it. */
function attempt<V>(action: () => V): { readonly value: V } | { readonly problem: Problem } {
  try {
    return { value: action() };
  } catch (error) {
    if (!(error instanceof RecurveError)) throw error;
    const { code, message, fix } = error;
    return { problem: { code, message, fix } };
  }
}
