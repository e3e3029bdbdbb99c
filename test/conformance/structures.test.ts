import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { fromText, prepare, wrongTensors } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

const LANGUAGE = `import { blockTriangular, cell, choice, concat, conv1d, delay, dropConnect, dropout, integer, kernel, map, mat, matvec, mean, noise, outer, scalar, sigmoid, softmax, sqrt, tanh, transpose, variance, vec, zoneout } from 'recurve';\n`;

/** One cell for each mechanism beyond per-unit arithmetic and products of vectors. Sizes at which float64 itself keeps 1e-6 under perturbed data. */
const CELLS: Readonly<Record<string, string>> = {
  'a reduction inside the recurrence': `export default cell({ name: 'ln', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
      params: { W: mat('H', 'I'), U: mat('H', 'H'), g: vec('H'), b: vec('H') },
      step({ x }, { h }, p) {
        const a = matvec(p.U, h) + matvec(p.W, x);
        const m = mean(a);
        return { h: tanh(p.g * (a - m) / sqrt(variance(a) + 1e-5) + p.b) };
      } });`,
  'a matrix memory, a scalar state and products of values': `export default cell({ name: 'fast', dims: ['I', 'H', 'K'], inputs: { x: vec('I') }, state: { C: mat('H', 'K'), n: vec('K'), s: scalar() },
      params: { Wq: mat('K', 'I'), Wk: mat('K', 'I'), Wv: mat('H', 'I'), f: scalar(), R: mat('H', 'H') }, outputs: ['y', 'n', 's', 'C'],
      step({ x }, { C, n, s }, p) {
        const k = tanh(matvec(p.Wk, x)) + 0.1 * n; const q = matvec(p.Wq, x) * s; const v = matvec(p.Wv, x) + matvec(p.R, matvec(C, q));
        const next = sigmoid(p.f) * C + outer(v, k);
        return { C: tanh(next), n: matvec(transpose(next), v) * 0.3 + n * 0.2, s: tanh(s * 0.5 + p.f), y: matvec(next, q) };
      } });`,
  'convolutions as input and recurrent maps': `export default cell({ name: 'conv', dims: ['X', 'I', 'C'], inputs: { x: map('X', 'I') }, state: { h: map('X', 'C') },
      params: { W: kernel('C', 'I', 3), U: kernel('C', 'C', 3), V: kernel('C', 'C', 5) },
      step({ x }, { h }, p) {
        const z = sigmoid(conv1d(p.W, x) + conv1d(p.U, h));
        const n = tanh(conv1d(p.V, z * h, { dilation: 2 }));
        return { h: (1 - z) * h + z * n };
      } });`,
  'delayed inputs and states, and the number of the step': `export default cell({ name: 'del', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
      params: { W: mat('H', 'I'), W2: mat('H', 'I'), U: mat('H', 'H'), U3: mat('H', 'H'), s: vec('H') },
      step({ x }, { h }, p, { t }) {
        return { h: tanh(matvec(p.W, x) + matvec(p.W2, delay(x, 2)) + matvec(p.U, h) + matvec(p.U3, delay(h, 3)) + p.s * delay(h, 1) * t) };
      } });`,
  'masks on values, states and weights, and a softmax': `export default cell({ name: 'drop', dims: ['I', 'H', 'N'], inputs: { x: vec('I') }, state: { h: vec('H'), g: vec('H') },
      params: { W: mat('H', 'N'), U: mat('H', 'H'), B: mat('H','H') },
      step({ x }, { h, g }, p) {
        const y = tanh(matvec(p.W, concat('N', dropout(x, 0.3), softmax(h))) + matvec(dropConnect(p.U, 0.25), dropout(h, 0.2, 'sequence')) + matvec(blockTriangular(p.B, 3), h));
        return { h: zoneout(y, h, 0.4), g: noise(g * 0.5 + y, 0.1) };
      } });`,
  'block triangles, plain and transposed': `export default cell({ name: 'tri', dims: ['I', 'H', 'K'], options: { blocks: integer(3, { min: 1, max: 8 }) }, inputs: { x: vec('I') }, state: { h: vec('H') },
      params: { W: mat('H', 'I'), A: mat('H', 'H'), B: mat('H','H'), C: mat('K', 'H'), D: mat('K','H') },
      step({ x }, { h }, p, { options: o }) {
        const k = tanh(matvec(blockTriangular(p.C, o.blocks, 'lower'), h));
        const l = tanh(matvec(blockTriangular(p.D, o.blocks), h));
        return { h: tanh(matvec(p.W, x) + matvec(blockTriangular(p.A, o.blocks), h) + matvec(blockTriangular(p.B, o.blocks, 'lower'), h) + matvec(transpose(blockTriangular(p.C, o.blocks, 'lower')), k)  + matvec(transpose(blockTriangular(p.D, o.blocks)), l)) };
      } });`,
};

describe('structures', () => {
  it.each(Object.keys(CELLS))('%s', async (name) => {
    const tree = fromText(LANGUAGE + CELLS[name]);
    const training = tree.options.some((option) => option.name === 'training') ? [false, true] : [false];
    for (const sizes of [
      { T: 5, B: 3, I: 3, H: 5, K: 7, X: 6, C: 3, N: 8 },
      { T: 1, B: 1, I: 1, H: 1, K: 1, X: 1, C: 1, N: 2 },
      { T: 4, B: 3, I: 9, H: 37, K: 20, X: 3, C: 18, N: 46 },
    ]) {
      for (const on of training) {
        expect(await wrongTensors(device, prepare(tree, sizes, on ? { training: true } : {}))).toEqual([]);
      }
    }
  });

  it('convolutions that stride and dilate, on values that the recurrence carries', async () => {
    const tree = fromText(`import { cell, conv1d, conv2d, kernel, map, tanh } from 'recurve';
      export default cell({ name: 'strided', dims: ['X', 'Y', 'V', 'W', 'C', 'D'],
        inputs: { x: map('X', 'C'), u: map('X', 'V', 'C') }, state: { g: map('X', 'C'), h: map('Y', 'D'), m: map('Y', 'W', 'D'), n: map('X', 'V', 'C') },
        params: { A: kernel('D', 'C', 3), B: kernel('D', 'D', 3), K: kernel('D', 'C', 2, 3) },
        step({ x, u }, { g, h, m, n }, p) {
          return {
            g: tanh(0.5 * g + x),
            h: tanh(conv1d(p.A, g, { stride: 3, to: 'Y' }) + conv1d(p.B, h, { padding: 'causal', dilation: 2 })),
            n: tanh(0.4 * n + u),
            m: tanh(conv2d(p.K, n, { stride: [3, 2], dilation: [1, 2], to: ['Y', 'W'] })) + 0.3 * m,
          };
        } });`);
    for (const sizes of [
      { T: 4, B: 3, X: 7, Y: 3, V: 5, W: 3, C: 3, D: 5 },
      { T: 3, B: 2, X: 3, Y: 1, V: 4, W: 2, C: 9, D: 2 },
    ]) {
      expect(await wrongTensors(device, prepare(tree, sizes))).toEqual([]);
    }
  });

  it('draws the same masks from the same seed, and others from another', async () => {
    const tree = fromText(LANGUAGE + CELLS['masks on values, states and weights, and a softmax']);
    const { options, signature, outputs, sizes } = prepare(tree, { T: 4, B: 2, I: 3, H: 5, N: 8 }, { training: true });
    const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
    const data = randomData(signature, sizes, outputs, { seed: 1 });
    const first = await executable.run({ ...data, seed: 7 });
    executable.poison();
    expect(await executable.run({ ...data, seed: 7 })).toEqual(first);
    const other = await executable.run({ ...data, seed: 8 });
    expect(other.outputs.h?.data).not.toEqual(first.outputs.h?.data);
    expect(other.gradients?.params.U?.data).not.toEqual(first.gradients?.params.U?.data);
    executable.destroy();
  });
});
