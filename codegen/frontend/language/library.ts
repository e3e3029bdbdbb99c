/** Helpers that come with recurve: written in the language, read like any other file of a spec. */
import { shippedPath } from '../../shipped.js';

/** Which file of kernels/library a name that `recurve` exports is in. */
const FILES: Readonly<Record<string, string>> = { layerNorm: 'normalization.ts', rmsNorm: 'normalization.ts' };

export const LIBRARY: readonly string[] = Object.keys(FILES);

/** How a file of the library is called in diagnostics and trees, wherever it is installed. */
export const libraryFile = (name: string): string | undefined =>
  Object.hasOwn(FILES, name) ? `recurve:${FILES[name]}` : undefined;

/** Where it lies. */
export const libraryPath = (file: string): string => shippedPath('library', file.slice('recurve:'.length));
