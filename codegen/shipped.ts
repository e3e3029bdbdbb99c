/** Source files that come with recurve: they are read like a user's, not imported. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Where a file below `kernels/` lies. Built code runs from below `dist`, tests from below the root: this walks up until it
 * finds the file.
 */
export function shippedPath(room: 'cells' | 'models' | 'library', file: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const path = join(folder, 'kernels', room, file);
    if (existsSync(path)) return path;
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`kernels/${room}/${file} is missing from the package`);
    folder = parent;
  }
}

const CELL = '.cell.ts';
const MODEL = '.model.ts';

/** A cell or model that comes with recurve. */
export interface BuiltIn {
  /** As commands and `compile` call it. */
  readonly name: string;
  /** Absolute, of its source. */
  readonly path: string;
}

/** Built-in cells in alphabetical order. */
export function builtInCells(): BuiltIn[] {
  return builtIn(dirname(shippedPath('cells', `gru${CELL}`)), CELL);
}

/** Built-in models in alphabetical order. */
export function builtInModels(): BuiltIn[] {
  return builtIn(dirname(shippedPath('models', `stack${MODEL}`)), MODEL);
}

function builtIn(folder: string, suffix: string): BuiltIn[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(suffix))
    .sort()
    .map((file) => ({ name: file.slice(0, -suffix.length), path: join(folder, file) }));
}
