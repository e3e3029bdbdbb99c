/** How a phase's rows are shared out: how many a lane has, and which. */
import type { Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { widthOf } from '../schedule/places.js';
import { handsOn } from './handing.js';
import { lanesFor } from './kernel.js';
import { type OperandGroup, operandGroups } from './operands.js';
import type { Registers } from './registers.js';
import type { Sharing } from './sharing.js';
import type { Slices } from './slices.js';

/** Accumulators of `vec4f`, and rows, that a lane has at most: beyond, they spill. */
const OWN = { accumulators: 32, rows: 8 };
/**
 * With operands handed around, what a lane loads is mostly weights, once for all rows of its tile: more rows are worth their spilled
 * accumulators. An LSTM's products with its inputs, I = H = 128, on lavapipe: 21 GFLOP/s with 8 rows and own loads, 28 handed around,
 * 18 and 38 with 16 rows.
 */
const HANDED = { accumulators: 64, rows: 16 };
/** Workgroups of such tiles that there must be at least: fewer leave cores idle. */
const FEWEST = 4;

/** Which rows a lane has. */
export interface Tiling {
  /** How many. */
  readonly tile: number;
  /** Whose: sequences as they are numbered, or the longest first, so that tiles of them end together. Of phases of one walk the same. */
  readonly order: 'as numbered' | 'longest first';
  /** Of a lane that walks over steps and has one row. */
  readonly registers?: Registers;
  /** Of how many lanes each loads some of the rows, or sums some of the units, and hands that to the others, where all need the same. */
  readonly handing?: number;
  /** Of lanes that share out what they sum over; all lanes of a workgroup come there. */
  readonly slices?: Slices | undefined;
  /** Of lanes that have several positions, or several units of a row, each. */
  readonly together?: Sharing | undefined;
  /** Of lanes that hold their weights. */
  readonly held?: HeldBy | undefined;
}

/** Where what a lane holds of a phase begins, and of how many lanes each loads some of what all multiply. */
export interface HeldBy {
  readonly start: number;
  readonly sharers: number | undefined;
}

/** Sequences are ordered where there are several and it may save products. */
export function orderFor({ storage }: Section, passes: readonly PhasePass[]): Tiling['order'] {
  const saves = passes.some(({ phase }) => phase.contractions.length > 0);
  return saves && storage.size('B') > 1 && storage.links.time !== undefined ? 'longest first' : 'as numbered';
}

/** The most rows that a lane has in a dispatch of its own. */
export function largestTile(section: Section, target: Target, pass: PhasePass): number {
  const rows = rowsOf(section, pass);
  const width = widthOf({ extents: section.storage.extents(pass.phase.shape) });
  const lanes = lanesFor(target, width);
  const handed = handsOn(target, lanes, width) && multipliesTheSame(section, pass, lanes);
  const many = (width / lanes) * Math.floor(rows / HANDED.rows) >= FEWEST;
  return tileRows(pass, rows, handed && many ? HANDED : OWN);
}

/** How many rows a phase runs over. */
export function rowsOf({ storage }: Section, { rows }: PhasePass): number {
  return rows === 'step' ? storage.size('B') : storage.size('B') * storage.steps;
}

/** Whether so many lanes read an operand at the same position and units, of however many rows: then what one loads serves all. */
export function sameForAll(
  { storage }: Section,
  { phase }: PhasePass,
  { view, summed }: OperandGroup['common'],
  lanes: number,
): boolean {
  const { units, range } = summed;
  const atOne = view.extents.length === 0 || (storage.extents(phase.shape).at(-1) ?? 1) % lanes === 0;
  return atOne && (range === undefined || storage.size(units) % (4 * lanes * range.blocks) === 0);
}

/** Whether some operand of a phase is the same for all lanes. */
function multipliesTheSame(section: Section, pass: PhasePass, lanes: number): boolean {
  const groups = operandGroups(pass.phase.contractions, section.storage, pass.rows, section.merging);
  return groups.some(({ common }) => sameForAll(section, pass, common, lanes));
}

/** As many rows as the registers hold, or as are worth it. */
export function tileRows({ phase }: PhasePass, rows: number, { accumulators, rows: most } = OWN): number {
  const contractions = phase.contractions.length;
  const fitting = contractions === 0 ? most : Math.max(1, Math.min(most, Math.floor(accumulators / contractions)));
  let tile = 1;
  while (tile * 2 <= fitting && tile * 2 <= rows) tile *= 2;
  return tile;
}
