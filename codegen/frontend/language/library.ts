/** Helpers that come with recurve: written in the language, read like any other file of a spec. */
import { shippedPath } from '../../shipped.js';

/** Which file of kernels/library a name that `recurve` exports is in. */
const FILES: Readonly<Record<string, string>> = {
  layerNorm: 'normalization.ts',
  rmsNorm: 'normalization.ts',
  binaryCrossEntropy: 'losses.ts',
  squaredError: 'losses.ts',
  absoluteError: 'losses.ts',
  huber: 'losses.ts',
};

export const LIBRARY: readonly string[] = Object.keys(FILES);

const SCHEME = 'recurve:';

/** How a file of the library is called in diagnostics and trees, wherever it is installed. */
export const libraryFile = (name: string): string | undefined =>
  Object.hasOwn(FILES, name) ? `${SCHEME}${FILES[name]}` : undefined;

/** Where it lies. */
export const libraryPath = (file: string): string => shippedPath('library', file.slice(SCHEME.length));

/** Whether a file among a tree's sources comes with recurve: it does not change, and stays where it is. */
export const isLibraryFile = (file: string): boolean => file.startsWith(SCHEME);

/** What a helper that comes with recurve is called, from its key in a tree. */
export const libraryName = (key: string): string | undefined =>
  isLibraryFile(key) ? key.slice(key.lastIndexOf('#') + 1) : undefined;
