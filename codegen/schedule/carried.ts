/** What a loop brings from step to step, found in what its phases read and write: states going forward, cotangents going back. */
import type { NodeId } from '../ir/graph.js';
import type { Order } from './passes.js';
import type { Place } from './places.js';

export type Loop = Pick<Extract<Order, { kind: 'loop' }>, 'by' | 'passes'>;

/** A value that a step leaves for the one that the loop visits next. */
export interface Carried {
  readonly place: Place;
  /** How far from step t it is read, and written: they differ by one step. */
  readonly before: number;
  readonly after: number;
  /** What is written, and the leaves that read it. */
  readonly value: NodeId;
  readonly leaves: readonly NodeId[];
}

export const keyOf = ({ buffer, base }: Pick<Place, 'buffer' | 'base'>): string => `${buffer} ${base}`;

/** The places that a loop writes. */
export const writtenBy = ({ passes }: Pick<Loop, 'passes'>): ReadonlySet<string> =>
  new Set(passes.flatMap(({ phase }) => phase.stores.map(({ place }) => keyOf(place))));

/** Units read by other lanes than those that write them are not asked about: `meeting` is. */
export function carriedOf({ by, passes }: Loop): Carried[] {
  const found = new Map<string, Carried>();
  const stores = passes.flatMap(({ phase }) => phase.stores).filter(({ when }) => when === 'active');
  for (const { phase } of passes) {
    for (const [id, { place, shift, guarded, own }] of phase.loads) {
      const store = stores.find((one) => keyOf(one.place) === keyOf(place) && one.shift - shift === by);
      if (store === undefined || guarded || own !== undefined) continue;
      const key = `${keyOf(place)} ${shift}`;
      const leaves = new Set([...(found.get(key)?.leaves ?? []), id]);
      found.set(key, { place, before: shift, after: store.shift, value: store.value, leaves: [...leaves] });
    }
  }
  return [...found.values()];
}
