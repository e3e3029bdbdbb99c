import { describe, expect, it } from 'vitest';
import { add, at, bin, call, mul, name, num, p, pick, str, x } from './build.js';
import { compute } from './compute.js';

const sizes = { I: 2, H: 3, K: 2, N: 2, M: 5 };
const vec = (...values: number[]) => [['H'], values] as const;
const inf = Number.POSITIVE_INFINITY;

describe('outer and dot', () => {
  it('multiply every pair, and add up the pairs', () => {
    const given = { inputs: { a: vec(1, 2, 3), b: [['I'], [10, 20]] as const, c: vec(4, 5, 6) }, sizes };
    const { y, shape, gradients } = compute(call('outer', x('a'), x('b')), { ...given, g: [1, 0, 0, 0, 0, 1] });
    expect([y, shape]).toEqual([
      [10, 20, 20, 40, 30, 60],
      [3, 2],
    ]);
    expect(gradients).toEqual({ a: [10, 0, 20], b: [1, 3], c: [0, 0, 0] });
    const product = compute(call('dot', x('a'), x('c')), given);
    expect(product).toMatchObject({ y: [32], shape: [], gradients: { a: [4, 5, 6], c: [1, 2, 3] } });
    expect(compute(call('dot', x('a'), num(2)), given).y).toEqual([12]);
    expect(compute(call('dot', x('a'), x('a')), given)).toMatchObject({ y: [14], gradients: { a: [2, 4, 6] } });
  });
});

describe('either', () => {
  it('is the same shape at every rate, and is certain at 0 and 1', () => {
    const given = { inputs: { a: vec(1, 2, 3), b: [[], [7]] as const }, sizes };
    expect(compute(call('either', x('a'), x('b'), num(1)), given)).toMatchObject({
      y: [1, 2, 3],
      gradients: { a: [1, 1, 1], b: [0] },
    });
    expect(compute(call('either', x('a'), x('b'), num(0)), given)).toMatchObject({
      y: [7, 7, 7],
      gradients: { a: [0, 0, 0], b: [3] },
    });
    const drawn = Array.from(
      { length: 400 },
      (_, seed) => compute(call('either', x('a'), x('b'), num(0.3)), { ...given, seed }).y,
    );
    // All units of a step together, one in three times or so.
    expect(new Set(drawn.map(String))).toEqual(new Set(['1,2,3', '7,7,7']));
    const share = drawn.filter(([first]) => first === 1).length / drawn.length;
    expect(Math.abs(share - 0.3)).toBeLessThan(4 * Math.sqrt(0.21 / drawn.length));
  });
});

describe('reductions', () => {
  const given = {
    inputs: {
      x: [
        ['K', 'H'],
        [1, 2, 6, -1, -4, 2],
      ] as const,
    },
    sizes,
  };
  const values: [string, number, number[], number[]][] = [
    ['sum', 6, [9, -3], [0, -2, 8]],
    ['mean', 1, [3, -1], [0, -1, 4]],
    ['variance', 56 / 6, [14 / 3, 18 / 3], [1, 9, 4]],
    ['maxOver', 6, [6, 2], [1, 2, 6]],
    ['norm', Math.sqrt(62), [Math.sqrt(41), Math.sqrt(21)], [Math.sqrt(2), Math.sqrt(20), Math.sqrt(40)]],
  ];
  it.each(values)('%s runs over all axes, or over one', (reduction, all, overH, overK) => {
    const near = (expected: number[]) => expected.map((value) => expect.closeTo(value, 13));
    expect(compute(call(reduction, x('x')), given)).toMatchObject({ shape: [], y: near([all]) });
    expect(compute(call(reduction, x('x'), str('H')), given)).toMatchObject({ shape: [2], y: near(overH) });
    expect(compute(call(reduction, x('x'), str('K')), given)).toMatchObject({ shape: [3], y: near(overK) });
  });

  it('logSumExp and softmax are those of the formulas, and stay finite far out', () => {
    const log = Math.log(1 + Math.exp(1));
    const small = { inputs: { x: [['I'], [2, 3]] as const }, sizes };
    expect(compute(call('logSumExp', x('x')), small).y[0]).toBeCloseTo(2 + log, 14);
    const far = { inputs: { x: [['I'], [1002, 1003]] as const }, sizes };
    expect(compute(call('logSumExp', x('x')), far).y[0]).toBeCloseTo(1002 + log, 12);
    for (const each of [small, far]) {
      const { y } = compute(call('softmax', x('x')), each);
      expect(y[0]).toBeCloseTo(1 / (1 + Math.E), 14);
      expect(y[1]).toBeCloseTo(Math.E / (1 + Math.E), 14);
    }
    const columns = compute(call('softmax', x('x'), str('K')), given);
    expect(columns.shape).toEqual([2, 3]);
    expect((columns.y[1] ?? 0) / (columns.y[4] ?? 0)).toBeCloseTo(Math.exp(6), 9);
    const all = compute(call('softmax', x('x')), given).y;
    expect(all.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 14);
  });

  it('equal maxima share the cotangent', () => {
    const { gradients } = compute(call('maxOver', x('x')), { inputs: { x: vec(5, 1, 5) }, sizes });
    expect(gradients.x).toEqual([0.5, 0, 0.5]);
  });

  it('pass NaN and infinity on', () => {
    const bad = { inputs: { x: vec(1, Number.NaN, 2) }, sizes };
    for (const reduction of ['sum', 'mean', 'variance', 'maxOver', 'logSumExp', 'norm']) {
      expect(compute(call(reduction, x('x')), bad).y[0], reduction).toBeNaN();
    }
    expect(compute(call('softmax', x('x')), bad).y.every(Number.isNaN)).toBe(true);
    expect(compute(call('maxOver', x('x')), bad).gradients.x?.every(Number.isNaN)).toBe(true);
    const infinite = { inputs: { x: vec(1, inf, 2) }, sizes };
    for (const reduction of ['sum', 'mean', 'maxOver', 'logSumExp', 'norm']) {
      expect(compute(call(reduction, x('x')), infinite).y, reduction).toEqual([inf]);
    }
  });

  it('refuse an axis that is not there exactly once', () => {
    expect(() => compute(call('sum', x('x'), str('I')), given)).toThrow('the axis I exactly once');
    const square = {
      inputs: {
        x: [
          ['K', 'K'],
          [1, 2, 3, 4],
        ] as const,
      },
      sizes,
    };
    expect(() => compute(call('sum', x('x'), str('K')), square)).toThrow('the axis K exactly once');
  });
});

describe('moving elements about', () => {
  it('broadcast finds the axes by name', () => {
    const given = { inputs: { x: vec(1, 2, 3) }, sizes };
    const rows = compute(call('broadcast', x('x'), str('K'), str('H')), { ...given, g: [1, 2, 3, 10, 20, 30] });
    expect([rows.y, rows.shape]).toEqual([
      [1, 2, 3, 1, 2, 3],
      [2, 3],
    ]);
    expect(rows.gradients.x).toEqual([11, 22, 33]);
    const columns = compute(call('broadcast', x('x'), str('H'), num(2)), given);
    expect([columns.y, columns.shape]).toEqual([
      [1, 1, 2, 2, 3, 3],
      [3, 2],
    ]);
    const middle = {
      inputs: {
        x: [
          ['K', 'I'],
          [1, 2, 3, 4],
        ] as const,
      },
      sizes,
    };
    expect(compute(call('broadcast', x('x'), str('K'), str('H'), str('I')), middle).y).toEqual([
      1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4,
    ]);
    expect(compute(call('broadcast', num(7), str('K'), str('I')), given).y).toEqual([7, 7, 7, 7]);
    expect(() => compute(call('broadcast', x('x'), str('K'), str('I')), given)).toThrow('lacks');
    expect(() => compute(call('broadcast', x('x'), str('I'), str('K')), middle)).toThrow('lacks');
  });

  it('concat puts parts side by side on the last axis', () => {
    const given = {
      inputs: {
        x: [
          ['K', 'H'],
          [1, 2, 3, 4, 5, 6],
        ] as const,
        z: [
          ['K', 'I'],
          [7, 8, 9, 10],
        ] as const,
      },
      sizes,
    };
    const { y, shape, gradients } = compute(call('concat', str('M'), x('x'), x('z')), {
      ...given,
      g: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    });
    expect([y, shape]).toEqual([
      [1, 2, 3, 7, 8, 4, 5, 6, 9, 10],
      [2, 5],
    ]);
    expect(gradients).toEqual({ x: [0, 1, 2, 5, 6, 7], z: [3, 4, 8, 9] });
    const same = compute(call('concat', str('6'), x('x'), x('x')), given);
    expect(same).toMatchObject({ y: [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6], gradients: { x: new Array(6).fill(2) } });
    expect(() => compute(call('concat', str('H'), x('x'), x('z')), given)).toThrow('does not add up to H=3');
  });

  it('concat joins what is the same for all sequences with what is not', () => {
    const given = {
      inputs: { x: [['I'], [1, 2, 10, 20]] as const },
      params: { b: vec(3, 4, 5) },
      sizes: { ...sizes, B: 2 },
      g: [1, 2, 3, 4, 5, 10, 20, 30, 40, 50],
    };
    expect(compute(call('concat', str('M'), p('b'), x('x')), given)).toMatchObject({
      y: [3, 4, 5, 1, 2, 3, 4, 5, 10, 20],
      gradients: { b: [11, 22, 33], x: [4, 5, 40, 50] },
    });
  });

  it('slice and split cut the last axis', () => {
    const given = {
      inputs: {
        x: [
          ['K', 'M'],
          [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        ] as const,
      },
      sizes,
    };
    const { y, shape, gradients } = compute(call('slice', x('x'), str('H'), num(1)), given);
    expect([y, shape]).toEqual([
      [1, 2, 3, 6, 7, 8],
      [2, 3],
    ]);
    expect(gradients.x).toEqual([0, 1, 1, 1, 0, 0, 1, 1, 1, 0]);
    const second = at(call('split', x('x'), str('H'), str('I')), num(1));
    expect(compute(second, given)).toMatchObject({ y: [3, 4, 8, 9], shape: [2, 2] });
    expect(() => compute(call('slice', x('x'), str('H'), num(3)), given)).toThrow('no 3 units from 3');
    expect(() => compute(at(call('split', x('x'), str('H'), str('H')), num(0)), given)).toThrow('sum of 2 parts');
  });

  it('index numbers the units, blockIndex their blocks', () => {
    const given = { inputs: { x: vec(1, 1, 1) }, sizes };
    expect(compute(mul(x('x'), call('index', str('H'))), given).y).toEqual([0, 1, 2]);
    expect(compute(mul(num(1), call('blockIndex', str('M'), num(2))), given).y).toEqual([0, 0, 0, 1, 1]);
    const even = pick(bin('<', call('blockIndex', str('H'), num(2)), num(1)), x('x'), num(0));
    expect(compute(even, given)).toMatchObject({ y: [1, 1, 0], gradients: { x: [1, 1, 0] } });
  });
});

describe('shapes', () => {
  it('parameters of any rank are used per unit, and scalars with anything', () => {
    const given = {
      inputs: {
        x: [
          ['K', 'I'],
          [1, 2, 3, 4],
        ] as const,
        a: [[], [10]] as const,
      },
      params: {
        b: [
          ['K', 'I'],
          [1, 1, 2, 2],
        ] as const,
      },
      sizes,
    };
    const { y, gradients } = compute(add(mul(x('a'), x('x')), p('b'), name('t')), given);
    expect(y).toEqual([11, 21, 32, 42]);
    expect(gradients).toEqual({ x: [10, 10, 10, 10], a: [10], b: [1, 1, 1, 1] });
  });

  it('that differ in a dim do not join', () => {
    const given = {
      inputs: {
        x: [
          ['K', 'I'],
          [1, 2, 3, 4],
        ] as const,
      },
      params: {
        b: [
          ['I', 'K'],
          [1, 1, 2, 2],
        ] as const,
      },
      sizes,
    };
    expect(() => compute(add(x('x'), p('b')), given)).toThrow('do not broadcast');
  });
});
