/** A layer whose sequences are cut into segments is a layer like others. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differingBits } from '../../runtime/compare.js';
import type { CellData, CellResult, Tensor, Tensors } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { type Layer, load, type RunResult } from '../../runtime/layer/index.js';
import { builtIn, fromText } from '../conformance/compare-cell.js';
import { prepareLayer } from './prepared.js';

const SIZES = { T: 5, B: 3, I: 3, H: 6 };

let device: RecurveDevice;
let lstm: ReturnType<typeof prepareLayer>;
let drawn: CellData;
beforeAll(async () => {
  device = await openDevice('swiftshader');
  lstm = prepareLayer(device, builtIn('lstm'), SIZES, {}, true, {}, 2);
  drawn = lstm.data({}, { seed: 5, ragged: true, reverse: true });
});
afterAll(() => device.close());

const sameBits = (one: RunResult, other: RunResult) => differingBits(one as CellResult, other as CellResult);
async function withLayer<R>(use: (layer: Layer) => Promise<R>, prepared = lstm): Promise<R> {
  const layer = await load(device, prepared.plan);
  try {
    return await use(layer);
  } finally {
    layer.destroy();
  }
}

function bufferFor({ data }: Tensor): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = device.device.createBuffer({ size: Math.max(4, data.length * 4), usage });
  device.device.queue.writeBuffer(buffer, 0, Float32Array.from(data));
  return buffer;
}
const buffers = (tensors: Tensors = {}) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, bufferFor(tensor)]));

async function numbersIn(buffer: GPUBuffer): Promise<Float32Array> {
  const mapped = device.device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, mapped, 0, buffer.size);
  device.device.queue.submit([encoder.finish()]);
  await device.settle(mapped.mapAsync(GPUMapMode.READ));
  const numbers = new Float32Array(mapped.getMappedRange().slice(0));
  mapped.destroy();
  return numbers;
}

/** Delays longer than a segment, and the number of the step. */
const DELAYED = fromText(`import { cell, delay, mat, matvec, tanh, vec } from 'recurve';
  export default cell({ name: 'delayed', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
    params: { W: mat('H', 'I'), U: mat('H', 'H'), s: vec('H') },
    step({ x }, { h }, p, { t }) {
      const drive = matvec(p.W, delay(x, 3)) + p.s * t / 5;
      return { h: tanh(drive + matvec(p.U, h) + matvec(p.U, delay(h, 3))) };
    } });`);

describe('a layer whose sequences are cut', () => {
  it('takes what a plan for the whole sequences takes, and says of how many steps its segments are', async () => {
    await withLayer(async ({ plan }) => {
      expect(plan.sizes).toEqual(SIZES);
      expect(plan.tensors['inputs.x']?.shape).toEqual([5, 3, 3]);
      expect(plan.segments).toMatchObject({ steps: 2, whole: 5 });
    });
  });

  it('tells how far a run is', async () => {
    const told: string[] = [];
    const layer = await load(device, lstm.plan, { onSegment: (done, of) => told.push(`${done}/${of}`) });
    await layer.run(drawn);
    expect(told).toEqual(['1/6', '2/6', '3/6', '4/6', '5/6', '6/6']);
    layer.destroy();
  });

  it('goes backward after forward, as often as asked, with the bits of one run', async () => {
    await withLayer(async (layer) => {
      const whole = await layer.run(drawn);
      const { cotangents = { outputs: {}, state: {} }, ...rest } = drawn;
      const forward = await layer.forward(rest);
      const other = await layer.backward({ cotangents: { outputs: {}, state: {} } });
      expect(other.params.U_i?.data.every((value) => value === 0)).toBe(true);
      for (let turn = 0; turn < 2; turn++) {
        const gradients = await layer.backward({ cotangents });
        expect(sameBits(whole, { ...forward, gradients })).toEqual([]);
      }
    });
  });

  it('serves any fewer steps and sequences', async () => {
    await withLayer(async (layer) => {
      for (const extent of [{ T: 1 }, { T: 4, B: 2 }, {}, { T: 3, B: 1 }]) {
        const data = lstm.data(extent, { seed: 6, ragged: true });
        expect(lstm.wrong(data, extent, await layer.run(data)), JSON.stringify(extent)).toEqual([]);
      }
    });
  });

  it('does what is asked of it in order, though nobody waits, and arrays may be used again at once', async () => {
    const next = lstm.data({}, { seed: 8 });
    const x = { shape: [3, 3], data: new Float32Array(9).fill(0.5) };
    const asked = async (wait: (all: Promise<unknown>) => Promise<unknown>) =>
      withLayer(async (layer) => {
        const own = Float32Array.from((drawn.inputs.x as Tensor).data);
        const promises: Promise<unknown>[] = [layer.run({ ...drawn, inputs: { x: { shape: [5, 3, 3], data: own } } })];
        if (wait !== undefined) await wait(promises[0] as Promise<unknown>);
        own.fill(7);
        const ask = async (what: () => Promise<unknown>) => {
          const promise = what();
          promises.push(promise);
          await wait(promise);
        };
        layer.descend({ rate: 0.5 });
        await ask(() => layer.params());
        await ask(() => layer.step({ inputs: { x } }));
        layer.setParams(next.params);
        await ask(() => layer.run({ ...next, state: 'kept' }));
        layer.reset();
        await ask(() => layer.step({ inputs: { x } }));
        layer.poison();
        await ask(() => layer.run(drawn));
        return Promise.all(promises);
      });
    expect(await asked(async () => {})).toEqual(await asked((promise) => promise));
  });

  it('repeats a run from where that began', async () => {
    const x = { shape: [3, 3], data: new Float32Array(9).fill(0.5) };
    const stepAfter = (more: (layer: Layer) => void, data = drawn) =>
      withLayer(async (layer) => {
        await layer.run({ ...data, read: [] });
        more(layer);
        return [await layer.step({ inputs: { x } }), await layer.params()];
      });
    const expected = await stepAfter(() => {});
    expect(await stepAfter((layer) => layer.repeat('forward'))).toEqual(expected);
    expect(await stepAfter((layer) => layer.repeat('forward and backward'))).toEqual(expected);
    const alone = { ...drawn, cotangents: undefined };
    expect(await stepAfter((layer) => layer.repeat('forward'), alone)).toEqual(await stepAfter(() => {}, alone));
    const descended = await stepAfter((layer) => layer.descend({ rate: 1 }));
    const repeated = await stepAfter((layer) => {
      layer.repeat('forward and backward');
      layer.descend({ rate: 1 });
    });
    expect(repeated).toEqual(descended);
  });

  it('steps through a sequence from the state that a run left, and after gradients too', async () => {
    const [T, whole] = [SIZES.T, lstm.data({}, { seed: 9 })];
    const x = whole.inputs.x as Tensor;
    const row = (t: number) => ({ shape: [3, 3], data: x.data.slice(t * 9, (t + 1) * 9) });
    await withLayer(async (layer) => {
      const expected = await layer.run(whole);
      const { cotangents = { outputs: {}, state: {} } } = lstm.data({ T: T - 1 }, { seed: 9 });
      const first = { shape: [T - 1, 3, 3], data: x.data.slice(0, (T - 1) * 9) };
      await layer.run({ ...whole, inputs: { x: first }, cotangents });
      const last = await layer.step({ inputs: { x: row(T - 1) } });
      expect(last.outputs.h?.data).toEqual(expected.outputs.h?.data.slice(-18));
      expect(last.state).toEqual(expected.state);
    });
  });

  it.each([
    { seed: 3, ragged: true },
    { seed: 4, ragged: true, reverse: true },
  ])('takes its data from buffers of the device and leaves results in others, with the same bits: %j', async (choices) => {
    const prepared = prepareLayer(device, DELAYED, SIZES, {}, true, {}, 2);
    await withLayer(async (layer) => {
      const data = prepared.data({}, choices);
      const expected = await layer.run(data);
      expect(prepared.wrong(data, {}, expected)).toEqual([]);
      layer.poison();
      const { inputs = {}, state = {}, params = {} } = expected.gradients ?? {};
      const groups = { outputs: expected.outputs, state: expected.state };
      const all = { ...groups, 'gradients.inputs': inputs, 'gradients.state': state, 'gradients.params': params };
      const targets = Object.entries(all).flatMap(([group, tensors]) =>
        Object.entries(tensors).map(([name, tensor]) => [`${group}.${name}`, bufferFor(tensor), tensor] as const),
      );
      for (const [, buffer] of targets) device.device.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(7));
      await layer.run({
        ...data,
        steps: 5,
        batch: 3,
        inputs: buffers(data.inputs),
        state: buffers(data.state),
        params: buffers(data.params),
        cotangents: { outputs: buffers(data.cotangents?.outputs), state: buffers(data.cotangents?.state) },
        into: Object.fromEntries(targets.map(([path, buffer]) => [path, buffer])),
        read: [],
      });
      for (const [path, buffer, tensor] of targets) expect(await numbersIn(buffer), path).toEqual(tensor.data);
    }, prepared);
  });

  it('limits cotangents and gives traced values as a whole plan does', async () => {
    for (const [tree, extras] of [
      [builtIn('lstm'), { trace: ['h', 'i', 'a_o'] }],
      [DELAYED, { trace: ['drive', 'h'] }],
      [DELAYED, { clip: 0.05 }],
    ] as const) {
      const prepared = prepareLayer(device, tree, SIZES, {}, true, extras, 2);
      await withLayer(async (layer) => {
        const data = prepared.data({}, { seed: 5, ragged: true, reverse: true });
        expect(prepared.wrong(data, {}, await layer.run(data))).toEqual([]);
      }, prepared);
    }
  });

  it('has a place for parameters and states, and none for sequences', async () => {
    await withLayer(async (layer) => {
      expect(layer.place('gradients.params.W_i').shape).toEqual([6, 3]);
      expect(layer.place('state.h').shape).toEqual([3, 6]);
      for (const name of ['inputs.x', 'outputs.h', 'gradients.inputs.x'])
        expect(() => layer.place(name)).toThrow(expect.objectContaining({ code: 'MEMORY-PLACE', where: name }));
    });
  });

  it('says that it was destroyed while a run was not done', async () => {
    const layer = await load(device, lstm.plan);
    const running = layer.run(drawn);
    layer.destroy();
    await expect(running).rejects.toMatchObject({ code: 'LAYER-DESTROYED' });
    await expect(layer.run(drawn)).rejects.toMatchObject({ code: 'LAYER-DESTROYED' });
  });
});
