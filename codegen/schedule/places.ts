/** Where values live, and how a kernel addresses them. */
import type { Region } from './memory.js';

/** How an address depends on the time step and the sequence. */
export type Layout =
  /** `[slots, B, units]`, one slot a step. */
  | 'sequence'
  /** `[2, B, units]`: this step's and the previous one's, by the parity of t. */
  | 'alternating'
  /** `[B, units]`. */
  | 'row'
  /** `[units]`, the same for all rows. */
  | 'vector'
  /** One number. */
  | 'word';

export interface Place extends Region {
  readonly layout: Layout;
  /** The dim of the units; `undefined` for a word. */
  readonly dim: string | undefined;
}

/** A place seen from step t: `shift` steps later. */
export interface Access {
  readonly place: Place;
  readonly shift: 0 | 1;
}

/** A value on its way to memory. */
export interface Store extends Access {
  readonly value: number;
  /** Only on a sequence's last step (its final state), on every step of the sequence (zero behind it), or always. */
  readonly when: 'last' | 'active' | 'always';
}
