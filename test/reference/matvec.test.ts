import { describe, expect, it } from 'vitest';
import { call, entry, num, p, str, x } from './build.js';
import { compute } from './compute.js';

const sizes = { I: 2, H: 3, K: 2, N: 2, M: 5 };
const vec = (...values: number[]) => [['H'], values] as const;
const inf = Number.POSITIVE_INFINITY;

describe('matvec', () => {
  const W = [
    ['H', 'I'],
    [1, 2, 3, 4, 5, 6],
  ] as const;

  it('takes a matrix to every vector behind leading axes', () => {
    const given = {
      inputs: {
        x: [
          ['K', 'I'],
          [1, 10, 100, 1000],
        ] as const,
      },
      params: { W },
      sizes,
    };
    const { y, shape, gradients } = compute(call('matvec', p('W'), x('x')), { ...given, g: [1, 0, 0, 0, 1, 0] });
    expect(shape).toEqual([2, 3]);
    expect(y).toEqual([21, 43, 65, 2100, 4300, 6500]);
    expect(gradients).toEqual({ x: [1, 2, 3, 4], W: [1, 10, 100, 1000, 0, 0] });
  });

  it('takes a matrix of every sequence to every row of another', () => {
    const k = [['H', 'I'], W[1]] as const;
    const q = [
      ['K', 'I'],
      [1, 10, 100, 1000],
    ] as const;
    const { y, shape, gradients } = compute(call('matvec', x('k'), x('q')), { inputs: { k, q }, sizes, g: [1, 0, 0, 0, 0, 2] });
    expect(shape).toEqual([2, 3]);
    expect(y).toEqual([21, 43, 65, 2100, 4300, 6500]);
    expect(gradients).toEqual({ k: [1, 10, 0, 0, 200, 2000], q: [1, 2, 10, 12] });
  });

  it('of the transpose takes columns for rows', () => {
    const given = { inputs: { x: vec(1, 10, 100) }, params: { W }, sizes, g: [1, 0] };
    const { y, shape, gradients } = compute(call('matvec', call('transpose', p('W')), x('x')), given);
    expect(shape).toEqual([2]);
    expect(y).toEqual([531, 642]);
    expect(gradients).toEqual({ x: [1, 3, 5], W: [1, 0, 10, 0, 100, 0] });
    const twice = call('matvec', call('transpose', call('transpose', p('W'))), call('matvec', call('transpose', p('W')), x('x')));
    expect(compute(twice, { ...given, g: [1, 0, 0] }).y).toEqual([531 + 2 * 642, 3 * 531 + 4 * 642, 5 * 531 + 6 * 642]);
  });

  it('of blocks takes each matrix to its own vector', () => {
    const given = {
      inputs: {
        x: [
          ['N', 'I'],
          [1, 10, 100, 1000],
        ] as const,
      },
      params: {
        W: [
          ['N', '1', 'I'],
          [1, 2, 3, 4],
        ] as const,
      },
      sizes,
      g: [1, 2],
    };
    const { y, shape, gradients } = compute(call('matvec', p('W'), x('x')), given);
    expect([y, shape]).toEqual([
      [21, 4300],
      [2, 1],
    ]);
    expect(gradients).toEqual({ x: [1, 2, 6, 8], W: [1, 10, 200, 2000] });
    const turned = compute(call('matvec', call('transpose', p('W')), call('matvec', p('W'), x('x'))), {
      ...given,
      g: [1, 1, 1, 1],
    });
    expect(turned.y).toEqual([21, 42, 3 * 4300, 4 * 4300]);
  });

  it('of blocks goes behind leading axes too', () => {
    const given = {
      inputs: {
        x: [
          ['K', 'N', 'I'],
          [1, 0, 0, 1, 2, 0, 0, 2],
        ] as const,
      },
      params: {
        W: [
          ['N', '1', 'I'],
          [1, 2, 3, 4],
        ] as const,
      },
      sizes,
    };
    const { y, shape, gradients } = compute(call('matvec', p('W'), x('x')), given);
    expect([y, shape]).toEqual([
      [1, 4, 2, 8],
      [2, 2, 1],
    ]);
    expect(gradients.W).toEqual([3, 0, 0, 3]);
  });

  it('takes one matrix of a stack and one tap of a kernel', () => {
    const U = [
      ['3', '1', 'I'],
      [1, 2, 3, 4, 5, 6],
    ] as const;
    const given = { inputs: { x: [['I'], [1, 10]] as const }, params: { U }, sizes };
    const { y, gradients } = compute(call('matvec', entry(p('U'), 2), x('x')), given);
    expect(y).toEqual([65]);
    expect(gradients).toEqual({ x: [5, 6], U: [0, 0, 0, 0, 1, 10] });
    const deep = {
      U: [
        ['2', '2', '1', 'I'],
        [1, 2, 3, 4, 5, 6, 7, 8],
      ] as const,
    };
    expect(compute(call('matvec', entry(entry(p('U'), 1), 0), x('x')), { ...given, params: deep }).y).toEqual([65]);
    expect(() => compute(call('matvec', entry(p('U'), 3), x('x')), given)).toThrow('no entry 3');
  });

  it('takes a matrix that the step computed', () => {
    const given = { inputs: { a: vec(1, 2, 3), x: [['I'], [10, 100]] as const }, sizes, g: [1, 0, 0] };
    const { y, gradients } = compute(call('matvec', call('outer', x('a'), x('x')), x('x')), given);
    expect(y).toEqual([10100, 20200, 30300]);
    expect(gradients).toEqual({ a: [10100, 0, 0], x: [20, 200] });
    const turned = compute(call('matvec', call('transpose', call('outer', x('a'), x('x'))), x('a')), { ...given, g: [1, 0] });
    expect(turned.y).toEqual([140, 1400]);
  });

  it('takes the matrix of each sequence to the vectors of that sequence', () => {
    const given = {
      inputs: {
        M: [
          ['1', 'I'],
          [1, 2, 10, 20],
        ] as const,
        x: [
          ['K', 'I'],
          [1, 0, 0, 1, 1, 1, 3, 0],
        ] as const,
      },
      sizes: { ...sizes, B: 2 },
    };
    const { y, gradients } = compute(call('matvec', x('M'), x('x')), given);
    expect(y).toEqual([1, 2, 30, 30]);
    expect(gradients).toEqual({ M: [1, 1, 4, 1], x: [1, 2, 1, 2, 10, 20, 10, 20] });
  });

  it('refuses a vector over another dim, even of the same size', () => {
    const given = { inputs: { x: [['K'], [1, 2]] as const }, params: { W }, sizes };
    expect(() => compute(call('matvec', p('W'), x('x')), given)).toThrow('[H=3, I=2] does not take [K=2]');
  });
});

describe('matrices in a special form', () => {
  const U = [
    ['H', 'H'],
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  ] as const;

  it('a product of low rank is two products', () => {
    const params = {
      A: [
        ['H', '1'],
        [1, 2, 3],
      ] as const,
      B: [
        ['1', 'I'],
        [4, 5],
      ] as const,
    };
    const given = { inputs: { x: [['I'], [1, 10]] as const }, params, sizes };
    const { y, gradients } = compute(call('lowRank', p('A'), p('B'), x('x')), given);
    expect(y).toEqual([54, 108, 162]);
    expect(gradients).toEqual({ x: [24, 30], A: [54, 54, 54], B: [6, 60] });
  });

  it('an antisymmetric product subtracts the transpose', () => {
    const given = { inputs: { x: vec(1, 10, 100) }, params: { U }, sizes, g: [1, 0, 0] };
    const { y, gradients } = compute(call('antisymmetric', p('U'), x('x')), given);
    expect(y).toEqual([-2 * 10 - 4 * 100, 2 - 2 * 100, 4 + 20]);
    expect(gradients).toEqual({ x: [0, -2, -4], U: [0, 10, 100, -10, 0, 0, -100, 0, 0] });
  });

  it('an antisymmetric product is of a square matrix', () => {
    const given = { inputs: { x: vec(1, 10, 100) }, params: { W: [['M', 'H'], new Array(15).fill(1)] as const }, sizes };
    expect(() => compute(call('antisymmetric', p('W'), x('x')), given)).toThrow('not square');
  });

  it('a block-triangular product counts the blocks at and above the diagonal, or below', () => {
    // Three units in two blocks: units 0 and 1 are block 0, unit 2 is block 1.
    const given = { inputs: { x: vec(1, 1, 1) }, params: { U }, sizes };
    const upper = compute(call('matvec', call('blockTriangular', p('U'), num(2)), x('x')), given);
    expect(upper.y).toEqual([6, 15, 9]);
    expect(upper.gradients.U).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 1]);
    const lower = compute(call('matvec', call('blockTriangular', p('U'), num(2), str('lower')), x('x')), given);
    expect(lower.y).toEqual([3, 9, 24]);
    expect(lower.gradients.U).toEqual([1, 1, 0, 1, 1, 0, 1, 1, 1]);
  });

  it('rows and columns of a block-triangular matrix are cut each by their own size', () => {
    // Five rows in blocks 0 0 0 1 1 of two, three columns in blocks 0 0 1.
    const M = [['M', 'H'], new Array(15).fill(1)] as const;
    const given = { inputs: { x: vec(1, 10, 100) }, params: { M }, sizes };
    expect(compute(call('matvec', call('blockTriangular', p('M'), num(2)), x('x')), given).y).toEqual([111, 111, 111, 100, 100]);
  });

  it('every block of a block-diagonal matrix is a triangle of its own', () => {
    const blocks = {
      U: [
        ['N', 'I', 'I'],
        [1, 2, 3, 4, 5, 6, 7, 8],
      ] as const,
    };
    const given = {
      inputs: {
        x: [
          ['N', 'I'],
          [1, 1, 1, 1],
        ] as const,
      },
      params: blocks,
      sizes,
    };
    expect(compute(call('matvec', call('blockTriangular', p('U'), num(2)), x('x')), given).y).toEqual([3, 4, 11, 8]);
  });

  it('the transpose of a triangle is the other triangle', () => {
    const given = { inputs: { x: vec(1, 10, 100) }, params: { U }, sizes };
    const one = call('matvec', call('transpose', call('blockTriangular', p('U'), num(3))), x('x'));
    const other = call('matvec', call('blockTriangular', call('transpose', p('U')), num(3), str('lower')), x('x'));
    expect(compute(one, given)).toEqual(compute(other, given));
    expect(compute(one, given).y).toEqual([1, 52, 963]);
  });

  it('an infinite entry outside the triangle does not count', () => {
    const infinite = [
      ['H', 'H'],
      [1, 2, 3, inf, 5, 6, inf, Number.NaN, 9],
    ] as const;
    const given = { inputs: { x: vec(1, 1, 1) }, params: { U: infinite }, sizes };
    expect(compute(call('matvec', call('blockTriangular', p('U'), num(3)), x('x')), given).y).toEqual([6, 11, 9]);
  });
});
