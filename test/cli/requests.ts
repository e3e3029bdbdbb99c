/** Data files for tests: a good request of a built-in cell, as the JSON that a user would write. */

import { parseCell, resolveOptions, resolveSignature } from '../../codegen/frontend/index.js';
import type { CellTree, OptionValue, Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import type { Tensor, Tensors } from '../../runtime/data.js';
import { lengthsAlong } from '../../runtime/lengths.js';
import { builtInCells } from '../../runtime/node/cells.js';
import { randomData } from '../../runtime/random.js';

export interface TensorJson {
  shape: number[];
  data: number[];
}
export type TensorsJson = Record<string, TensorJson>;

export interface RequestJson {
  cell?: string;
  options: Record<string, OptionValue>;
  inputs: TensorsJson;
  state: TensorsJson;
  params: TensorsJson;
  lengths: number[];
  reverse: boolean;
  cotangents?: { outputs: TensorsJson; state: TensorsJson };
}

export const SIZES: Sizes = { T: 4, B: 2, I: 3, H: 5, P: 3 };

const trees = new Map<string, CellTree>();

export function builtInSignature(cell: string, options: Readonly<Record<string, OptionValue>> = {}): Signature {
  const path = builtInCells().find(({ name }) => name === cell)?.path;
  if (path === undefined) throw new Error(`no built-in cell ${cell}`);
  const tree = trees.get(path) ?? parseCell(path);
  trees.set(path, tree);
  return resolveSignature(tree, resolveOptions(tree, options));
}

/** Random values, ragged, cotangents on `h` and on the final state. */
export function goodRequest(
  cell: string,
  options: Readonly<Record<string, OptionValue>> = {},
  { sizes = SIZES, seed = 7 }: { readonly sizes?: Sizes; readonly seed?: number } = {},
): RequestJson {
  const signature = builtInSignature(cell, options);
  const h = signature.state.find(({ name }) => name === 'h')?.shape ?? ['H'];
  const data = randomData(signature, sizes, { h }, { seed, ragged: true });
  return {
    options: { ...options },
    inputs: json(data.inputs),
    state: json(data.state),
    params: json(data.params),
    lengths: [...(lengthsAlong(data.lengths, 'T') ?? [])],
    reverse: false,
    cotangents: { outputs: json(data.cotangents?.outputs ?? {}), state: json(data.cotangents?.state ?? {}) },
  };
}

function json(tensors: Tensors): TensorsJson {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]: [string, Tensor]) => [
      name,
      { shape: [...shape], data: [...data].map(padded) },
    ]),
  );
}

/** Behind a sequence's length the data drawn are no numbers, which JSON cannot say. */
function padded(value: number): number {
  return Math.abs(value) < 1e30 ? value : 0.25;
}
