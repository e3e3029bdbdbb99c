/** Helpers that come with recurve: written in the language, read like any other file of a spec. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Which file of kernels/library a name that `recurve` exports is in. */
const FILES: Readonly<Record<string, string>> = { layerNorm: 'normalization.ts', rmsNorm: 'normalization.ts' };

export const LIBRARY: readonly string[] = Object.keys(FILES);

/** How a file of the library is called in diagnostics and trees, wherever it is installed. */
export const libraryFile = (name: string): string | undefined =>
  Object.hasOwn(FILES, name) ? `recurve:${FILES[name]}` : undefined;

/** Where it lies. Built code runs from below `dist`, tests from below the root: this walks up until it finds the folder. */
export function libraryPath(file: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const path = join(folder, 'kernels', 'library', file.slice('recurve:'.length));
    if (existsSync(path)) return path;
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`${file} is missing from the package`);
    folder = parent;
  }
}
