/** The cells of a model's layers: built-in ones by name, and those that its file imports. Each is read once. */
import { RecurveError, SpecError } from '../../errors.js';
import { builtInCells } from '../../shipped.js';
import type { Diagnostics } from '../diagnostics/diagnostics.js';
import type { Binding, Module } from '../source/module.js';
import type { CellTree } from '../tree.js';

type CellBinding = Extract<Binding, { kind: 'cell' }>;

/** Built-in cells do not change while a process runs: each is read once, whatever models are made of it. */
const BUILT_IN = new Map<string, CellTree>();

export class LayerCells {
  /** By the path of the file; `undefined` for one with mistakes, which are reported. */
  readonly #imported = new Map<string, CellTree | undefined>();
  readonly #builtIn = new Map(builtInCells().map(({ name, path }) => [name, path]));

  /**
   * @param parse reads a cell's file; its mistakes are reported, each at its own place
   * @param module of the model: the cells that it imports are read whether a layer is made of them or not
   */
  constructor(
    private readonly parse: (path: string) => CellTree,
    module: Module,
    private readonly diagnostics: Diagnostics,
  ) {
    for (const binding of module.names.values()) if (binding.kind === 'cell') this.#readImported(binding);
  }

  get builtIn(): readonly string[] {
    return [...this.#builtIn.keys()];
  }

  /** `none` where there is no cell of that name, `undefined` where there is one with mistakes. */
  find(key: string): CellTree | 'none' | undefined {
    if (this.#imported.has(key)) return this.#imported.get(key);
    const path = this.#builtIn.get(key);
    if (path === undefined) return 'none';
    const tree = BUILT_IN.get(path) ?? this.parse(path);
    BUILT_IN.set(path, tree);
    return tree;
  }

  #readImported({ file, at }: CellBinding): void {
    if (this.#imported.has(file)) return;
    this.#imported.set(file, undefined);
    try {
      this.#imported.set(file, this.parse(file));
    } catch (error) {
      if (error instanceof SpecError) this.diagnostics.absorb(error.diagnostics);
      else if (error instanceof RecurveError) {
        const code = error.code === 'SPEC-NOT-A-CELL' ? 'SPEC-LAYER-CELL' : 'SPEC-IMPORT-NOT-FOUND';
        this.diagnostics.report(code, at, error.message, error.fix ?? 'Check the path.');
      } else throw error;
    }
  }
}
