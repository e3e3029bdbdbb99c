/**
 * Loops of a stack in one: layer l at a step runs beside layer l + 1 at a step before. Passes between two loops that run over all rows
 * at once, such as the projection of what a layer hears, become stages of their own, one step at a time.
 *
 * A worked example, three layers of one phase each with a projection before the second and the third. In wave w run
 *   loop 1 at step w | projection 2 at w − 1 | loop 2 at w − 2 | projection 3 at w − 3 | loop 3 at w − 4
 * side by side in one dispatch, so that T steps of all layers take T + 4 dispatches instead of 3·T. None of them reads what another
 * one writes in the same wave.
 *
 * Where loops have several phases a wave takes as many dispatches, its slots, and everything is counted in these: a phase starts
 * in slot `start` of all slots since the first wave. What must not be moved is found in what passes read and write, nowhere else.
 */
import { loopName } from './loops.js';
import type { Order, PhasePass, Section } from './passes.js';
import { distance, meet, type Touches, touchesAt, touchesOf } from './touches.js';

type LoopOrder = Extract<Order, { kind: 'loop' }>;

/** A phase of a wave. */
export interface Stage {
  readonly section: Section;
  readonly pass: PhasePass;
  /** Which dispatch of a wave it is a part of, and how many steps it is behind the wave. */
  readonly slot: number;
  readonly behind: number;
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

export const loopNameOf = (section: Section, { by }: LoopOrder): string =>
  loopName(section.prefix, by > 0 ? 'forward' : 'backward');

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
  const range = items.slice(first, last + 1);
  const touches = range.map(touched);
  const isMember = (at: number) => members.includes(first + at);
  const needsWave = new Set<number>();
  const meets = (a: number, b: number) => meet(touches[a] ?? NOTHING, touches[b] ?? NOTHING);
  for (const at of range.keys()) {
    if (isMember(at) || [...needsWave].some((before) => meets(before, at))) needsWave.add(at);
  }
  const inWave = new Set<number>();
  for (const at of [...range.keys()].reverse()) {
    if (isMember(at) || (needsWave.has(at) && [...inWave].some((behind) => meets(at, behind)))) inWave.add(at);
  }
  const pick = (kept: (at: number) => boolean) => range.filter((_, at) => kept(at));
  const made = waveOf(pick((at) => inWave.has(at)));
  if (typeof made === 'string') return made;
  return [
    ...items.slice(0, first),
    ...pick((at) => !needsWave.has(at)),
    { kind: 'wave', wave: made },
    ...pick((at) => needsWave.has(at) && !inWave.has(at)),
    ...items.slice(last + 1),
  ];
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

interface Started {
  readonly section: Section;
  readonly pass: PhasePass;
  readonly touches: Touches;
  readonly start: number;
}

/** Gives every phase its slot: behind what it reads, at each step, and loops at a step in a row. */
function waveOf(items: readonly Item[]): Wave | string {
  const loops = items.flatMap((item) =>
    item.kind === 'order' && item.order.kind === 'loop' ? [{ section: item.section, order: item.order }] : [],
  );
  const [head] = loops;
  if (head === undefined) throw new Error('a wave without loops');
  const { by } = head.order;
  const time = head.section.storage.links.time;
  const slots = Math.max(...loops.map(({ order }) => order.passes.length));
  const started: Started[] = [];
  for (const item of items) {
    if (item.kind === 'wave') return 'what runs between them is a wave itself';
    const { section, order } = item;
    const passes = stepwise(order);
    if (passes === undefined || section.storage.links.time !== time)
      return `${nameIn(item)} lies between them, and is no pass of each step`;
    const phases = passes.map((pass) => ({ section, pass, touches: touchesAt(section, pass) }));
    let start = 0;
    for (const [turn, { pass, touches }] of phases.entries()) {
      for (const before of started) {
        const steps = distance(before.touches, touches, by);
        if (steps === Number.POSITIVE_INFINITY)
          return `${named(section, pass)} needs ${named(before.section, before.pass)} at more than its own step`;
        if (steps !== undefined) start = Math.max(start, before.start + 1 + steps * slots - turn);
      }
    }
    started.push(...phases.map((phase, turn) => ({ ...phase, start: start + turn })));
  }
  const stages = started.map(
    ({ section, pass, start }): Stage => ({ section, pass, slot: start % slots, behind: Math.floor(start / slots) }),
  );
  return { loops, slots, stages };
}

/** What a pass over all rows, or a loop, runs at each step. */
function stepwise(order: Order): readonly PhasePass[] | undefined {
  if (order.kind === 'loop') return order.passes;
  const { pass } = order;
  return pass.kind === 'phase' && pass.rows === 'all' ? [{ ...pass, rows: 'step' }] : undefined;
}

const named = ({ prefix }: Section, { name }: Pick<PhasePass, 'name'>): string => (prefix === '' ? name : `${prefix}_${name}`);

function nameIn(item: Extract<Item, { kind: 'order' }>): string {
  return item.order.kind === 'loop' ? loopNameOf(item.section, item.order) : named(item.section, item.order.pass);
}
