import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { builtIn, fromText, prepare, wrongTensors } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

describe('built-in cells', () => {
  it.each([
    ['lstm', { T: 3, B: 2, I: 34, H: 70, P: 19 }, { projection: true, peepholes: true }],
    ['lstm', { T: 2, B: 19, I: 3, H: 131 }, {}],
    ['gru', { T: 9, B: 1, I: 7, H: 33 }, { reset: 'before' }],
    ['gru', { T: 1, B: 9, I: 1, H: 4 }, {}],
    ['rnn', { T: 37, B: 5, I: 2, H: 1 }, {}],
  ] as const)('%s agrees with the reference at %j with %j', async (name, sizes, options) => {
    expect(await wrongTensors(device, prepare(builtIn(name), sizes, options))).toEqual([]);
  });

  it('gives the same bits twice', async () => {
    const { tree, options, signature, outputs, sizes } = prepare(builtIn('lstm'), { T: 9, B: 5, I: 6, H: 10 });
    const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
    const data = randomData(signature, sizes, outputs, { seed: 3, ragged: true });
    executable.poison();
    const first = await executable.run(data);
    executable.poison();
    expect(await executable.run(data)).toEqual(first);
    executable.destroy();
  });

  it('keeps gradients exact where the activations saturate', async () => {
    const { tree, options, signature, outputs, sizes } = prepare(builtIn('lstm'), { T: 3, B: 2, I: 4, H: 6 });
    const data = randomData(signature, sizes, outputs, { seed: 5 });
    for (const name of ['b_i', 'b_f', 'b_g', 'b_o']) data.params[name]?.data.fill(7);
    const { compareResults } = await import('../../runtime/compare.js');
    const { runReference } = await import('../../runtime/reference/index.js');
    const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
    const compared = compareResults(await executable.run(data), runReference(tree, signature, sizes, data), 1e-5);
    expect(compared.filter(({ ok }) => !ok)).toEqual([]);
    executable.destroy();
  });
});

const LANGUAGE = `import { abs, cell, clamp, exp, log, mat, matvec, max, min, scalar, sigmoid, softplus, softsign, sqrt, square, tanh, vec } from 'recurve';\n`;

/** Cells that no option of a built-in one reaches: the mechanisms must not know what they compile. */
const CELLS: Readonly<Record<string, string>> = {
  'two inputs, two states of other sizes and a further output': `export default cell({ name: 'odd', dims: ['I', 'J', 'H', 'K'],
    inputs: { x: vec('I'), u: vec('J') }, state: { h: vec('H'), k: vec('K') },
    params: { A: mat('H', 'I'), B: mat('K', 'J'), C: mat('H', 'K'), D: mat('K', 'H'), E: mat('I', 'K'), s: scalar(), v: vec('K') },
    step({ x, u }, { h, k }, p) {
      const a = tanh(matvec(p.A, x) + p.s * h + matvec(p.C, k));
      const b = softsign(matvec(p.D, a) + matvec(p.B, u) * p.v) + exp(p.s) * k * 0.5;
      return { h: a, k: b, y: matvec(p.E, b) * x };
    } });`,
  'states that swap and a state that only delays': `export default cell({ name: 'swap', dims: ['H'],
    inputs: { x: vec('H') }, state: { a: vec('H'), b: vec('H'), d: vec('H') }, params: { W: mat('H', 'H') },
    step({ x }, { a, b, d }, p) { return { a: b, b: a + x * d, d: x, y: matvec(p.W, b * d) }; } });`,
  'three contractions in a chain, one matrix used twice': `export default cell({ name: 'deep', dims: ['I', 'H'],
    inputs: { x: vec('I') }, state: { h: vec('H') }, params: { W: mat('H', 'I'), U: mat('H', 'H'), V: mat('H', 'H'), b: vec('H') },
    step({ x }, { h }, p) {
      let s = h;
      for (let l = 0; l < 2; l++) s = tanh(matvec(p.U, s) + matvec(p.W, x)) * 0.7 + s * 0.2;
      return { h: sigmoid(matvec(p.V, s)) * tanh(matvec(p.V, p.b)) };
    } });`,
  'no recurrence at all': `export default cell({ name: 'flat', dims: ['I', 'H'],
    inputs: { x: vec('I') }, state: { h: vec('H') }, params: { W: mat('H', 'I'), V: mat('H', 'H') },
    step({ x }, _state, p) { const a = softplus(matvec(p.W, x)); return { h: matvec(p.V, a), y: a }; } });`,
  'every kink and comparison': `export default cell({ name: 'kinks', dims: ['H'],
    inputs: { x: vec('H') }, state: { h: vec('H') }, params: { U: mat('H', 'H'), lo: scalar(), g: vec('H') },
    step({ x }, { h }, p) {
      const a = matvec(p.U, h) + x;
      const b = max(a, p.g) - min(h, x * 0.5) + abs(a - 0.1) * clamp(x, p.lo - 1, 1);
      const c = a > b ? sqrt(square(b) + 1) : log(square(a) + 0.5);
      return { h: tanh(c) + (h <= x ? h * 0.3 : -x) / 2 };
    } });`,
  'a state that one matrix takes to the next step and another to an output': `export default cell({ name: 'both', dims: ['I', 'H'],
    inputs: { x: vec('H') }, state: { h: vec('H') }, params: { U: mat('H', 'H'), R: mat('I', 'H') },
    step({ x }, { h }, p) { return { h: tanh(matvec(p.U, h) + x), y: matvec(p.R, h) }; } });`,
  'an input that the gradient never reaches back through the loop': `export default cell({ name: 'late', dims: ['I', 'H'],
    inputs: { x: vec('I') }, state: { h: vec('H') }, params: { W: mat('H', 'I'), w: vec('H'), R: mat('I', 'H') },
    outputs: ['y'],
    step({ x }, { h }, p) { const n = tanh(p.w * h + matvec(p.W, x)); return { h: n, y: matvec(p.R, n * n) - x }; } });`,
};

describe('cells no one ships', () => {
  it.each(Object.keys(CELLS))('%s', async (name) => {
    const tree = fromText(LANGUAGE + CELLS[name]);
    for (const sizes of [
      { T: 4, B: 3, I: 3, J: 2, H: 5, K: 7 },
      { T: 1, B: 1, I: 1, J: 1, H: 1, K: 1 },
      { T: 3, B: 10, I: 8, J: 6, H: 36, K: 12 },
    ]) {
      expect(await wrongTensors(device, prepare(tree, sizes))).toEqual([]);
    }
  });
});
