/**
 * A phase: every lane holds a register tile of some rows by four units for each contraction, and runs down the
 * contracted units. Rows depend on the workgroup alone, so that hardware loads them once for all lanes; a processor's driver does
 * not see it, so there each lane loads rows of its own and hands them to the others. Weights lie side by side for neighbouring
 * lanes. Then each row's per-unit part runs on the sums.
 */
import type { Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { widthOf } from '../schedule/places.js';
import { Bindings } from './bindings.js';
import { handsOn } from './handing.js';
import { assemble, checkSize, type Emitted, gridOver, lanesFor, type Spread, spreadOver, turnsOf } from './kernel.js';
import { phaseText } from './phase-text.js';
import { emitRows } from './rows.js';
import { type Slices, slicesOver } from './slices.js';
import { largestTile, orderFor, rowsOf } from './tiles.js';
import { emitTogether } from './together.js';

export function emitPhase(section: Section, target: Target, pass: PhasePass): Emitted {
  if (pass.phase.rows !== undefined) return emitRows(section, target, pass);
  const together = pass.phase.contractions.length === 0 ? emitTogether(section, target, pass) : undefined;
  if (together !== undefined) return together;
  const bindings = new Bindings();
  const rows = rowsOf(section, pass);
  const width = widthOf({ extents: section.storage.extents(pass.phase.shape) });
  const full = lanesFor(target, width);
  const hands = handsOn(target, full, width);
  const most = largestTile(section, target, pass);
  const { tile, slices } = slicesOver(section, target, pass, { rows, tile: most }) ?? { tile: most, slices: undefined };
  const order = orderFor(section, [pass]);
  const { data, calls, instructions, units, cost, ...text } = phaseText(section, target, pass, bindings, {
    tile,
    order,
    slices,
    ...(hands ? { handing: full } : {}),
  });
  checkSize(section.builder, target, pass, instructions);
  const tiles = Math.ceil(rows / tile);
  const spread: Spread = slices === undefined ? spreadOver(target, width, tiles) : spreadIn(slices);
  const { head, workgroups } = gridOver(
    target,
    spread,
    width,
    tiles,
    turnsOf(target, order, rows, 4 * width * pass.phase.contractions.length),
  );
  const { contractions, stores } = pass.phase;
  const kernel = assemble(
    'phase',
    {
      name: pass.name,
      sees: pass.rows === 'step' ? 'step' : 'nothing',
      ...(text.hands ? { subgroup: full, votes: text.votes } : {}),
      parts: text.parts,
    },
    target,
    bindings,
    calls,
    {
      ...data(''),
      comment: `${contractions.length} contractions, ${stores.length} stores, ${rows} rows of ${units} units`,
      ...head,
    },
  );
  return {
    kernel,
    workgroups,
    ...(pass.rows === 'all' ? { rowsPerWorkgroup: tile * spread.across } : {}),
    cost,
  };
}

/** Rows one below the other, for all lanes of a workgroup add up what they share. */
const spreadIn = ({ columns, count }: Slices): Spread => ({
  lanes: columns * count,
  perRow: columns,
  across: 1,
  whole: true,
});
