/** Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011). */

export type Words = readonly [number, number, number, number];

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
/** The golden ratio and √3 − 1, as the key's steps from round to round. */
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;

/** Four random words for a counter of four words and a key of two; all are u32. */
export function philox(counter: Words, key: readonly [number, number]): Words {
  let [a, b, c, d] = counter;
  let [first, second] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const nextA = high(MULTIPLIERS[1], c) ^ b ^ first;
    const nextC = high(MULTIPLIERS[0], a) ^ d ^ second;
    b = Math.imul(MULTIPLIERS[1], c);
    d = Math.imul(MULTIPLIERS[0], a);
    a = nextA;
    c = nextC;
    first = (first + WEYL[0]) | 0;
    second = (second + WEYL[1]) | 0;
  }
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0];
}

/** Upper 32 bits of a product of two u32, from halves of 16 bits: no partial sum reaches 2³². */
function high(x: number, y: number): number {
  const x0 = x & 0xffff;
  const x1 = x >>> 16;
  const y0 = y & 0xffff;
  const y1 = y >>> 16;
  const middle = x1 * y0 + ((x0 * y0) >>> 16);
  const other = x0 * y1 + (middle & 0xffff);
  return x1 * y1 + (middle >>> 16) + (other >>> 16);
}

/** A word as a number in [0, 1) that float32 holds exactly. */
export function uniform(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/** Standard normal number k of the four that four words give (Box and Muller 1958). */
export function normal(words: Words, k: number): number {
  const [u, v] = k < 2 ? [uniform(words[0]), uniform(words[1])] : [uniform(words[2]), uniform(words[3])];
  const radius = Math.sqrt(-2 * Math.log(1 - u));
  return radius * (k % 2 === 0 ? Math.cos(2 * Math.PI * v) : Math.sin(2 * Math.PI * v));
}
