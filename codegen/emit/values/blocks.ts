/** Blocks of a kernel's text, one in another where loops are, and what has a name in each. */
import { namesOf, type Spot } from './spots.js';

/** Lines of one block, and the values that have names in it. */
export interface Block {
  readonly lines: string[];
  readonly known: Map<string, string>;
  readonly parent: Block | undefined;
  /** How often the block runs for one unit. */
  readonly rounds: number;
  /** Indices that are declared in it. */
  readonly indices: Set<string>;
}

export interface Counter extends Partial<Strided> {
  readonly name: string;
  readonly count: number;
  /** Where it stops earlier. */
  readonly until?: string | undefined;
}

/** Every so-manieth round of a loop, from the first one on. */
export interface Strided {
  readonly first: string;
  readonly stride: number;
}

/** The block of a loop in another. */
export const blockIn = (parent: Block, { name, count, stride = 1 }: Counter): Block => ({
  lines: [],
  known: new Map(),
  parent,
  rounds: parent.rounds * Math.ceil(count / stride),
  indices: new Set([name]),
});

/** The outermost block that has all indices of these spots: what no round of a loop changes is computed before it. */
export function outermost(block: Block, spots: readonly Spot[]): Block {
  const asked = new Set(spots.flatMap(namesOf));
  let found = block;
  while (found.parent !== undefined && ![...found.indices].some((index) => asked.has(index))) found = found.parent;
  return found;
}

/** The name of a value in the innermost block that has it. */
export function find(block: Block, key: string): string | undefined {
  for (let outer: Block | undefined = block; outer; outer = outer.parent) {
    const known = outer.known.get(key);
    if (known !== undefined) return known;
  }
  return undefined;
}

/** A loop over these lines; `opaque` is added to its bound, as `ValueRequest` has it. */
export function looped(
  { name: counter, count, first = '0u', stride = 1, until = `${count}u` }: Counter,
  lines: readonly string[],
  opaque: string,
): string[] {
  return [
    `for (var ${counter} = ${first}; ${counter} < ${until}${opaque}; ${counter}${stride === 1 ? '++' : ` += ${stride}u`}) {`,
    ...lines.map((line) => `  ${line}`),
    '}',
  ];
}
