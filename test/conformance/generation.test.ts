/** One to many: what a step has said is what the next one hears, without the host in between. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OptionValues } from '../../codegen/frontend/tree.js';
import { compile, parseSpec, resolveOptions, resolveSpec, valuesOf } from '../../codegen/index.js';
import { builtInModels } from '../../codegen/shipped.js';
import { outputShapes } from '../../runtime/check/index.js';
import type { CellData, Tensor } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';

describe('the generator', () => {
  let device: RecurveDevice;
  beforeAll(async () => {
    device = await openDevice('swiftshader');
  });
  afterAll(() => device.close());

  const tree = parseSpec(builtInModels().find(({ name }) => name === 'generator')?.path ?? '');
  const generate = async (mode: string, seed: number, T = 200) => {
    const sizes = { T, B: 1, V: 64, E: 8, H: 16 };
    const options = resolveOptions(tree, { mode });
    const signature = resolveSpec(tree, options);
    const plan = compile(tree, { options, sizes, gradients: false, target: device.target });
    const drawn = randomData(signature, sizes, outputShapes(signature, valuesOf(tree, signature)), { seed: 7, gradients: false });
    // Logits far apart, so that another order of a sum's terms changes no choice.
    const wide = ({ shape, data }: { shape: readonly number[]; data: Float32Array | Float64Array }) => ({
      shape,
      data: data.map((value) => 6 * value),
    });
    const data = {
      ...drawn,
      params: { ...drawn.params, W: wide(drawn.params.W ?? { shape: [], data: new Float32Array() }) },
      seed,
    };
    const layer = await load(device, plan);
    const { outputs } = await layer.run(data);
    layer.destroy();
    return {
      plan,
      found: [...(outputs.said?.data ?? [])],
      wanted: () => [...(runReference(tree, signature, sizes, data).outputs.said?.data ?? [])],
    };
  };

  it.each([
    ['greedy', 60],
    ['sampled', 200],
  ] as const)(
    'says the same symbols as the reference: %s, %i steps',
    async (mode, steps) => {
      const { found, wanted } = await generate(mode, 3, steps);
      expect(found).toHaveLength(steps);
      expect(found).toEqual(wanted());
      expect(new Set(found).size).toBeGreaterThan(mode === 'greedy' ? 2 : 20);
    },
    120_000,
  );

  it('draws others with another seed, and the same again', async () => {
    const [one, other, again] = [await generate('sampled', 1), await generate('sampled', 2), await generate('sampled', 1)];
    expect(other.found).not.toEqual(one.found);
    expect(again.found).toEqual(one.found);
  });

  it('is one submission, of a few dispatches for each step', async () => {
    const { plan } = await generate('sampled', 1);
    const dispatches = plan.passes.reduce((sum, pass) => sum + pass.dispatches, 0);
    const loops = plan.forward.filter(({ kind }) => kind === 'loop');
    // One says the symbols, the other adds up their losses.
    expect(loops).toHaveLength(2);
    expect(dispatches).toBeLessThanOrEqual(5 * 200 + 10);
  });
});

/** Behind the step that said the stop symbol a sequence is what it is behind its length. */
describe.each([
  ['generator', { V: 6 }],
  ['translator', { S: 3, V: 4, K: 6 }],
] as const)('the stop symbol of the %s', (name, dims) => {
  let device: RecurveDevice;
  beforeAll(async () => {
    device = await openDevice('swiftshader');
  });
  afterAll(() => device.close());

  const tree = parseSpec(builtInModels().find((model) => model.name === name)?.path ?? '');
  const sizes = { T: 9, B: 5, E: 4, H: 7, ...dims };

  /** What kernels and reference make of one batch, whose logits lie so far apart that both say the same. */
  const run = (given: OptionValues, change: (data: CellData) => CellData) => {
    const options = resolveOptions(tree, given);
    const signature = resolveSpec(tree, options);
    const drawn = randomData(signature, sizes, outputShapes(signature, valuesOf(tree, signature)), { seed: 5 });
    const wide = ({ shape, data }: Tensor): Tensor => ({ shape, data: data.map((value) => 6 * value) });
    const none = new Float32Array(sizes.B);
    const state = Object.fromEntries(signature.state.map((declared) => [declared.name, { shape: [sizes.B], data: none }]));
    const params = { ...drawn.params, W: wide(drawn.params.W ?? { shape: [], data: none }) };
    const data = change({ ...drawn, params, state, seed: 3 });
    const kernels = async () => {
      const layer = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
      layer.poison();
      const result = await layer.run(data);
      layer.destroy();
      return result;
    };
    return { reference: runReference(tree, signature, sizes, data), kernels };
  };
  const numbers = (tensor: Tensor | undefined) => [...(tensor?.data ?? [])];
  const cotangents = (of: CellData, outputs: readonly string[]): CellData => {
    const all = of.cotangents?.outputs ?? {};
    const kept = Object.fromEntries(Object.entries(all).filter(([output]) => outputs.includes(output)));
    return { ...of, cotangents: { outputs: kept, state: {} } };
  };

  it.each(['said', 'sometimes', 'taught'])(
    'ends outputs, losses and gradients where a step hears it, as a length does: hears %s',
    async (hears) => {
      const target = Float32Array.from({ length: sizes.T * sizes.B }, (_, at) => (at * 7 + Math.floor(at / 5)) % 6);
      const taught = (data: CellData): CellData => ({
        ...cotangents(data, ['logits', 'loss', 'total']),
        inputs: { ...data.inputs, target: { shape: [sizes.T, sizes.B], data: target } },
      });
      const plain = run({ hears, mode: 'sampled' }, taught);
      const said = numbers(plain.reference.outputs.said);
      const stop = 3;
      const heard = hears === 'taught' ? [...target] : said;
      const stopped = run({ hears, mode: 'sampled', stop }, taught);
      const lengths = numbers(stopped.reference.outputs.length);
      if (hears !== 'sometimes') {
        const first = (b: number) => Array.from({ length: sizes.T }, (_, t) => heard[t * sizes.B + b]).indexOf(stop) + 1;
        expect(lengths).toEqual(Array.from({ length: sizes.B }, (_, b) => first(b) || sizes.T));
      }
      expect(Math.min(...lengths)).toBeLessThan(sizes.T);
      expect(Math.min(...lengths)).toBeGreaterThan(0);
      const short = run({ hears, mode: 'sampled' }, (data) => {
        const own = taught(data);
        return { ...own, lengths: name === 'translator' ? { T: lengths, S: lengths.map(() => 3) } : lengths };
      });
      for (const [found, expected] of [
        [stopped.reference, short.reference],
        [await stopped.kernels(), short.reference],
      ] as const) {
        expect(numbers(found.outputs.length)).toEqual(lengths);
        expect(numbers(found.outputs.said)).toEqual(numbers(expected.outputs.said));
        const losses = numbers(expected.outputs.loss).reduce((sum, loss) => sum + loss, 0);
        close(found.outputs.total, { shape: [], data: Float32Array.of(losses) });
        for (const output of ['logits', 'loss']) close(found.outputs[output], expected.outputs[output]);
        const { inputs = {}, params = {} } = expected.gradients ?? {};
        for (const input of Object.keys(inputs)) close(found.gradients?.inputs[input], inputs[input]);
        for (const param of Object.keys(params)) close(found.gradients?.params[param], params[param]);
      }
    },
    120_000,
  );
});

/** As near as float32 is, by the largest of both. */
function close(found: Tensor | undefined, expected: Tensor | undefined): void {
  const [a, b] = [[...(found?.data ?? [])], [...(expected?.data ?? [])]];
  const largest = Math.max(1e-30, ...b.map(Math.abs));
  expect(a.length).toBe(b.length);
  expect(Math.max(0, ...a.map((value, at) => Math.abs(value - (b[at] ?? Number.NaN)))) / largest).toBeLessThan(2e-6);
}
