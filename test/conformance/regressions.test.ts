/** The smallest specs that once went wrong, most of them found by `npm run fuzz`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OptionValue } from '../../codegen/frontend/tree.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { fromText, prepare, wrongTensors } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

interface Regression {
  /** Everything but the imports. */
  readonly spec: string;
  readonly imports: string;
  readonly sizes: Readonly<Record<string, number>>;
  readonly options?: Readonly<Record<string, OptionValue>>;
}

const REGRESSIONS: Readonly<Record<string, Regression>> = {
  'the gradient of a part that is joined before an expensive function': {
    imports: 'cell, concat, erf, sigmoid, vec',
    spec: `export default cell({ name: 'joined', dims: ['H', 'A'], inputs: { x: vec('H'), u: vec(3) }, state: { h: vec('H') }, params: { b: vec('A') },
      step({ x, u }, { h }, p) { return { h: x - sigmoid(erf(concat('H', u, p.b) + h)) }; } });`,
    sizes: { T: 3, B: 2, H: 5, A: 2 },
  },
  'a test on a norm that chooses among values of other units': {
    imports: 'cell, concat, map, norm, vec, variance',
    spec: `export default cell({ name: 'tested', dims: ['H', 'I', 'J', 'K', 'Y'],
      inputs: { x: map('H', 'J', 'K'), u: vec('K'), v: map('H', 'J'), w: map('H', 'Y') }, state: { h: map('H', 'I') }, params: {},
      step({ x, u, v, w }) { return { h: concat('I', norm(u, 'K') > 1.5 ? variance(x, 'K') : v, w) }; } });`,
    sizes: { T: 3, B: 4, H: 2, I: 5, J: 3, K: 4, Y: 2 },
  },
  'an initial state that meets what parameters alone decide': {
    imports: 'cell, broadcast, dot, logSumExp, map, vec',
    spec: `export default cell({ name: 'initial', dims: ['H', 'I'], inputs: { x: vec('H') }, state: { h: vec('H'), g: vec('H') },
      params: { M: map('H', 'I') },
      step({ x }, { h }, p) { return { h: x, g: broadcast(0.3 * dot(h, logSumExp(p.M, 'I')), 'H') }; } });`,
    sizes: { T: 3, B: 2, H: 4, I: 3 },
  },
  'one matrix that meets a vector, and maps of other extents': {
    imports: 'cell, map, mat, matvec, sum, tanh, vec',
    spec: `export default cell({ name: 'met', dims: ['H', 'I', 'J'], inputs: { u: vec('H'), v: map('I', 'H'), w: map('J', 'H'), z: map('I', 'J', 'H') },
      state: { h: vec('H'), g: map('J', 'H') }, params: { W: mat('H', 'H') },
      step({ u, v, w, z }, { h, g }, { W }) {
        return { h: tanh(0.5 * matvec(W, u) + sum(matvec(W, v), 'I') + h), g: tanh(matvec(W, w) + sum(matvec(W, z), 'I') + g) };
      } });`,
    sizes: { T: 3, B: 2, H: 5, I: 3, J: 4 },
  },
  'a transposed matrix over positions that meets its untransposed self over more of them': {
    imports: 'cell, lowRank, map, mat, matvec, maxOver, transpose',
    spec: `export default cell({ name: 'met', dims: ['H', 'I', 'J', 'K'], inputs: { x: map('H', 'I', 'K', 'K') }, state: { h: map('H', 'I', 'J') },
      params: { W: mat('J', 'J'), V: mat('J', 'K') },
      step({ x }, s, { W, V }) { return { h: matvec(transpose(W), maxOver(lowRank(W, V, x), 'K')) }; } });`,
    sizes: { T: 3, B: 2, H: 2, I: 3, J: 5, K: 4 },
  },
  'a carried scalar that is less to keep than what it stretches to': {
    imports: 'cell, broadcast, concat, mat, matvec, mean, outer, scalar, transpose, vec',
    spec: `export default cell({ name: 'stretched', dims: ['H', 'I', 'K', 'X'], inputs: { u: scalar(), z: vec('H') }, state: { h: vec('H'), M: mat('H', 'I') },
      params: { W: mat('H', 'I') },
      step({ u, z }, { h, M }, { W }) {
        return { h: z, M: concat('I', broadcast(u, 'H', 'K'), broadcast(mean(M), 'H', 'X')) + 0.6 * matvec(transpose(W), outer(z, h)) };
      } });`,
    sizes: { T: 3, B: 2, H: 4, I: 5, K: 2, X: 3 },
  },
  'a maximum of values that round differently when computed again': {
    imports: 'cell, map, maxOver, mat, matvec, tanh',
    spec: `export default cell({ name: 'largest', dims: ['I', 'K'], inputs: { x: mat('K', 'I') }, state: { h: map('K', 'I') }, params: { U: mat('I', 'I') },
      step({ x }, { h }, p) {
        let v = x;
        for (let k = 0; k < 3; k++) v = v + 0.3 * (0.5 * v + 0.4 * v);
        const w = tanh(matvec(p.U, h) + 0.3 * x) * 1.7 + 0.1 * x;
        return { h: 0.5 * v - w, y: maxOver(v, 'I'), z: maxOver(w), u: maxOver(w, 'K') };
      } });`,
    sizes: { T: 3, B: 3, I: 5, K: 6 },
  },
};

describe('a cell that once went wrong', () => {
  it.each(Object.entries(REGRESSIONS))('%s', async (_, { imports, spec, sizes, options }) => {
    const tree = fromText(`import { ${imports} } from 'recurve';\n${spec}`);
    expect(await wrongTensors(device, prepare(tree, sizes, options))).toEqual([]);
  });
});
