import { describe, expect, test } from 'vitest';
import type { SizeRule } from '../../../codegen/frontend/tree.js';
import { affine, chooseSizes, completeSizes } from '../../../codegen/ir/sizes.js';

const span = { file: 'mine.cell.ts', line: 3, column: 1, length: 1 };
const equal = (dim: string, constant: number, terms: Record<string, number>, divisor = 1): SizeRule => ({
  dim,
  relation: 'equal',
  value: affine(
    constant,
    Object.entries(terms).map(([other, factor]) => ({ dim: other, factor })),
  ),
  divisor,
  by: 'concat',
  span,
});
const atLeast = (dim: string, constant: number, terms: Record<string, number>): SizeRule => ({
  ...equal(dim, constant, terms),
  relation: 'atLeast',
  by: 'slice',
});

describe('sizes that follow from others', () => {
  test('are computed in any order of the rules', () => {
    const rules = [equal('M', 0, { N: 2 }), equal('N', 1, { I: 1, H: 1 })];
    expect(completeSizes(rules, { I: 2, H: 4 })).toEqual({ I: 2, H: 4, N: 7, M: 14 });
    expect(chooseSizes(rules, { M: 1, N: 1, I: 2, H: 4 })).toEqual({ M: 14, N: 7, I: 2, H: 4 });
  });

  test('are held to the rules where they are given', () => {
    const rules = [equal('N', 0, { I: 1, H: 1 })];
    expect(chooseSizes(rules, { N: 1, I: 2, H: 4 }, { N: 6 })).toEqual({ N: 6, I: 2, H: 4 });
    expect(() => chooseSizes(rules, { N: 1, I: 2, H: 4 }, { N: 7 })).toThrow('needs N of 6 for I = 2, H = 4, and there is N = 7');
  });

  test('of two that follow from each other one is chosen', () => {
    const rules = [equal('A', 0, { H: 1 }), equal('H', 0, { A: 1 })];
    expect(chooseSizes(rules, { H: 5, A: 3 })).toEqual({ H: 5, A: 5 });
    expect(chooseSizes(rules, { H: 5, A: 3 }, { A: 4 })).toEqual({ H: 4, A: 4 });
    expect(() => chooseSizes([...rules, atLeast('H', 9, {})], { H: 5, A: 3 }, { A: 4 })).toThrow('needs H of at least 9');
  });
});

describe('suggested sizes that are too small', () => {
  test('grow to what a slice needs', () => {
    expect(chooseSizes([atLeast('H', 2, { K: 1 })], { H: 1, K: 4 })).toEqual({ H: 6, K: 4 });
  });

  test('grow to what a convolution needs', () => {
    // Y = ⌊(X − 3) / 2⌋, as of a kernel of 3 with dilation 2 and stride 2.
    expect(chooseSizes([equal('Y', -3, { X: 1 }, 2)], { X: 1, Y: 9 })).toEqual({ X: 5, Y: 1 });
  });

  test('grow through what they follow from', () => {
    const rules = [equal('N', 0, { I: 1, H: 1 }), atLeast('N', 3, { K: 1 })];
    expect(chooseSizes(rules, { N: 1, I: 2, H: 2, K: 5 })).toEqual({ N: 8, I: 6, H: 2, K: 5 });
    expect(chooseSizes(rules, { N: 1, I: 2, H: 2, K: 5 }, { I: 2 })).toEqual({ N: 8, I: 2, H: 6, K: 5 });
  });

  test('stay where they are given, and the rule is named', () => {
    expect(() => chooseSizes([atLeast('H', 2, { K: 1 })], { H: 1, K: 4 }, { H: 5 })).toThrow(
      '`slice` at mine.cell.ts:3 needs H of at least 6 for K = 4, and there is H = 5',
    );
  });
});

test('an axis of fixed size is named by its size', () => {
  expect(() => completeSizes([equal('8', 0, { H: 1 })], { H: 5 })).toThrow(
    'needs an axis of 5 for H = 5, and there is an axis of 8',
  );
});
