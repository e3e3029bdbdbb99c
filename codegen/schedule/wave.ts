/**
 * Loops of a stack in one: layer l at a step runs beside layer l + 1 at a step before. Passes between two loops that run over all rows
 * at once, such as the projection of what a layer hears, become stages of their own, one step at a time.
 *
 * A worked example, three layers of one phase each with a projection before the second and the third. In wave w run
 *   loop 1 at step w | projection 2 at w − 1 | loop 2 at w − 2 | projection 3 at w − 3 | loop 3 at w − 4
 * side by side in one dispatch, so that T steps of all layers take T + 4 dispatches instead of 3·T. None of them reads what another
 * one writes in the same wave. Of few sequences a projection is one of several steps together, so that its weights are read once for
 * all of them: a layer then runs that many steps further behind.
 *
 * Where loops have several phases a wave takes as many dispatches, its slots, and everything is counted in these: a phase starts
 * in slot `start` of all slots since the first wave. What must not be moved is found in what passes read and write, nowhere else.
 */
import { loopNameOf } from './loops.js';
import type { LoopOrder, Order, PhasePass, Section } from './passes.js';
import { piecesOf } from './pieces.js';
import { distance, meet, type Touches, touchesAt, touchesOf } from './touches.js';

/** A phase of a wave. */
export interface Stage {
  readonly section: Section;
  readonly pass: PhasePass;
  /** Which dispatch of a wave it is a part of, and how many steps it is behind the wave. */
  readonly slot: number;
  readonly behind: number;
  /** How many steps it takes together, from a multiple of that many on: once the last of them, the way the wave counts, is its turn. */
  readonly every: number;
}

export interface Wave {
  /** Of the loops, in order. */
  readonly loops: readonly { readonly section: Section; readonly order: LoopOrder }[];
  /** Dispatches of one wave. */
  readonly slots: number;
  readonly stages: readonly Stage[];
}

/** What runs, in order. */
export type Item =
  | { readonly kind: 'order'; readonly section: Section; readonly order: Order }
  | { readonly kind: 'wave'; readonly wave: Wave };

/** By the names of loops: the chain that each is in, or why it is in none. */
export type Chains = ReadonlyMap<string, readonly string[] | string>;

export const ordersOf = (sections: readonly Section[], direction: 'forward' | 'backward'): Item[] =>
  (direction === 'forward' ? sections : sections.toReversed()).flatMap((section) =>
    section[direction].map((order): Item => ({ kind: 'order', section, order })),
  );

interface Member {
  readonly index: number;
  readonly name: string;
  readonly time: string;
}

/** The loops among what runs. */
function loopsIn(items: readonly Item[]): Member[] {
  return items.flatMap((item, index): Member[] => {
    if (item.kind === 'wave' || item.order.kind !== 'loop') return [];
    return [{ index, name: loopNameOf(item.section, item.order), time: item.section.storage.links.time ?? '' }];
  });
}

/** Which loops could be one wave: each chain as long as what lies between its loops allows, from the first loop on. */
export function chainsIn(items: readonly Item[]): Chains {
  const chains = new Map<string, readonly string[] | string>();
  const loops = loopsIn(items);
  for (const time of new Set(loops.map((loop) => loop.time))) {
    let open: Member[] = [];
    const close = (why: string) => {
      const names = open.map(({ name }) => name);
      for (const name of names) chains.set(name, names.length > 1 ? names : why);
    };
    for (const loop of loops) {
      if (loop.time !== time) continue;
      if (open.length > 0) {
        const joined = joinedAt(
          items,
          [...open, loop].map(({ index }) => index),
        );
        if (typeof joined === 'string') {
          close(joined);
          open = [];
          chains.set(loop.name, joined);
        }
      }
      open.push(loop);
    }
    const [first] = open;
    const known = first === undefined ? undefined : chains.get(first.name);
    close(typeof known === 'string' ? known : `no other loop runs over ${time} in this direction`);
  }
  return chains;
}

/** The same work with waves for the loops that are wanted so, where at least two of a chain stand side by side. */
export function withWaves(items: readonly Item[], chains: Chains, wanted: (loop: string) => boolean): readonly Item[] {
  let current = items;
  for (const chain of new Set(chains.values())) {
    if (typeof chain === 'string') continue;
    for (const names of runsOf(chain, wanted)) {
      const members = loopsIn(current).flatMap(({ name, index }) => (names.includes(name) ? [index] : []));
      const joined = joinedAt(current, members);
      // A part of a chain has fewer passes to bring along than all of it.
      if (typeof joined === 'string') throw new Error(`loops ${names.join(', ')} were a chain: ${joined}`);
      current = joined;
    }
  }
  return current;
}

/** Neighbours in a chain that are wanted, two at least. */
function runsOf(chain: readonly string[], wanted: (loop: string) => boolean): string[][] {
  const runs: string[][] = [[]];
  for (const name of chain) {
    if (wanted(name)) runs.at(-1)?.push(name);
    else runs.push([]);
  }
  return runs.filter(({ length }) => length > 1);
}

/**
 * The work with one wave for the loops at `members`: what between them needs nothing of it goes before it, what nothing of it needs
 * behind it. Or why that cannot be.
 */
function joinedAt(items: readonly Item[], members: readonly number[]): Item[] | string {
  const [first = 0, last = 0] = [members[0], members.at(-1)];
  const isMember = (item: Item) => members.some((at) => items[at] === item);
  const chunked = items
    .slice(first, last + 1)
    .some((item) => item.kind === 'order' && item.section.storage.links.chunk !== undefined);
  if (chunked) return 'steps are taken by chunks between it and the next loop';
  const range = cutWhereNeeded(items.slice(first, last + 1), isMember);
  const { needing, needed } = partsOf(range, isMember);
  const made = waveOf(range.filter((item) => needed.has(item)));
  if (typeof made === 'string') return made;
  return [
    ...items.slice(0, first),
    ...range.filter((item) => !needing.has(item)),
    { kind: 'wave', wave: made },
    ...range.filter((item) => needing.has(item) && !needed.has(item)),
    ...items.slice(last + 1),
  ];
}

/** Of what runs between the first and the last loop of a wave: what needs it, and of that what it needs in turn, its loops among both. */
function partsOf(range: readonly Item[], isMember: (item: Item) => boolean) {
  const touches = new Map(range.map((item) => [item, touched(item)]));
  const meets = (a: Item, b: Item) => meet(touches.get(a) ?? NOTHING, touches.get(b) ?? NOTHING);
  const needing = new Set<Item>();
  for (const item of range) if (isMember(item) || [...needing].some((before) => meets(before, item))) needing.add(item);
  const needed = new Set<Item>();
  for (const item of range.toReversed()) {
    if (isMember(item) || (needing.has(item) && [...needed].some((behind) => meets(item, behind)))) needed.add(item);
  }
  return { needing, needed };
}

/** Passes of what has no time, such as where states begin, may do one thing that a wave needs and another that needs the wave. */
function cutWhereNeeded(range: readonly Item[], isMember: (item: Item) => boolean): readonly Item[] {
  const { needed } = partsOf(range, isMember);
  return range.flatMap((item): Item[] => {
    if (!needed.has(item) || item.kind === 'wave' || item.order.kind === 'loop') return [item];
    const { section, order } = item;
    const { pass } = order;
    if (pass.kind !== 'phase' || pass.phase.stores.length < 2 || section.storage.links.time !== undefined) return [item];
    return piecesOf(section, pass).map((piece): Item => ({ kind: 'order', section, order: { ...order, pass: piece } }));
  });
}

const NOTHING: Touches = new Map();

function touched(item: Item): Touches {
  if (item.kind === 'order') return touchesOf(item.section, item.order);
  const all = new Map(NOTHING);
  for (const { section, pass } of item.wave.stages) {
    // Among others a wave is one whole.
    for (const [key, own] of touchesAt(section, pass))
      all.set(key, [...(all.get(key) ?? []), ...own.map((touch) => ({ ...touch, shift: undefined }))]);
  }
  return all;
}

/** Rows that share what is read of a weight, as many as a lane holds. */
const BLOCK = 8;

/** Gives every phase its slot. Steps are taken together where that does not delay the last layer by more than a part of all steps. */
function waveOf(items: readonly Item[]): Wave | string {
  const [first] = items;
  if (first === undefined || first.kind === 'wave') throw new Error('a wave without loops');
  const { storage } = first.section;
  const batch = storage.size('B');
  let every = 1;
  while (batch < BLOCK && (every * batch) % BLOCK !== 0) every *= 2;
  const together = every === 1 ? undefined : delayed(items, every);
  const fits = typeof together === 'object' && 4 * Math.max(...together.stages.map(({ behind }) => behind)) <= storage.steps;
  return fits ? together : delayed(items, 1);
}

interface Phase {
  readonly section: Section;
  readonly pass: PhasePass;
  readonly every: number;
  readonly touches: Touches;
}

/** A wave in which every phase is behind what it reads, at each step, and the phases of a loop at a step follow each other. */
function delayed(items: readonly Item[], every: number): Wave | string {
  const loops = items.flatMap((item) =>
    item.kind === 'order' && item.order.kind === 'loop' ? [{ section: item.section, order: item.order }] : [],
  );
  const [head] = loops;
  if (head === undefined) throw new Error('a wave without loops');
  const { by } = head.order;
  const time = head.section.storage.links.time;
  const slots = Math.max(...loops.map(({ order }) => order.passes.length));
  const started: (Phase & { readonly start: number })[] = [];
  for (const item of items) {
    if (item.kind === 'wave') return 'what runs between them is a wave itself';
    const { section, order } = item;
    const phases = phasesOf(section, order, every);
    if (phases === undefined || section.storage.links.time !== time)
      return `${nameIn(item)} lies between them, and is no pass of each step`;
    let start = 0;
    for (const [turn, phase] of phases.entries()) {
      for (const before of started) {
        const steps = distance(before.touches, phase.touches, by);
        if (steps === Number.POSITIVE_INFINITY)
          return `${named(section, phase.pass)} needs ${named(before.section, before.pass)} at more than its own step`;
        if (steps !== undefined) start = Math.max(start, before.start + 1 + waits(before, phase, steps) * slots - turn);
      }
    }
    started.push(...phases.map((phase, turn) => ({ ...phase, start: start + turn })));
  }
  const stages = started.map(({ section, pass, every: own, start }): Stage => {
    return { section, pass, slot: start % slots, behind: Math.floor(start / slots), every: own };
  });
  return { loops, slots, stages };
}

/** By how many steps the turn of a phase has to be behind that of an earlier one, which it needs at so many steps further than its own. */
function waits(earlier: Phase, later: Phase, steps: number): number {
  if (earlier.every === 1) return steps;
  if (later.every === 1) return steps + earlier.every - 1;
  return Math.max(0, Math.ceil(steps / earlier.every) * earlier.every);
}

/** What a loop, or a pass over all rows, is in a wave: products with weights take `every` steps together. */
function phasesOf(section: Section, order: Order, every: number): Phase[] | undefined {
  if (order.kind === 'loop') return order.passes.map((pass) => ({ section, pass, every: 1, touches: touchesAt(section, pass) }));
  const { pass } = order;
  if (pass.kind !== 'phase' || pass.rows !== 'all') return undefined;
  const own = pass.phase.contractions.length > 0 ? every : 1;
  return [{ section, pass: own === 1 ? { ...pass, rows: 'step' } : pass, every: own, touches: touchesAt(section, pass) }];
}

const named = ({ prefix }: Section, { name }: Pick<PhasePass, 'name'>): string => (prefix === '' ? name : `${prefix}_${name}`);

function nameIn(item: Extract<Item, { kind: 'order' }>): string {
  return item.order.kind === 'loop' ? loopNameOf(item.section, item.order) : named(item.section, item.order.pass);
}
