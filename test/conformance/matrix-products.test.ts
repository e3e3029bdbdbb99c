/** Computed matrices times every row of another value: the products of attention. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { runReference } from '../../runtime/reference/index.js';
import { fromText, prepare, wrongTensors } from './compare-cell.js';

const cellOf = (value: string, state: string) =>
  fromText(`import { cell, mat, map, matvec, softmax, transpose } from 'recurve';
    export default cell({ name: 'rows', dims: ['Q', 'K', 'D'], inputs: { q: mat('Q', 'D'), k: mat('K', 'D'), m: map('Q', 'Q', 'D') },
      state: { s: ${state} }, params: {}, step({ q, k, m }, { s }) { return { s: 0.5 * s + ${value} }; } });`);

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

describe('a computed matrix', () => {
  it('takes every row of a matrix through itself, with gradients worked out by hand', async () => {
    const tree = fromText(`import { cell, mat, matvec, transpose } from 'recurve';
      export default cell({ name: 'rows', dims: ['Q', 'K', 'D'], inputs: { q: mat('Q', 'D'), k: mat('K', 'D') },
        state: { s: mat('Q', 'K'), r: mat('Q', 'D') }, params: {},
        step({ q, k }) { return { s: matvec(k, q), r: matvec(transpose(k), matvec(k, q)) }; } });`);
    const { options, signature, sizes } = prepare(tree, { T: 1, B: 1, Q: 2, K: 3, D: 2 });
    const tensor = (shape: number[], ...data: number[]) => ({ shape, data: Float32Array.from(data) });
    const data = {
      inputs: { q: tensor([1, 1, 2, 2], 1, 10, 100, 1000), k: tensor([1, 1, 3, 2], 1, 2, 3, 4, 5, 6) },
      state: {},
      params: {},
      reverse: false,
      cotangents: {
        outputs: {},
        state: { s: tensor([1, 2, 3], 1, 0, 0, 0, 0, 2), r: tensor([1, 2, 2], 0, 0, 0, 0) },
      },
    };
    const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
    executable.poison();
    for (const { state, gradients } of [await executable.run(data), runReference(tree, signature, sizes, data)]) {
      expect([...(state.s?.data ?? [])]).toEqual([21, 43, 65, 2100, 4300, 6500]);
      expect([...(state.r?.data ?? [])]).toEqual([475, 604, 47500, 60400]);
      expect([...(gradients?.inputs.q?.data ?? [])]).toEqual([1, 2, 10, 12]);
      expect([...(gradients?.inputs.k?.data ?? [])]).toEqual([1, 10, 0, 0, 200, 2000]);
    }
    executable.destroy();
  });

  it.each([
    ['matvec(k, q)', "mat('Q', 'K')"],
    ['0.1 * matvec(transpose(s), matvec(s, matvec(k, q)))', "mat('Q', 'K')"],
    ['matvec(transpose(k), softmax(matvec(k, q), "K"))', "mat('Q', 'D')"],
    ['matvec(k, m)', "map('Q', 'Q', 'K')"],
  ])('%s agrees with the reference', async (value, state) => {
    const sizes = { T: 3, B: 2, Q: 5, K: 4, D: 3 };
    expect(await wrongTensors(device, prepare(cellOf(value, state), sizes))).toEqual([]);
  });
});
