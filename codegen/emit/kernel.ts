/** What every kernel's emission gives, and the choices that depend on the adapter. */

import type { GraphBuilder } from '../ir/builder.js';
import type { WgslFunction } from '../ops/wgsl/index.js';
import { definitions } from '../ops/wgsl/index.js';
import type { KernelSpec, PassSpec, Target } from '../plan.js';
import type { Phase } from '../schedule/phases.js';
import { takes, tooLarge } from '../schedule/weights.js';
import type { Bindings } from './bindings.js';
import { render, type TemplateName } from './render.js';

export interface Emitted {
  readonly kernel: KernelSpec;
  readonly workgroups: readonly [number, number, number];
  /** As in `PassSpec`. */
  readonly rowsPerWorkgroup?: number;
  readonly stepsAtOnce?: number;
  /** For one dispatch. */
  readonly cost: Pick<PassSpec, 'bytesRead' | 'bytesWritten' | 'flops'>;
}

/** What every WebGPU device allows. */
export const MOST_LANES = 256;

/** Lanes of a workgroup for this many quads of units: no wider than needed, a power of two. */
export function lanesFor(target: Target, width: number): number {
  // On a processor one subgroup is the whole machine width: more lanes only share the same registers.
  const most = target.software ? target.subgroup : 64;
  let lanes = Math.min(most, 2 ** Math.ceil(Math.log2(width)));
  // Large maps: wider workgroups where there would be more of them than one dimension takes.
  while (lanes < MOST_LANES && width / lanes > target.maxWorkgroupsPerDimension) lanes *= 2;
  return lanes;
}

/** How the lanes of a workgroup lie over rows of so many quads of units. */
export interface Spread {
  /** Of a workgroup. */
  readonly lanes: number;
  /** Of those on one row. */
  readonly perRow: number;
  /** Rows side by side: several where one is too narrow for a workgroup. */
  readonly across: number;
  /** Whether all lanes of a workgroup stay, those behind the last units too. */
  readonly whole?: boolean;
}

export function spreadOver(target: Target, width: number, rows: number): Spread {
  const perRow = lanesFor(target, width);
  const least = target.software ? target.subgroup : 32;
  let across = 1;
  while (perRow * across * 2 <= least && across * 2 <= rows) across *= 2;
  return { lanes: perRow * across, perRow, across };
}

/**
 * In which order workgroups take tiles of rows, of which later ones may end earlier. A processor gives each core workgroups that follow
 * each other: it has as much to do as the others where tiles are taken from both sides in turn, or, to the last of them, where all
 * tiles of some columns come before those of others. That has each core read all rows, and fewer weights.
 */
export type Turns = 'as numbered' | 'from both sides' | 'columns apart';

/** So many more columns than rows are worth reading all rows: an LSTM's step of 64 sequences does, going forward, and not going back. */
const WORTH_APART = 4;

/** The order of tiles of sequences; hardware has more of them at once. @param columns what is summed for each row */
export function turnsOf({ software }: Target, order: 'as numbered' | 'longest first', rows: number, columns: number): Turns {
  if (!software || order === 'as numbered') return 'as numbered';
  return columns >= WORTH_APART * rows ? 'columns apart' : 'from both sides';
}

/** Which tile a workgroup takes, and which column, in a grid of so many by whatever is left over. */
export function turnIn(target: Target, count: number, turns: Turns, columns = 1) {
  const gridY = Math.min(count, target.maxWorkgroupsPerDimension);
  const folded = turns !== 'as numbered' && count > 2 && count === gridY;
  const grid = { folded, gridY, gridZ: Math.ceil(count / gridY) };
  if (!folded) return { ...grid, turn: `group.z * ${gridY}u + group.y`, column: 'group.x' };
  const half = columns / 2;
  const number = `(group.y * ${columns}u + group.x)`;
  return turns === 'columns apart' && Number.isInteger(half)
    ? {
        ...grid,
        turn: `${number} / ${half}u % groups.y`,
        column: `(${number} / (${half}u * groups.y) * ${half}u + ${number} % ${half}u)`,
      }
    : { ...grid, turn: 'select(group.y / 2u, groups.y - 1u - group.y / 2u, group.y % 2u == 1u)', column: 'group.x' };
}

/** Where a lane finds its quad of units, `col`, and its row, `row`, in a grid over so many quads by so many rows; what is left over returns. */
export function gridOver(
  target: Target,
  { lanes, perRow, across, whole = false }: Spread,
  width: number,
  rows: number,
  turns: Turns = 'as numbered',
) {
  const columns = Math.ceil(width / perRow);
  const { turn, column, folded, gridY, gridZ } = turnIn(target, Math.ceil(rows / across), turns, columns);
  const workgroups: Emitted['workgroups'] = [columns, gridY, gridZ];
  // Checks only where lanes or rows are left over: after a divergent return software adapters mask every access.
  const guard = [
    width % perRow === 0 || whole ? [] : `col >= ${width}u`,
    rows % (across * gridY) === 0 ? [] : `row >= ${rows}u`,
  ].flat();
  const head = {
    lanes,
    folded,
    // Nothing is to be known of the units before it runs that is not where there are more: a driver's constants are rounded otherwise.
    col: across === 1 ? `${column} * ${lanes}u + lane` : perRow === 1 ? `0u${rolled(target)}` : `lane % ${perRow}u`,
    row: across === 1 ? turn : `(${turn}) * ${across}u + lane${perRow === 1 ? '' : ` / ${perRow}u`}`,
    guard: guard.join(' || '),
  };
  return { head, workgroups };
}

/** Added to a loop's bound, keeps a software adapter's compiler from unrolling it. */
export const rolled = (target: Target): string => (target.software ? ' + zero()' : '');

export interface KernelHead {
  readonly name: string;
  /** What it is told of time: the step, or the steps of one dispatch that it walks by itself, or which wave of how many steps it is. */
  readonly sees: 'nothing' | 'step' | 'span' | 'wave';
  /** How wide a subgroup must be, where lanes hand each other what they loaded. */
  readonly subgroup?: number;
  /** Whether what they have in common is so by a vote, or by what lanes there are: a compiler does not see it. */
  readonly votes?: boolean;
  /** `vec4f` of workgroup memory, where lanes add up parts of sums. */
  readonly parts?: number;
}

/** What the two numbers are that a kernel takes which is told more than its step. */
const SPANS: Readonly<Record<KernelHead['sees'], string>> = {
  nothing: '',
  step: '',
  span: 'The first step of this dispatch, and the one behind its last.',
  wave: 'The number of the wave, and how many steps the run has.',
};

export function assemble(
  template: TemplateName,
  { name, sees, subgroup, votes = false, parts = 0 }: KernelHead,
  target: Target,
  bindings: Bindings,
  calls: Iterable<WgslFunction>,
  data: Readonly<Record<string, unknown>> & { readonly comment: string },
): KernelSpec {
  const looped = target.software && template !== 'copy';
  const span = SPANS[sees];
  const walks = span !== '';
  const usesTime = looped || sees !== 'nothing';
  const header = {
    name,
    usesTime,
    walks,
    subgroup,
    votes: votes && !walks,
    parts,
    span,
    rolled: looped,
    first: walks ? 'span.x' : 'time',
    opaque: rolled(target),
    bindings: bindings.template(),
    functions: definitions(calls),
  };
  const wgsl = render(template, { ...header, ...data });
  return {
    name,
    wgsl,
    entryPoint: 'main',
    bindings: bindings.spec(),
    usesTime,
    ...(walks ? { walks } : {}),
    ...(subgroup === undefined ? {} : { subgroup }),
  };
}

/** The numbers below one, in order. */
export const upTo = (count: number): number[] => [...Array(count).keys()];

/** `values` as template rows with their index. */
export const indexed = <V extends object>(values: readonly V[]) => values.map((value, index) => ({ ...value, index }));

/** One of these numbers, as a WGSL expression; the expression `turn` says which. */
export function pick(values: readonly number[], turn: string): string {
  const [first] = values;
  if (values.every((value) => value === first)) return `${first}u`;
  return `array<u32, ${values.length}>(${values.map((value) => `${value}u`).join(', ')})[${turn}]`;
}

/** About how many a phase takes, with its contractions; `own` is what was printed of the rest. */
export function instructionsOf(builder: GraphBuilder, { contractions }: Phase, own: number): number {
  return contractions.reduce((sum, { id }) => sum + takes(builder.node(id)), own);
}

/**
 * Refuses a kernel before a driver sees that it is too large for it: scheduling cuts what it can, to half of this.
 * @throws RecurveError `LIMIT-KERNEL`
 */
export function checkSize(
  builder: GraphBuilder,
  target: Target,
  { name, phase }: { name: string; phase: Phase },
  own: number,
): void {
  const most = 2 * target.maxKernelInstructions;
  const instructions = instructionsOf(builder, phase, own);
  if (instructions <= most) return;
  throw tooLarge(builder.node(phase.stores[0]?.value ?? 0), `kernel ${name}`, instructions, most);
}

/** A number that depends on the workgroup's z. */
export const byGroup = (values: readonly number[]): string => pick(values, 'group.z');
