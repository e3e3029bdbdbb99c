import { describe, expect, it } from 'vitest';
import type { Expression } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import type { CellData } from '../../runtime/data.js';
import { runReference } from '../../runtime/reference/index.js';
import { normal, philox, uniform } from '../../runtime/reference/philox.js';
import { bin, buildCell, call, declare, entry, give, num, o, p, pick, record, str, when, x } from './build.js';
import { compute } from './compute.js';

const sizes = { T: 30, B: 20, H: 40 };
const rate = 0.3;
const ALL = 0xffffffff;
const training = { training: true };

/** A run of `y = …` with every input one, so that the masks can be read off. */
function run(body: Readonly<Record<string, Expression>>, choices: Partial<CellData> = {}, at: Sizes = sizes, options = training) {
  const { tree, signature } = buildCell({ inputs: { x: ['H'] }, options, body: [give(record(body))] });
  const ones = {
    shape: [at.T ?? 0, at.B ?? 0, at.H ?? 0],
    data: new Float64Array((at.T ?? 0) * (at.B ?? 0) * (at.H ?? 0)).fill(1),
  };
  const data = { inputs: { x: ones }, state: {}, params: {}, reverse: false, ...choices };
  const { outputs } = runReference(tree, signature, at, data);
  return Object.fromEntries(Object.entries(outputs).map(([key, { data: values }]) => [key, [...values]]));
}

const dropped = (...more: Expression[]) => call('dropout', x('x'), num(rate), ...more);
const masksOf = (choices: Partial<CellData> = {}) =>
  (run({ y: dropped() }, choices).y ?? []).map((value) => (value === 0 ? 0 : 1));

/** How far the correlation of two masks is from 0, in standard deviations. */
function deviation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const products = a.map((value, i) => (value - meanA) * ((b[i] ?? Number.NaN) - meanB));
  return (Math.abs(mean(products)) * Math.sqrt(a.length)) / (Math.sqrt(meanA * (1 - meanA)) * Math.sqrt(meanB * (1 - meanB)));
}

describe('the masks of dropout', () => {
  const masks = masksOf();
  const step = sizes.B * sizes.H;

  it('keep as many as the rate says', () => {
    const kept = masks.filter((mask) => mask === 1).length;
    const spread = Math.sqrt(masks.length * rate * (1 - rate));
    expect(Math.abs(kept - masks.length * (1 - rate))).toBeLessThan(4 * spread);
  });

  it('scale what they keep, so that the expectation stays', () => {
    const values = run({ y: dropped() }).y ?? [];
    const kept = 1 / (1 - Math.fround(rate));
    expect(new Set(values)).toEqual(new Set([0, kept]));
  });

  it('do not depend on each other across steps, sequences, units or calls', () => {
    expect(deviation(masks.slice(step), masks.slice(0, -step))).toBeLessThan(4);
    expect(deviation(masks.slice(sizes.H), masks.slice(0, -sizes.H))).toBeLessThan(4);
    for (const apart of [1, 2, 3, 4]) expect(deviation(masks.slice(apart), masks.slice(0, -apart)), `${apart}`).toBeLessThan(4);
    const two = run({ y: dropped(), z: dropped() });
    const other = (two.z ?? []).map((value) => (value === 0 ? 0 : 1));
    expect(two.y?.map((value) => (value === 0 ? 0 : 1))).toEqual(masks);
    expect(deviation(masks, other)).toBeLessThan(4);
    expect(deviation(masks, masksOf({ seed: 1 }))).toBeLessThan(4);
  });

  it('are the same for the same seed and differ for another; no seed is seed 0', () => {
    expect(masksOf({ seed: 5 })).toEqual(masksOf({ seed: 5 }));
    expect(masksOf({ seed: 0 })).toEqual(masks);
    expect(masksOf({ seed: ALL })).not.toEqual(masks);
  });

  it('stay for a whole sequence where asked, and differ from sequence to sequence', () => {
    const values = run({ y: dropped(str('sequence')) }).y ?? [];
    const first = values.slice(0, step);
    for (let t = 1; t < sizes.T; t++) expect(values.slice(t * step, (t + 1) * step)).toEqual(first);
    const rows = new Set(Array.from({ length: sizes.B }, (_, b) => `${first.slice(b * sizes.H, (b + 1) * sizes.H)}`));
    expect(rows.size).toBe(sizes.B);
  });

  it('refuse a seed that is not a word', () => {
    for (const seed of [-1, 0.5, 2 ** 32]) {
      expect(() => masksOf({ seed })).toThrow(expect.objectContaining({ code: 'DATA-SEED' }));
    }
  });
});

describe('every draw', () => {
  const small = { T: 3, B: 3, H: 6 };
  const value = (at: number, t: number, b: number, site: number, seed: number) => {
    const mask = uniform(philox([Math.floor(at / 4), b, t, 0], [seed, site])[at % 4] as number);
    return mask >= Math.fround(rate) ? 1 / (1 - Math.fround(rate)) : 0;
  };
  const expected = (site: number, stepOf: (t: number, b: number) => number, seed = 9) =>
    Array.from({ length: 54 }, (_, at) => {
      const [t, b, k] = [Math.floor(at / 18), Math.floor(at / 6) % 3, at % 6];
      const step = stepOf(t, b);
      return step < 0 ? 0 : value(k, step, b, site, seed);
    });

  it('is that of its seed, call, sequence, step and unit', () => {
    const { y, z } = run({ y: dropped(), z: dropped() }, { seed: 9 }, small);
    expect(y).toEqual(expected(0, (t) => t));
    expect(z).toEqual(expected(1, (t) => t));
  });

  it('counts the steps of a reversed sequence from its own end, and keeps the sequence number when others have ended', () => {
    const lengths = [1, 3, 2];
    const { y } = run({ y: dropped() }, { seed: 9, lengths, reverse: true }, small);
    expect(y).toEqual(expected(0, (t, b) => (lengths[b] ?? 0) - 1 - t));
    const forward = run({ y: dropped() }, { seed: 9, lengths }, small);
    expect(forward.y).toEqual(expected(0, (t, b) => (t < (lengths[b] ?? 0) ? t : -1)));
  });

  it('for the sequence has the step of all ones', () => {
    expect(run({ y: dropped(str('sequence')) }, { seed: 9 }, small).y).toEqual(expected(0, () => ALL));
  });

  it('of a value of higher rank starts every row of the last axis with new words', () => {
    const given = { inputs: { x: [['2', '3', '6'], new Array(36).fill(1)] as const }, options: training, seed: 9 };
    const { y } = compute(call('dropout', x('x'), num(rate)), given);
    const wanted = Array.from({ length: 36 }, (_, at) => {
      const quad = Math.floor(at / 6) * 2 + Math.floor((at % 6) / 4);
      return value(quad * 4 + ((at % 6) % 4), 0, 0, 0, 9);
    });
    expect(y).toEqual(wanted);
    expect(new Set(wanted).size).toBe(2);
  });

  it('of a scalar is the first word, another for every sequence', () => {
    const y = run({ y: call('dropout', num(1), num(rate)) }, { seed: 9 }, small).y;
    expect(y).toEqual(Array.from({ length: 9 }, (_, at) => value(0, Math.floor(at / 3), at % 3, 0, 9)));
  });

  it('of noise is a normal number', () => {
    const { y } = run({ y: call('noise', x('x'), num(2)) }, { seed: 9 }, small);
    const wanted = Array.from({ length: 54 }, (_, at) => {
      const k = at % 6;
      return 1 + 2 * normal(philox([Math.floor(k / 4), Math.floor(at / 6) % 3, Math.floor(at / 18), 0], [9, 0]), k % 4);
    });
    expect(y).toEqual(wanted);
  });

  it('of dropConnect is that of the entry in the parameter as declared', () => {
    const width = 6;
    const weights = Array.from({ length: 2 * 3 * width }, (_, at) => at + 1);
    const wanted = weights.map((weight, at) => {
      const quad = Math.floor(at / width) * 2 + Math.floor((at % width) / 4);
      const mask = uniform(philox([quad, ALL, ALL, 0], [9, 0])[(at % width) % 4] as number);
      return mask >= Math.fround(rate) ? weight / (1 - Math.fround(rate)) : 0;
    });
    expect(wanted.filter((weight) => weight === 0).length).toBeGreaterThan(3);
    const given = {
      params: { U: [['2', '3', '6'], weights] as const },
      inputs: { a: [['1'], [1]] as const },
      options: training,
      seed: 9,
    };
    /** The matrix itself: its product with all unit vectors. */
    const columns = (matrix: Expression, count: number) =>
      Array.from({ length: count }, (_, k) => {
        const unit = pick(bin('===', call('index', num(count)), num(k)), num(1), num(0));
        return compute(call('matvec', matrix, unit), given).y;
      });
    const drop = (matrix: Expression) => call('dropConnect', matrix, num(rate));
    const second = wanted.slice(18);
    const byColumn = (matrix: readonly number[]) => Array.from({ length: 6 }, (_, k) => [0, 1, 2].map((i) => matrix[i * 6 + k]));
    const byRow = (matrix: readonly number[]) => [0, 1, 2].map((i) => matrix.slice(i * 6, i * 6 + 6));
    expect(columns(drop(entry(p('U'), 1)), 6)).toEqual(byColumn(second));
    expect(columns(entry(drop(p('U')), 1), 6)).toEqual(byColumn(second));
    expect(columns(drop(call('transpose', entry(p('U'), 1))), 3)).toEqual(byRow(second));
    expect(columns(call('transpose', drop(entry(p('U'), 1))), 3)).toEqual(byRow(second));
    const triangle = call('blockTriangular', entry(p('U'), 1), num(3));
    const upper = second.map((weight, at) => (Math.floor((at % 6) / 2) >= Math.floor(at / 6) ? weight : 0));
    expect(columns(drop(triangle), 6)).toEqual(byColumn(upper));
  });

  it('of dropConnect stays for the whole run and all sequences', () => {
    const matrix = call('dropConnect', p('W'), num(0.5));
    const { tree, signature } = buildCell({
      inputs: { x: ['H'] },
      params: { W: ['H', 'H'] },
      options: training,
      body: [give(record({ y: call('matvec', matrix, x('x')) }))],
    });
    const at = { T: 3, B: 3, H: 5 };
    const data = {
      inputs: { x: { shape: [3, 3, 5], data: new Float64Array(45).fill(1) } },
      state: {},
      params: { W: { shape: [5, 5], data: Float64Array.from({ length: 25 }, (_, i) => 2 ** i) } },
      reverse: false,
    };
    const values = [...(runReference(tree, signature, at, data).outputs.y?.data ?? [])];
    for (let row = 0; row < 9; row++) expect(values.slice(row * 5, row * 5 + 5)).toEqual(values.slice(0, 5));
    expect(values.slice(0, 5)).not.toEqual(Array.from({ length: 5 }, (_, i) => 31 * 2 ** (5 * i)));
  });
});

describe('calls are numbered in order of evaluation', () => {
  const small = { T: 1, B: 1, H: 8 };
  const mask = call('dropout', x('x'), num(rate));
  const ordered = (options: Record<string, boolean>, body: Parameters<typeof buildCell>[0]['body']) => {
    const { tree, signature } = buildCell({ inputs: { x: ['H'] }, options: { ...training, ...options }, body });
    const data = {
      inputs: { x: { shape: [1, 1, 8], data: new Float64Array(8).fill(1) } },
      state: {},
      params: {},
      reverse: false,
    };
    return [...(runReference(tree, signature, small, data).outputs.y?.data ?? [])];
  };
  const reference = run(Object.fromEntries([0, 1, 2].map((site) => [`y${site}`, mask])), {}, small);

  it('arguments before the call, both sides of a choice per unit', () => {
    const nested = call('noise', num(0), call('dropout', num(1), num(0.5)));
    expect(ordered({}, [declare('a', nested), give(record({ y: mask }))])).toEqual(reference.y2);
    const choice = pick(bin('>', x('x'), num(0)), mask, mask);
    expect(ordered({}, [give(record({ y: choice }))])).toEqual(reference.y0);
    expect(ordered({}, [declare('a', choice), give(record({ y: mask }))])).toEqual(reference.y2);
  });

  it('not in a branch that is not taken', () => {
    const body = [when(o('twice'), [declare('a', mask)]), give(record({ y: mask }))];
    expect(ordered({ twice: true }, body)).toEqual(reference.y1);
    expect(ordered({ twice: false }, body)).toEqual(reference.y0);
  });
});
