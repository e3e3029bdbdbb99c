/** A state starts from its `init` where a run does not give it: on the device, in the reference, and in a request. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { bindRequest } from '../../runtime/interop/index.js';
import { load } from '../../runtime/layer/index.js';
import { runReference } from '../../runtime/reference/index.js';
import { builtIn, fromText, prepare } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

const CELL = `import { cell, map, scalar, vec } from 'recurve';
  export default cell({ name: 'starting', dims: ['H'], inputs: { x: vec('H') },
    state: { a: vec('H', { init: 0.5 }), b: map(2, 'H', { init: 'ones' }), c: scalar({ init: -3 }), d: vec('H', { init: 'zeros' }), e: vec('H') },
    params: {}, step({ x }, { a, b, c, d, e }) { return { a: a + x, b: b, c: 2 * c, d: d + e, e: e + x }; } });`;
const SIZES = { T: 1, B: 2, H: 3 };
const x = { shape: [1, 2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
const data = { inputs: { x }, state: {}, params: {}, reverse: false };

/** What the states are after one step. */
const AFTER = {
  a: [1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
  b: new Array(12).fill(1),
  c: [-6, -6],
  d: new Array(6).fill(0),
  e: [1, 2, 3, 4, 5, 6],
};
const numbersOf = (state: Readonly<Record<string, { data: ArrayLike<number> }>>) =>
  Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, [...Array.from(tensor.data)]]));

describe('a state that is not given', () => {
  const { tree, signature, options, outputs } = prepare(fromText(CELL), SIZES);

  it('starts from its init on the device, padding and all, also after a run that gave it', async () => {
    const plan = compile(tree, { options, sizes: SIZES, gradients: false, target: device.target });
    const fills = Object.entries(plan.tensors).flatMap(([path, { fill }]) => (fill === undefined ? [] : [[path, fill]]));
    expect(fills).toEqual([
      ['state.a', 0.5],
      ['state.b', 1],
      ['state.c', -3],
    ]);
    const executable = await load(device, plan);
    const given = { a: { shape: [2, 3], data: new Float32Array(6).fill(7) } };
    const first = await executable.run({ ...data, state: given });
    expect([...(first.state.a?.data ?? [])]).toEqual([8, 9, 10, 11, 12, 13]);
    expect(numbersOf((await executable.run(data)).state)).toEqual(AFTER);
    executable.destroy();
  });

  it('starts from its init in the reference', () => {
    expect(numbersOf(runReference(tree, signature, SIZES, data).state)).toEqual(AFTER);
  });

  it('starts from its init in a request, and from what the request gives', () => {
    const request = { options: {}, inputs: { x }, state: {}, reverse: false };
    const bound = bindRequest(request, { signature, outputs });
    expect(numbersOf(bound.data.state)).toEqual({
      a: new Array(6).fill(0.5),
      b: new Array(12).fill(1),
      c: [-3, -3],
      d: new Array(6).fill(0),
      e: new Array(6).fill(0),
    });
    const a = { shape: [2, 3], data: new Float32Array(6).fill(7) };
    expect(bindRequest({ ...request, state: { a } }, { signature, outputs }).data.state.a).toBe(a);
  });

  it('lets Skip RNN update at the first step, as in the paper', () => {
    const skip = prepare(builtIn('skip-rnn'), { T: 3, B: 1, I: 2, H: 2 });
    const params = Object.fromEntries(
      skip.signature.params.map(({ name, shape }) => {
        const size = shape.reduce((product, dim) => product * (skip.sizes[dim as 'I' | 'H'] ?? 1), 1);
        return [name, { shape: shape.map((dim) => skip.sizes[dim as 'I' | 'H'] ?? 1), data: new Float32Array(size).fill(-0.1) }];
      }),
    );
    const inputs = { x: { shape: [3, 1, 2], data: new Float32Array(6).fill(1) } };
    const { update } = runReference(skip.tree, skip.signature, skip.sizes, { inputs, state: {}, params, reverse: false }).outputs;
    expect([...(update?.data ?? [])][0]).toBe(1);
  });
});
