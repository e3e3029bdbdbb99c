/**
 * Several steps of a sequence, positions on an axis or units of a row to a lane that sums over loops of its own: each loop runs once for
 * all of them, and what they share is loaded once. In the scores of a step over a memory, Σ_k memory[s, k]·h_t[k], all steps of a
 * sequence share the memory; in those of a chunk's steps among themselves, Σ_k q[s, k]·k[r, k] for each head, several steps s share the
 * keys; and all units of a row share their mean.
 */
import type { Shape } from '../ir/graph.js';
import type { Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { widthOf } from '../schedule/places.js';
import { Bindings } from './bindings.js';
import { type Body, printBody } from './body.js';
import { handsOn, type Loaders, type Summing, summing } from './handing.js';
import { lanesFor, rolled, upTo } from './kernel.js';
import { homeSpot, indexLines, indicesIn, lastIndex } from './values/indices.js';
import { quadSpot, type Spot } from './values/spots.js';

/** Steps, positions or quads of units of a lane at most: each sum is in registers, and has up to four parts. */
const MOST = 8;
/** Loads that are saved at least, of four. */
const WORTH = 3 / 4;

/** What a lane does, and how many of them there are. */
export interface Sharing {
  readonly axis: 'steps' | 'positions' | 'units';
  readonly count: number;
  readonly spots: readonly Spot[];
  readonly loaders?: Loaders;
  /** Declares the indices of the spots. */
  readonly lines: readonly string[];
  /** Of the lanes, on each axis. */
  readonly extents: readonly number[];
}

/**
 * What lanes have together in each of these phases of one step, where at least so many lanes have some; none where the
 * phases would be too much for one kernel.
 */
export function spotsTogether(
  section: Section,
  target: Target,
  passes: readonly PhasePass[],
  lanes: number,
): readonly (Sharing | undefined)[] {
  const best = passes.map((pass) => {
    if (pass.phase.contractions.length > 0) return undefined;
    // What the others hand on, they hand on where all lanes are there in every phase.
    const handed = handsOn(target, lanes, widthOf({ extents: section.storage.extents(pass.phase.shape) }));
    return leastLoading(section, target, pass, ({ axis, extents }) => {
      const width = widthOf({ extents });
      return axis !== 'steps' && (target.software || width >= lanes) && (!handed || handsOn(target, lanes, width));
    });
  });
  const instructions = best.reduce((sum, one) => sum + (one?.body.instructions ?? 0), 0);
  return best.map((one) => (instructions <= target.maxKernelInstructions ? one?.sharing : undefined));
}

/** A phase as it is printed with one of these. */
interface Candidate {
  readonly sharing: Sharing;
  readonly body: Body;
  readonly bindings: Bindings;
  readonly loads: number;
}

/** Which of those that serve loads least; `undefined` where nothing is summed, or none saves much. */
export function leastLoading(
  section: Section,
  target: Target,
  pass: PhasePass,
  serves: (sharing: Sharing) => boolean,
): Candidate | undefined {
  const single = printed(section, target, pass, undefined);
  if (!single.body.loops) return undefined;
  return waysIn(section, target, pass)
    .flatMap((way) => mostOf(way) ?? [])
    .filter(({ loads }) => loads <= WORTH * single.body.loads)
    .reduce<Candidate | undefined>((least, one) => (least === undefined || one.loads < least.loads ? one : least), undefined);

  /** The more to a lane, the fewer loads: as many as there are, and as one kernel holds. */
  function mostOf({ extent, of }: Way): Candidate | undefined {
    // Of so many each lane has one to load for all.
    const most = target.broadcasts ? Math.min(MOST, target.subgroup) : MOST;
    for (let count = most; count > 1; count /= 2) {
      const sharing = count <= extent ? of(count) : undefined;
      if (sharing === undefined || !serves(sharing)) continue;
      const { body, bindings } = printed(section, target, pass, sharing);
      if (body.instructions <= target.maxKernelInstructions) return { sharing, body, bindings, loads: body.loads / count };
    }
    return undefined;
  }
}

/** One way of having several spots to a lane: along an axis of so many. */
interface Way {
  readonly extent: number;
  readonly of: (count: number) => Sharing | undefined;
}

function waysIn({ storage }: Section, target: Target, { phase, rows }: PhasePass): Way[] {
  const { shape } = phase;
  const home = homeSpot(shape.length);
  const extents = storage.extents(shape);
  const full = lanesFor(target, widthOf({ extents }));
  const steps = (count: number): Sharing => {
    const at = (turn: string) => `min(t + ${turn}, ${storage.steps - 1})`;
    const indices = upTo(count).map((turn) => `t${turn}`);
    return {
      axis: 'steps',
      count,
      extents,
      spots: indices.map((step) => ({ ...home, step })),
      loaders: { indices, own: 't_own', line: `let t_own = ${at(`i32(col % ${count}u)`)};` },
      // Behind the last step the last one is computed again, and stored once more.
      lines: [...indexLines(shape, storage), ...indices.map((index, turn) => `let ${index} = ${at(`${turn}`)};`)],
    };
  };
  const positions =
    (axis: number, index: string, extent: number) =>
    (count: number): Sharing => {
      const at = (turn: string) => `min(${index} * ${count}u + ${turn}, ${extent - 1}u)`;
      const indices = upTo(count).map((turn) => `${index}_${turn}`);
      const lanes = extents.with(axis, Math.ceil(extent / count));
      return {
        axis: 'positions',
        count,
        extents: lanes,
        spots: indices.map((own) => ({ ...home, outer: home.outer.with(axis, own) })),
        loaders: { indices, own: `${index}_own`, line: `let ${index}_own = ${at(`col % ${count}u`)};` },
        lines: [...indicesIn(lanes), ...indices.map((own, turn) => `let ${own} = ${at(`${turn}u`)};`)],
      };
    };
  const units = (count: number): Sharing | undefined => {
    const index = lastIndex(shape.length);
    const quads = extents.at(-1) ?? 1;
    const apart = Math.ceil(quads / count);
    const lanes = extents.with(-1, apart);
    // No workgroup is to be narrower for it.
    if (lanesFor(target, widthOf({ extents: lanes })) < full) return undefined;
    const indices = upTo(count).map((turn) => `${index}_${turn}`);
    return {
      axis: 'units',
      count,
      extents: lanes,
      spots: indices.map((own) => quadSpot(home.outer, own)),
      // Lanes side by side have units side by side.
      lines: [
        ...indicesIn(lanes),
        ...indices.map((own, turn) => `let ${own} = min(${index} + ${turn * apart}u, ${quads - 1}u);`),
      ],
    };
  };
  return [
    { extent: rows === 'all' ? storage.steps : 1, of: steps },
    ...home.outer.map((index, axis): Way => {
      const extent = extents[axis] ?? 1;
      return { extent, of: positions(axis, index, extent) };
    }),
    { extent: extents.at(-1) ?? 1, of: units },
  ];
}

function printed({ builder, storage }: Section, target: Target, { phase }: PhasePass, sharing: Sharing | undefined) {
  const bindings = new Bindings();
  const { extents } = sharing ?? { extents: storage.extents(phase.shape) };
  const width = widthOf({ extents });
  const lanes = lanesFor(target, width);
  const hands = handsOn(target, lanes, width);
  const request = {
    builder,
    storage,
    phase,
    bindings,
    opaque: rolled(target),
    summing: summing(target, hands, hands ? wholeRow({ storage }, phase.shape, sharing, lanes) : undefined),
    loaders: hands ? loadersIn(sharing, lanes) : undefined,
  };
  const body = printBody(
    request,
    (store, address, value) => `${bindings.write(store.place.buffer)}[${address}] = ${value};`,
    sharing,
  );
  return { bindings, body };
}

/** The units of each of so many lanes, where theirs together are all that there are, each every so-manieth. */
export function wholeRow(
  { storage }: Pick<Section, 'storage'>,
  shape: Shape,
  sharing: Sharing | undefined,
  lanes: number,
): Summing['row'] {
  const own = sharing?.axis === 'units' ? sharing.spots : [homeSpot(shape.length)];
  const [quads] = storage.extents(shape);
  return shape.length === 1 && quads === own.length * lanes ? { shape, own } : undefined;
}

/** What each of so many lanes loads for all of them, where they differ in the last axis alone. */
export function loadersIn(sharing: Sharing | undefined, lanes: number): Loaders | undefined {
  if (sharing?.loaders === undefined || sharing.count > lanes || (sharing.extents.at(-1) ?? 1) % lanes !== 0) return undefined;
  return sharing.loaders;
}
