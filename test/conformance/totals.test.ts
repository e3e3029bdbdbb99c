/** One number for all sequences of a run: a total and a mean over B, and what their cotangents become. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSpec } from '../../codegen/frontend/index.js';
import { compile, parseSpecSource, resolveOptions, resolveSpec, valuesOf } from '../../codegen/index.js';
import { outputShapes } from '../../runtime/check/index.js';
import { compareResults, differingBits } from '../../runtime/compare.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { type Layer, load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { gradientErrors } from '../reference/differences.js';

const tree = parseSpecSource(
  'inline.model.ts',
  `import { layer, mat, matvec, mean, model, over, scalar, square, sum, vec } from 'recurve';
  export default model({ name: 'totals', dims: ['I', 'H'], inputs: { x: over('T', vec('I')), y: over('T', vec('H')), c: scalar() },
    params: { R: mat('H', 'H'), w: scalar() }, layers: { rnn: layer('gru') },
    run({ x, y, c }, { rnn }, p) {
      const own = sum(sum(square(matvec(p.R, rnn({ x }).h) - y)), 'T');
      return { own, total: sum(p.w * own, 'B'), average: mean(own * c, 'B'), plain: mean(c, 'B'), twice: sum(own, 'B') };
    } });`,
);
checkSpec(tree);
const signature = resolveSpec(tree, resolveOptions(tree, {}));
const outputs = outputShapes(signature, valuesOf(tree, signature));
const sizes = { T: 4, B: 5, I: 3, H: 6 };

describe('a total over all sequences', () => {
  let device: RecurveDevice;
  let layer: Layer;
  beforeAll(async () => {
    device = await openDevice('swiftshader');
    layer = await load(device, compile(tree, { options: {}, sizes, gradients: true, target: device.target }));
  });
  afterAll(() => device.close());

  it('is one number, and agrees with the reference, ragged, of as many sequences as a run has', async () => {
    for (const [B, T] of [
      [5, 4],
      [2, 4],
      [1, 1],
      [4, 3],
      [5, 4],
    ]) {
      const run = { ...sizes, B: B ?? 1, T: T ?? 1 };
      const data = randomData(signature, run, outputs, { seed: run.B, ragged: true });
      expect(data.cotangents?.outputs.total?.shape).toEqual([]);
      layer.poison();
      const result = await layer.run(data);
      expect(result.outputs.total?.shape).toEqual([]);
      const compared = compareResults(result, runReference(tree, signature, run, data), 1e-5);
      expect(compared.filter(({ ok }) => !ok)).toEqual([]);
      expect(compared.some(({ name }) => name.endsWith('outputs.total'))).toBe(true);
      expect(differingBits(await layer.run(data), result)).toEqual([]);
    }
  });

  it('is what its name says, and its cotangent reaches every sequence', async () => {
    const run = { ...sizes, B: 3 };
    const data = randomData(signature, run, outputs, { seed: 8 });
    const one = (value: number) => ({ shape: [], data: Float32Array.of(value) });
    const cotangents = {
      outputs: { own: { shape: [3], data: new Float32Array(3) }, total: one(0), average: one(0), plain: one(6), twice: one(0) },
      state: {},
    };
    for (const result of [
      await layer.run({ ...data, cotangents }),
      runReference(tree, signature, run, { ...data, cotangents }),
    ]) {
      const own = [...(result.outputs.own?.data ?? [])];
      const c = [...(data.inputs.c?.data ?? [])];
      const w = data.params.w?.data[0] ?? 0;
      const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
      expect(result.outputs.twice?.data[0]).toBeCloseTo(sum(own), 3);
      expect(result.outputs.total?.data[0]).toBeCloseTo(w * sum(own), 3);
      expect(result.outputs.average?.data[0]).toBeCloseTo(sum(own.map((value, b) => value * (c[b] ?? 0))) / 3, 3);
      expect(result.outputs.plain?.data[0]).toBeCloseTo(sum(c) / 3, 5);
      // Six thirds each.
      expect([...(result.gradients?.inputs.c?.data ?? [])]).toEqual([2, 2, 2]);
    }
  });

  it('has the gradients that finite differences give', () => {
    const run = { T: 3, B: 2, I: 2, H: 3 };
    const data = randomData(signature, run, outputs, { seed: 4, ragged: true });
    for (const [path, error] of Object.entries(gradientErrors({ tree, signature, sizes: run }, data)))
      expect(error, path).toBeLessThan(1e-6);
  });
});
