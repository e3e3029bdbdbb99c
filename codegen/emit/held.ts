/**
 * Weights that lanes hold from step to step: a lane that walks always multiplies the same columns. On a processor's driver, which loads
 * for each lane by itself, a step of one sequence costs mostly its weights; what a lane holds lies beside what the others of its vector
 * do. An index that a compiler knows is needed for that, so the sums are written out, every product a statement.
 */
import type { Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { quads, widthOf } from '../schedule/places.js';
import { MOST_LANES, upTo } from './kernel.js';
import { type OperandGroup, operandGroups } from './operands.js';
import { plus } from './values/spots.js';

/** `vec4f` that a lane holds at most, for each of its rows: an LSTM's of 64 units. Each is a product in the text, for which LLVM takes 10 ms. */
const MOST = 256;

/** What the lanes of a workgroup hold of the phases of a loop. */
export interface Holding {
  /** One for each four units of the widest phase. */
  readonly lanes: number;
  /** `vec4f` in all. */
  readonly count: number;
  /** Where what each phase multiplies begins, in order. */
  readonly starts: readonly number[];
  /** Rows of a lane. */
  readonly tile: number;
}

/** For so many rows to a lane, or fewer; `undefined` where it would be too much, or where which products count is known at the step alone. */
export function holdingOf(
  section: Section,
  { software }: Target,
  passes: readonly PhasePass[],
  most: number,
): Holding | undefined {
  const { storage, merging } = section;
  if (!software) return undefined;
  const lanes = Math.max(...passes.map(({ phase }) => widthOf({ extents: storage.extents(phase.shape) })));
  const groups = passes.map((pass) => operandGroups(pass.phase.contractions, storage, pass.rows, merging));
  const sometimes = passes.some(({ phase }) => phase.contractions.some(({ id }) => section.due(id).length > 0));
  if (sometimes || groups.flat().some(({ common: { idle, summed } }) => idle || summed.range !== undefined)) return undefined;
  const sizes = groups.map((own) => own.reduce((sum, group) => sum + heldOf(section, group), 0));
  const starts = sizes.map((_, index) => sizes.slice(0, index).reduce((sum, size) => sum + size, 0));
  const count = sizes.reduce((sum, size) => sum + size, 0);
  if (lanes > MOST_LANES || count === 0 || count > MOST) return undefined;
  let tile = most;
  while (count * tile > MOST) tile /= 2;
  return { lanes, count, starts, tile };
}

/** `vec4f` that a lane multiplies with these operands. */
export const heldOf = ({ storage }: Section, { common, members }: OperandGroup): number =>
  4 * members.length * common.weights.length * quads(storage.size(common.summed.sum));

/** One group of products of a phase. */
export interface HeldProducts {
  readonly group: OperandGroup;
  /** `vec4f` that are summed over. */
  readonly summed: number;
  /** Where what is held of it begins. */
  readonly start: number;
  /** As in `ValueRequest`. */
  readonly opaque: string;
  /** Where the lane's position lies in the operand that `g` is the number of. */
  readonly lines: readonly string[];
  readonly buffer: string;
  readonly rows: readonly { readonly row: number; readonly base: string; readonly inside: string | undefined }[];
  /** Lanes that want the same operand, of which each loads some for the others. */
  readonly sharers: number | undefined;
  readonly weights: readonly HeldWeight[];
  /** Whether something is multiplied at this step; always, where `undefined`. */
  readonly when: string | undefined;
}

export interface HeldWeight {
  readonly buffer: string;
  /** WGSL of the lane's first row of a matrix, `vec4f` to the next four rows, and to each of the four. */
  readonly base: string;
  readonly unit: string;
  readonly stride: number;
  readonly row: number;
  /** For each row of the tile. */
  readonly accumulators: readonly string[];
}

/** The products, and what fills the lane's array before the first step. */
export function heldText(products: HeldProducts): { readonly multiplied: string[]; readonly filled: string[] } {
  const { group, summed, start, opaque, lines, buffer, rows, sharers, weights, when } = products;
  const place = (member: number, k: number, turn: number) => start + 4 * ((member * summed + k) * weights.length + turn);
  const load = ({ row, inside }: HeldProducts['rows'][number], k: string) => {
    const text = `${buffer}[base${row} + ${k}]`;
    return inside === undefined ? text : `select(vec4f(0), ${text}, ${inside})`;
  };
  const operand = (one: HeldProducts['rows'][number], k: number): string =>
    sharers === undefined ? load(one, `${k}u`) : `subgroupBroadcast(own${one.row}_${Math.floor(k / sharers)}, ${k % sharers}u)`;
  const loads = (one: HeldProducts['rows'][number]): string[] =>
    sharers === undefined
      ? []
      : upTo(Math.ceil(summed / sharers)).map((turn) => {
          const own = plus(`${turn * sharers}u`, 'sharer');
          const k = (turn + 1) * sharers <= summed ? own : `min(${own}, ${summed - 1}u)`;
          return `let own${one.row}_${turn} = ${load(one, k)};`;
        });
  const ofMember = (member: number): string[] => [
    `let g = ${member}u;`,
    ...lines,
    ...rows.map(({ row, base }) => `let base${row} = ${base};`),
    ...rows.flatMap(loads),
    ...upTo(summed).flatMap((k) => [
      ...rows.map((one) => `let x${one.row}_${k} = ${operand(one, k)};`),
      ...weights.flatMap(({ accumulators }, turn) =>
        rows.map(({ row }, index) => {
          const at = place(member, k, turn);
          const [x, y, z, w] = [0, 1, 2, 3].map((part) => `x${row}_${k}.${'xyzw'[part]} * held[${at + part}]`);
          return `${accumulators[index]} += ${x} + ${y} + ${z} + ${w};`;
        }),
      ),
    ]),
  ];
  const each = group.members.length * summed;
  return {
    multiplied: upTo(group.members.length).flatMap((member) => [
      when === undefined ? '{' : `if (${when}) {`,
      ...ofMember(member).map((line) => `  ${line}`),
      '}',
    ]),
    filled: weights.flatMap(({ buffer: matrices, base, unit, stride, row }, turn) => [
      `for (var n = 0u; n < ${each}u${opaque}; n++) {`,
      `  let g = n / ${summed}u;`,
      `  let at = ${base} + n % ${summed}u * ${stride}u + ${unit};`,
      `  let to = ${start + 4 * turn}u + n * ${4 * weights.length}u;`,
      ...[0, 1, 2, 3].map((part) => `  held[to + ${part}u] = ${matrices}[at + ${part * row}u];`),
      '}',
    ]),
  };
}
