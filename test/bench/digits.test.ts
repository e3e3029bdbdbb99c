import { expect, it } from 'vitest';
import { readDigits } from '../../bench/demo/digits.js';

it('reads real digits, 0 to 9 in turn, rows as time steps', () => {
  const { shape, data } = readDigits(12);
  expect(shape).toEqual([28, 12, 28]);
  const picture = (sample: number) =>
    Array.from({ length: 28 }, (_, row) =>
      Array.from({ length: 28 }, (_, column) => ((data[(row * 12 + sample) * 28 + column] ?? 0) > 0.5 ? '#' : '.')).join(''),
    ).join('\n');
  expect(`\n${picture(3)}\n`).toMatchInlineSnapshot();
  expect(picture(10)).not.toBe(picture(0));
  expect(Math.max(...data)).toBeLessThanOrEqual(1);
  expect(Math.min(...data)).toBe(0);
});
