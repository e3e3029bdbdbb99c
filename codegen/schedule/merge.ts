/**
 * Members that one kernel serves. What its code takes from them is in `common`, and `common` is also what decides who
 * belongs together: an emitter has nothing of one member's that it could mistake for everyone's. Members differ in
 * numbers only, which a kernel looks up.
 */

/** Whether members that are alike share a kernel, or each has one of its own: the same results, and the test of that. */
export type Merging = 'alike' | 'none';

export interface Merged<Common, Own> {
  readonly common: Common;
  readonly members: readonly Own[];
}

/** In the order of each group's first member. `Common` is plain data: JSON tells what is equal. */
export function merge<Common, Own>(
  items: readonly { readonly common: Common; readonly own: Own }[],
  merging: Merging,
): Merged<Common, Own>[] {
  const groups = groupBy(items, ({ common }) => common);
  if (merging === 'none') return groups.flat().map(({ common, own }) => ({ common, members: [own] }));
  return groups.flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ common: first.common, members: group.map(({ own }) => own) }];
  });
}

/** Items with the same `key`, plain data, in the order of the first of each group. */
export function groupBy<Item>(items: readonly Item[], key: (item: Item) => unknown): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const text = JSON.stringify(key(item));
    const group = groups.get(text) ?? [];
    groups.set(text, group);
    group.push(item);
  }
  return [...groups.values()];
}
