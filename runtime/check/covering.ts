/**
 * Few assignments of a cell's options in which every value of every option occurs, and every two values of two options
 * meet: a covering array of strength 2, by the greedy construction of Cohen et al. 1997, "The AETG system", without its
 * random restarts, so that it is the same every time.
 */
import { completeOptions } from '../../codegen/frontend/index.js';
import type { CellTree, OptionDeclaration, OptionValue, OptionValues } from '../../codegen/frontend/tree.js';
import { streamOf } from '../random.js';

/** A value that an assignment takes; `undefined` is a number's default, which may go with the value of another option. */
type Choice = OptionValue | undefined;
/** One choice for each option, by place. */
type Row = readonly Choice[];

type Options = Pick<CellTree, 'options'>;

/** Assignments that a check of one cell tries without being told to try them all. */
export const MOST_ASSIGNMENTS = 256;

export interface Assignments {
  /** Complete, the defaults first, none twice. */
  readonly options: readonly OptionValues[];
  /** Where they are a sample: how many it would take at least for every two values to meet. */
  readonly sampledOf?: number;
}

/**
 * @param extent whether a sample will do where there are very many
 * @param possible whether an assignment is a cell at all; pairs that no assignment allows are left out
 */
export function assignmentsOf(
  tree: Options,
  extent: 'sample' | 'all' = 'sample',
  possible: (options: OptionValues) => boolean = () => true,
): Assignments {
  const values = tree.options.map(valuesOf);
  const [most = 1, second = 1] = values.map(({ length }) => length).sort((a, b) => b - a);
  const least = most * second;
  const complete = (row: Row) =>
    completeOptions(
      tree.options,
      Object.fromEntries(tree.options.flatMap(({ name }, at) => (row[at] === undefined ? [] : [[name, row[at]]]))),
    );
  if (extent === 'sample' && least > MOST_ASSIGNMENTS) {
    const options = distinct(sample(tree.options, values).map(complete)).filter(possible);
    return { options, sampledOf: least };
  }
  return { options: distinct(covering(values, (row) => possible(complete(row))).map(complete)) };
}

function distinct(all: readonly OptionValues[]): OptionValues[] {
  return [...new Map(all.map((options) => [JSON.stringify(options), options])).values()];
}

/** Every value of a choice or flag; of a number the default, and where the range leaves room one more. */
export function valuesOf(option: OptionDeclaration): readonly Choice[] {
  if (option.kind === 'choice') return option.values;
  if (option.kind === 'flag') return [option.default, !option.default];
  const other = otherNumber(option);
  return other === option.default ? [undefined] : [undefined, other];
}

function otherNumber(option: Extract<OptionDeclaration, { kind: 'real' | 'integer' }>): number {
  const { default: standard, min, max } = option;
  if (option.kind === 'integer')
    return min !== undefined && min !== standard ? min : max === undefined || standard < max ? standard + 1 : standard;
  if (min !== undefined && max !== undefined) return standard === (min + max) / 2 ? min + 0.75 * (max - min) : (min + max) / 2;
  // 0.5 as a limit on pre-activations is met by about half of them, which is what finds mistakes.
  if (min !== undefined) return standard === min + 0.5 ? min + 1 : min + 0.5;
  return max === undefined || standard + 0.5 <= max ? standard + 0.5 : max - 0.5;
}

/** Values by chance, each option on its own; the defaults first. */
function sample(options: readonly OptionDeclaration[], values: readonly (readonly Choice[])[]): Row[] {
  const streams = options.map(({ name }) => streamOf(0, `option ${name}`));
  const rows = Array.from({ length: MOST_ASSIGNMENTS - 1 }, () =>
    values.map((choices, at) => choices[Math.floor((streams[at]?.() ?? 0) * choices.length)]),
  );
  return [values.map(([first]) => first), ...rows];
}

/** Two values of two options, by place and number. */
interface Pair {
  readonly options: readonly [number, number];
  readonly numbers: readonly [number, number];
}

function covering(values: readonly (readonly Choice[])[], possible: (row: Row) => boolean): Row[] {
  const open = new PairSet(values);
  const rows: Row[] = [];
  const take = (numbers: readonly number[]): boolean => {
    const row = rowOf(values, numbers);
    if (!possible(row)) return false;
    rows.push(row);
    open.meet(numbers);
    return true;
  };
  take(values.map(() => 0));
  // Of one option, or of options without a partner, every value on its own.
  values.forEach((choices, at) => {
    if (values.some((other, place) => place !== at && other.length > 1)) return;
    choices.slice(1).forEach((_, number) => {
      take(values.map((__, place) => (place === at ? number + 1 : 0)));
    });
  });
  for (let pair = open.next(); pair !== undefined; pair = open.next()) {
    // What the cell refuses together is met beside the defaults, or not at all.
    if (!take(greedy(values, open, pair)) && !take(withDefaults(values, pair))) open.giveUp(pair);
  }
  return rows;
}

const rowOf = (values: readonly (readonly Choice[])[], numbers: readonly number[]): Row =>
  values.map((choices, at) => choices[numbers[at] ?? 0]);

function withDefaults(values: readonly (readonly Choice[])[], { options, numbers }: Pair): number[] {
  return values.map((_, at) => (at === options[0] ? numbers[0] : at === options[1] ? numbers[1] : 0));
}

/** Option by option the value that brings most new pairs with what the row has. */
function greedy(values: readonly (readonly Choice[])[], open: PairSet, pair: Pair): number[] {
  const row: (number | undefined)[] = values.map(() => undefined);
  row[pair.options[0]] = pair.numbers[0];
  row[pair.options[1]] = pair.numbers[1];
  // Those with most values first: they are hardest to do justice to.
  const order = [...values.keys()].sort((a, b) => (values[b]?.length ?? 0) - (values[a]?.length ?? 0) || a - b);
  for (const at of order) {
    if (row[at] !== undefined) continue;
    let best = { number: 0, fresh: -1 };
    for (let number = 0; number < (values[at]?.length ?? 0); number++) {
      const fresh = row.reduce<number>(
        (count, other, place) => count + (other !== undefined && open.has(at, number, place, other) ? 1 : 0),
        0,
      );
      if (fresh > best.fresh) best = { number, fresh };
    }
    row[at] = best.number;
  }
  return row.map((number) => number ?? 0);
}

/** The pairs that have not met yet. */
class PairSet {
  readonly #open = new Map<string, Pair>();

  constructor(values: readonly (readonly Choice[])[]) {
    for (let first = 0; first < values.length; first++) {
      for (let second = first + 1; second < values.length; second++) {
        for (let a = 0; a < (values[first]?.length ?? 0); a++) {
          for (let b = 0; b < (values[second]?.length ?? 0); b++) {
            this.#open.set(`${first} ${a} ${second} ${b}`, { options: [first, second], numbers: [a, b] });
          }
        }
      }
    }
  }

  /** The first one in declared order. */
  next(): Pair | undefined {
    return this.#open.values().next().value;
  }

  has(first: number, a: number, second: number, b: number): boolean {
    return this.#open.has(first < second ? `${first} ${a} ${second} ${b}` : `${second} ${b} ${first} ${a}`);
  }

  meet(numbers: readonly number[]): void {
    for (let first = 0; first < numbers.length; first++) {
      for (let second = first + 1; second < numbers.length; second++) {
        this.#open.delete(`${first} ${numbers[first]} ${second} ${numbers[second]}`);
      }
    }
  }

  giveUp({ options: [first, second], numbers: [a, b] }: Pair): void {
    this.#open.delete(`${first} ${a} ${second} ${b}`);
  }
}
