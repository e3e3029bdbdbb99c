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
  while (pairs > majorities(rows).length) rows++;
  const sets = majorities(rows);
  const changed = Array.from({ length: pairs }, (_, at) => sets[Math.floor((at * sets.length) / pairs)] ?? 0);
  return Array.from({ length: rows }, (_, row) => {
    let column = 0;
    let round = 0;
    return Object.fromEntries(
      tree.options.map(({ name }, option): [string, OptionValue] => {
        const choices = values[option] ?? [];
        // The first assignment is in none of the sets.
        const turn =
          choices.length === 2 ? (((changed[column++] ?? 0) << 1) >> row) & 1 : row * (PACES[round++ % PACES.length] ?? 1);
        const value = choices[turn % choices.length];
        if (value === undefined) throw new Error(`option ${name} has no values`);
        return [name, value];
      }),
    );
  });
}

/** Without a common factor with 12, how many activations there are to choose from. */
const PACES = [1, 7, 5];

/** Every set of more than half of all assignments but the first that has as many as the others, as bits. */
function majorities(rows: number): number[] {
  const bits = (set: number): number => (set === 0 ? 0 : (set & 1) + bits(set >> 1));
  return [...Array(2 ** (rows - 1)).keys()].filter((set) => bits(set) === Math.ceil(rows / 2));
}

function valuesOf(option: OptionDeclaration, chosen: Readonly<Record<string, readonly OptionValue[]>>): readonly OptionValue[] {
  const given = chosen[option.name];
  if (option.kind === 'choice') return given ?? option.values;
  if (option.kind === 'flag') return [option.default, !option.default];
  if (given?.[0] !== option.default) throw new Error(`no values, the default ${option.default} first, for ${option.name}`);
  return given;
}
