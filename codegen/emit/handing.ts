/**
 * Lanes that hand each other what they loaded: where all of them need the same values, each loads some, and the others get these from
 * its register. A processor's driver takes a load for every lane, whether or not all read the same address.
 */
import type { Shape } from '../ir/graph.js';
import type { Target } from '../plan.js';
import type { Spot } from './values/spots.js';

/** Whether lanes of a workgroup can: every one must be there, and all in one subgroup. */
export function handsOn(target: Target, lanes: number, width: number): boolean {
  return target.broadcasts && lanes === target.subgroup && width % lanes === 0;
}

/** How what all units of a row are summed to is shared out. */
export interface Summing {
  /** Among so many lanes, each of which has every so-manieth four units. */
  readonly lanes: number;
  /** Whether they do it together: otherwise each does it for all, in the same order. */
  readonly together: boolean;
  /** Where a lane's own units are, if those of all lanes are a row of this shape: what is summed there it has already. */
  readonly row?: { readonly shape: Shape; readonly own: readonly Spot[] } | undefined;
}

/** On a processor, where a load costs more than what is done with it. */
export const summing = ({ software, subgroup }: Target, together: boolean, row?: Summing['row']): Summing | undefined =>
  software ? { lanes: subgroup, together, row } : undefined;

/** Steps or positions that lanes have together, of which each loads one where all of them read the same there. */
export interface Loaders {
  /** The index of each of them, in order. */
  readonly indices: readonly string[];
  /** The index of the one that a lane loads, and what declares it. */
  readonly own: string;
  readonly line: string;
}

export interface Share {
  /** Which of the values a lane loads itself, one after the other; WGSL of type `u32`. */
  readonly loads: readonly string[];
  /** The lane that has a value, and which of its loads that is. */
  readonly owner: (index: number) => { readonly load: number; readonly lane: number };
}

/** So many values shared out among lanes; both are powers of two. */
export function shared(count: number, lanes: number, lane: string): Share {
  const loads = [...Array(Math.ceil(count / lanes)).keys()];
  return {
    loads: loads.map((load) => (count < lanes ? `${lane} % ${count}u` : `${lane} + ${load * lanes}u`)),
    owner: (index) => ({ load: Math.floor(index / lanes), lane: index % lanes }),
  };
}
