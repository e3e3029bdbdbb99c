/** The file that `recurve import` writes: weights, what they start from, and in its metadata what they are. */
import { resolve } from 'node:path';
import { type TensorToStore, type WeightsFile, writeBeside, writeSafetensors } from '../runtime/interop/index.js';
import type { Context } from './context.js';
import { displayPath, shellWord } from './paths.js';

export interface Stored {
  readonly path: string;
  /** The path as messages have it. */
  readonly shown: string;
  /** Of all tensors. */
  readonly names: readonly string[];
}

/** @param prefix of the names of weights @throws RecurveError `DATA-WRITE` */
export async function store(
  { io }: Context,
  out: string,
  file: Omit<WeightsFile, 'source'>,
  prefix = 'weights.',
): Promise<Stored> {
  const { cell, options, reverse, initial, weights } = file;
  const named: Record<string, TensorToStore> = {};
  for (const [name, { shape, data }] of Object.entries(weights.tensors)) named[`${prefix}${name}`] = { shape, data };
  for (const [name, { shape, data }] of Object.entries(initial.state)) named[`state.${name}`] = { shape, data };
  if (initial.lengths) named.lengths = { shape: [initial.lengths.length], data: Int32Array.from(initial.lengths) };
  const metadata = {
    ...(cell === undefined ? {} : { cell }),
    options: JSON.stringify(options),
    reverse: String(reverse),
    'weights.format': weights.format,
  };
  const path = resolve(io.cwd, out);
  await writeBeside(path, writeSafetensors(named, metadata));
  return { path, shown: displayPath(path, io.cwd), names: Object.keys(named) };
}

export function nextRun(cell: string, shown: string): string {
  return `next: npx recurve run ${cell} --data batch.json --weights ${shellWord(shown)}`;
}
