import { describe, expect, it } from 'vitest';
import type { Signature, TensorDeclaration } from '../../codegen/frontend/tree.js';
import { type CellData, elements, type Tensor } from '../../runtime/data.js';
import { lengthsAlong } from '../../runtime/lengths.js';
import { type RandomChoices, randomData } from '../../runtime/random.js';

const span = { file: 'test.cell.ts', line: 1, column: 1, length: 1 };
const declare = (name: string, shape: string[], init?: TensorDeclaration['init']): TensorDeclaration => ({
  name,
  shape,
  init,
  trainable: true,
  span,
});
const signature: Signature = {
  name: 'test',
  options: {},
  dims: ['I', 'H'],
  rules: [],
  rates: [],
  inputs: [declare('x', ['I'])],
  state: [declare('h', ['H']), declare('m', [])],
  params: [declare('W', ['H', 'I']), declare('b', ['H'], 'zeros'), declare('a', [], 'ones')],
  outputs: undefined,
};
const sizes = { T: 20, B: 7, I: 16, H: 31 };
const draw = (choices: RandomChoices, at = sizes) => randomData(signature, at, { h: ['H'], y: [] }, choices);
const lengthsDrawn = (...given: Parameters<typeof draw>) => lengthsAlong(draw(...given).lengths, 'T') ?? [];

function tensors(data: CellData): Record<string, Tensor> {
  const groups = { ...data, lengths: undefined, reverse: undefined, cotangents: undefined };
  const all = { ...groups, outputs: data.cotangents?.outputs, final: data.cotangents?.state };
  return Object.fromEntries(
    Object.entries(all).flatMap(([group, members]) =>
      Object.entries((members ?? {}) as Record<string, Tensor>).map(([name, tensor]) => [`${group}.${name}`, tensor]),
    ),
  );
}

describe('random data', () => {
  it('is the same for the same seed and differs in every tensor for another', () => {
    expect(draw({ seed: 1, ragged: true })).toEqual(draw({ seed: 1, ragged: true }));
    const [one, two] = [tensors(draw({ seed: 1 })), tensors(draw({ seed: 2 }))];
    for (const name of Object.keys(one)) expect(one[name]?.data).not.toEqual(two[name]?.data);
  });

  it('is uniform in the range that a tensor declares, and no other tensor changes for it', () => {
    const within = (range: readonly [number, number]) => (declaration: TensorDeclaration) => ({ ...declaration, range });
    const ranged: Signature = {
      ...signature,
      inputs: signature.inputs.map(within([0.5, 2])),
      state: signature.state.map(within([0, 1])),
      params: signature.params.map((param) => (param.name === 'W' ? within([-3, -1])(param) : param)),
    };
    const [plain, drawn] = [draw({ seed: 1 }), randomData(ranged, sizes, { h: ['H'], y: [] }, { seed: 1, scale: 100 })];
    for (const [tensor, low, high] of [
      [drawn.inputs.x, 0.5, 2],
      [drawn.state.h, 0, 1],
      [drawn.params.W, -3, -1],
    ] as const) {
      const values = [...(tensor?.data ?? [])];
      expect(Math.min(...values)).toBeGreaterThanOrEqual(low);
      expect(Math.max(...values)).toBeLessThanOrEqual(high);
      expect(Math.min(...values)).toBeLessThan(low + 0.1 * (high - low));
      expect(Math.max(...values)).toBeGreaterThan(high - 0.1 * (high - low));
    }
    expect(drawn.cotangents).toEqual(plain.cotangents);
  });

  it('is larger by the scale where no range is declared, cotangents apart', () => {
    const [plain, scaled] = [draw({ seed: 1 }), draw({ seed: 1, scale: 4 })];
    for (const [a, b] of [
      [plain.inputs.x, scaled.inputs.x],
      [plain.state.h, scaled.state.h],
      [plain.params.W, scaled.params.W],
    ] as const)
      expect([...(b?.data ?? [])]).toEqual([...(a?.data ?? [])].map((value) => Math.fround(4 * value)));
    expect(scaled.cotangents).toEqual(plain.cotangents);
  });

  it('stays the same from release to release', () => {
    expect([...(draw({ seed: 1 }).params.W?.data.slice(0, 3) ?? [])]).toMatchInlineSnapshot(`
      [
        -0.17639920115470886,
        0.04552827402949333,
        -0.18274939060211182,
      ]
    `);
    expect(draw({ seed: 1, ragged: true }).lengths).toMatchInlineSnapshot(`
      [
        15,
        20,
        19,
        2,
        15,
        13,
        12,
      ]
    `);
  });

  it('has the declared shapes, in float32', () => {
    const found = tensors(draw({ seed: 1 }));
    expect(Object.fromEntries(Object.entries(found).map(([name, { shape }]) => [name, shape]))).toEqual({
      'inputs.x': [20, 7, 16],
      'state.h': [7, 31],
      'state.m': [7],
      'params.W': [31, 16],
      'params.b': [31],
      'params.a': [],
      'outputs.h': [20, 7, 31],
      'outputs.y': [20, 7],
      'final.h': [7, 31],
      'final.m': [7],
    });
    for (const { shape, data } of Object.values(found)) {
      expect(data).toBeInstanceOf(Float32Array);
      expect(data).toHaveLength(elements(shape));
      expect(data.every((value) => Number.isFinite(value) && value !== 0)).toBe(true);
    }
  });

  it.each([undefined, 'zeros', 'ones', 0, 0.1, 0.9, 1] as const)(
    'gives a rate with init %s a probability, in every draw',
    (init) => {
      const rated: Signature = { ...signature, rates: ['q'], params: [{ ...declare('q', [], init), trainable: false }] };
      for (let seed = 1; seed <= 40; seed++) {
        const [rate = Number.NaN] = randomData(rated, sizes, {}, { seed, scale: 10 }).params.q?.data ?? [];
        expect(rate).toBeGreaterThan(0);
        expect(rate).toBeLessThanOrEqual(1);
      }
    },
  );

  it('is scaled so that gates neither saturate nor vanish', () => {
    const { inputs, params } = draw({ seed: 5 });
    const x = [...(inputs.x?.data ?? [])];
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    expect(Math.abs(mean)).toBeLessThan(0.1);
    expect(Math.abs(variance - 1)).toBeLessThan(0.1);
    const W = [...(params.W?.data ?? [])];
    expect(Math.max(...W)).toBeLessThanOrEqual(0.25);
    expect(Math.min(...W)).toBeGreaterThanOrEqual(-0.25);
    expect(Math.max(...W) - Math.min(...W)).toBeGreaterThan(0.45);
    expect(Math.max(...(params.b?.data ?? []).map(Math.abs))).toBeLessThanOrEqual(0.5);
  });

  it('draws lengths with one full sequence and a shorter one, at any shape', () => {
    for (let seed = 0; seed < 200; seed++) {
      const lengths = lengthsDrawn({ seed, ragged: true }, { ...sizes, T: 5, B: 3 });
      expect(lengths).toHaveLength(3);
      expect(lengths.every((length) => Number.isInteger(length) && length >= 0 && length <= 5)).toBe(true);
      expect(Math.max(...lengths)).toBe(5);
      expect(Math.min(...lengths)).toBeLessThan(5);
      expect(lengthsDrawn({ seed, ragged: true }, { ...sizes, T: 1, B: 3 }).toSorted()).not.toEqual([1, 1, 1]);
      expect(draw({ seed, ragged: true }, { ...sizes, T: 5, B: 1 }).lengths).toEqual([5]);
    }
  });

  it('has no lengths, forward direction and cotangents unless told otherwise', () => {
    expect(draw({ seed: 1 })).toMatchObject({ reverse: false });
    expect(draw({ seed: 1 }).lengths).toBeUndefined();
    expect(draw({ seed: 1, reverse: true }).reverse).toBe(true);
    expect(draw({ seed: 1, gradients: false }).cotangents).toBeUndefined();
  });

  it('leaves the other tensors alone when an option adds a parameter', () => {
    const more = { ...signature, params: [declare('p_i', ['H']), ...signature.params] };
    expect(randomData(more, sizes, { h: ['H'], y: [] }, { seed: 1 })).toMatchObject(draw({ seed: 1 }));
  });

  it('scales what is summed over by the number of terms: columns, and the taps of a kernel', () => {
    const params = [
      declare('blocks', ['N', 'H', 'I']),
      declare('kernel', ['3', '5', 'H', 'I']),
      declare('grouped', ['3', 'N', 'H', 'I']),
    ];
    const drawn = randomData({ ...signature, params }, { ...sizes, N: 2 }, { h: ['H'] }, { seed: 1 }).params;
    const largest = (name: string) => Math.max(...(drawn[name]?.data ?? []).map(Math.abs));
    for (const [name, terms] of [
      ['blocks', 16],
      ['kernel', 15 * 16],
      ['grouped', 3 * 16],
    ] as const) {
      expect(largest(name)).toBeLessThanOrEqual(1 / Math.sqrt(terms));
      expect(largest(name)).toBeGreaterThan(0.95 / Math.sqrt(terms));
    }
  });

  it('keeps untrained parameters near a numeric init, and those below 1 below it', () => {
    const untrained = (init: TensorDeclaration['init']) => {
      const params = [{ ...declare('c', ['H'], init), trainable: false }];
      const values = [
        ...(randomData({ ...signature, params }, { ...sizes, H: 1000 }, { h: ['H'] }, { seed: 1 }).params.c?.data ?? []),
      ];
      return [Math.min(...values), Math.max(...values)];
    };
    const near = (low: number, high: number) => [expect.closeTo(low, 1), expect.closeTo(high, 1)];
    expect(untrained(0.4)).toEqual(near(0.2, 0.6));
    expect(untrained('ones')).toEqual(near(0.5, 1.5));
    expect(untrained(-20)).toEqual([expect.closeTo(-30, 0), expect.closeTo(-10, 0)]);
    expect(untrained('zeros')).toEqual([0, 0]);
    const [low = 0, high = 1] = untrained(0.9);
    expect(low).toBeGreaterThanOrEqual(0.45);
    expect(low).toBeLessThan(0.5);
    expect(high).toBeLessThan(0.95);
    expect(high).toBeGreaterThan(0.9);
    for (const init of ['uniform', undefined] as const) expect(untrained(init)).toEqual(near(-0.5, 0.5));
  });

  it('keeps a trained parameter near the number it starts from, and away from a zero', () => {
    const params = [declare('c', ['H'], 7), declare('z', ['H'], 0)];
    const { c, z } = randomData({ ...signature, params }, sizes, { h: ['H'] }, { seed: 1 }).params;
    expect(Math.min(...(c?.data ?? []))).toBeGreaterThan(3.5);
    expect(Math.max(...(c?.data ?? []))).toBeLessThan(10.5);
    expect(new Set(z?.data).size).toBeGreaterThan(20);
  });

  it('draws scalars and maps as inputs, states and outputs, with axes of fixed size', () => {
    const shaped = { ...signature, inputs: [declare('x', []), declare('z', ['4', 'H'])], state: [declare('h', ['2', '3', 'H'])] };
    const { inputs, state, cotangents } = randomData(shaped, sizes, { y: ['2'] }, { seed: 1 });
    expect(inputs.x?.shape).toEqual([20, 7]);
    expect(inputs.z?.shape).toEqual([20, 7, 4, 31]);
    expect(state.h?.shape).toEqual([7, 2, 3, 31]);
    expect(cotangents?.outputs.y?.shape).toEqual([20, 7, 2]);
    expect(cotangents?.state.h?.data).toHaveLength(7 * 2 * 3 * 31);
  });

  it('has a seed for the masks in training only', () => {
    expect(draw({ seed: 3 })).not.toHaveProperty('seed');
    const training = { ...signature, options: { training: true } };
    expect(randomData(training, sizes, {}, { seed: 3 }).seed).toBe(3);
  });
});
