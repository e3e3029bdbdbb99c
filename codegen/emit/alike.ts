/**
 * Texts of kernels that are the same but for unsigned numbers in them: where layers lie, and which draws are theirs. One text then
 * serves all of them, and looks these numbers up.
 */
import { groupBy } from '../schedule/merge.js';

const NUMBER = /\b\d+u\b/g;

/** A number that is not the same in all members. */
export interface Lifted {
  readonly name: string;
  /** What it is in each member. */
  readonly values: readonly number[];
}

export interface Alike<Item> {
  readonly members: readonly Item[];
  readonly text: string;
  readonly numbers: readonly Lifted[];
}

/** Items in groups of one text each; `form` is what must be the same besides. */
export function alike<Item extends { readonly text: string; readonly form: unknown }>(
  items: readonly Item[],
  nameOf: (group: number, number: number) => string,
): Alike<Item>[] {
  const groups = groupBy(items, ({ text, form }) => [text.replaceAll(NUMBER, '#'), form]);
  return groups.map((members, group): Alike<Item> => {
    const rows = members.map(({ text }) => [...text.matchAll(NUMBER)].map(([number]) => Number.parseInt(number, 10)));
    const [first = []] = rows;
    const numbers: Lifted[] = [];
    // What always goes together is one number.
    const known = new Map<string, string>();
    const names = first.map((_, place) => {
      const values = rows.map((row) => row[place] ?? 0);
      if (values.every((value) => value === values[0])) return undefined;
      const key = values.join();
      const name = known.get(key) ?? nameOf(group, numbers.length);
      if (!known.has(key)) numbers.push({ name, values });
      known.set(key, name);
      return name;
    });
    let place = 0;
    const text = (members[0]?.text ?? '').replaceAll(NUMBER, (number) => names[place++] ?? number);
    return { members, text, numbers };
  });
}
