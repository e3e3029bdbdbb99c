/**
 * What the lanes of a scan do on their walk besides the loop's own steps. Behind a loop stand passes over all steps that read, unit by
 * unit, what the loop left at the same step: gates' cotangents, for one. A lane that walks a stretch has that in registers, so that
 * these passes are phases of its walk, and nothing is read again. What stands behind the last step, as an initial state's cotangent
 * does, belongs to the lanes that come there.
 */
import { carriedOf, keyOf, writtenBy } from '../schedule/carried.js';
import type { LoopOrder, Order, PhasePass, Section } from '../schedule/passes.js';
import { type Access, accessTo, widthOf } from '../schedule/places.js';
import type { Storage } from '../schedule/storage.js';
import { meet, type Touches, touchesAt, touchesOf } from '../schedule/touches.js';
import { widthIn } from './walk.js';

export interface Followers {
  /** Each with the order that it is, in their order. */
  readonly eachStep: readonly Follower[];
  readonly atEnd: readonly Follower[];
}

export interface Follower {
  readonly order: Order;
  readonly pass: PhasePass;
}

export const NO_FOLLOWERS: Followers = { eachStep: [], atEnd: [] };

/** @param behind what the section runs behind the loop, in order */
export function followersOf(section: Section, loop: LoopOrder, behind: readonly Order[]): Followers {
  const { storage } = section;
  const width = Math.max(...loop.passes.map(({ phase }) => widthIn(section, phase.shape)));
  const brought = new Set(carriedOf(loop).map(({ place, before }) => regionOf(storage, accessTo(place, before))));
  const walked: PhasePass[] = [...loop.passes];
  const touched: Touches[] = [touchesOf(section, loop)];
  const left: Touches[] = [];
  const found: { readonly eachStep: Follower[]; readonly atEnd: Follower[] } = { eachStep: [], atEnd: [] };
  for (const order of behind) {
    const pass = followed(order);
    if (pass === undefined) {
      left.push(touchesOf(section, order));
      continue;
    }
    walked.push(pass);
    touched.push(touchesAt(section, pass));
    found[pass.rows === 'all' ? 'eachStep' : 'atEnd'].push({ order, pass: { ...pass, rows: 'step' } });
  }
  return found;

  /** The pass of an order, where lanes can do it on their walk. */
  function followed(order: Order): PhasePass | undefined {
    if (order.kind !== 'pass' || order.pass.kind !== 'phase') return undefined;
    const { pass } = order;
    const { phase } = pass;
    const ends = pass.rows === 'step';
    if (ends && order.time !== loop.to) return undefined;
    if (phase.contractions.length > 0 || phase.rows !== undefined || widthIn(section, phase.shape) !== width) return undefined;
    // It runs before what stands between it and the loop.
    if (left.some((other) => meet(other, touchesOf(section, order)))) return undefined;
    const own = touchesAt(section, pass);
    if (!touched.every((other) => inOneLane(other, own, ends))) return undefined;
    const written = writtenBy({ passes: walked });
    const elsewhere = [...phase.loads].some(
      ([id, { place }]) => written.has(keyOf(place)) && (phase.afar.has(id) || place.shape.join() !== phase.shape.join()),
    );
    return elsewhere ? undefined : pass;
  }

  /** Whether a lane that walks finds what it needs of the walk in its own step, or has it in a register. */
  function inOneLane(earlier: Touches, later: Touches, ends: boolean): boolean {
    for (const [key, own] of earlier) {
      for (const a of own) {
        for (const b of later.get(key) ?? []) {
          if (!a.writes && !b.writes) continue;
          if (a.shift === undefined || b.shift === undefined || a.width !== b.width) return false;
          const reads = a.writes && !b.writes;
          const inRegister = reads && brought.has(`${key} ${b.shift}`);
          // From behind the last step, what that left is one step back.
          const found = ends ? reads && b.shift - a.shift === -loop.by : inRegister || b.shift === a.shift;
          if (!found) return false;
        }
      }
    }
    return true;
  }
}

/** The region of an access and where in it that is, as touches say it. */
function regionOf(storage: Storage, { place, shift }: Access): string {
  const { buffer, base } = storage.memory.around(place);
  return `${buffer} ${base} ${(place.base - base) / (widthOf(place) * storage.size('B')) + shift}`;
}
