import { describe, expect, it } from 'vitest';
import type { Signature, TensorDeclaration } from '../../codegen/frontend/tree.js';
import { type CellData, elements, type Tensor } from '../../runtime/data.js';
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
  inputs: [declare('x', ['I'])],
  state: [declare('h', ['H']), declare('m', [])],
  params: [declare('W', ['H', 'I']), declare('b', ['H'], 'zeros'), declare('a', [], 'ones')],
  outputs: undefined,
};
const sizes = { T: 20, B: 7, I: 16, H: 31 };
const draw = (choices: RandomChoices, at = sizes) => randomData(signature, at, { h: ['H'], y: [] }, choices);

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
        3,
        15,
        13,
        13,
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
      const { lengths = [] } = draw({ seed, ragged: true }, { ...sizes, T: 5, B: 3 });
      expect(lengths).toHaveLength(3);
      expect(lengths.every((length) => Number.isInteger(length) && length >= 1 && length <= 5)).toBe(true);
      expect(Math.max(...lengths)).toBe(5);
      expect(Math.min(...lengths)).toBeLessThan(5);
      expect(draw({ seed, ragged: true }, { ...sizes, T: 1, B: 3 }).lengths).toEqual([1, 1, 1]);
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

  it('keeps a number that a parameter is made of, exactly where it is not trained', () => {
    const rate = { ...declare('rate', [], 0.25), trainable: false };
    const mask = { ...declare('mask', ['H'], 'ones'), trainable: false };
    const { params } = randomData({ ...signature, params: [rate, mask, declare('scale', ['H'], 3)] }, sizes, {}, { seed: 1 });
    expect(params.rate?.data).toEqual(Float32Array.of(0.25));
    expect(params.mask?.data).toEqual(new Float32Array(31).fill(1));
    const scale = [...(params.scale?.data ?? [])];
    expect(Math.min(...scale)).toBeGreaterThan(2.69);
    expect(Math.max(...scale)).toBeLessThan(3.31);
    expect(new Set(scale).size).toBeGreaterThan(20);
  });

  it('bounds the matrices of blocks, stacks and kernels by their columns', () => {
    const { params } = randomData({ ...signature, params: [declare('U', ['3', 'H', 'I'])] }, sizes, {}, { seed: 1 });
    expect(params.U?.shape).toEqual([3, 31, 16]);
    const largest = Math.max(...(params.U?.data ?? []).map(Math.abs));
    expect(largest).toBeLessThan(0.25);
    expect(largest).toBeGreaterThan(0.24);
  });

  it('has a seed for the masks in training only', () => {
    expect(draw({ seed: 3 })).not.toHaveProperty('seed');
    const training = { ...signature, options: { training: true } };
    expect(randomData(training, sizes, {}, { seed: 3 }).seed).toBe(3);
  });
});
