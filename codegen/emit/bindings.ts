/** The buffers that one kernel binds, in the order it first names them. */
import type { KernelSpec } from '../plan.js';
import type { Storage } from '../schedule/storage.js';

export const LENGTHS = 'lengths';

/** How many steps sequence b has, an `i32`; in a section over chunks, how many of these. */
export function stepsOf({ links: { time, chunk }, shared }: Storage, bindings: Bindings, b: string): string {
  if (time === undefined) return '1';
  const length = lengthOf({ shared }, bindings, time, b);
  return chunk === undefined ? `i32(${length})` : `i32((${length} + ${chunk - 1}u) / ${chunk}u)`;
}

/** How many it has along a time axis, a `u32`. */
export function lengthOf({ shared }: Pick<Storage, 'shared'>, bindings: Bindings, time: string, b: string): string {
  const start = shared.lengthsAt(time);
  return `${bindings.lengths()}[${start === 0 ? b : `${start}u + ${b}`}]`;
}

/** The number of the sequence that is the `turn`-th longest along the section's time axis, a `u32`. */
export const sequenceOf = ({ links: { time = '' }, shared }: Storage, bindings: Bindings, turn: string): string =>
  `${bindings.lengths()}[${shared.orderAt(time)}u + ${turn}]`;

/** How many sequences the run has where b is one of them, else 0: a `u32`. */
export function batchOf({ shared }: Pick<Storage, 'shared'>, bindings: Bindings, b: string): string {
  const count = `${bindings.lengths()}[${shared.batchAt}u]`;
  return `select(0u, ${count}, ${b} < ${count})`;
}

export class Bindings {
  private readonly access = new Map<string, 'read' | 'read_write'>();

  read(buffer: string): string {
    if (!this.access.has(buffer)) this.access.set(buffer, 'read');
    return buffer;
  }

  write(buffer: string): string {
    this.access.set(buffer, 'read_write');
    return buffer;
  }

  lengths(): string {
    return this.read(LENGTHS);
  }

  spec(): KernelSpec['bindings'] {
    return [...this.access].map(([buffer, access]) => ({ buffer, access }));
  }

  template(): object[] {
    return this.spec().map(({ buffer, access }, index) => ({
      index,
      access,
      buffer,
      type: buffer === LENGTHS ? 'u32' : 'vec4f',
    }));
  }
}
