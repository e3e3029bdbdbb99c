/** Few assignments of a cell's options that meet every value and most pairs of values. */
import type { CellTree, OptionDeclaration, OptionValue, OptionValues } from '../../codegen/frontend/tree.js';

/**
 * The defaults first. Options of two values are columns of a two-level orthogonal array: in 4, 8 or 16 assignments every
 * two of them meet in all four ways. Options of more values go round, each at a pace of its own.
 *
 * @param numbers values of numeric options, the default first
 */
export function covering(tree: CellTree, numbers: Readonly<Record<string, readonly number[]>> = {}): OptionValues[] {
  const values = tree.options.map((option) => valuesOf(option, numbers));
  const pairs = values.filter(({ length }) => length === 2).length;
  const rows = Math.max(1, ...values.map(({ length }) => length), pairs === 0 ? 1 : 2 ** Math.ceil(Math.log2(pairs + 1)));
  return Array.from({ length: rows }, (_, row) => {
    let column = 0;
    let round = 0;
    return Object.fromEntries(
      tree.options.map(({ name }, option): [string, OptionValue] => {
        const choices = values[option] ?? [];
        const turn = choices.length === 2 ? parity(row & ++column) : row * (PACES[round++ % PACES.length] ?? 1);
        const value = choices[turn % choices.length];
        if (value === undefined) throw new Error(`option ${name} has no values`);
        return [name, value];
      }),
    );
  });
}

/** Without a common factor with 12, how many activations there are to choose from. */
const PACES = [1, 7, 5];

function valuesOf(option: OptionDeclaration, numbers: Readonly<Record<string, readonly number[]>>): readonly OptionValue[] {
  if (option.kind === 'choice') return option.values;
  if (option.kind === 'flag') return [option.default, !option.default];
  const given = numbers[option.name];
  if (given?.[0] !== option.default) throw new Error(`no values, the default ${option.default} first, for ${option.name}`);
  return given;
}

function parity(bits: number): number {
  let sum = 0;
  for (let rest = bits; rest > 0; rest >>= 1) sum ^= rest & 1;
  return sum;
}
