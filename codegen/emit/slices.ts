/**
 * Products in slices: where a step has fewer sums than a machine has lanes, several lanes of a workgroup share out what each sums
 * over, and their parts are added in a fixed order through workgroup memory. A lane's accumulators and the arithmetic behind the
 * sums stay as they are; what a sum rounds to depends on the number of slices.
 */
import type { Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { quads, widthOf } from '../schedule/places.js';
import { MOST_LANES } from './kernel.js';

/** How the lanes of a workgroup lie over units and slices of sums: neighbours have neighbouring units. */
export interface Slices {
  /** Lanes side by side on quads of units. */
  readonly columns: number;
  /** Lanes that share a sum. */
  readonly count: number;
}

/** `vec4f` of workgroup memory that every device has. */
const MEMORY = 1024;
/** Lanes that fill a machine, and workgroups that keep all of its cores busy. */
const FULL = 2 ** 16;
const BUSY = { workgroups: 64, columns: 128 };
/** Parts of one sum, at most; neighbouring lanes, at least, that load neighbouring weights. */
const MOST_SLICES = 64;
const LEAST_COLUMNS = 4;

/** `vec4f` that a phase's longest sum is over; 0 where it has none. */
export function longestSum({ storage }: Section, { phase }: PhasePass): number {
  const terms = phase.contractions.flatMap((contraction) => contraction.terms);
  return Math.max(
    0,
    ...terms.map(({ matrix, transposed }) => quads(storage.size(storage.matrix(matrix, transposed).summed.sum))),
  );
}

/** The tile and the slices of a phase that is dispatched by itself, or `undefined` where its sums are lanes enough. */
export function slicesOver(
  section: Section,
  { software }: Target,
  pass: PhasePass,
  { rows, tile: most }: { readonly rows: number; readonly tile: number },
): { readonly tile: number; readonly slices: Slices } | undefined {
  const sum = longestSum(section, pass);
  if (software || sum === 0) return undefined;
  const width = widthOf({ extents: section.storage.extents(pass.phase.shape) });
  let tile = most;
  let count = 1;
  while (count < MOST_SLICES && 4 * count <= sum && width * Math.ceil(rows / tile) * count < FULL) count *= 2;
  if (count === 1) return undefined;
  let columns = Math.min(powerFrom(width), MOST_LANES / count);
  const workgroups = () => Math.ceil(width / columns) * Math.ceil(rows / tile);
  while (tile > 1 && workgroups() < BUSY.workgroups) tile /= 2;
  while (columns > LEAST_COLUMNS && workgroups() < BUSY.columns) columns /= 2;
  return fitted(pass, tile, { columns, count });
}

/** The same for a workgroup of as many lanes as there may be, whatever else it runs. */
export function slicesFilling(...request: Parameters<typeof slicesOver>): ReturnType<typeof slicesOver> {
  const found = slicesOver(...request);
  if (found === undefined) return undefined;
  const { columns } = found.slices;
  return { ...found, slices: { columns, count: MOST_LANES / columns } };
}

/** The slices of a phase that a workgroup of so many lanes runs for all units of its rows. */
export function slicesWithin(
  section: Section,
  pass: PhasePass,
  { lanes, tile }: { readonly lanes: number; readonly tile: number },
): Slices | undefined {
  const width = widthOf({ extents: section.storage.extents(pass.phase.shape) });
  const columns = powerFrom(width);
  if (longestSum(section, pass) < 2 || columns * 2 > lanes) return undefined;
  const slices = { columns, count: lanes / columns };
  return fitted(pass, tile, slices)?.tile === tile ? slices : undefined;
}

/** With a tile whose totals the workgroup's memory holds. */
function fitted({ phase }: PhasePass, most: number, slices: Slices) {
  let tile = most;
  while (tile > 1 && phase.contractions.length * tile * slices.columns > MEMORY) tile /= 2;
  return phase.contractions.length * tile * slices.columns > MEMORY ? undefined : { tile, slices };
}

/** The least power of two that is not below. */
export const powerFrom = (least: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, least)));

/** Lanes' parts of sums, by name, as the template `added` adds them up: as many sums at once as there is memory and slices for. */
export function addedUp(accumulators: readonly string[], { columns, count }: Slices) {
  const most = Math.max(1, Math.min(count, Math.floor(MEMORY / (columns * count))));
  const rounds = Array.from({ length: Math.ceil(accumulators.length / most) }, (_, round) => {
    const names = accumulators.slice(round * most, (round + 1) * most);
    return {
      round,
      columns,
      count,
      from: round * most,
      sums: names.length,
      names: names.map((name, slot) => ({ name, slot })),
    };
  });
  return { memory: columns * count * Math.min(most, accumulators.length), rounds };
}

/** What the template `tile` adds of slices: `accumulators` by name, those of a row side by side. */
export function slicedText(accumulators: readonly string[], { columns, count }: Slices, width: number) {
  const { memory, rounds } = addedUp(accumulators, { columns, count });
  // Where all sums are added at once, each total stays where only its own lane reads.
  const once = rounds.length === 1;
  return {
    memory: Math.max(memory, once ? 0 : accumulators.length * columns),
    /** Where a total is, by the number of its accumulator. */
    total: (index: string) => `parts[(${index}) * ${once ? count * columns : columns}u + column]`,
    data: {
      columns,
      count,
      col: width % columns === 0 ? 'start + column' : `min(start + column, ${width - 1}u)`,
      once,
      rounds,
    },
  };
}
