/** What a measurement was made on, beside the adapter. */
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';

/** What a software adapter computes on: `AMD EPYC 7763, 2 cores`. */
export function processorName(): string {
  const model = cpus()[0]?.model.trim();
  const cores = availableParallelism();
  return `${model === undefined || model === '' ? process.arch : model}, ${cores} ${cores === 1 ? 'core' : 'cores'}`;
}

/** The version of Dawn's package, whose compiler and scheduler are in every time. */
export function dawnVersion(): string {
  const { version } = createRequire(import.meta.url)('webgpu/package.json') as { version: string };
  return version;
}
