/** What passes read and write in memory, and at which steps: what must be kept of their order where passes are moved. */
import type { Order, Pass, PhasePass, Section } from './passes.js';
import { type Access, accessTo, type Place, widthOf } from './places.js';
import type { Storage } from './storage.js';

/** Of one region of memory. */
export interface Touch {
  readonly writes: boolean;
  /** How many steps later than its own a pass finds it there; `undefined` where it may be any step's. */
  readonly shift: number | undefined;
  /** `vec4f` of one row: steps of rows that are otherwise wide lie elsewhere. */
  readonly width: number;
}

/** By region. */
export type Touches = ReadonlyMap<string, readonly Touch[]>;

export function touchesOf(section: Section, order: Order): Touches {
  const { storage } = section;
  const found = new Collected(storage);
  if (order.kind === 'loop') for (const pass of order.passes) found.phase(pass, 'its own');
  else found.pass(order.pass);
  return found.touches;
}

/** Of one phase that runs step by step. */
export function touchesAt({ storage }: Section, pass: PhasePass): Touches {
  const found = new Collected(storage);
  found.phase(pass, 'its own');
  return found.touches;
}

class Collected {
  readonly touches = new Map<string, Touch[]>();

  constructor(private readonly storage: Storage) {}

  pass(pass: Pass): void {
    switch (pass.kind) {
      case 'phase':
        this.phase(pass, pass.rows === 'all' ? 'its own' : 'any');
        return;
      case 'reduce':
      case 'accrue':
        this.phase(pass, 'any');
        return;
      case 'gather':
        for (const { partials, to } of pass.sums.members) {
          for (const partial of partials) this.add(partial, 'read', undefined);
          this.add(to, 'write', undefined);
        }
        return;
      case 'outer': {
        const { common, members } = pass.products;
        for (const { to, terms } of members) {
          this.anywhere({ buffer: common.to, base: to }, 'write');
          for (const [turn, { left, right }] of terms.entries()) {
            const views = common.terms[turn];
            if (views === undefined) throw new Error('a product without its view');
            this.anywhere({ buffer: views.left.buffer, base: left.base }, 'read');
            this.anywhere({ buffer: views.right.buffer, base: right.base }, 'read');
          }
        }
        return;
      }
      case 'copy':
        throw new Error('weights are packed before everything else');
    }
  }

  /** Parameters and packed weights are left out: no pass behind the packing writes them. */
  phase({ phase }: Pick<PhasePass, 'phase'>, steps: 'its own' | 'any'): void {
    const read = (access: Access) => this.add(access.place, 'read', steps === 'any' ? undefined : access);
    for (const access of phase.loads.values()) read(access);
    for (const access of phase.rows?.args ?? []) read(access);
    for (const { terms } of phase.contractions) for (const { operand } of terms) read(operand.access);
    for (const store of phase.stores) {
      this.add(store.place, 'write', steps === 'its own' ? accessTo(store.place, store.shift) : undefined);
      if (store.when === 'last') read(store.initial);
    }
  }

  /** @param access as it is seen from the pass's own step; `undefined` where that may be any */
  private add(place: Place, how: 'read' | 'write', access: Access | undefined): void {
    const { base, key } = this.region(place);
    const width = widthOf(place);
    // Sequences seen from their other end are met at steps that only the device knows.
    const apart = access === undefined || access.own === 'back' || place.layout !== 'sequence';
    const slots = (place.base - base) / (width * this.storage.size('B'));
    const shift = apart || this.storage.links.time === undefined || !Number.isInteger(slots) ? undefined : slots + access.shift;
    this.put(key, { writes: how === 'write', shift, width });
  }

  private anywhere(at: Pick<Place, 'buffer' | 'base'>, how: 'read' | 'write'): void {
    this.put(this.region(at).key, { writes: how === 'write', shift: undefined, width: 0 });
  }

  private region(at: Pick<Place, 'buffer' | 'base'>): { readonly base: number; readonly key: string } {
    const { buffer, base } = this.storage.memory.around(at);
    return { base, key: `${buffer} ${base}` };
  }

  private put(key: string, touch: Touch): void {
    const known = this.touches.get(key) ?? [];
    this.touches.set(key, known);
    known.push(touch);
  }
}

/** Whether two passes must run in the order in which they are. */
export function meet(a: Touches, b: Touches): boolean {
  for (const [key, own] of a) {
    const other = b.get(key);
    if (other !== undefined && (own.some(({ writes }) => writes) || other.some(({ writes }) => writes))) return true;
  }
  return false;
}

/**
 * How many steps further than its own the earlier of two passes must have come before the later one runs a step, both counting by
 * `by`: 0 where that is the same step, −1 where it is the one before; `undefined` where they do not meet, and infinite where the
 * earlier one must be through.
 */
export function distance(earlier: Touches, later: Touches, by: 1 | -1): number | undefined {
  let most: number | undefined;
  for (const [key, own] of earlier) {
    for (const a of own) {
      for (const b of later.get(key) ?? []) {
        if (!a.writes && !b.writes) continue;
        const known = a.shift !== undefined && b.shift !== undefined && a.width === b.width;
        const steps = known ? ((b.shift ?? 0) - (a.shift ?? 0)) * by : Number.POSITIVE_INFINITY;
        most = most === undefined ? steps : Math.max(most, steps);
      }
    }
  }
  return most;
}
