import { describe, expect, it } from 'vitest';
import { compareResults, relativeError } from '../../runtime/compare.js';
import type { CellResult, Tensor } from '../../runtime/data.js';

const tensor = (shape: number[], ...values: number[]): Tensor => ({ shape, data: Float64Array.from(values) });

describe('the relative error', () => {
  it('is the norm of the difference over the norm of the reference', () => {
    expect(relativeError([3, 4.5], [3, 4])).toBeCloseTo(0.1, 15);
    expect(relativeError([1, 2, 3], [1, 2, 3])).toBe(0);
  });

  it('is absolute where the reference is zero', () => {
    expect(relativeError([0, 0], [0, 0])).toBe(0);
    expect(relativeError([3, 4], [0, 0])).toBeCloseTo(5 / Math.SQRT2, 15);
  });

  it('neither overflows nor vanishes with very large or small numbers', () => {
    expect(relativeError([3e-200, 4.5e-200], [3e-200, 4e-200])).toBeCloseTo(0.1, 14);
    expect(relativeError([3e200, 4.5e200], [3e200, 4e200])).toBeCloseTo(0.1, 14);
  });

  it('takes the same NaN or infinity for equal, and leaves it out of the norms', () => {
    const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
    expect(relativeError([nan, inf, 3, 4.5], [nan, inf, 3, 4])).toBeCloseTo(0.1, 15);
    expect(relativeError([nan, -inf], [nan, -inf])).toBe(0);
  });

  it.each([
    [Number.NaN, 1],
    [1, Number.NaN],
    [Number.POSITIVE_INFINITY, 1],
    [1, Number.POSITIVE_INFINITY],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    [Number.NaN, Number.POSITIVE_INFINITY],
  ])('is Infinity for %d where %d is expected', (actual, expected) => {
    expect(relativeError([0, actual], [0, expected])).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('results', () => {
  const result = (h: Tensor, gradient?: Tensor): CellResult => ({
    outputs: { h },
    state: { h: tensor([1], 1) },
    ...(gradient ? { gradients: { inputs: {}, state: {}, params: { W: gradient } } } : {}),
  });

  it('are compared tensor by tensor, by path', () => {
    const same = result(tensor([2], 1, 2), tensor([1, 1], 5));
    expect(compareResults(same, same, 0)).toEqual([
      { name: 'outputs.h', error: 0, ok: true },
      { name: 'state.h', error: 0, ok: true },
      { name: 'gradients.params.W', error: 0, ok: true },
    ]);
  });

  it('name the first wrong element in data order, not the most wrong one', () => {
    const expected = result(tensor([2, 2, 3], 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1));
    const actual = result(tensor([2, 2, 3], 1, 1, 1, 1, 1, 1, 1, 1, 1.1, 1, 9, 1));
    const [outputs] = compareResults(actual, expected, 1e-3);
    expect(outputs?.worst).toEqual({ index: [1, 0, 2], actual: 1.1, expected: 1 });
    expect(outputs?.ok).toBe(false);
  });

  it('hold a tensor to the tolerance and not more', () => {
    const expected = result(tensor([2], 3, 4));
    const off = result(tensor([2], 3, 4.5));
    expect(compareResults(off, expected, 0.1000001)[0]?.ok).toBe(true);
    expect(compareResults(off, expected, 0.0999999)[0]).toMatchObject({
      ok: false,
      worst: { index: [1], actual: 4.5, expected: 4 },
    });
  });

  it('fail on one element that was never written', () => {
    const [outputs] = compareResults(result(tensor([2], 3, Number.NaN)), result(tensor([2], 3, 4)), 1);
    expect(outputs).toMatchObject({ ok: false, error: Number.POSITIVE_INFINITY, worst: { index: [1], expected: 4 } });
  });

  it('fail where a tensor is missing, unexpected or of another shape', () => {
    const plain = result(tensor([2], 1, 2));
    const withGradient = result(tensor([2], 1, 2), tensor([1, 1], 5));
    const refused = { name: 'gradients.params.W', error: Number.POSITIVE_INFINITY, ok: false };
    expect(compareResults(plain, withGradient, 1)[2]).toEqual({ ...refused, problem: 'the tensor is missing' });
    expect(compareResults(withGradient, plain, 1)[2]).toEqual({ ...refused, problem: 'the reference has no such tensor' });
    expect(compareResults(result(tensor([2, 1], 1, 2)), plain, 1)[0]).toEqual({
      name: 'outputs.h',
      error: Number.POSITIVE_INFINITY,
      ok: false,
      problem: 'shape [2,1], not [2]',
    });
  });

  it('always name an element of a failing tensor, even where only rounding lifts it over the tolerance', () => {
    for (let off = 1; off <= 300; off++) {
      const expected = result(tensor([3], 0.1, 0.1, 0.1));
      const actual = result(tensor([3], ...new Array<number>(3).fill(0.1 + off * 1e-5)));
      const error = relativeError(actual.outputs.h?.data ?? [], expected.outputs.h?.data ?? []);
      const [outputs] = compareResults(actual, expected, error * (1 - Number.EPSILON / 2));
      expect(outputs).toMatchObject({ ok: false, worst: { expected: 0.1 } });
    }
  });
});
