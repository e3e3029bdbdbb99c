/**
 * A phase that sums over loops of its own, as attention does over a memory and a chunk's step over the steps before it. A lane has
 * several steps of a sequence, or several positions on an axis, and runs each loop once for all of them: what they share is loaded
 * once, as all units of a row share their mean. In the scores of a step over a memory, Σ_k memory[s, k]·h_t[k], all steps of a sequence share the memory; in those of a
 * chunk's steps among themselves, Σ_k q[s, k]·k[r, k] for each head, several steps s share the keys.
 */
import type { Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { widthOf } from '../schedule/places.js';
import { Bindings } from './bindings.js';
import { type Body, printBody } from './body.js';
import { handsOn, summing, type Turns } from './handing.js';
import { homeSpot, indexLines, indicesIn, lastIndex } from './indices.js';
import { assemble, type Emitted, gridOver, lanesFor, rolled, spreadOver } from './kernel.js';
import { quadSpot, type Spot } from './spots.js';

/** Steps or positions of a lane at most: each sum is in registers, and has up to four parts. */
const MOST = 8;
/** Loads that are saved at least, of four. */
const WORTH = 3 / 4;
/** Workgroups that there must be at least on hardware, for none of it to be idle; a processor's few cores are hardly ever. */
const FEWEST = 256;

/** What a lane does, and how many of them there are. */
export interface Sharing {
  readonly axis: 'steps' | 'positions' | 'units';
  readonly count: number;
  readonly spots: readonly Spot[];
  readonly turns?: Turns;
  /** Declares the indices of the spots. */
  readonly lines: readonly string[];
  /** Of the lanes, on each axis. */
  readonly extents: readonly number[];
}

/** `undefined` where nothing is summed, or sharing saves little. */
export function emitTogether(section: Section, target: Target, pass: PhasePass): Emitted | undefined {
  const best = leastLoading(section, target, pass, (sharing) => {
    const [x, y, z] = gridOf(section, target, pass, sharing).workgroups;
    return target.software || x * y * z >= FEWEST;
  });
  if (best === undefined) return undefined;
  const { sharing, body, bindings } = best;
  const { storage } = section;
  const { head, workgroups, across } = gridOf(section, target, pass, sharing);
  const batch = storage.size('B');
  const steps = sharing.axis === 'steps' ? sharing.count : 1;
  const first = steps === 1 ? `i32(row / ${batch}u)` : `i32(row / ${batch}u) * ${steps}`;
  const units = storage.elements(pass.phase.shape);
  const all = batch * (pass.rows === 'all' ? storage.steps : 1);
  const own = widthOf({ extents: storage.extents(pass.phase.shape) });
  const kernel = assemble(
    'together',
    {
      name: pass.name,
      sees: pass.rows === 'step' ? 'step' : 'nothing',
      ...(body.hands ? { subgroup: target.subgroup, votes: true } : {}),
    },
    target,
    bindings,
    body.calls,
    {
      comment: `${pass.phase.stores.length} stores, ${all} rows of ${units} units, ${sharing.count} ${sharing.axis} a lane`,
      ...head,
      suffix: '',
      accumulators: [],
      lines: body.lines,
      call: pass.rows === 'step' ? 'finish(time, row, col);' : `finish(${first}, row % ${batch}u, col);`,
    },
  );
  return {
    kernel,
    workgroups,
    ...(pass.rows === 'all' ? { rowsPerWorkgroup: across, ...(steps === 1 ? {} : { stepsAtOnce: steps }) } : {}),
    cost: {
      bytesRead: 16 * pass.phase.loads.size * all * own,
      bytesWritten: 16 * pass.phase.stores.length * all * own,
      flops: (all * units * body.flops) / sharing.count,
    },
  };
}

/**
 * The positions that lanes have together in each of these phases of one step, where at least so many lanes have some; none where the
 * phases would be too much for one kernel.
 */
export function positionsTogether(
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

interface Candidate {
  readonly sharing: Sharing;
  readonly body: Body;
  readonly bindings: Bindings;
  readonly loads: number;
}

function leastLoading(
  section: Section,
  target: Target,
  pass: PhasePass,
  serves: (sharing: Sharing) => boolean,
): Candidate | undefined {
  const single = printed(section, target, pass, undefined);
  if (!single.body.loops) return undefined;
  return candidates(section, target, pass)
    .filter(serves)
    .map((sharing) => ({ sharing, ...printed(section, target, pass, sharing) }))
    .filter(({ body }) => body.instructions <= target.maxKernelInstructions)
    .map((one) => ({ ...one, loads: one.body.loads / one.sharing.count }))
    .filter(({ loads }) => loads <= WORTH * single.body.loads)
    .reduce<Candidate | undefined>((least, one) => (least === undefined || one.loads < least.loads ? one : least), undefined);
}

function candidates({ storage }: Section, target: Target, { phase, rows }: PhasePass): Sharing[] {
  const { shape } = phase;
  const home = homeSpot(shape.length);
  const extents = storage.extents(shape);
  const counts = (extent: number) => [MOST, MOST / 2, MOST / 4].filter((count) => count <= extent);
  const turns = (count: number) => [...Array(count).keys()];
  const steps = counts(rows === 'all' ? storage.steps : 1).map(
    (count): Sharing => ({
      axis: 'steps',
      count,
      spots: turns(count).map((turn) => ({ ...home, step: `t${turn}` })),
      turns: {
        indices: turns(count).map((turn) => `t${turn}`),
        own: 't_own',
        line: `let t_own = min(t + i32(col % ${count}u), ${storage.steps - 1});`,
      },
      // Behind the last step the last one is computed again, and stored once more.
      lines: [
        ...indexLines(shape, storage),
        ...turns(count).map((turn) => `let t${turn} = min(t + ${turn}, ${storage.steps - 1});`),
      ],
      extents,
    }),
  );
  const positions = home.outer.flatMap((index, axis) =>
    counts(extents[axis] ?? 1).map((count): Sharing => {
      const lanes = extents.map((extent, other) => (other === axis ? Math.ceil(extent / count) : extent));
      const last = (extents[axis] ?? 1) - 1;
      return {
        axis: 'positions',
        count,
        spots: turns(count).map((turn) => ({ ...home, outer: home.outer.with(axis, `${index}_${turn}`) })),
        turns: {
          indices: turns(count).map((turn) => `${index}_${turn}`),
          own: `${index}_own`,
          line: `let ${index}_own = min(${index} * ${count}u + col % ${count}u, ${last}u);`,
        },
        // Behind the last position, too.
        lines: [
          ...indicesIn(lanes),
          ...turns(count).map((turn) => `let ${index}_${turn} = min(${index} * ${count}u + ${turn}u, ${last}u);`),
        ],
        extents: lanes,
      };
    }),
  );
  const quads = lastIndex(shape.length);
  const units = counts(extents.at(-1) ?? 1).map((count): Sharing => {
    const apart = Math.ceil((extents.at(-1) ?? 1) / count);
    const lanes = extents.with(-1, apart);
    return {
      axis: 'units',
      count,
      spots: turns(count).map((turn) => quadSpot(home.outer, `${quads}_${turn}`)),
      // Lanes side by side have units side by side. Behind the last ones, too.
      lines: [
        ...indicesIn(lanes),
        ...turns(count).map((turn) => `let ${quads}_${turn} = min(${quads} + ${turn * apart}u, ${(extents.at(-1) ?? 1) - 1}u);`),
      ],
      extents: lanes,
    };
  });
  // No workgroup is to be narrower for it.
  const full = lanesFor(target, widthOf({ extents }));
  return [...steps, ...positions, ...units.filter((own) => lanesFor(target, widthOf(own)) === full)];
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
    summing: summing(target, hands),
    turns: hands ? turnsOf(sharing, lanes) : undefined,
  };
  const body = printBody(
    request,
    (store, address, value) => `${bindings.write(store.place.buffer)}[${address}] = ${value};`,
    sharing,
  );
  return { bindings, body };
}

/** What each of so many lanes loads for all of them, where they differ in the last axis alone. */
export function turnsOf(sharing: Sharing | undefined, lanes: number): Turns | undefined {
  if (sharing?.turns === undefined || sharing.count > lanes || (sharing.extents.at(-1) ?? 1) % lanes !== 0) return undefined;
  return sharing.turns;
}

/** Of the lanes that there are where each of them has several spots. */
function gridOf({ storage }: Section, target: Target, { rows: over }: PhasePass, { axis, count, extents }: Sharing) {
  const steps = over === 'all' ? storage.steps : 1;
  const width = widthOf({ extents });
  const rows = storage.size('B') * (axis === 'steps' ? Math.ceil(steps / count) : steps);
  const spread = spreadOver(target, width, rows);
  return { ...gridOver(target, spread, width, rows), across: spread.across };
}
