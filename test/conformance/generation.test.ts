/** One to many: what a step has said is what the next one hears, without the host in between. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, parseSpec, resolveOptions, resolveSpec, valuesOf } from '../../codegen/index.js';
import { builtInModels } from '../../codegen/shipped.js';
import { outputShapes } from '../../runtime/check/index.js';
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
    expect(loops).toHaveLength(1);
    expect(dispatches).toBeLessThanOrEqual(5 * 200 + 10);
  });
});
