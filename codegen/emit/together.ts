/** A phase without products, of whose spots each lane has several. */
import type { Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { widthOf } from '../schedule/places.js';
import { assemble, type Emitted, gridOver, spreadOver } from './kernel.js';
import { leastLoading, type Sharing } from './sharing.js';

/** Workgroups that there must be at least on hardware, for none of it to be idle; a processor's few cores are hardly ever. */
const FEWEST = 256;

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

/** Of the lanes that there are where each of them has several spots. */
function gridOf({ storage }: Section, target: Target, { rows: over }: PhasePass, { axis, count, extents }: Sharing) {
  const steps = over === 'all' ? storage.steps : 1;
  const width = widthOf({ extents });
  const rows = storage.size('B') * (axis === 'steps' ? Math.ceil(steps / count) : steps);
  const spread = spreadOver(target, width, rows);
  return { ...gridOver(target, spread, width, rows), across: spread.across };
}
