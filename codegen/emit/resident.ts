/**
 * All units of a tile of sequences to a workgroup, whose lanes wait for each other between phases: with the weights loaded at every step,
 * or held by the lanes where these are few.
 */
import type { Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { widthOf } from '../schedule/places.js';
import { Bindings } from './bindings.js';
import { handsOn } from './handing.js';
import { holdingOf } from './held.js';
import { turnsOf } from './kernel.js';
import { phaseText } from './phase-text.js';
import { spotsTogether } from './sharing.js';
import { longestSum, powerFrom, slicesWithin } from './slices.js';
import { orderFor, type Tiling, tileRows } from './tiles.js';
import { assembleWalk, type Loop, type Walk, widthIn } from './walk.js';

/** Workgroups that keep a machine busy: tiles of rows are halved until there are as many. */
const BUSY = { software: 4, hardware: 64 };

export function emitResident(section: Section, target: Target, loop: Loop): Walk {
  const { passes } = loop;
  const rows = section.storage.size('B');
  const order = orderFor(section, passes);
  let tile = Math.min(...passes.map((pass) => tileRows(pass, rows)));
  while (tile > 1 && Math.ceil(rows / tile) < (target.software ? BUSY.software : BUSY.hardware)) tile /= 2;
  const holding = emitHolding(section, target, loop, { rows, order, tile });
  if (holding !== undefined) return holding;
  const bindings = new Bindings();
  const lanes = residentLanes(
    target,
    Math.max(...passes.map((pass) => lanesWanted(section, target, pass, widthIn(section, pass.phase.shape)))),
  );
  const together = spotsTogether(section, target, passes, lanes);
  const widths = passes.map(({ phase }, index) => widthOf(together[index] ?? { extents: section.storage.extents(phase.shape) }));
  // Lanes of which some have nothing to do in the last turn of a phase could hand nothing on.
  const handing = widths.every((width) => handsOn(target, lanes, width)) ? lanes : undefined;
  const slices = passes.map((pass) => (target.software ? undefined : slicesWithin(section, pass, { lanes, tile })));
  const texts = passes.map((pass, index) =>
    phaseText(section, target, pass, bindings, {
      tile,
      order,
      handing,
      together: together[index],
      slices: slices[index],
    }),
  );
  const parts = Math.max(...texts.map((text) => text.parts));
  const hands = texts.some((text) => text.hands);
  return assembleWalk(section, target, loop, texts, bindings, {
    comment: `resident, ${passes.length} phases, ${rows} rows in tiles of ${tile}`,
    registers: [],
    lanes,
    columns: 1,
    turns: Math.ceil(rows / tile),
    tile,
    order: turnsOf(target, order, rows, 0),
    setup: [`let first = turn * ${tile}u;`],
    filled: [],
    from: 'span.x',
    until: 'span.y',
    body: widths.flatMap((width, index) => [
      slices[index] !== undefined
        ? `phase${index}(0u, lane, first);`
        : hands
          ? `for (var start = 0u; start < ${width}u; start += ${lanes}u) { phase${index}(start + lane, first); }`
          : `for (var col = lane; col < ${width}u; col += ${lanes}u) { phase${index}(col, first); }`,
      'storageBarrier();',
      ...(parts > 0 ? ['workgroupBarrier();'] : []),
    ]),
    parts,
    ...(hands && handing !== undefined ? { subgroup: handing } : {}),
    ends: [],
  });
}

/** The same, of lanes that hold what they multiply; `undefined` where they cannot. */
function emitHolding(section: Section, target: Target, loop: Loop, { rows, order, tile: most }: Rows): Walk | undefined {
  const { passes } = loop;
  const holding = holdingOf(section, target, passes, most);
  if (holding === undefined) return undefined;
  const { lanes, count, starts, tile } = holding;
  const bindings = new Bindings();
  const widths = passes.map(({ phase }) => widthIn(section, phase.shape));
  const handing = widths.every((width) => handsOn(target, lanes, width)) ? lanes : undefined;
  const full = target.broadcasts && lanes % target.subgroup === 0;
  const texts = passes.map((pass, index) =>
    phaseText(section, target, pass, bindings, {
      tile,
      order,
      handing,
      held:
        pass.phase.contractions.length === 0
          ? undefined
          : {
              start: starts[index] ?? 0,
              // All lanes of a subgroup are there.
              sharers: full && widths[index] === lanes ? target.subgroup : undefined,
            },
    }),
  );
  // Sums of all units are one lane's work for each of them, unless lanes of one subgroup share it out.
  if (handing === undefined && texts.some(({ loops }) => loops)) return undefined;
  const calls = (text: (index: number) => string) =>
    widths.map((width, index) => (width === lanes ? text(index) : `if (lane < ${width}u) { ${text(index)} }`));
  const hands = texts.some((text) => text.hands);
  return assembleWalk(section, target, loop, texts, bindings, {
    comment: `resident, ${passes.length} phases, ${rows} rows in tiles of ${tile}, weights held`,
    registers: [{ name: 'held', type: `array<vec4f, ${count}>` }, ...(hands ? [{ name: 'sharer', type: 'u32' }] : [])],
    lanes,
    columns: 1,
    turns: Math.ceil(rows / tile),
    tile,
    order: turnsOf(target, order, rows, 0),
    setup: [`let first = turn * ${tile}u;`, ...(hands ? ['sharer = invocation;'] : [])],
    filled: calls((index) => `hold${index}(lane);`).filter((_, index) => (passes[index]?.phase.contractions.length ?? 0) > 0),
    from: 'span.x',
    until: 'span.y',
    body: calls((index) => `phase${index}(lane, first);`).flatMap((call) => [call, 'storageBarrier();']),
    weights: 'held',
    ...(hands ? { subgroup: target.subgroup } : {}),
    ends: [],
  });
}

/** The sequences of a loop. */
interface Rows {
  readonly rows: number;
  readonly order: Tiling['order'];
  /** The most to a workgroup. */
  readonly tile: number;
}

/** Lanes that a phase has work for: on a machine that runs many of them at once, some share a sum. */
function lanesWanted(section: Section, { software }: Target, pass: PhasePass, width: number): number {
  return software ? width : powerFrom(width) * powerFrom(longestSum(section, pass));
}

/** Of a workgroup that has all units: on a processor more lanes than one vector would only be run in turns. */
function residentLanes(target: Target, widest: number): number {
  const most = target.software ? target.subgroup : 256;
  return Math.min(most, Math.max(target.software ? 1 : target.subgroup, powerFrom(widest)));
}
