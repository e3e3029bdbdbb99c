/** The cells that requests name, parsed and ready to be bound to. */
import { isCurrent, resolveOptions, resolveSpec, valuesOf } from '../codegen/frontend/index.js';
import type { OptionValue, SpecTree } from '../codegen/frontend/tree.js';
import { outputShapes } from '../runtime/check/outputs.js';
import type { CellInterface } from '../runtime/interop/index.js';
import { parseChecked, resolveCell, resolveRequestedCell } from '../runtime/node/cells.js';
import { LeastRecentlyUsed } from './lru.js';

/** What a stream's requests may name. */
export interface StreamCells {
  /** The command line's own cell, any path. */
  readonly given: string | undefined;
  /** The folder below which all others lie. */
  readonly folder: string;
}

export interface ReadyCell {
  readonly tree: SpecTree;
  readonly face: CellInterface;
}

interface Kept {
  readonly tree: SpecTree;
  /** By options. */
  readonly faces: LeastRecentlyUsed<CellInterface>;
}

/** Parsed cells, and choices of options of each: all that a stream keeps of them, however many its requests name. */
export const KEPT = { trees: 32, choices: 32 };

/** Parses a cell's files once while it is in use and they hold what they held: a file that changed is read anew. */
export class CellShelf {
  readonly #cwd: string;
  readonly #stream: StreamCells | undefined;
  readonly #trees = new LeastRecentlyUsed<Kept>(KEPT.trees);

  /** @param stream where cells are named by the requests of a stream, and not by the user's own command and file */
  constructor(cwd: string, stream?: StreamCells) {
    this.#cwd = cwd;
    this.#stream = stream;
  }

  /** @throws RecurveError, SpecError */
  get(cell: string, given: Readonly<Record<string, OptionValue>>): ReadyCell {
    const { tree, faces } = this.#tree(this.#path(cell));
    const options = resolveOptions(tree, given);
    const key = JSON.stringify(options);
    return { tree, face: faces.find(key) ?? faces.keep(key, faceOf(tree, options)) };
  }

  /** How many trees, and choices of options of all of them, are kept. */
  get size(): { readonly trees: number; readonly choices: number } {
    return { trees: this.#trees.size, choices: this.#trees.values().reduce((sum, { faces }) => sum + faces.size, 0) };
  }

  #path(cell: string): string {
    const stream = this.#stream;
    return stream === undefined || cell === stream.given
      ? resolveCell(cell, this.#cwd)
      : resolveRequestedCell(cell, stream.folder);
  }

  #tree(path: string): Kept {
    const found = this.#trees.find(path);
    if (found !== undefined && isCurrent(found.tree)) return found;
    return this.#trees.keep(path, { tree: parseChecked(path), faces: new LeastRecentlyUsed(KEPT.choices) });
  }
}

function faceOf(tree: SpecTree, options: ReturnType<typeof resolveOptions>): CellInterface {
  const signature = resolveSpec(tree, options);
  return { signature, outputs: outputShapes(signature, valuesOf(tree, signature)) };
}
