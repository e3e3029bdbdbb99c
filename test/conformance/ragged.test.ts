/** Sequences of different lengths: tiles of them end together, wherever each of them stands among the others. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import type { LoopStrategy } from '../../codegen/plan.js';
import { compareResults } from '../../runtime/compare.js';
import type { CellData, Tensor, Tensors } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { builtIn, prepare } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

/** The sequences of a `[T, B, …]` or `[B, …]` tensor in another order. */
function reordered({ shape, data }: Tensor, order: readonly number[], axis: 0 | 1): Tensor {
  const B = order.length;
  const width = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  return {
    shape,
    data: data.map((_, i) => data[i + ((order[Math.floor(i / width) % B] ?? 0) - (Math.floor(i / width) % B)) * width] ?? 0),
  };
}

const all = (tensors: Tensors, order: readonly number[], axis: 0 | 1): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, reordered(tensor, order, axis)]));

function shuffled(data: CellData, order: readonly number[]): CellData {
  const { inputs, state, cotangents, lengths } = data;
  return {
    ...data,
    lengths: order.map((b) => (lengths as readonly number[])[b] ?? 0),
    inputs: all(inputs, order, 1),
    state: all(state, order, 0),
    cotangents: cotangents && { outputs: all(cotangents.outputs, order, 1), state: all(cotangents.state, order, 0) },
  };
}

/** B is no multiple of the rows of a tile: some tiles go on from one step to the next. */
const [T, B] = [7, 19];
const LENGTHS: Readonly<Record<string, readonly number[]>> = {
  'longest first': Array.from({ length: B }, (_, b) => Math.max(0, 7 - Math.floor(b / 2))),
  'longest last': Array.from({ length: B }, (_, b) => Math.min(7, Math.floor(b / 2))),
  'all over the place': Array.from({ length: B }, (_, b) => (b * 5 + 3) % 8),
  'most have ended at once': Array.from({ length: B }, (_, b) => (b === 11 ? 7 : b % 3 === 0 ? 0 : 1)),
};

describe.each(['stepwise', 'resident'] as const)('a batch of sequences that end when they do, %s', (strategy: LoopStrategy) => {
  it.each(Object.keys(LENGTHS))(
    'agrees with the reference, and each has the bits that it has elsewhere in the batch: %s',
    async (name) => {
      const prepared = prepare(builtIn('gru'), { T, B, I: 5, H: 13 }, { reset: 'before' });
      const { tree, signature, options, outputs, sizes } = prepared;
      const drawn = randomData(signature, sizes, outputs, { seed: 4 });
      const data: CellData = { ...drawn, lengths: LENGTHS[name] };
      const layer = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target, strategy }));
      layer.poison();
      const result = await layer.run(data);
      const compared = compareResults(result, runReference(tree, signature, sizes, data), 1e-5);
      expect(compared.filter(({ ok }) => !ok)).toEqual([]);
      const order = Array.from({ length: B }, (_, b) => (b * 7 + 2) % B);
      const other = await layer.run(shuffled(data, order));
      expect(other.outputs).toEqual(all(result.outputs, order, 1));
      expect(other.state).toEqual(all(result.state, order, 0));
      expect(other.gradients?.inputs).toEqual(all(result.gradients?.inputs ?? {}, order, 1));
      expect(other.gradients?.state).toEqual(all(result.gradients?.state ?? {}, order, 0));
      layer.destroy();
    },
  );
});

it('leaves out the products of tiles whose sequences have ended, in every kernel that has products over rows', () => {
  const { tree, options, sizes } = prepare(builtIn('gru'), { T, B, I: 5, H: 13 });
  const { kernels } = compile(tree, { options, sizes, gradients: true, target: device.target, strategy: 'stepwise' });
  const withProducts = kernels.filter(({ name, wgsl }) => /\+= x0\.x/.test(wgsl) && !/initial/.test(name));
  expect(withProducts.length).toBeGreaterThan(3);
  for (const { name, wgsl } of withProducts) expect(wgsl, name).toMatch(/let alive = /);
  for (const { wgsl, name } of kernels.filter(({ name }) => name.startsWith('backward_weights')))
    expect(wgsl, name).toContain('running--');
});
