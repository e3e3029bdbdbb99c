/** Symbols on the device: rows are gathered, gradients scattered in a fixed order, and no vector is as long as the vocabulary. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { judge } from '../../runtime/check/index.js';
import { differingBits } from '../../runtime/compare.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { fromText, prepare } from './compare-cell.js';

const cellOf = (step: string, params = "E: mat('V', 'H'), U: mat('H', 'H')") =>
  fromText(`import { argmax, cell, crossEntropy, delay, embed, mat, matvec, sample, sqrt, symbol, tanh, vec } from 'recurve';
    export default cell({ name: 'symbols', dims: ['V', 'H'], inputs: { s: symbol('V'), r: symbol('V') }, state: { h: vec('H') },
      params: { ${params} }, step({ s, r }, { h }, p) { ${step} } });`);

const CELLS = {
  'a row': 'return { h: tanh(embed(p.E, s) + matvec(p.U, h)), y: matvec(p.U, h) * r };',
  'a row of what was given before, which is the first one where nothing was':
    'return { h: tanh(embed(p.E, delay(s, 2)) + matvec(p.U, h)) * (1 + 0.1 * r) };',
  'rows of two symbols, and of one that is always the same':
    'return { h: tanh(embed(p.E, s) * embed(p.E, r) + embed(p.E, 1) + matvec(p.U, h)) };',
  'a matrix that is multiplied, too':
    'const g = tanh(embed(p.E, s) + matvec(p.U, h)); return { h: g, loss: crossEntropy(matvec(p.E, g), r) };',
  'a row that the step itself has chosen':
    'const g = tanh(embed(p.E, argmax(matvec(p.E, h))) + 0.1 * s + matvec(p.U, h)); return { h: g, y: embed(p.E, sample(matvec(p.E, g), 0.5)) * (1 + r) };',
};

describe('symbols', () => {
  let device: RecurveDevice;
  beforeAll(async () => {
    device = await openDevice('swiftshader');
  });
  afterAll(() => device.close());

  const shapes = [
    { T: 1, B: 1, V: 1, H: 1 },
    { T: 5, B: 3, V: 7, H: 6 },
    { T: 4, B: 2, V: 70, H: 33 },
  ];
  for (const [title, step] of Object.entries(CELLS)) {
    it(`agree with the reference: ${title}`, async () => {
      for (const [seed, sizes] of shapes.entries()) {
        const { tree, signature, outputs } = prepare(cellOf(step), {});
        const plan = compile(tree, { options: {}, sizes, gradients: true, target: device.target });
        const layer = await load(device, plan);
        const data = randomData(signature, sizes, outputs, { seed, ragged: true, reverse: seed === 1 });
        const runs = [await layer.run(data), await layer.run(data)];
        layer.destroy();
        const [first] = runs;
        if (first === undefined) throw new Error('nothing ran');
        expect(judge(tree, signature, sizes, data, first).filter(({ verdict }) => verdict !== 'agrees')).toEqual([]);
        expect(differingBits(...(runs as [typeof first, typeof first]))).toEqual([]);
      }
    });
  }

  it('keep an infinite slope in the row that has it', async () => {
    const sizes = { T: 3, B: 4, V: 5, H: 6 };
    const { tree, signature, outputs } = prepare(cellOf('return { h: sqrt(embed(p.E, s)) + matvec(p.U, h) + 0.1 * r };'), {});
    const data = randomData(signature, sizes, outputs, { seed: 4 });
    const symbols = data.inputs.s?.data ?? [];
    const entries = data.params.E?.data ?? [];
    // The root of zero has no finite slope; symbol 0 is met, and so are others.
    entries.forEach((entry, at) => {
      entries[at] = at < sizes.H ? 0 : 0.5 + Math.abs(entry);
    });
    symbols[0] = 0;
    const layer = await load(device, compile(tree, { options: {}, sizes, gradients: true, target: device.target }));
    const { gradients } = await layer.run(data);
    layer.destroy();
    const wanted = runReference(tree, signature, sizes, data).gradients?.params.E?.data ?? [];
    const found = gradients?.params.E?.data ?? [];
    expect([...found.slice(0, sizes.H)].some(Number.isFinite)).toBe(false);
    expect(Math.max(...[...found.slice(sizes.H)].map((value, at) => Math.abs(value - (wanted[sizes.H + at] ?? 0))))).toBeLessThan(
      1e-5,
    );
    expect(new Set(symbols).size).toBeGreaterThan(2);
  });

  it('that there are not are refused by name, where they are read', async () => {
    const sizes = { T: 3, B: 2, V: 5, H: 2 };
    const tree = fromText(`import { cell, embed, mat, symbol, tanh, vec } from 'recurve';
      export default cell({ name: 'symbols', dims: ['V', 'H'], inputs: { s: symbol('V') }, state: { h: vec('H'), k: symbol('V') },
        params: { E: mat('V', 'H') }, step({ s }, { h, k }, p) { return { h: tanh(embed(p.E, s) + embed(p.E, k) + h), k: s }; } });`);
    const layer = await load(device, compile(tree, { options: {}, sizes, gradients: false, target: device.target }));
    layer.init({ seed: 1 });
    const run = (s: number[], k: number[], lengths?: number[]) =>
      layer.run({ inputs: { s: Float32Array.from(s) }, state: { k: Float32Array.from(k) }, ...(lengths ? { lengths } : {}) });
    const right = [0, 1, 2, 3, 4, 0];
    await expect(run(right, [4, 0])).resolves.toBeDefined();
    await expect(run([0, 1, 2, 5, 4, 0], [4, 0])).rejects.toMatchObject({ code: 'DATA-SYMBOL', where: 'inputs.s[1, 1]' });
    await expect(run([0, 1, 2, 3, 0.5, 0], [4, 0])).rejects.toMatchObject({ code: 'DATA-SYMBOL', where: 'inputs.s[2, 0]' });
    await expect(run(right, [-1, 0])).rejects.toMatchObject({ code: 'DATA-SYMBOL', where: 'state.k[0]' });
    // What lies past a sequence's length is not read.
    await expect(run([0, 1, 2, 3, 7, Number.NaN], [4, 0], [2, 2])).resolves.toBeDefined();
    layer.destroy();
    const signature = prepare(tree, sizes).signature;
    const tensor = (shape: number[], data: number[]) => ({ shape, data: Float32Array.from(data) });
    const params = { E: tensor([5, 2], new Array(10).fill(0.1)) };
    const data = (s: number[], k: number[]) => ({
      inputs: { s: tensor([3, 2], s) },
      state: { k: tensor([2], k) },
      params,
      reverse: false,
    });
    expect(() => runReference(tree, signature, sizes, data(right, [5, 0]))).toThrow(
      expect.objectContaining({ where: 'state.k[0]' }),
    );
    expect(() => runReference(tree, signature, sizes, data([9, 1, 2, 3, 4, 0], [4, 0]))).toThrow(
      expect.objectContaining({ code: 'DATA-SYMBOL', where: 'inputs.s[0, 0]' }),
    );
  });

  it('take no memory for the vocabulary but the matrix, its gradient and its copies', () => {
    const { tree } = prepare(cellOf(CELLS['a row'].replace(', loss: crossEntropy(matvec(p.U, h), r)', ', y: embed(p.E, r)')), {});
    const bytes = (V: number) =>
      compile(tree, { options: {}, sizes: { T: 64, B: 8, V, H: 4 }, gradients: true, target: device.target }).buffers.reduce(
        (sum, { bytes: own }) => sum + own,
        0,
      );
    // Matrix and gradient: 16 bytes a row each.
    expect(bytes(4004) - bytes(2004)).toBe(2000 * 2 * 16);
  });
});
