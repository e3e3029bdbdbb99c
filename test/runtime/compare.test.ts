import { describe, expect, it } from 'vitest';
import { compareResults, differingBits } from '../../runtime/compare.js';
import type { CellResult, Tensor } from '../../runtime/data.js';
import { POISON } from '../../runtime/memory/poison.js';
import { relativeError } from '../../runtime/norm.js';

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

  it('is that of the numbers that are finite in the reference', () => {
    const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
    expect(relativeError([nan, inf, 3, 4.5], [nan, inf, 3, 4])).toBeCloseTo(0.1, 15);
    expect(relativeError([1, 2, 3, 4.5], [nan, inf, 3, 4])).toBeCloseTo(0.1, 15);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('is Infinity for %d where 1 is expected', (actual) => {
    expect(relativeError([0, actual], [0, 1])).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('results', () => {
  const result = (h: Tensor, gradient?: Tensor): CellResult => ({
    outputs: { h },
    state: { h: tensor([1], 1) },
    ...(gradient ? { gradients: { inputs: {}, state: {}, params: { W: gradient } } } : {}),
  });

  it('are compared tensor by tensor, by path', () => {
    const twice = result(tensor([2], 1, 2), tensor([1, 1], 5));
    const same = { error: 0, ok: true, units: [], notFinite: 0, unwritten: 0 };
    expect(compareResults(twice, twice, 0)).toEqual([
      { name: 'outputs.h', rank: 1, ...same },
      { name: 'state.h', rank: 1, ...same },
      { name: 'gradients.params.W', rank: 2, ...same },
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

  it('do not agree where both sides are not a number', () => {
    const nowhere = result(tensor([3], 1, Number.NaN, Number.POSITIVE_INFINITY));
    expect(compareResults(nowhere, nowhere, 1)[0]).toMatchObject({ ok: false, error: 0, notFinite: 2 });
  });

  it('name the elements that no kernel wrote, whatever the reference has there', () => {
    const bits = new Uint32Array(new Float32Array([3, 0, 0, 4]).buffer).fill(POISON, 1, 3);
    const left = { shape: [2, 2], data: new Float32Array(bits.buffer) };
    const [outputs] = compareResults(result(left), result(tensor([2, 2], 3, Number.NaN, 1, 4)), 1);
    expect(outputs).toMatchObject({
      ok: false,
      error: Number.POSITIVE_INFINITY,
      unwritten: 2,
      worst: { index: [0, 1] },
      problem: 'no kernel wrote 2 of its 4 numbers',
    });
  });

  it('do not take a NaN that was computed for one that was never written', () => {
    const computed = { shape: [2], data: Float32Array.of(3, Number.NaN) };
    const [outputs] = compareResults(result(computed), result(tensor([2], 3, 4)), 1);
    expect(outputs).toMatchObject({ ok: false, unwritten: 0, worst: { index: [1], expected: 4 } });
    expect(outputs?.problem).toBeUndefined();
  });

  it('are compared unit by unit as well, the worst first', () => {
    // Two sequences of three units; the second unit is smaller by seven orders of magnitude, and wholly wrong.
    const expected = result(tensor([2, 3], 1, 1e-7, 2, 3, 2e-7, 4));
    const actual = result(tensor([2, 3], 1, 3e-7, 2.1e-5 + 2, 3, 5e-7, 4));
    const [outputs] = compareResults(actual, expected, 1e-5);
    expect(outputs).toMatchObject({ ok: true, error: expect.closeTo(3.8e-6, 6) });
    expect(outputs?.units).toEqual([
      {
        unit: 1,
        numbers: 2,
        difference: expect.closeTo(Math.hypot(2e-7, 3e-7), 12),
        size: expect.closeTo(Math.hypot(1e-7, 2e-7), 12),
      },
    ]);
  });

  it('of one unit are no more than the tensor', () => {
    expect(compareResults(result(tensor([2, 1], 2, 2)), result(tensor([2, 1], 1, 1)), 1e-5)[0]?.units).toEqual([]);
  });

  it('fail where a tensor is missing, unexpected or of another shape', () => {
    const plain = result(tensor([2], 1, 2));
    const withGradient = result(tensor([2], 1, 2), tensor([1, 1], 5));
    const nothing = { error: Number.POSITIVE_INFINITY, ok: false, units: [], rank: 0, notFinite: 0, unwritten: 0 };
    const refused = { name: 'gradients.params.W', ...nothing };
    expect(compareResults(plain, withGradient, 1)[2]).toEqual({ ...refused, problem: 'the tensor is missing' });
    expect(compareResults(withGradient, plain, 1)[2]).toEqual({ ...refused, problem: 'the reference has no such tensor' });
    expect(compareResults(result(tensor([2, 1], 1, 2)), plain, 1)[0]).toEqual({
      name: 'outputs.h',
      ...nothing,
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

describe('bits', () => {
  const result = (data: Float32Array): CellResult => ({ outputs: {}, state: { h: { shape: [data.length], data } } });

  it('are the same for NaN and NaN, and not for zero and minus zero', () => {
    expect(differingBits(result(Float32Array.of(1, Number.NaN)), result(Float32Array.of(1, Number.NaN)))).toEqual([]);
    expect(differingBits(result(Float32Array.of(0)), result(Float32Array.of(-0)))).toEqual(['state.h']);
    expect(differingBits(result(Float32Array.of(0)), { outputs: {}, state: {} })).toEqual(['state.h']);
  });
});
