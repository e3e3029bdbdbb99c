import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, resolveOptions } from '../../codegen/index.js';
import type { Plan } from '../../codegen/plan.js';
import type { Tensor } from '../../runtime/data.js';
import { adopt } from '../../runtime/device/adopt.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { type Layer, load, type RunRequest, type RunResult } from '../../runtime/layer/index.js';
import { builtIn, fromText } from '../conformance/compare-cell.js';
import { counted } from './counted.js';
import { prepareLayer } from './prepared.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

/** A cell that tells one number at every step, as the adding problem asks for. */
const ADDER = readFileSync(new URL('../../examples/adder.cell.ts', import.meta.url), 'utf8');
const adder = () => prepareLayer(device, fromText(ADDER), { T: 5, B: 4, I: 2, H: 6 });
const bytes = (tensor: { readonly padded: readonly number[] } | undefined) =>
  4 * (tensor?.padded.reduce((product, size) => product * size, 1) ?? Number.NaN);

/** One step of the adding problem: forward, the loss's cotangent from its output, backward, descent. */
async function train(layer: Layer, at: number): Promise<number> {
  const x = Float32Array.from({ length: 5 * 4 * 2 }, (_, k) => (k % 2 === 0 ? Math.abs(Math.sin(at + k)) : k % 5 === 1 ? 1 : 0));
  const { outputs } = await layer.forward({ inputs: { x }, read: ['outputs.y'] });
  const y = outputs.y?.data ?? [];
  const cotangent = Float32Array.from({ length: 20 }, (_, k) => (k < 16 ? 0 : (y[k] ?? Number.NaN) - 1));
  await layer.backward({ cotangents: { outputs: { y: cotangent } }, read: [] });
  layer.descend({ rate: 0.1, maxNorm: 1 });
  return cotangent.reduce((sum, value) => sum + value * value, 0);
}

describe('what crosses the bus', () => {
  it.each(['immediate', 'uniform'] as const)(
    'a long loop is several submissions, each bounded by its steps or by what its kernels walk over, with the same bits (time: %s)',
    async (time) => {
      const tree = builtIn('indrnn');
      const { data } = prepareLayer(device, tree, { T: 4200, B: 1, I: 1, H: 2 });
      const request = { options: resolveOptions(tree, {}), sizes: { T: 4200, B: 1, I: 1, H: 2 }, gradients: true };
      const results: RunResult[] = [];
      for (const { most, ...how } of [
        { target: device.target, strategy: 'thread', most: 1 },
        { target: device.target, strategy: 'stepwise', most: 3 },
        { target: { ...device.target, maxDispatchWork: 2 ** 18 }, strategy: 'thread', most: 9 },
      ] as const) {
        const layer = await load(time === 'immediate' ? device : adopt(device.device), compile(tree, { ...request, ...how }));
        const drawn = data({}, { seed: 2, ragged: true }) as RunRequest;
        const { submissions } = await counted(async () => {
          results.push(await layer.run(drawn));
        });
        expect(submissions).toBe(most);
        layer.destroy();
      }
      const [plain, ...others] = results;
      for (const other of others) expect(other).toEqual(plain);
    },
  );

  it.each(['immediate', 'uniform'] as const)(
    'a step of training moves its inputs, the outputs of the loss and its cotangents, and makes nothing (time: %s)',
    async (time) => {
      const { plan } = adder();
      const layer = await load(time === 'immediate' ? device : adopt(device.device), plan);
      layer.init({ seed: 1 });
      const losses = [await train(layer, 0)];
      const found = await counted(async () => {
        for (let at = 1; at <= 3; at++) losses.push(await train(layer, 0));
      });
      expect(found.made).toEqual({});
      const { 'inputs.x': x, 'outputs.y': y, 'cotangents.outputs.y': dy } = plan.tensors;
      // Padded to whole vectors: two inputs take four words, and so does one number.
      expect([bytes(x), bytes(y), bytes(dy)]).toEqual([320, 320, 320]);
      const each = [
        { to: x?.buffer, bytes: 320 },
        { to: dy?.buffer, bytes: 320 },
      ];
      expect(found.uploads).toEqual([...each, ...each, ...each]);
      expect(found.downloads).toEqual([320, 320, 320]);
      expect(found.copies).toEqual(Array(3).fill({ from: y?.buffer, bytes: 320 }));
      expect(found.maps).toBe(3);
      expect(found.submissions).toBe(9);
      for (const [step, loss] of losses.slice(1).entries()) expect(loss).toBeLessThan(losses[step] ?? 0);
      layer.destroy();
    },
  );

  it('a step of a stream is one encoder, one submission, one upload and one mapped read of what is asked for', async () => {
    const { plan } = prepareLayer(device, builtIn('lstm'), { T: 1, B: 1, I: 8, H: 12 }, {}, false);
    const layer = await load(device, plan);
    layer.init({ seed: 1 });
    const step = () => layer.step({ inputs: { x: new Float32Array(8).fill(0.5) }, read: ['outputs'] });
    for (let warm = 0; warm < 3; warm++) await step();
    const found = await counted(async () => {
      for (let at = 0; at < 4; at++) await step();
    });
    expect(found).toEqual({
      made: {},
      encoders: 4,
      submissions: 4,
      uploads: Array(4).fill({ to: 'inputs', bytes: 32 }),
      downloads: [48, 48, 48, 48],
      copies: Array(4).fill({ from: plan.tensors['outputs.h']?.buffer, bytes: 48 }),
      maps: 4,
    });
    layer.destroy();
  });

  it('steps have the bits of runs that are given the state, where both places of a state lie in one buffer and in two', async () => {
    const tree = fromText(`import { cell, vec } from 'recurve';
      export default cell({ name: 'decays', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H'), c: vec('H') }, params: { a: vec('H') },
        step({ x }, { h, c }, { a }) { return { h: a * h + x, c: c - h }; } });`);
    // 8 KiB is the start of a state and its only step: 64 sequences of 16 units.
    const sizes = { T: 1, B: 64, H: 16 };
    const plans = [device.target.maxBindingBytes, 8192].map((maxBindingBytes) =>
      compile(tree, { options: {}, sizes, gradients: false, target: { ...device.target, maxBindingBytes } }),
    );
    const inOne = ({ tensors }: Plan) => tensors['state.h']?.buffer === tensors['final.h']?.buffer;
    expect(plans.map(inOne)).toEqual([true, false]);
    for (const plan of plans) {
      const layer = await load(device, plan);
      layer.init({ seed: 2 });
      let state: Readonly<Record<string, Tensor>> = {};
      layer.reset();
      for (let at = 0; at < 3; at++) {
        const x = { shape: [64, 16], data: Float32Array.from({ length: 1024 }, (_, k) => Math.sin(k + at)) };
        const { state: kept } = await layer.step({ inputs: { x } });
        const other = await load(device, plan, { params: layer });
        const expected = await other.run({ inputs: { x: x.data }, state });
        other.destroy();
        expect(kept).toEqual(expected.state);
        state = kept;
      }
      layer.destroy();
    }
  });

  it('a state that is left out is its start again after a backward run over sequences of length 0', async () => {
    const tree = fromText(`import { cell, vec } from 'recurve';
      export default cell({ name: 'starts', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H', { init: 1 }) }, params: { a: vec('H') },
        step({ x }, { h }, { a }) { return { h: a * h + x }; } });`);
    const { plan, data, wrong } = prepareLayer(device, tree, { T: 3, B: 2, H: 5 });
    const layer = await load(device, plan);
    for (const lengths of [
      [0, 2],
      [3, 0],
      [3, 3],
    ]) {
      const { state: _, ...drawn } = data({}, { seed: 4 });
      const given = { ...drawn, lengths, state: { h: { shape: [2, 5], data: new Float32Array(10).fill(1) } } };
      expect(wrong(given, {}, await layer.run({ ...given, state: {} } as RunRequest))).toEqual([]);
    }
    layer.destroy();
  });

  it('what is left out is zero again after a run that gave it, a carried state, a poisoned memory and a kernel of the caller’s', async () => {
    const { plan, data } = adder();
    const layer = await load(device, plan);
    const drawn = data({}, { seed: 7 });
    const bare = {
      inputs: drawn.inputs,
      params: drawn.params,
      cotangents: { outputs: { y: drawn.cotangents?.outputs.y } },
    } as RunRequest;
    const expected = await layer.run(bare);
    const again = async () => expect(await layer.run(bare)).toEqual(expected);
    await again();
    await layer.run(drawn as RunRequest);
    await again();
    await layer.forward({ inputs: drawn.inputs, state: 'kept' } as RunRequest);
    await layer.forward({ inputs: drawn.inputs, state: 'kept' } as RunRequest);
    await again();
    layer.poison();
    await again();
    for (const name of ['state.h', 'cotangents.outputs.h', 'cotangents.state.h']) {
      const { buffer, offset, padded } = layer.place(name);
      for (let turn = 0; turn < 2; turn++) {
        device.device.queue.writeBuffer(buffer, offset * 4, new Float32Array(bytes({ padded }) / 4).fill(3));
        await again();
      }
    }
    layer.destroy();
  });
});
