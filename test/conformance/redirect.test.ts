/** Logic on comparisons, and functions that redirect a cotangent, where the recurrence carries them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { runReference } from '../../runtime/reference/index.js';
import { fromText, prepare, wrongTensors } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

const IMPORTS = `import { cell, floor, map, mat, matvec, maxOver, mod, pow, relu, round, scalar, select, sigmoid, sign, step, stopGradient, straightThrough, tanh, vec } from 'recurve';\n`;

const CELLS: Readonly<Record<string, string>> = {
  'a spiking cell with a surrogate gradient and a reset': `export default cell({ name: 'spiking', dims: ['I', 'H'],
    inputs: { x: vec('I') }, state: { v: vec('H'), s: vec('H') }, params: { W: mat('H', 'I'), U: mat('H', 'H'), decay: vec('H'), level: scalar() },
    step({ x }, { v, s }, p) {
      const next = sigmoid(p.decay) * v * (1 - stopGradient(s)) + matvec(p.W, x) + matvec(p.U, s);
      return { v: next, s: straightThrough(step(next - p.level), sigmoid(4 * (next - p.level))) };
    } });`,
  'weights that only a stopped path reaches': `export default cell({ name: 'stopped', dims: ['I', 'H'],
    inputs: { x: vec('I') }, state: { h: vec('H') }, params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H') },
    step({ x }, { h }, p) { return { h: tanh(matvec(p.U, h)) + stopGradient(matvec(p.W, x) + p.b) }; } });`,
  'equal maxima, which share a cotangent': `export default cell({ name: 'equal', dims: ['I', 'H'],
    inputs: { x: map('I', 'H') }, state: { h: vec('H') }, params: { U: mat('H', 'H') },
    step({ x }, { h }, p) {
      const most = maxOver(straightThrough(round(x), x), 'I');
      return { h: tanh(matvec(p.U, h) + most), y: maxOver(straightThrough(round(2 * h), h)) };
    } });`,
  'a state behind a test, then mixed': `export default cell({ name: 'gated', dims: ['I', 'H'],
    inputs: { x: vec('I'), m: vec('H') }, state: { h: vec('H') }, params: { W: mat('H', 'I'), U: mat('H', 'H'), s: scalar() },
    step({ x, m }, { h }, p) {
      const open = (m > 0 && !(h > 0.4)) || p.s * m < -0.3;
      return { h: tanh(matvec(p.W, x) + matvec(p.U, select(open, h, -0.5 * h)) + matvec(p.U, relu(h))) };
    } });`,
  'whole numbers, remainders and powers in the loop': `export default cell({ name: 'whole', dims: ['H'],
    inputs: { x: vec('H') }, state: { h: vec('H') }, params: { U: mat('H', 'H'), a: vec('H'), k: scalar() },
    step({ x }, { h }, p) {
      const u = matvec(p.U, h) + x;
      const phase = mod(u * 3, 1 + sigmoid(p.a));
      return { h: tanh(phase * 0.3 + floor(x) * h - 0.1 * round(u) * p.a + pow(1 + x ** 2, p.k) * sign(u) * 0.5 + u ** 3 * 0.1), y: u % 2 };
    } });`,
};

describe('cells that redirect cotangents', () => {
  it.each(Object.keys(CELLS))('%s', async (name) => {
    const tree = fromText(IMPORTS + CELLS[name]);
    for (const sizes of [
      { T: 4, B: 3, I: 3, H: 5 },
      { T: 1, B: 1, I: 1, H: 1 },
      { T: 3, B: 10, I: 8, H: 36 },
    ]) {
      expect(await wrongTensors(device, prepare(tree, sizes))).toEqual([]);
    }
  });
});

describe('gradients computed by hand', () => {
  const tensor = (...data: number[]) => ({ shape: [1, 1, data.length], data: Float32Array.from(data) });

  /** The output and ∂Σ output/∂x of one step at x = [2, −1]. */
  async function stepOf(expression: string) {
    const tree = fromText(`${IMPORTS}export default cell({ name: 'hand', dims: ['N'],
      inputs: { x: vec('N') }, state: { h: vec('N') }, params: {}, step({ x }) { return { h: ${expression} }; } });`);
    const { options, signature, sizes } = prepare(tree, { T: 1, B: 1, N: 2 });
    const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
    const inputs = { x: tensor(2, -1) };
    const data = { inputs, state: {}, params: {}, reverse: false, cotangents: { outputs: { h: tensor(1, 1) }, state: {} } };
    executable.poison();
    const results = [await executable.run(data), runReference(tree, signature, sizes, data)];
    executable.destroy();
    return results.map(({ outputs, gradients }) => ({
      h: [...(outputs.h?.data ?? [])],
      dx: [...(gradients?.inputs.x?.data ?? [])],
    }));
  }

  it.each([
    // d(x · c)/dx = c where c = x² stands still.
    ['x * stopGradient(x * x)', [8, -1], [4, 1]],
    ['stopGradient(x)', [2, -1], [0, 0]],
    // The value of step(x), the slope of 3x².
    ['straightThrough(step(x), 3 * x * x)', [1, 0], [12, -6]],
    // The forward side gets nothing, also where it is differentiable.
    ['straightThrough(x * x * x, 5 * x)', [8, -1], [5, 5]],
    ['straightThrough(x * x, 2) + x', [6, 0], [1, 1]],
    // −trunc(x / 0.75) is −2 and 1, and enters by the second argument's slope, ½.
    ['mod(x, 0.5 * x - x * 0.5 + 0.75)', [0.5, -0.25], [1, 1]],
    ['pow(x, 3)', [8, -1], [12, 3]],
    ['2 ** stopGradient(x) * x', [8, -0.5], [4, 0.5]],
    ['select(x > 0 || x < -5, x * x, 7 * x)', [4, -7], [4, 7]],
    ['!(x > 0) && x > -2 ? 3 * x : -x', [-2, -3], [-1, 3]],
  ])('%s', async (expression, h, dx) => {
    for (const result of await stepOf(expression)) {
      result.h.forEach((value, i) => {
        expect(value).toBeCloseTo(h[i] ?? Number.NaN, 5);
      });
      result.dx.forEach((value, i) => {
        expect(value).toBeCloseTo(dx[i] ?? Number.NaN, 5);
      });
      expect([result.h.length, result.dx.length]).toEqual([2, 2]);
    }
  });
});
