/** Seeded damage to good documents: what a cable, an editor and a hurried author do to a file. */

/** Uniform in [0, 1), the same sequence for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One to four random faults in the bytes: flipped bits, a cut, a deletion, a repetition. */
export function damageBytes(bytes: Uint8Array, next: () => number): Uint8Array {
  let damaged: Uint8Array = bytes.slice();
  const below = (limit: number) => Math.floor(next() * limit);
  for (let fault = 0; fault <= below(4); fault++) {
    const at = below(damaged.length);
    const until = at + 1 + below(12);
    const kind = below(5);
    if (kind === 0) damaged = damaged.slice(0, at);
    else if (kind === 1) damaged = join(damaged.slice(0, at), damaged.slice(until));
    else if (kind === 2) damaged = join(damaged.slice(0, until), damaged.slice(at));
    else if (damaged.length > 0) damaged[at] = (damaged[at] ?? 0) ^ (1 << below(8));
  }
  return damaged;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

const STRANGERS: readonly unknown[] = [
  null,
  true,
  '',
  'x',
  -1,
  0,
  1.5,
  7,
  1e39,
  2 ** 53,
  [],
  {},
  [1],
  [[1]],
  { shape: [1], data: [1] },
  { shape: [], data: [1] },
  'torch',
  'onnx',
  '__proto__',
];

/** Replaces, removes or renames one random node of a JSON document. */
export function damageTree(node: unknown, next: () => number): unknown {
  if (typeof node !== 'object' || node === null || next() < 0.15) return STRANGERS[Math.floor(next() * STRANGERS.length)];
  const entries = Object.entries(node);
  const at = Math.floor(next() * entries.length);
  const changed = entries.flatMap(([key, value], index): [string, unknown][] => {
    if (index !== at) return [[key, value]];
    const kind = next();
    if (kind < 0.1) return [];
    if (kind < 0.2) return [[next() < 0.5 ? `${key}x` : '__proto__', value]];
    return [[key, damageTree(value, next)]];
  });
  return Array.isArray(node) ? changed.map(([, value]) => value) : Object.fromEntries(changed);
}
