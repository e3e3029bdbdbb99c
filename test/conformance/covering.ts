/** Few assignments of a cell's options that meet every value and most pairs of values. */
import type { CellTree, OptionDeclaration, OptionValue, OptionValues } from '../../codegen/frontend/tree.js';

/**
 * The defaults first. Of options of two values every two meet in all four ways: in the first assignment both are at their defaults,
 * and of the others each is changed in more than half, no two in the same ones. Options of more values go round, each at a pace of
 * its own.
 *
 * @param chosen values of numeric options, and of others of which not all are tried, the default first
 */
export function covering(tree: CellTree, chosen: Readonly<Record<string, readonly OptionValue[]>> = {}): OptionValues[] {
  const values = tree.options.map((option) => valuesOf(option, chosen));
  const pairs = values.filter(({ length }) => length === 2).length;
  let rows = Math.max(1, ...values.map(({ length }) => length));
  while (pairs > arcs(rows)) rows++;
  return Array.from({ length: rows }, (_, row) => {
    let column = 0;
    let round = 0;
    return Object.fromEntries(
      tree.options.map(({ name }, option): [string, OptionValue] => {
        const choices = values[option] ?? [];
        const turn = choices.length === 2 ? Number(isOn(rows, row, column++)) : row * (PACES[round++ % PACES.length] ?? 1);
        const value = choices[turn % choices.length];
        if (value === undefined) throw new Error(`option ${name} has no values`);
        return [name, value];
      }),
    );
  });
}

/** Without a common factor with 12, how many activations there are to choose from. */
const PACES = [1, 7, 5];

/** Steps around a ring of assignments that come to all of them, but for those that go the other way. */
const strides = (ring: number) =>
  Array.from({ length: ring }, (_, at) => at + 1).filter((at) => 2 * at < ring && common(at, ring) === 1);

const common = (a: number, b: number): number => (b === 0 ? a : common(b, a % b));

/** How many sets of more than half of a ring of all assignments but the first there are, as `isOn` makes them. */
function arcs(rows: number): number {
  const ring = rows - 1;
  return rows < 4 ? Math.min(1, ring) : ring * strides(ring).length;
}

/** Whether an assignment is among those of an arc: from a beginning of its own on, in strides of the same length for as many arcs as there are beginnings. */
function isOn(rows: number, row: number, column: number): boolean {
  const ring = rows - 1;
  const stride = strides(ring)[Math.floor(column / ring)] ?? 1;
  const reached = Array.from({ length: Math.ceil(rows / 2) }, (_, step) => (column + step * stride) % ring);
  return row > 0 && reached.includes(row - 1);
}

function valuesOf(option: OptionDeclaration, chosen: Readonly<Record<string, readonly OptionValue[]>>): readonly OptionValue[] {
  const given = chosen[option.name];
  if (option.kind === 'choice') return given ?? option.values;
  if (option.kind === 'flag') return [option.default, !option.default];
  if (given?.[0] !== option.default) throw new Error(`no values, the default ${option.default} first, for ${option.name}`);
  return given;
}
