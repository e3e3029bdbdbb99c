/** Symbols in the reference: numbers written by hand. */
import { describe, expect, it } from 'vitest';
import { call, num, p, str, x } from './build.js';
import { compute } from './compute.js';

const sizes = { V: 3, H: 2, K: 2 };
const E = [
  ['V', 'H'],
  [1, 2, 3, 4, 5, 6],
] as const;

describe('embed', () => {
  const row = (symbol: number) =>
    compute(call('embed', p('E'), x('s')), { inputs: { s: [[], [symbol]] }, params: { E }, sizes, g: [7, 8] });

  it('is a row of the matrix, and what comes back goes to that row alone', () => {
    expect(row(1)).toMatchObject({ y: [3, 4], shape: [2], gradients: { s: [0], E: [0, 0, 7, 8, 0, 0] } });
  });

  it('adds up over sequences and uses of one symbol', () => {
    const sum = call('sum', call('embed', p('E'), num(2)));
    expect(compute(sum, { inputs: { a: [[], [1]] }, params: { E }, sizes })).toMatchObject({
      y: [11],
      gradients: { E: [0, 0, 0, 0, 1, 1] },
    });
  });
});

describe('argmax', () => {
  const given = {
    inputs: {
      x: [
        ['K', 'V'],
        [1, 9, 9, -1, Number.NaN, 2],
      ] as const,
    },
    sizes,
  };

  it('is the number of the first of the largest, and behind the last where one is no number; no cotangent passes', () => {
    expect(compute(call('argmax', x('x'), str('V')), given)).toMatchObject({ y: [1, 3], gradients: { x: [0, 0, 0, 0, 0, 0] } });
    expect(compute(call('argmax', x('x')), { inputs: { x: [['V'], [-3, -2, -5]] }, sizes }).y).toEqual([1]);
  });
});

describe('sample', () => {
  it('draws each symbol as often as softmax(x / temperature) says, and the same with the same seed', () => {
    const logits = [0.2, 1.4, -0.6];
    const temperature = 0.7;
    const powers = logits.map((logit) => Math.exp(logit / temperature));
    const total = powers.reduce((sum, power) => sum + power, 0);
    const draw = (seed: number) =>
      compute(call('sample', x('x'), num(temperature)), { inputs: { x: [['V'], logits] }, sizes, seed }).y[0] ?? -1;
    const drawn = Array.from({ length: 2000 }, (_, seed) => draw(seed));
    for (const [symbol, power] of powers.entries()) {
      const share = power / total;
      const found = drawn.filter((one) => one === symbol).length / drawn.length;
      expect(Math.abs(found - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / drawn.length));
    }
    expect(drawn.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, seed) => draw(seed)));
  });
});
