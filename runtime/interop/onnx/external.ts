/** Weights that a model keeps in a file of its own beside it (https://onnx.ai/onnx/repo-docs/ExternalData.html). */
import { readSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, sep } from 'node:path';
import type { StringStringEntryProto } from 'onnx-buf';
import { FileFault, type OpenFile, reasonOf, withRegularFile } from '../../../codegen/read-file.js';
import { quote } from '../describe.js';
import { onnxError } from './errors.js';

/**
 * The bytes of a tensor that takes `size` of them.
 *
 * @param label how messages call the tensor
 * @throws RecurveError `ONNX-EXTERNAL`
 */
export type ReadExternal = (entries: readonly StringStringEntryProto[], size: number, label: string) => Uint8Array;

export interface ExternalFiles {
  readonly read: ReadExternal;
  /** Bytes of all files that were opened. */
  opened(): number;
}

/** How often all of the files may be read: tensors that share bytes are rare, and thousands of them an attack. */
const MOST_READINGS = 4;

/** Reads only below the model's own folder: a downloaded model must not choose any other file of the machine. */
export function externalReader(modelPath: string): ExternalFiles {
  const paths = new Set<string>();
  let [opened, taken] = [0, 0];
  const read: ReadExternal = (entries, size, label) => {
    const { location, offset, length = size } = parseEntries(entries, label);
    if (length !== size) throw externalError(label, `states ${length} bytes in ${quote(location)}, but its shape takes ${size}`);
    const path = pathBeside(modelPath, location, label);
    try {
      return withRegularFile(path, (file) => {
        if (!paths.has(path)) opened += file.size;
        paths.add(path);
        if (offset + size <= file.size) taken += size;
        if (taken > MOST_READINGS * opened)
          throw externalError(label, `is in ${quote(location)}, which other tensors have read over and over`);
        return readPart(file, { location, offset, size, label });
      });
    } catch (cause) {
      if (!(cause instanceof FileFault)) throw cause;
      throw externalError(label, `is in ${quote(location)}, which ${cause.reason}`, undefined, cause);
    }
  };
  return { read, opened: () => opened };
}

interface Part {
  readonly location: string;
  readonly offset: number;
  readonly size: number;
  readonly label: string;
}

function readPart(file: OpenFile, { location, offset, size, label }: Part): Uint8Array {
  if (offset + size > file.size) {
    throw externalError(
      label,
      `is at bytes ${offset} to ${offset + size} of ${quote(location)}, which has ${file.size}`,
      'The file was cut short; copy it again.',
    );
  }
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const count = attempt(label, location, () => readSync(file.descriptor, bytes, at, size - at, offset + at));
    if (count === 0) throw externalError(label, `ends early in ${quote(location)}`);
    at += count;
  }
  return bytes;
}

interface Place {
  readonly location: string;
  readonly offset: number;
  readonly length?: number;
}

function parseEntries(entries: readonly StringStringEntryProto[], label: string): Place {
  const values = new Map(entries.map(({ key, value }) => [key, value]));
  const number = (key: string): number | undefined => {
    const value = values.get(key);
    if (value === undefined) return undefined;
    if (/^\d{1,15}$/.test(value)) return Number(value);
    throw externalError(label, `has the ${key} ${quote(value)} in another file; it is a whole number`);
  };
  return { location: values.get('location') ?? '', offset: number('offset') ?? 0, length: number('length') };
}

function pathBeside(modelPath: string, location: string, label: string): string {
  const folder = dirname(modelPath);
  if (location === '') throw externalError(label, 'is in another file, which it does not name');
  const leaves = isAbsolute(location) || /^[a-z]:/i.test(location) || location.split(/[/\\]/).includes('..');
  const path = leaves ? '' : attempt(label, location, () => realpathSync(join(folder, location)));
  const inside = attempt(label, location, () => realpathSync(folder));
  // A link inside may lead outside, so it is the resolved path that is held to the folder.
  if (path.startsWith(inside.endsWith(sep) ? inside : inside + sep)) return path;
  throw externalError(label, `is in ${quote(location)}, outside the folder of the model`);
}

function attempt<V>(label: string, location: string, action: () => V): V {
  try {
    return action();
  } catch (cause) {
    throw externalError(label, `is in ${quote(location)}, which cannot be read: ${reasonOf(cause)}`, undefined, cause);
  }
}

function externalError(label: string, complaint: string, fix?: string, cause?: unknown) {
  return onnxError('ONNX-EXTERNAL', `${label} ${complaint}`, label, {
    fix: fix ?? 'Put the file of its weights beside the model, or save the model with its weights inside.',
    cause,
  });
}
