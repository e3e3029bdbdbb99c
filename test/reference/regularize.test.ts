import { describe, expect, it } from 'vitest';
import type { Expression, OptionValues } from '../../codegen/frontend/tree.js';
import { randomData } from '../../runtime/random.js';
import { philox, uniform } from '../../runtime/reference/philox.js';
import { add, buildCell, call, declare, give, name, num, p, record, s, str, x } from './build.js';
import { compute } from './compute.js';
import { gradientErrors } from './differences.js';

const ALL = 0xffffffff;
const training = { training: true };

describe('zoneout, by its definition', () => {
  const given = {
    inputs: { a: [['8'], [1, 2, 3, 4, 5, 6, 7, 8]] as const, b: [['8'], [-1, -2, -3, -4, -5, -6, -7, -8]] as const },
    seed: 3,
  };
  const zone = (...more: Expression[]) => call('zoneout', x('a'), x('b'), num(0.4), ...more);

  it('keeps the previous value at the rate, and passes the cotangent to the one that counts', () => {
    for (const [more, t] of [
      [[], 0],
      [[str('sequence')], ALL],
    ] as const) {
      const { y, gradients } = compute(zone(...more), { ...given, options: training });
      const kept = y.map((_, k) => uniform(philox([Math.floor(k / 4), 0, t, 0], [3, 0])[k % 4] as number) < Math.fround(0.4));
      expect(y).toEqual(kept.map((previous, k) => (previous ? -(k + 1) : k + 1)));
      expect(gradients).toEqual({ a: kept.map((previous) => (previous ? 0 : 1)), b: kept.map((previous) => (previous ? 1 : 0)) });
      expect(new Set(kept).size).toBe(2);
    }
  });

  it('takes the expectation in inference', () => {
    const { y, gradients } = compute(zone(), given);
    const single = Math.fround(0.4);
    y.forEach((value, k) => {
      expect(value).toBeCloseTo((1 - 2 * single) * (k + 1), 14);
    });
    expect(gradients).toEqual({ a: new Array(8).fill(1 - single), b: new Array(8).fill(single) });
  });
});

describe('in inference', () => {
  it('dropout, dropConnect and noise do nothing', () => {
    const given = {
      inputs: { x: [['2'], [3, 5]] as const },
      params: {
        W: [
          ['2', '2'],
          [1, 2, 3, 4],
        ] as const,
      },
    };
    for (const options of [{}, { training: false }] as OptionValues[]) {
      expect(compute(call('dropout', x('x'), num(0.5)), { ...given, options }).y).toEqual([3, 5]);
      expect(compute(call('noise', x('x'), num(0.5)), { ...given, options }).y).toEqual([3, 5]);
      const product = call('matvec', call('dropConnect', p('W'), num(0.5)), x('x'));
      expect(compute(product, { ...given, options }).y).toEqual([13, 29]);
    }
  });
});

describe('what is dropped', () => {
  const inf = Number.POSITIVE_INFINITY;

  it('is zero even where it is infinite or NaN, and so is its gradient', () => {
    const given = { inputs: { x: [['8'], new Array(8).fill(inf)] as const }, options: training, g: new Array(8).fill(inf) };
    const { y, gradients } = compute(call('dropout', x('x'), num(0.5)), given);
    expect(new Set(y)).toEqual(new Set([0, inf]));
    expect(gradients.x).toEqual(y);
    const zoned = compute(call('zoneout', x('x'), num(1), num(0.5)), given);
    expect(new Set(zoned.y)).toEqual(new Set([1, inf]));
  });

  it('is everything at a rate of 1, and nothing at 0', () => {
    const given = { inputs: { x: [['8'], new Array(8).fill(3)] as const }, options: training };
    expect(compute(call('dropout', x('x'), num(1)), given)).toMatchObject({
      y: new Array(8).fill(0),
      gradients: { x: new Array(8).fill(0) },
    });
    expect(compute(call('dropout', x('x'), num(0)), given).y).toEqual(new Array(8).fill(3));
  });
});

describe('rates and scales', () => {
  it('of a parameter: the rate gets no gradient, the scale does', () => {
    const given = {
      inputs: { x: [['4'], [1, 1, 1, 1]] as const },
      params: { r: [[], [0.5]] as const },
      options: training,
      seed: 2,
    };
    expect(compute(call('dropout', x('x'), p('r')), given).gradients.r).toEqual([0]);
    expect(compute(call('zoneout', x('x'), num(0), p('r')), { ...given, options: {} }).gradients.r).toEqual([0]);
    const { y, gradients } = compute(call('noise', x('x'), p('r')), given);
    const normals = y.map((value) => (value - 1) / 0.5);
    expect(gradients.r?.[0]).toBeCloseTo(
      normals.reduce((sum, n) => sum + n, 0),
      13,
    );
  });

  it('count as float32: a draw that equals the rounded rate is kept', () => {
    const cell = (at: number) => compute(call('dropout', x('x'), num(at)), { inputs: { x: [['1'], [1]] }, options: training });
    const draw = uniform(philox([0, 0, 0, 0], [0, 0])[0]);
    expect(cell(draw).y).not.toEqual([0]);
    expect(cell(draw + 1e-12).y).not.toEqual([0]);
    expect(cell(draw + 2 ** -23).y).toEqual([0]);
  });
});

it('a cell in training has the gradients that finite differences give', () => {
  const dropConnect = call('dropConnect', p('U'), p('r'));
  const { tree, signature } = buildCell({
    inputs: { x: ['H'] },
    state: { h: ['H'] },
    params: { U: ['H', 'H'], r: [], scale: ['H'] },
    untrained: { r: 0.3 },
    options: training,
    body: [
      declare('u', call('dropout', x('x'), p('r'))),
      declare('n', call('tanh', add(call('matvec', dropConnect, call('dropout', s('h'), num(0.2), str('sequence'))), name('u')))),
      give(record({ h: call('zoneout', call('noise', name('n'), p('scale')), s('h'), p('r'), str('sequence')) })),
    ],
  });
  const at = { T: 4, B: 3, H: 5 };
  for (const choice of [{ seed: 1 }, { seed: 2, ragged: true, reverse: true }]) {
    const errors = gradientErrors(
      { tree, signature, sizes: at },
      { ...randomData(signature, at, { h: ['H'] }, choice), seed: 11 },
    );
    expect(Object.keys(errors)).toEqual(['inputs.x', 'state.h', 'params.U', 'params.scale']);
    for (const [key, error] of Object.entries(errors)) expect(error, key).toBeLessThan(1e-7);
  }
});
