import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differingBits } from '../../runtime/compare.js';
import type { CellData, CellResult, Tensor, Tensors } from '../../runtime/data.js';
import { adopt } from '../../runtime/device/adopt.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { type GivenTo, type Layer, load, type RunRequest, type RunResult } from '../../runtime/layer/index.js';
import { lengthsAlong } from '../../runtime/lengths.js';
import { builtIn, fromText } from '../conformance/compare-cell.js';
import { prepareLayer } from './prepared.js';

const SIZES = { T: 5, B: 3, I: 3, H: 6 };

let device: RecurveDevice;
let lstm: ReturnType<typeof prepareLayer>;
let drawn: CellData;
beforeAll(async () => {
  device = await openDevice('swiftshader');
  lstm = prepareLayer(device, builtIn('lstm'), SIZES);
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
/** A dense buffer on the device with these numbers, or room for them. */
function bufferFor({ data }: Tensor, owner = device): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = owner.device.createBuffer({ size: Math.max(4, data.length * 4), usage });
  owner.device.queue.writeBuffer(buffer, 0, Float32Array.from(data));
  return buffer;
}
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
const mapValues = <V, W>(table: Readonly<Record<string, V>>, change: (value: V) => W): Record<string, W> =>
  Object.fromEntries(Object.entries(table).map(([name, value]) => [name, change(value)]));

describe('a layer', () => {
  it('goes backward after forward, as often as asked, with the bits of one run', async () => {
    await withLayer(async (layer) => {
      const whole = await layer.run(drawn);
      const { cotangents = { outputs: {}, state: {} }, ...rest } = drawn;
      const forward = await layer.forward(rest);
      expect('gradients' in forward).toBe(false);
      const other = await layer.backward({ cotangents: { outputs: {}, state: {} } });
      expect(other.params.U_i?.data.every((value) => value === 0)).toBe(true);
      const gradients = await layer.backward({ cotangents });
      expect(sameBits(whole, { ...forward, gradients })).toEqual([]);
    });
  });

  it('refuses to go backward where nothing ran, where parameters changed since, and where it has no gradients', async () => {
    await withLayer(async (layer) => {
      const backward = () => layer.backward({ cotangents: {} });
      await expect(backward()).rejects.toMatchObject({ code: 'RUN-ORDER' });
      await layer.forward(drawn);
      layer.setParams({});
      await expect(backward()).resolves.toBeDefined();
      layer.init();
      await expect(backward()).rejects.toMatchObject({ code: 'RUN-ORDER', message: expect.stringContaining('changed') });
      await layer.forward(drawn);
      layer.reset();
      await expect(backward()).rejects.toMatchObject({ code: 'RUN-ORDER' });
    });
    await withLayer(
      async (layer) => {
        await expect(layer.run(drawn)).rejects.toMatchObject({ code: 'RUN-GRADIENTS' });
        expect(() => layer.descend({ rate: 1 })).toThrow(expect.objectContaining({ code: 'RUN-GRADIENTS' }));
      },
      prepareLayer(device, builtIn('lstm'), SIZES, {}, false),
    );
  });

  it('runs started at once each get the answer to their own data', async () => {
    await withLayer(async (layer) => {
      const datas = [1, 2, 3, 4].map((seed) => lstm.data({}, { seed, ragged: seed > 2, gradients: seed !== 3 }));
      const pending = datas.map((data) => layer.run(data));
      // What is given is read when run is called: the caller may use its arrays again.
      for (const tensor of Object.values(datas[3]?.inputs ?? {})) tensor.data.fill(Number.NaN);
      const together = await Promise.all(pending);
      for (const [at, data] of datas.slice(0, 3).entries())
        expect(sameBits(together[at] ?? ({} as RunResult), await layer.run(data))).toEqual([]);
      expect(together[3]?.outputs.h?.data.every(Number.isFinite)).toBe(true);
    });
  });

  it('keeps parameters on the device; a run that gives some means all of them', async () => {
    await withLayer(async (layer) => {
      const { params, ...rest } = drawn;
      await expect(layer.run(rest as RunRequest)).rejects.toMatchObject({
        code: 'DATA-MISSING',
        message: expect.stringContaining('setParams'),
      });
      layer.setParams(params);
      expect(sameBits(await layer.run(rest as RunRequest), await layer.run(drawn))).toEqual([]);
      expect(await layer.params()).toEqual(params);
      const U_i = { shape: [6, 6], data: new Float32Array(36) };
      layer.setParams({ U_i });
      expect(sameBits(await layer.run(rest as RunRequest), await layer.run({ ...drawn, params: { ...params, U_i } }))).toEqual(
        [],
      );
      await expect(layer.run({ ...rest, params: { U_i } })).rejects.toMatchObject({ code: 'DATA-MISSING' });
      expect(() => layer.setParams({ U_x: U_i })).toThrow(expect.objectContaining({ code: 'DATA-NAME', where: 'params.U_x' }));
    });
  });

  it('packs weights again where the seed of their masks changes, and only then', async () => {
    const dropped = prepareLayer(device, builtIn('gru'), SIZES, { training: true, dropConnect: true });
    await withLayer(async (layer) => {
      const { params, ...rest } = dropped.data({}, { seed: 4 });
      layer.setParams({ ...params, dropout_U: { shape: [], data: Float32Array.of(0.5) } } as GivenTo<Tensors>);
      const run = (seed: number) => layer.run({ ...rest, seed } as RunRequest);
      const [one, two, again] = [await run(1), await run(2), await run(1)];
      expect(sameBits(one, again)).toEqual([]);
      expect(sameBits(one, two)).toContain('outputs.h');
    }, dropped);
  });

  it('shares parameters with a plan of another length, and with nothing else', async () => {
    const short = prepareLayer(device, builtIn('lstm'), { ...SIZES, T: 2, B: 1 }, {}, false);
    const wide = prepareLayer(device, builtIn('lstm'), { ...SIZES, H: 7 });
    const [first, other] = [await load(device, lstm.plan), await openDevice('swiftshader')];
    const second = await load(device, short.plan, { params: first });
    const { params, cotangents: _, ...data } = short.data({}, { seed: 8 });
    first.setParams(params);
    const before = await second.run(data as RunRequest);
    expect(short.wrong({ ...data, params }, {}, before)).toEqual([]);
    await first.run(drawn);
    first.descend({ rate: 0.1 });
    const changed = await second.params();
    expect(changed).toEqual(await first.params());
    expect(short.wrong({ ...data, params: changed }, {}, await second.run(data as RunRequest))).toEqual([]);
    first.destroy();
    expect(await second.params()).toEqual(changed);
    await expect(load(device, wide.plan, { params: second })).rejects.toMatchObject({ code: 'PARAMS-SHARED' });
    await expect(load(other, short.plan, { params: second })).rejects.toMatchObject({
      code: 'PARAMS-SHARED',
      message: expect.stringContaining('another device'),
    });
    second.destroy();
    other.close();
  });

  it.each([
    ['an LSTM', 'lstm', SIZES],
    ['a convolutional GRU', 'conv-gru', { T: 3, B: 2, I: 3, H: 2, X: 3, Y: 2 }],
    ['heads of matrix memories', 'mlstm', { T: 3, B: 2, I: 3, H: 2, N: 3, K: 3, V: 5, D: 3 }],
  ])('%s takes its data from buffers of the device and leaves results in others, with the same bits', async (_, name, sizes) => {
    const prepared = prepareLayer(device, builtIn(name), sizes);
    await withLayer(async (layer) => {
      for (const [extent, choices] of [
        [{}, { seed: 3, ragged: true, reverse: true }],
        [{ T: 2, B: 1 }, { seed: 6 }],
      ] as const) {
        const data = prepared.data(extent, choices);
        const expected = await layer.run(data);
        layer.poison();
        const targets: Record<string, [GPUBuffer, Tensor]> = {};
        const aim = (group: string, tensors: Tensors) => {
          for (const [key, tensor] of Object.entries(tensors))
            targets[`${group}.${key}`] = [bufferFor({ ...tensor, data: new Float32Array(tensor.data.length).fill(7) }), tensor];
        };
        aim('outputs', expected.outputs);
        aim('state', expected.state);
        for (const group of ['inputs', 'state', 'params'] as const) aim(`gradients.${group}`, expected.gradients?.[group] ?? {});
        const { T: steps, B: batch } = { ...sizes, ...extent };
        const result = await layer.run({
          ...data,
          steps,
          batch,
          inputs: mapValues(data.inputs, (tensor) => bufferFor(tensor)),
          state: mapValues(data.state, (tensor) => bufferFor(tensor)),
          params: mapValues(data.params, (tensor) => bufferFor(tensor)),
          cotangents: {
            outputs: mapValues(data.cotangents?.outputs ?? {}, (tensor) => bufferFor(tensor)),
            state: mapValues(data.cotangents?.state ?? {}, (tensor) => bufferFor(tensor)),
          },
          into: mapValues(targets, ([buffer]) => buffer),
          read: [],
        });
        expect(result.outputs).toEqual({});
        for (const [path, [buffer, tensor]] of Object.entries(targets))
          expect(await numbersIn(buffer), path).toEqual(tensor.data);
      }
    }, prepared);
  });

  it('refuses buffers that are too small, that kernels may not use, or that are its own', async () => {
    await withLayer(async (layer) => {
      const x = device.device.createBuffer({ size: 8, usage: GPUBufferUsage.STORAGE });
      await expect(layer.run({ ...drawn, inputs: { x } })).rejects.toMatchObject({ code: 'DATA-BUFFER', where: 'inputs.x' });
      const h = device.device.createBuffer({ size: 4096, usage: GPUBufferUsage.COPY_DST });
      await expect(layer.run({ ...drawn, into: { 'outputs.h': h } })).rejects.toMatchObject({ code: 'DATA-BUFFER' });
      // The plan's own memory would be written where something else lies.
      const own = layer.place('params.W_i').buffer;
      const refusal = { code: 'DATA-BUFFER', message: expect.stringContaining("plan's own") };
      await expect(layer.run({ ...drawn, into: { 'outputs.h': own } })).rejects.toMatchObject(refusal);
      await expect(layer.run({ ...drawn, inputs: { x: layer.place('outputs.h').buffer } })).rejects.toMatchObject(refusal);
      expect(() => layer.setParams({ W_i: own })).toThrow(expect.objectContaining(refusal));
      await expect(layer.run(drawn)).resolves.toBeDefined();
    });
  });

  it('gives the same bits where the time step comes from a uniform, on a device that somebody else made', async () => {
    const cells = [lstm, prepareLayer(device, builtIn('clockwork'), { T: 4, B: 2, I: 2, H: 6, G: 3, N: 2 })];
    for (const prepared of cells) {
      const data = prepared.data({}, { seed: 2, ragged: true });
      const native = await withLayer((layer) => layer.run(data), prepared);
      const layer = await load(adopt(device.device), prepared.plan);
      layer.poison();
      expect(sameBits(native, await layer.run(data))).toEqual([]);
      layer.destroy();
    }
    expect(adopt(device.device).time).toBe('uniform');
  });

  it('refuses by name what is no tensor and no group of tensors, takes plain arrays of numbers, and loses nothing', async () => {
    await withLayer(async (layer) => {
      const expected = await layer.run(drawn);
      const numbers = new Float32Array(18);
      const wrongs = [
        null,
        3,
        'abc',
        ['1', 2],
        [[1, 2]],
        new Array(3),
        new BigInt64Array(45),
        { shape: null, data: numbers },
        { shape: [3, 6], data: null },
      ];
      for (const wrong of wrongs) {
        const refused = { code: 'DATA-TYPE', where: expect.stringContaining('.') };
        const tensor = wrong as unknown as Tensor;
        await expect(layer.run({ ...drawn, inputs: { x: tensor }, steps: 5, batch: 3 })).rejects.toMatchObject({
          ...refused,
          where: 'inputs.x',
        });
        await expect(layer.run({ ...drawn, state: { h: tensor } })).rejects.toMatchObject({ ...refused, where: 'state.h' });
        await expect(layer.step({ inputs: { x: tensor } })).rejects.toMatchObject({ ...refused, where: 'inputs.x' });
        expect(() => layer.setParams({ b_i: tensor })).toThrow(expect.objectContaining(refused));
        await expect(layer.backward({ cotangents: { state: { h: tensor } } })).rejects.toMatchObject(refused);
        const buffer = wrong as unknown as GPUBuffer;
        await expect(layer.run({ ...drawn, into: { 'outputs.h': buffer } })).rejects.toMatchObject(refused);
      }
      for (const wrong of [null, 3, 'abc', [numbers]] as unknown as Tensors[]) {
        await expect(layer.run({ ...drawn, inputs: wrong })).rejects.toMatchObject({ code: 'DATA-TYPE', where: 'inputs' });
        await expect(layer.run({ ...drawn, state: wrong })).rejects.toMatchObject({ code: 'DATA-TYPE', where: 'state' });
        await expect(layer.step({ inputs: wrong })).rejects.toMatchObject({ code: 'DATA-TYPE', where: 'inputs' });
        expect(() => layer.setParams(wrong)).toThrow(expect.objectContaining({ code: 'DATA-TYPE', where: 'params' }));
        expect(() => layer.reset(wrong)).toThrow(expect.objectContaining({ code: 'DATA-TYPE', where: 'state' }));
      }
      await expect(layer.run({ ...drawn, lengths: 3 as unknown as number[] })).rejects.toMatchObject({ where: 'lengths' });
      layer.setParams(drawn.params);
      expect(sameBits(await layer.run({ ...drawn, params: undefined }), expected)).toEqual([]);
      const { shape, data } = drawn.inputs.x as Tensor;
      for (const x of [
        Array.from(data),
        { shape, data: Array.from(data) },
        { shape: Uint32Array.from(shape), data },
      ] as unknown as Tensor[])
        expect(
          sameBits(
            await layer.run({
              ...drawn,
              inputs: { x },
              lengths: Uint8Array.from(lengthsAlong(drawn.lengths, 'T') ?? []) as unknown as number[],
            }),
            expected,
          ),
        ).toEqual([]);
    });
  });

  it('steps through a sequence as it runs over it whole, from a state that it keeps', async () => {
    const { inputs, params } = lstm.data({ B: 2 }, { seed: 12 });
    const x = inputs.x as Tensor;
    const request = { inputs, params, reverse: false, state: {} };
    await withLayer(async (layer) => {
      const { outputs, state } = await layer.run(request);
      for (let turn = 0; turn < 2; turn++) {
        layer.reset();
        for (let t = 0; t < SIZES.T; t++) {
          const one = { shape: [2, 3], data: x.data.slice(t * 6, (t + 1) * 6) };
          const found = await layer.step({ inputs: { x: one } });
          expect(found.outputs.h?.shape).toEqual([2, 6]);
          const expected = outputs.h?.data.slice(t * 12, (t + 1) * 12) ?? [];
          found.outputs.h?.data.forEach((value, at) => {
            expect(value).toBeCloseTo(expected[at] ?? Number.NaN, 6);
          });
          if (t === SIZES.T - 1) expect(Math.abs((found.state.c?.data[3] ?? 0) - (state.c?.data[3] ?? 9))).toBeLessThan(1e-6);
        }
      }
      layer.reset(state);
      const on = await layer.step({ inputs: { x: { shape: [2, 3], data: x.data.slice(0, 6) } }, read: ['outputs'] });
      expect(on.state).toEqual({});
      const again = await layer.run({ ...request, state, inputs: { x: { shape: [1, 2, 3], data: x.data.slice(0, 6) } } });
      expect(on.outputs.h?.data).toEqual(again.outputs.h?.data);
    });
  });

  it('descends by the gradients that are on the device, cut to a norm where one is given', async () => {
    await withLayer(async (layer) => {
      const { gradients } = await layer.run(drawn);
      const all = Object.entries(gradients?.params ?? {});
      const norm = Math.sqrt(all.flatMap(([, { data }]) => [...data]).reduce((sum, value) => sum + value * value, 0));
      for (const [maxNorm, factor] of [
        [undefined, 1],
        [norm / 4, 1 / 4],
        [norm * 4, 1],
      ] as const) {
        layer.setParams(drawn.params);
        layer.descend({ rate: 0.5, maxNorm });
        const params = await layer.params();
        for (const [name, gradient] of all) {
          const start = drawn.params[name]?.data ?? [];
          params[name]?.data.forEach((value, at) => {
            expect(value).toBeCloseTo((start[at] ?? 0) - 0.5 * factor * (gradient.data[at] ?? 0), 5);
          });
        }
      }
      expect(() => layer.descend({ rate: Number.NaN })).toThrow(expect.objectContaining({ code: 'DESCENT-RATE' }));
      expect(() => layer.descend({ rate: 1, maxNorm: 0 })).toThrow(expect.objectContaining({ code: 'DESCENT-RATE' }));
    });
  });

  it('descends by the last backward run, whatever ran forward or was set since, and refuses where none ran', async () => {
    const descended = async (between: (layer: Layer) => Promise<unknown>) =>
      withLayer(async (layer) => {
        await layer.run({ ...drawn, read: [] });
        await between(layer);
        layer.setParams(drawn.params);
        layer.descend({ rate: 0.5, maxNorm: 1 });
        return layer.params();
      });
    const expected = await descended(async () => {});
    const other = lstm.data({}, { seed: 6, gradients: false });
    expect(await descended((layer) => layer.forward({ ...other, read: [] }))).toEqual(expected);
    await withLayer(async (layer) => {
      const refused = expect.objectContaining({ code: 'RUN-ORDER', message: expect.stringContaining('no backward run') });
      expect(() => layer.descend({ rate: 1 })).toThrow(refused);
      await layer.forward({ ...drawn, read: [] });
      expect(() => layer.descend({ rate: 1 })).toThrow(refused);
      await layer.backward({ cotangents: {}, read: [] });
      layer.descend({ rate: 1 });
      layer.poison();
      layer.setParams(drawn.params);
      expect(() => layer.descend({ rate: 1 })).toThrow(refused);
      expect(await layer.params()).toEqual(drawn.params);
    });
  });

  it('starts anew after poison, and repeats a backward run only where the plan has one', async () => {
    await withLayer(
      async (layer) => {
        const x = { shape: [3, 3], data: new Float32Array(9).fill(0.3) };
        layer.setParams(drawn.params);
        const expected = await layer.step({ inputs: { x } });
        layer.reset();
        layer.poison();
        layer.setParams(drawn.params);
        expect(await layer.step({ inputs: { x } })).toEqual(expected);
        expect(() => layer.repeat('forward and backward')).toThrow(expect.objectContaining({ code: 'RUN-GRADIENTS' }));
        layer.destroy();
        expect(() => layer.poison()).toThrow(expect.objectContaining({ code: 'LAYER-DESTROYED' }));
      },
      prepareLayer(device, builtIn('lstm'), SIZES, {}, false),
    );
  });

  it('reads back what was asked for and names what it does not know', async () => {
    await withLayer(async (layer) => {
      const result = await layer.run({ ...drawn, read: ['state.c', 'gradients.params'] });
      expect(Object.keys(result.outputs)).toEqual([]);
      expect(Object.keys(result.state)).toEqual(['c']);
      expect(Object.keys(result.gradients?.params ?? {})).toHaveLength(12);
      expect(Object.keys(result.gradients?.inputs ?? {})).toEqual([]);
      await expect(layer.run({ ...drawn, read: ['outputs.hh'] })).rejects.toMatchObject({
        code: 'RESULT-UNKNOWN',
        fix: expect.stringContaining('outputs.h'),
      });
      await expect(layer.forward({ ...drawn, read: ['gradients'] })).rejects.toMatchObject({ code: 'RESULT-UNKNOWN' });
    });
  });

  it('fills parameters as they are declared, from a seed', async () => {
    const cell = fromText(`import { cell, mat, matvec, vec } from 'recurve';
      export default cell({ name: 'inits', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
        params: { W: mat('H', 'I'), U: mat('H', 'H', { init: 'orthogonal' }), b: vec('H', { init: 'zeros' }), g: vec('H', { init: 0.25 }),
          d: vec('H', { range: [3, 4] }) },
        step({ x }, { h }, { W, U, b, g, d }) { return { h: g * matvec(W, x) / d + matvec(U, h) + b }; } });`);
    const prepared = prepareLayer(device, cell, { T: 1, B: 1, I: 4, H: 5 });
    await withLayer(async (layer) => {
      const filled = async (seed: number) => {
        layer.init({ seed });
        return layer.params();
      };
      const [one, two, again] = [await filled(1), await filled(2), await filled(1)];
      expect(again).toEqual(one);
      expect(two.W).not.toEqual(one.W);
      expect(Math.max(...(one.W?.data ?? []).map(Math.abs))).toBeLessThanOrEqual(0.5);
      expect(Math.max(...(one.W?.data ?? []).map(Math.abs))).toBeGreaterThan(0.3);
      expect([...(one.b?.data ?? [])]).toEqual([0, 0, 0, 0, 0]);
      expect([...(one.g?.data ?? [])]).toEqual(Array(5).fill(0.25));
      expect(Math.min(...(one.d?.data ?? []))).toBeGreaterThanOrEqual(3);
      expect(Math.max(...(one.d?.data ?? []))).toBeLessThanOrEqual(4);
      const U = one.U?.data ?? new Float32Array();
      for (let row = 0; row < 5; row++)
        for (let other = 0; other < 5; other++) {
          const product = [0, 1, 2, 3, 4].reduce((sum, k) => sum + (U[row * 5 + k] ?? 0) * (U[other * 5 + k] ?? 0), 0);
          expect(product).toBeCloseTo(row === other ? 1 : 0, 6);
        }
    }, prepared);
  });

  it('refuses a request with a field that it does not have, or of the wrong type, before anything runs', async () => {
    await withLayer(async (layer) => {
      const wrongs: readonly (readonly [string, string, object])[] = [
        ['DATA-KEY', 'run', { length: [1, 2, 3] }],
        ['DATA-KEY', 'run', { cotangent: {} }],
        ['DATA-KEY', 'cotangents', { cotangents: { output: {} } }],
        ['DATA-KEY', 'steps', { steps: { X: 1 } }],
        ['DATA-TYPE', 'cotangents.outputs', { cotangents: { outputs: null } }],
        ['DATA-TYPE', 'steps', { steps: '2' }],
        ['DATA-TYPE', 'steps', { steps: [2] }],
        ['DATA-TYPE', 'batch', { batch: null }],
        ['DATA-TYPE', 'reverse', { reverse: 'no' }],
        ['DATA-TYPE', 'lengths', { lengths: { T: null } }],
        ['DATA-TYPE', 'lengths', { lengths: null }],
        ['DATA-TYPE', 'read', { read: 'outputs' }],
        ['DATA-TYPE', 'read', { read: [5] }],
        ['DATA-TYPE', 'into', { into: 5 }],
        ...['7', -1, 1.5, Number.NaN, 2 ** 32, null].map((seed) => ['DATA-SEED', 'seed', { seed }] as const),
      ];
      for (const [code, where, wrong] of wrongs)
        await expect(layer.run({ ...drawn, ...wrong } as RunRequest), JSON.stringify(wrong)).rejects.toMatchObject({
          code,
          where,
        });
      for (const wrong of [null, undefined, 5, 'x', []] as unknown as RunRequest[]) {
        await expect(layer.run(wrong)).rejects.toMatchObject({ code: 'DATA-TYPE', where: 'run' });
        await expect(layer.step(wrong)).rejects.toMatchObject({ code: 'DATA-TYPE', where: 'step' });
        await expect(layer.backward(wrong as never)).rejects.toMatchObject({ code: 'DATA-TYPE', where: 'backward' });
      }
      // A step goes on from the state that is kept: one that is given would not be heard.
      await expect(layer.step({ inputs: {}, state: {} } as never)).rejects.toMatchObject({ code: 'DATA-KEY', where: 'step' });
      expect(() => layer.init({ seed: '7' } as never)).toThrow(expect.objectContaining({ code: 'DATA-SEED' }));
      await layer.run(drawn);
      for (const step of [{ rate: '0.1' }, { rate: 1e39 }, { rate: 0.1, maxNorm: '1' }, { rate: 0.1, maxNorm: 1e-50 }])
        expect(() => layer.descend(step as never)).toThrow(expect.objectContaining({ code: 'DESCENT-RATE' }));
      expect(() => layer.descend({ rate: 0.1, maxnorm: 1 } as never)).toThrow(expect.objectContaining({ code: 'DATA-KEY' }));
      for (const params of [{}, drawn.params] as never[])
        await expect(load(device, lstm.plan, { params })).rejects.toMatchObject({ code: 'DATA-TYPE', where: 'params' });
      for (const plan of [null, {}, '{}'] as never[])
        await expect(load(device, plan)).rejects.toMatchObject({ code: 'DATA-TYPE', where: 'plan' });
      for (const owner of [null, {}] as never[])
        await expect(load(owner, lstm.plan)).rejects.toMatchObject({ code: 'DATA-TYPE', where: 'device' });
    });
  });

  it('says so where it is destroyed, or its device closed, while a run is not done', async () => {
    const gone = await load(device, lstm.plan);
    const running = gone.run(drawn);
    gone.destroy();
    await expect(running).rejects.toMatchObject({ code: 'LAYER-DESTROYED' });
    expect(() => gone.place('params.b_i')).toThrow(expect.objectContaining({ code: 'LAYER-DESTROYED' }));
    await expect(load(device, lstm.plan, { params: gone })).rejects.toMatchObject({ code: 'PARAMS-SHARED' });
    const other = await openDevice('swiftshader');
    const layer = await load(other, lstm.plan);
    const late = layer.run(drawn);
    other.close();
    await expect(late).rejects.toMatchObject({ code: 'DEVICE-CLOSED' });
    await expect(layer.run(drawn)).rejects.toMatchObject({ code: 'DEVICE-CLOSED' });
    await expect(load(other, lstm.plan)).rejects.toMatchObject({ code: 'DEVICE-CLOSED' });
    layer.destroy();
  });

  it('says so when it is used after destroy', async () => {
    const layer = await load(device, lstm.plan);
    layer.destroy();
    layer.destroy();
    await expect(layer.run(drawn)).rejects.toMatchObject({ code: 'LAYER-DESTROYED' });
    expect(() => layer.setParams({})).toThrow(expect.objectContaining({ code: 'LAYER-DESTROYED' }));
  });
});
