/**
 * A phase that sums over loops of its own, as attention does over a memory and a chunk's step over the steps before it. A lane has
 * several steps of a sequence, or several positions on the outermost axis, and runs each loop once for all of them: what they share
 * is loaded once. In the scores of a step over a memory, Σ_k memory[s, k]·h_t[k], all steps of a sequence share the memory.
 */
import type { Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { widthOf } from '../schedule/places.js';
import { Bindings } from './bindings.js';
import { type Body, printBody } from './body.js';
import { handsOn, summing } from './handing.js';
import { homeSpot } from './indices.js';
import { assemble, type Emitted, gridOver, lanesFor, rolled, spreadOver } from './kernel.js';
import type { Spot } from './spots.js';

/** Steps or positions of a lane at most: each sum is in registers, and has up to four parts. */
const MOST = 8;
/** Loads that are saved at least, of four. */
const WORTH = 3 / 4;
/** Workgroups that there must be at least on hardware, for none of it to be idle; a processor's few cores are hardly ever. */
const FEWEST = 256;

/** What a lane does, and how many of them there are. */
interface Sharing {
  readonly axis: 'steps' | 'positions';
  readonly count: number;
  readonly spots: readonly Spot[];
  /** Declares the indices of the spots. */
  readonly lines: readonly string[];
}

/** `undefined` where nothing is summed, or sharing saves little. */
export function emitTogether(section: Section, target: Target, pass: PhasePass): Emitted | undefined {
  const single = printed(section, target, pass, undefined);
  if (!single.body.loops) return undefined;
  const best = candidates(section, pass)
    .filter((sharing) => {
      const [x, y, z] = gridOf(section, target, pass, sharing).workgroups;
      return target.software || x * y * z >= FEWEST;
    })
    .map((sharing) => ({ sharing, ...printed(section, target, pass, sharing) }))
    .filter(({ body }) => body.instructions <= target.maxKernelInstructions)
    .map((one) => ({ ...one, loads: one.body.loads / one.sharing.count }))
    .reduce<Candidate | undefined>((least, one) => (least === undefined || one.loads < least.loads ? one : least), undefined);
  if (best === undefined || best.loads > WORTH * single.body.loads) return undefined;
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
    { name: pass.name, sees: pass.rows === 'step' ? 'step' : 'nothing', ...(body.hands ? { subgroup: target.subgroup } : {}) },
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

interface Candidate {
  readonly sharing: Sharing;
  readonly body: Body;
  readonly bindings: Bindings;
  readonly loads: number;
}

function candidates({ storage }: Section, { phase, rows }: PhasePass): Sharing[] {
  const { shape } = phase;
  const home = homeSpot(shape.length);
  const counts = (extent: number) => [MOST, MOST / 2, MOST / 4].filter((count) => count <= extent);
  const turns = (count: number) => [...Array(count).keys()];
  const steps = counts(rows === 'all' ? storage.steps : 1).map(
    (count): Sharing => ({
      axis: 'steps',
      count,
      spots: turns(count).map((turn) => ({ ...home, step: `t${turn}` })),
      // Behind the last step the last one is computed again, and stored once more.
      lines: turns(count).map((turn) => `let t${turn} = min(t + ${turn}, ${storage.steps - 1});`),
    }),
  );
  const [outermost = 1] = shape.length > 1 ? storage.extents(shape) : [];
  const positions = counts(outermost).map(
    (count): Sharing => ({
      axis: 'positions',
      count,
      spots: turns(count).map((turn) => ({ ...home, outer: [`i0_${turn}`, ...home.outer.slice(1)] })),
      lines: turns(count).map((turn) => `let i0_${turn} = min(i0 * ${count}u + ${turn}u, ${outermost - 1}u);`),
    }),
  );
  return [...steps, ...positions];
}

function printed({ builder, storage }: Section, target: Target, { phase }: PhasePass, sharing: Sharing | undefined) {
  const bindings = new Bindings();
  const width = widthOf({ extents: storage.extents(phase.shape) });
  const hands = sharing?.axis !== 'positions' && handsOn(target, lanesFor(target, width), width);
  const request = { builder, storage, phase, bindings, opaque: rolled(target), summing: summing(target, hands) };
  const body = printBody(
    request,
    (store, address, value) => `${bindings.write(store.place.buffer)}[${address}] = ${value};`,
    sharing,
  );
  return { bindings, body };
}

/** Of the lanes that there are where each of them has several spots. */
function gridOf({ storage }: Section, target: Target, { phase, rows: over }: PhasePass, { axis, count }: Sharing) {
  const [outermost = 1, ...inner] = storage.extents(phase.shape);
  const steps = over === 'all' ? storage.steps : 1;
  const width = widthOf({ extents: [axis === 'positions' ? Math.ceil(outermost / count) : outermost, ...inner] });
  const rows = storage.size('B') * (axis === 'steps' ? Math.ceil(steps / count) : steps);
  const spread = spreadOver(target, width, rows);
  return { ...gridOver(target, spread, width, rows), across: spread.across };
}
