/** Cells with kernels that serve several members: what is right for the first of them must be right for all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OptionValue } from '../../codegen/frontend/tree.js';
import { compile } from '../../codegen/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { runReference } from '../../runtime/reference/index.js';
import { fromText, mergedOtherwise, prepare, wrongTensors } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

interface Case {
  readonly imports: string;
  readonly dims: string;
  readonly inputs: string;
  readonly state: string;
  readonly params: string;
  readonly body: string;
  readonly sizes: Readonly<Record<string, number>>;
  readonly options?: Readonly<Record<string, OptionValue>>;
}

const VECTORS = { imports: 'cell, mat, matvec, tanh, vec', dims: "'H'", inputs: "x: vec('H')" };
const SQUARE = (...names: string[]) => names.map((name) => `${name}: mat('H', 'H')`).join(', ');

const CASES: Readonly<Record<string, Case>> = {
  'a matrix on an old value, then one on the next': {
    ...VECTORS,
    state: "y: vec('H'), z: vec('H')",
    params: SQUARE('V', 'W'),
    body: '{ z }, p) { const next = z + x; return { z: next, y: matvec(p.V, z) + matvec(p.W, next) };',
    sizes: { T: 4, B: 3, H: 5 },
  },
  'a matrix on the next value, then one on an old value': {
    ...VECTORS,
    state: "y: vec('H'), z: vec('H')",
    params: SQUARE('V', 'W'),
    body: '{ z }, p) { const next = z + x; return { z: next, y: matvec(p.V, next) + matvec(p.W, z) };',
    sizes: { T: 4, B: 3, H: 5 },
  },
  'matrices on old, next and delayed values of two states, some used twice': {
    ...VECTORS,
    imports: 'cell, delay, mat, matvec, tanh, vec',
    state: "y: vec('H'), z: vec('H'), w: vec('H')",
    params: SQUARE('A', 'B', 'C', 'D', 'E', 'F', 'G'),
    body: `{ y, z, w }, p) {
      const next = tanh(0.5 * z + matvec(p.A, x));
      const other = tanh(matvec(p.B, z) + matvec(p.C, delay(z, 1)) + matvec(p.D, delay(z, 2)) + matvec(p.E, delay(y, 1)));
      return { z: next, y: other, w: matvec(p.F, next) + matvec(p.G, delay(x, 1)) + matvec(p.A, other) + matvec(p.B, w) };`,
    sizes: { T: 5, B: 3, H: 5 },
  },
  'a delay of the most steps there are, and of more': {
    ...VECTORS,
    imports: 'cell, delay, mat, matvec, tanh, vec',
    state: "h: vec('H')",
    params: SQUARE('A', 'B', 'C', 'D'),
    body: `{ h }, p) {
      return { h: tanh(matvec(p.A, delay(h, 2)) + matvec(p.B, delay(h, 3)) + matvec(p.C, delay(x, 2)) + matvec(p.D, delay(x, 7)) + x) };`,
    sizes: { T: 3, B: 2, H: 6 },
  },
  'windows that differ in offset, in stride and in dilation': {
    imports: 'cell, conv1d, kernel, map, tanh',
    dims: "'X', 'C'",
    inputs: "x: map('X', 'C')",
    state: "h: map('X', 'C'), g: map('X', 'C')",
    params: "A: kernel('C', 'C', 3), B: kernel('C', 'C', 3), D: kernel('C', 'C', 2), E: kernel('C', 'C', 1)",
    body: `{ h, g }, p) {
      const next = tanh(conv1d(p.A, h) + conv1d(p.B, g, { dilation: 2 }) + x);
      return { h: next, g: tanh(conv1d(p.D, next, { padding: 'causal' }) + conv1d(p.E, h) + 0.5 * g) };`,
    sizes: { T: 4, B: 2, X: 5, C: 3 },
  },
  'heads, matrices of a stack and one matrix over positions': {
    imports: 'cell, blocks, map, mat, matvec, stack, tanh, vec',
    dims: "'N', 'H'",
    inputs: "x: map('N', 'H')",
    state: "h: map('N', 'H'), g: map('N', 'H'), v: vec('H')",
    params: "A: blocks('N', 'H', 'H'), B: blocks('N', 'H', 'H'), S: stack(3, 'H', 'H'), W: mat('H', 'H')",
    body: `{ h, g, v }, p) {
      const next = tanh(matvec(p.A, h) + matvec(p.S[1], x));
      return { h: next, g: tanh(matvec(p.B, next) + matvec(p.S[0], g) + matvec(p.W, h)), v: tanh(matvec(p.W, v) + matvec(p.S[2], v)) };`,
    sizes: { T: 3, B: 2, N: 3, H: 5 },
  },
  'entries that two matrices leave out in other ways': {
    imports: 'cell, blockTriangular, blocks, map, mat, matvec, tanh, transpose, vec',
    dims: "'N', 'H'",
    inputs: "x: vec('H')",
    state: "h: vec('H'), g: map('N', 'H')",
    params: "A: mat('H', 'H'), B: mat('H', 'H'), C: mat('H', 'H'), D: mat('H', 'H'), E: blocks('N', 'H', 'H')",
    body: `{ h, g }, p) {
      const next = tanh(matvec(blockTriangular(p.A, 2), h) + matvec(blockTriangular(p.B, 2, 'lower'), h) + x);
      const more = matvec(transpose(blockTriangular(p.C, 3)), next) + matvec(p.D, next);
      return { h: tanh(next + more), g: tanh(matvec(blockTriangular(p.E, 2), g)) };`,
    sizes: { T: 3, B: 2, N: 2, H: 7 },
  },
  'entries of heads and of matrices of a stack that are drawn, two matrices at one rate': {
    imports: 'cell, blocks, dropConnect, map, mat, matvec, stack, tanh, vec',
    dims: "'N', 'H'",
    inputs: "x: map('N', 'H')",
    state: "h: map('N', 'H'), g: map('N', 'H')",
    params: "A: blocks('N', 'H', 'H'), B: blocks('N', 'H', 'H'), S: stack(3, 'H', 'H'), W: mat('H', 'H')",
    body: `{ h, g }, p) {
      const next = tanh(matvec(dropConnect(p.A, 0.4), h) + matvec(dropConnect(p.B, 0.4), x));
      return { h: next, g: tanh(matvec(dropConnect(p.S[0], 0.4), g) + matvec(dropConnect(p.S[2], 0.4), next) + matvec(dropConnect(p.W, 0.4), h)) };`,
    sizes: { T: 3, B: 2, N: 3, H: 6 },
    options: { training: true },
  },
  'parameters per unit whose dims read the same when they are joined': {
    imports: 'cell, map, scalar, sum, vec',
    dims: "'A', 'AB', 'BC', 'C', 'scalars'",
    inputs: "x: map('A', 'BC'), u: map('AB', 'C'), v: vec('scalars')",
    state: "h: map('A', 'BC'), g: map('AB', 'C'), s: vec('scalars')",
    params: "p1: map('A', 'BC'), p2: map('AB', 'C'), p3: vec('scalars'), p4: scalar()",
    body: '{ h, g, s }, { p1, p2, p3, p4 }) { return { h: p1 * x + 0.5 * h, g: p2 * u - p4 * g, s: p3 * v + 0.3 * s };',
    sizes: { T: 3, B: 2, A: 2, AB: 3, BC: 5, C: 4, scalars: 6 },
  },
};

const parse = ({ imports, dims, inputs, state, params, body }: Case) => {
  const names = [...inputs.matchAll(/(\w+):/g)].map(([, name]) => name).join(', ');
  return fromText(`import { ${imports} } from 'recurve';
    export default cell({ name: 'merged', dims: [${dims}], inputs: { ${inputs} }, state: { ${state} }, params: { ${params} },
      step({ ${names} }, ${body} } });`);
};

describe('a kernel with several members', () => {
  it.each(Object.entries(CASES))('%s', async (_, given) => {
    const prepared = prepare(parse(given), given.sizes, given.options);
    expect(await wrongTensors(device, prepared)).toEqual([]);
    expect(await mergedOtherwise(device, prepared)).toEqual([]);
  });

  it('gives the gradients that a pencil gives, of a matrix on the next value beside one on the old', async () => {
    const { 'a matrix on the next value, then one on an old value': given } = CASES;
    if (!given) throw new Error('no such case');
    const { tree, options, signature, sizes } = prepare(parse(given), { T: 3, B: 1, H: 1 });
    const tensor = (shape: number[], ...values: number[]) => ({ shape, data: Float32Array.from(values) });
    const data = {
      inputs: { x: tensor([3, 1, 1], 1, 2, 4) },
      state: { z: tensor([1, 1], 5) },
      params: { V: tensor([1, 1], 2), W: tensor([1, 1], 3) },
      reverse: false,
      cotangents: { outputs: { y: tensor([3, 1, 1], 1, 10, 100) }, state: {} },
    };
    const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
    executable.poison();
    for (const { outputs, gradients } of [await executable.run(data), runReference(tree, signature, sizes, data)]) {
      // z is 5, then 6, 8, 12: y = 2 z' + 3 z, dV = 1·6 + 10·8 + 100·12, dW = 1·5 + 10·6 + 100·8.
      expect([...(outputs.y?.data ?? [])]).toEqual([27, 34, 48]);
      expect([...(gradients?.params.V?.data ?? [])]).toEqual([1286]);
      expect([...(gradients?.params.W?.data ?? [])]).toEqual([865]);
      // Every step passes (2 + 3)·dy on to all inputs up to its own, less 3·dy of its own; the initial z gets all of it.
      expect([...(gradients?.inputs.x?.data ?? [])]).toEqual([2 + 50 + 500, 20 + 500, 200]);
      expect([...(gradients?.state.z?.data ?? [])]).toEqual([555]);
    }
    executable.destroy();
  });

  it('serves what is alike, and has one member where nothing is to be merged', () => {
    const { 'heads, matrices of a stack and one matrix over positions': given } = CASES;
    if (!given) throw new Error('no such case');
    const { tree, options, sizes } = prepare(parse(given), given.sizes);
    const counts = (['alike', 'none'] as const).map((merging) => {
      const { passes } = compile(tree, { options, sizes, gradients: true, target: device.target, merging });
      return passes.filter(({ name }) => /^(pack|backward)_weights/.test(name)).map(({ workgroups }) => workgroups[2]);
    });
    const [together = [], apart = []] = counts;
    expect(Math.max(...together)).toBeGreaterThan(2);
    expect(new Set(apart)).toEqual(new Set([1]));
    expect(apart.length).toBe(together.reduce((total, members) => total + members, 0));
  });
});
