/**
 * Device memory: a few pools, each one buffer (or several where the adapter's limit asks for it). A kernel binds
 * whole pools and reads at constant offsets, so that no cell, however many values it has, runs out of bindings.
 */
import { RecurveError } from '../errors.js';
import type { BufferSpec, Target } from '../plan.js';

/** What a pool holds. Kernels write to one pool and read from the others. */
export type Pool = 'params' | 'weights' | 'inputs' | 'values' | 'adjoints' | 'gradients';

export interface Region {
  readonly buffer: string;
  /** In units of `vec4f` from the start of the buffer. */
  readonly base: number;
}

const BYTES = 16;

export class Memory {
  private readonly pools = new Map<Pool, { name: string; vectors: number }[]>();
  /** Where each region of a buffer begins, ascending. */
  private readonly starts = new Map<string, number[]>();

  constructor(private readonly target: Target) {}

  /** @throws RecurveError `LIMIT-BUFFER` where one tensor exceeds what the adapter can bind */
  allocate(pool: Pool, vectors: number, what: string): Region {
    const limit = Math.floor(Math.min(this.target.maxBindingBytes, this.target.maxBufferBytes) / BYTES);
    if (vectors > limit) {
      throw new RecurveError({
        code: 'LIMIT-BUFFER',
        message: `${what} needs ${vectors * BYTES} bytes, more than this adapter's maxStorageBufferBindingSize of ${limit * BYTES}`,
        fix: 'Use fewer time steps, sequences or units, or an adapter with a larger limit.',
        where: what,
      });
    }
    const buffers = this.pools.get(pool) ?? [];
    this.pools.set(pool, buffers);
    let buffer = buffers.find(({ vectors: used }) => used + vectors <= limit);
    if (!buffer) {
      buffer = { name: buffers.length === 0 ? pool : `${pool}${buffers.length}`, vectors: 0 };
      buffers.push(buffer);
    }
    const base = buffer.vectors;
    buffer.vectors += vectors;
    const starts = this.starts.get(buffer.name) ?? [];
    this.starts.set(buffer.name, starts);
    starts.push(base);
    return { buffer: buffer.name, base };
  }

  /** The region that a place lies in, which may begin before it: nothing is ever allocated twice. */
  around({ buffer, base }: Region): Region {
    const starts = this.starts.get(buffer) ?? [];
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if ((starts[middle] ?? 0) <= base) low = middle;
      else high = middle;
    }
    return { buffer, base: starts[low] ?? 0 };
  }

  buffers(): BufferSpec[] {
    return [...this.pools.values()].flat().map(({ name, vectors }) => ({ name, bytes: vectors * BYTES }));
  }
}
