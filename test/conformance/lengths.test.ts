/** Sequences of no steps, and what lies past a sequence's length: it may be anything, and is in no result. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OptionValue } from '../../codegen/frontend/tree.js';
import { compile, lower } from '../../codegen/index.js';
import { chooseSizes } from '../../codegen/ir/sizes.js';
import { leastSize } from '../../runtime/check/index.js';
import { compareResults } from '../../runtime/compare.js';
import type { CellData, CellResult, Tensors } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { type Layer, load } from '../../runtime/layer/index.js';
import { poisonPadding, randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { builtIn, cleaned, fromText, prepare } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

type Prepared = ReturnType<typeof prepare>;

/** T = 4 and B = 5, everything else as small as float32 bears. */
function small(name: string, options: Readonly<Record<string, OptionValue>> = {}): Prepared {
  const tree = builtIn(name);
  const { signature } = prepare(tree, {}, options);
  const least = leastSize(lower(tree, signature));
  const suggested = Object.fromEntries(signature.dims.map((dim, index) => [dim, Math.max(least, 3) + (index % 3)]));
  return prepare(tree, chooseSizes(signature.rules, { T: 4, B: 5, ...suggested }), options);
}

async function executableOf({ tree, options, sizes }: Prepared): Promise<Layer> {
  return load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
}

/** Data of these lengths, poison past them. */
function ragged({ signature, sizes, outputs }: Prepared, lengths: readonly number[], reverse: boolean): CellData {
  const data = { ...randomData(signature, sizes, outputs, { seed: 3, reverse }), lengths };
  for (const tensor of alongTime(data)) poisonPadding(tensor, lengths);
  return data;
}

const alongTime = ({ inputs, cotangents }: CellData) => [...Object.values(inputs), ...Object.values(cotangents?.outputs ?? {})];

async function run(executable: Layer, data: CellData): Promise<CellResult> {
  executable.poison();
  return executable.run(data);
}

async function expectUnread(prepared: Prepared): Promise<void> {
  const { tree, signature, sizes } = prepared;
  const executable = await executableOf(prepared);
  for (const reverse of [false, true]) {
    const data = ragged(prepared, [2, 0, 4, 1, 0], reverse);
    const result = await run(executable, data);
    expect(result).toEqual(await run(executable, cleaned(data)));
    const compared = compareResults(result, runReference(tree, signature, sizes, data), 1e-5);
    expect(compared.filter(({ ok }) => !ok)).toEqual([]);
    expect(compared.every(({ error }) => Number.isFinite(error))).toBe(true);
  }
  const data = ragged(prepared, [0, 0, 0, 0, 0], false);
  for (const result of [await run(executable, data), runReference(tree, signature, sizes, data)])
    expectPassedThrough(result, data);
  executable.destroy();
}

/** No sequence has a step: states and their cotangents go through as they are, everything else is zero. */
function expectPassedThrough({ outputs, state, gradients }: CellResult, { state: initial, cotangents }: CellData): void {
  const numbers = (tensors: Tensors = {}) => Object.entries(tensors).map(([name, { data }]) => [name, Array.from(data)]);
  expect(numbers(state)).toEqual(numbers(initial));
  expect(numbers(gradients?.state)).toEqual(numbers(cotangents?.state));
  expect(Object.keys(outputs)).toEqual(Object.keys(cotangents?.outputs ?? {}));
  for (const group of [outputs, gradients?.inputs, gradients?.params]) {
    expect(Object.values(group ?? {}).every(({ data }) => data.every((value) => value === 0))).toBe(true);
  }
}

describe('what lies past a sequence’s length is in no result, and a sequence of no steps passes its state through', () => {
  it.each([
    ['lstm', {}],
    ['mlstm', {}],
    ['conv-gru-1d', {}],
    ['hm-lstm', {}],
    ['clockwork', {}],
    ['lstm', { peepholes: true, projection: true, layerNorm: 'ba' }],
    ['lstm', { training: true, zoneout: true, variationalDropout: true, recurrentDropout: true, dropConnect: true }],
    ['gru', { reset: 'before', training: true, zoneout: true, variationalDropout: true }],
    ['skip-rnn', { inner: 'lstm' }],
    ['tcn', { width: 3, dilation: 2 }],
  ])('%s with %j', async (name, options) => {
    await expectUnread(small(name, options));
  });

  it('delays of inputs and states, products of what was given with what was given, and scalars', async () => {
    const tree = fromText(`import { cell, delay, dot, mat, matvec, scalar, sum, tanh, vec } from 'recurve';
      export default cell({ name: 'past', dims: ['I', 'H'], inputs: { x: vec('I'), g: scalar() },
        state: { h: vec('H'), k: scalar() },
        params: { W: mat('H', 'I'), V: mat('H', 'I'), U: mat('H', 'H'), R: mat('H', 'I'), a: vec('H'), r: scalar() },
        step({ x, g }, { h, k }, p) {
          const next = tanh(matvec(p.W, x) + matvec(p.V, delay(x, 2)) + matvec(p.U, delay(h, 2)) + p.a * delay(h, 1) + k * g);
          return { h: next, k: p.r * k + dot(next, p.a) / 8, y: matvec(p.R, x), z: p.a * delay(g, 1) * sum(x) };
        } });`);
    const prepared = prepare(tree, { T: 4, B: 5, I: 3, H: 5 });
    await expectUnread(prepared);
  });

  it('one step, one sequence', async () => {
    const one = { T: 1, B: 1, I: 3, H: 5 };
    const prepared = prepare(builtIn('gru'), one);
    const executable = await executableOf(prepared);
    const data = ragged(prepared, [0], true);
    expectPassedThrough(await run(executable, data), data);
    executable.destroy();
  });
});

it('an initial state of no number stays in its own sequence where that has no steps', async () => {
  const prepared = small('lstm');
  const executable = await executableOf(prepared);
  const lengths = [2, 0, 4, 1, 0];
  const data = ragged(prepared, lengths, false);
  const clean = await run(executable, data);
  const H = prepared.sizes.H ?? 0;
  data.state.h?.data.fill(Number.NaN, H, 2 * H);
  const { outputs, state, gradients } = await run(executable, data);
  expect({ outputs, gradients }).toEqual({ outputs: clean.outputs, gradients: clean.gradients });
  expect([...(state.h?.data ?? [])].map(Number.isNaN)).toEqual(Array.from({ length: 5 * H }, (_, k) => k >= H && k < 2 * H));
  executable.destroy();
});
