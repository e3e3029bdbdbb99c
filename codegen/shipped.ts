/** Source files that come with recurve: they are read like a user's, not imported. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Where a file below `kernels/` lies. Built code runs from below `dist`, tests from below the root: this walks up until it
 * finds the file.
 */
export function shippedPath(room: 'cells' | 'library', file: string): string {
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

/** Built-in cells in alphabetical order: name and absolute path. */
export function builtInCells(): { readonly name: string; readonly path: string }[] {
  const folder = dirname(shippedPath('cells', `gru${CELL}`));
  return readdirSync(folder)
    .filter((file) => file.endsWith(CELL))
    .sort()
    .map((file) => ({ name: file.slice(0, -CELL.length), path: join(folder, file) }));
}
