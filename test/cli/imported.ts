/** What tests of imported stacks share: a folder, and files in it that are imported and run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../runtime/interop/index.js';
import { documentOf, recurve, scratchFolder } from './harness.js';
import { type Answer, requestOf } from './stack-answers.js';
import type { Case, Data, Named } from './stack-frameworks.js';

export const cwd = scratchFolder();

export function save(name: string, content: Uint8Array | object): string {
  writeFileSync(join(cwd, name), content instanceof Uint8Array ? content : JSON.stringify(content));
  return name;
}

/** Inputs, lengths and cotangents of a case, without what an ONNX file has beside its weights. */
export function batchOf(kase: Case, data: Data): string {
  const { inputs, lengths, state, cotangents } = requestOf(kase, data) as Record<string, unknown>;
  return save('batch.json', { inputs, cotangents, ...(kase.format === 'onnx' ? {} : { lengths, state }) });
}

export async function importedRun(model: string, batch: string, ...flags: string[]): Promise<{ answer: Answer; told: string }> {
  const wrote = await recurve(['import', model, '--out', 'stack.safetensors', ...flags], { cwd });
  expect(wrote).toMatchObject({ code: 0, stderr: '' });
  const ran = await recurve(['run', '--data', batch, '--weights', 'stack.safetensors', '--reference'], { cwd });
  expect(ran).toMatchObject({ code: 0 });
  return { answer: documentOf(ran) as Answer, told: wrote.stdout };
}

const bitsOf = (values: readonly number[]) => Buffer.from(Float32Array.from(values).buffer).toString('hex');

/** The bytes of every tensor of a file. */
export function storedIn(name: string): Readonly<Record<string, string>> {
  const { tensors } = readSafetensors(readFileSync(join(cwd, name)), name);
  return Object.fromEntries(Object.entries(tensors).map(([key, { bytes }]) => [key, Buffer.from(bytes).toString('hex')]));
}

/** The bytes of weights as `import` has to keep them. */
export const weightBits = (weights: Named) =>
  Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [`weights.${name}`, bitsOf(data)]));

/** Tensors as a safetensors file, each name behind a prefix. */
export const stored = (tensors: Named, prefix = '') =>
  writeSafetensors(
    Object.fromEntries(
      Object.entries(tensors).map(([name, { shape, data }]) => [`${prefix}${name}`, { shape, data: Float32Array.from(data) }]),
    ),
  );
