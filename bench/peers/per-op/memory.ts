/** Which buffer holds what: memory is used again once nothing reads it any more, as frameworks' allocators do. */
import type { Value } from './operations.js';
import type { Places } from './places.js';

export interface Located {
  readonly buffer: number;
  /** Both in numbers. */
  readonly offset: number;
  readonly stride: number;
}

export interface Memory {
  /** Of each buffer, in numbers; the leaves have the first, one each. */
  readonly sizes: readonly number[];
  of(value: Value): Located;
}

/** @param kept values that outlive the run */
export function layOut(places: Places, leaves: readonly Value[], kept: readonly Value[]): Memory {
  const rootOf = (value: Value) => places.of(value).root;
  const buffers = buffersOf(places, new Map(leaves.map((leaf, at) => [leaf, at])));
  const lastUse = new Map<Value, number>();
  for (const [at, { operands, result }] of places.computed.entries())
    for (const value of [...operands, result]) lastUse.set(rootOf(value), at);
  for (const value of [...leaves, ...kept]) lastUse.set(rootOf(value), Number.POSITIVE_INFINITY);

  const sizes = leaves.map(({ rows, columns }) => rows * columns);
  const offsets = new Map(leaves.map((leaf) => [leaf, 0]));
  const free = new Map<string, number[]>();
  const freeOf = (root: Value) => {
    const key = `${buffers.get(root)} ${root.rows * root.columns}`;
    const found = free.get(key) ?? [];
    free.set(key, found);
    return found;
  };
  for (const [at, { operands, result }] of places.computed.entries()) {
    const root = rootOf(result);
    if (!offsets.has(root)) {
      const buffer = buffers.get(root) ?? 0;
      const end = sizes[buffer] ?? 0;
      const offset = freeOf(root).pop() ?? end;
      offsets.set(root, offset);
      sizes[buffer] = Math.max(end, offset + root.rows * root.columns);
    }
    for (const ended of new Set([...operands, result].map(rootOf)))
      if (lastUse.get(ended) === at) freeOf(ended).push(offsets.get(ended) ?? 0);
  }
  return {
    sizes,
    of(value) {
      const { root, offset, stride } = places.of(value);
      return { buffer: buffers.get(root) ?? 0, offset: offset + (offsets.get(root) ?? 0), stride };
    },
  };
}

/** The buffer of each root: none holds both what a dispatch reads and what it writes, which WebGPU refuses. */
function buffersOf(places: Places, ofLeaves: ReadonlyMap<Value, number>): Map<Value, number> {
  const apart = new Map<Value, Set<Value>>();
  const keepApart = (one: Value, other: Value) => apart.set(one, (apart.get(one) ?? new Set()).add(other));
  for (const { kind, operands, result } of places.computed) {
    const written = places.of(result).root;
    apart.set(written, apart.get(written) ?? new Set());
    for (const operand of operands) {
      const read = places.of(operand).root;
      if (read === written) throw new Error(`${kind} would write the memory that it reads`);
      keepApart(written, read);
      keepApart(read, written);
    }
  }
  const buffers = new Map(ofLeaves);
  for (const [root, others] of apart) {
    if (buffers.has(root)) continue;
    const taken = new Set([...others].map((other) => buffers.get(other)));
    let buffer = ofLeaves.size;
    while (taken.has(buffer)) buffer++;
    buffers.set(root, buffer);
  }
  return buffers;
}
