/** Where values live, and how a kernel addresses them. */
import type { Shape } from '../ir/graph.js';
import { CHUNK, ONE } from '../passes/memory/chunk-step.js';
import type { Region } from './memory.js';

/** How an address depends on the time step and the sequence. */
export type Layout =
  /** `[slots, B, …]`, one slot a step. */
  | 'sequence'
  /** `[2, B, …]`: this step's and the previous one's, by the parity of t. */
  | 'alternating'
  /** `[B, …]`. */
  | 'row'
  /** `[S, B, units]`, a whole sequence as each row has it: the values of one row, `[S, units]`, lie B apart. */
  | 'memory'
  /** `[steps, B, units]`, a step for each of a chunk, as a row has all of these: the values of one row, `[chunk, units]`, lie B apart. */
  | 'chunk'
  /** The same for all rows. */
  | 'shared';

export interface Place extends Region {
  readonly layout: Layout;
  /** The dims of one row's values; `[]` for one number. */
  readonly shape: Shape;
  /** What each axis takes in memory: outer axes in elements, the last in `vec4f`; `[]` for one number, which takes one. */
  readonly extents: readonly number[];
  /**
   * The caller fills it, and where a sequence has no step it may hold anything, NaN too: whatever mixes rows must leave
   * that out. What kernels store there is zero.
   */
  readonly given: boolean;
}

/** `vec4f` that so many units take. */
export const quads = (units: number): number => Math.ceil(units / 4);

/** `vec4f` that one row takes. */
export const widthOf = (place: Pick<Place, 'extents'>): number => place.extents.reduce((product, extent) => product * extent, 1);

/** A place seen from step t: `shift` steps later. */
export interface Access {
  readonly place: Place;
  readonly shift: number;
  /** Zero where t + shift is not one of the T steps; otherwise such a slot is there but must not be used. */
  readonly guarded: boolean;
  /**
   * Each sequence is seen by its own steps alone, from its first or from its last: what stands at t + shift, or at
   * length − 1 − (t + shift), and zero where that is no step of it. `undefined` for the steps of all, as they are numbered.
   */
  readonly own?: 'ahead' | 'back';
}

/** The same place as another section sees it, whose steps run the other way. */
export const turned = (access: Access): Access => ({ ...access, own: access.own === 'back' ? 'ahead' : 'back' });

/** A sequence as a section over chunks sees it: the steps of one together, a number along an axis of one. */
export function inChunks(place: Place, steps: number): Place {
  const number = place.shape.length === 0;
  const [shape, extents] = number ? [[ONE], [1]] : [place.shape, place.extents];
  return { ...place, layout: 'chunk', shape: [CHUNK, ...shape], extents: [steps, ...extents] };
}

/** What a section over chunks leaves, as a sequence; behind a sequence's end it is what is made of zeros, which is of no account. */
export function stepByStep(place: Place): Place {
  const [, ...shape] = place.shape;
  const [, ...extents] = place.extents;
  const number = shape.join() === ONE;
  return { ...place, layout: 'sequence', shape: number ? [] : shape, extents: number ? [] : extents, given: true };
}

export const accessTo = (place: Place, shift = 0): Access => ({ place, shift, guarded: false });

/** A value on its way to memory. */
export type Store = {
  readonly value: number;
  readonly place: Place;
  readonly shift: number;
} & (
  | {
      /** On every step of the sequence (zero behind it), or always. */
      readonly when: 'active' | 'always';
    }
  | {
      /** Only on a sequence's last step, or for one without steps on the first: its final state. */
      readonly when: 'last';
      /** What a sequence without steps ends with: its state before the step. */
      readonly initial: Access;
    }
);

/** A value in memory because it is stored there. */
export const accessOf = ({ place, shift }: Store): Access => accessTo(place, shift);
