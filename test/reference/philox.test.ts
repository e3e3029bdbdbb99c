import { describe, expect, it } from 'vitest';
import { normal, philox, uniform, type Words } from '../../runtime/reference/philox.js';

const hex = (words: readonly number[]) => words.map((word) => word.toString(16).padStart(8, '0')).join(' ');
const ones = 0xffffffff;

describe('philox', () => {
  // "philox4x32 10" in kat_vectors of Random123, the authors' own library.
  const vectors: [Words, [number, number], string][] = [
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[ones, ones, ones, ones], [ones, ones], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ];
  it.each(vectors)('gives the published words for counter %j and key %j', (counter, key, expected) => {
    expect(hex(philox(counter, key))).toBe(expected);
  });

  it('multiplies any two words exactly', () => {
    // One round of ten shows in every word, so a wrong carry anywhere changes all of them.
    const seen = new Set<string>();
    for (const word of [1, 0xffff, 0x10000, 0x80000000, 0xfffeffff]) {
      for (const place of [0, 1, 2, 3]) {
        const counter = [0, 0, 0, 0].map((zero, i) => (i === place ? word : zero)) as unknown as Words;
        seen.add(hex(philox(counter, [0, 0])));
        expect(hex(philox(counter, [0, 0]))).toBe(hex(exact(counter, [0, 0])));
      }
    }
    expect(seen.size).toBe(20);
  });
});

/** The same with whole numbers of any length. */
function exact(counter: Words, key: readonly [number, number]): number[] {
  let [a, b, c, d] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k, l] = key.map(BigInt) as [bigint, bigint];
  const low = 0xffffffffn;
  for (let round = 0; round < 10; round++) {
    const [x, y] = [0xd2511f53n * a, 0xcd9e8d57n * c];
    [a, b, c, d] = [(y >> 32n) ^ b ^ k, y & low, (x >> 32n) ^ d ^ l, x & low];
    [k, l] = [(k + 0x9e3779b9n) & low, (l + 0xbb67ae85n) & low];
  }
  return [a, b, c, d].map(Number);
}

describe('uniform and normal numbers', () => {
  const words = Array.from({ length: 25_000 }, (_, n) => philox([n, 0, 0, 0], [7, 0]));

  it('uniform ones are multiples of 2⁻²⁴ in [0, 1)', () => {
    expect(uniform(0)).toBe(0);
    expect(uniform(0xff)).toBe(0);
    expect(uniform(0x100)).toBe(2 ** -24);
    expect(uniform(ones)).toBe(1 - 2 ** -24);
    const draws = words.flat().map(uniform);
    const mean = draws.reduce((sum, u) => sum + u, 0) / draws.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan((4 * Math.sqrt(1 / 12)) / Math.sqrt(draws.length));
  });

  it('normal ones come in pairs from two uniform ones', () => {
    // u₀ = u₁ = ¼, u₂ = ½, u₃ = ⅜
    const given: Words = [0x40000000, 0x40000000, 0x80000000, 0x60000000];
    expect(normal(given, 0)).toBeCloseTo(0, 15);
    expect(normal(given, 1)).toBeCloseTo(Math.sqrt(-2 * Math.log(0.75)), 15);
    expect(normal(given, 2)).toBeCloseTo(-Math.sqrt(Math.log(2)), 15);
    expect(normal(given, 3)).toBeCloseTo(Math.sqrt(Math.log(2)), 15);
    expect(Number.isFinite(normal([ones, 0, ones, 0], 0))).toBe(true);
  });

  it('normal ones have mean 0, variance 1, and the fourth moment 3', () => {
    const draws = words.flatMap((four) => [0, 1, 2, 3].map((k) => normal(four, k)));
    const moment = (power: number) => draws.reduce((sum, n) => sum + n ** power, 0) / draws.length;
    const within = (power: number, expected: number, variance: number) =>
      expect(Math.abs(moment(power) - expected)).toBeLessThan(4 * Math.sqrt(variance / draws.length));
    within(1, 0, 1);
    within(2, 1, 2);
    within(3, 0, 15);
    within(4, 3, 96);
  });
});
