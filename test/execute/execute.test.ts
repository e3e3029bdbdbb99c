import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelSpec, Plan } from '../../codegen/plan.js';
import type { CellResult } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { lavapipeManifests } from '../../runtime/device/vulkan.js';
import { compileKernel } from '../../runtime/execute/pipelines.js';
import { load } from '../../runtime/layer/index.js';
import { expectedSum, runningSumData, runningSumPlan } from './running-sum.js';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Zeros without a sign: WGSL lets an implementation drop it, and lavapipe does. */
function unsigned(result: CellResult): unknown {
  return JSON.parse(
    JSON.stringify(result, (_, value: unknown) => (value instanceof Float32Array ? [...value].map((x) => `${x + 0}`) : value)),
  );
}

const SHAPES = [
  { T: 1, B: 1, H: 1 },
  { T: 5, B: 3, H: 6 },
  { T: 4, B: 2, H: 8 },
];

for (const choice of ['swiftshader', 'lavapipe'] as const) {
  const missing = choice === 'lavapipe' && lavapipeManifests().length === 0;
  describe.skipIf(missing)(`an executable on ${choice}`, () => {
    let owner: RecurveDevice;
    beforeAll(async () => {
      owner = await openDevice(choice);
    });
    afterAll(() => owner.close());

    for (const sizes of SHAPES) {
      for (const reverse of [false, true]) {
        for (const ragged of [false, true]) {
          const name = `T=${sizes.T} B=${sizes.B} H=${sizes.H}${reverse ? ', reversed' : ''}${ragged ? ', ragged' : ''}`;
          it(`computes outputs, final state and gradients at ${name}, every element written`, async () => {
            const lengths = ragged ? Array.from({ length: sizes.B }, (_, b) => Math.max(0, sizes.T - 3 * b)) : undefined;
            const data = runningSumData(sizes, { lengths, reverse });
            const executable = await load(owner, runningSumPlan(sizes));
            executable.poison();
            const result = await executable.run(data);
            expect(unsigned(result)).toEqual(unsigned(expectedSum(sizes, data)));
            executable.destroy();
          });
        }
      }
    }

    it('leaves out gradients when no cotangents are given', async () => {
      const sizes = { T: 3, B: 2, H: 5 };
      const data = { ...runningSumData(sizes), cotangents: undefined };
      const executable = await load(owner, runningSumPlan(sizes));
      const result = await executable.run(data);
      expect(unsigned(result)).toEqual(unsigned(expectedSum(sizes, data)));
      expect(result.gradients).toBeUndefined();
      executable.destroy();
    });

    it('takes a missing state and missing cotangents as zero, whatever the run before left there', async () => {
      const sizes = { T: 3, B: 2, H: 5 };
      const executable = await load(owner, runningSumPlan(sizes));
      await executable.run(runningSumData(sizes));
      const data = { ...runningSumData(sizes), state: {}, cotangents: { outputs: {}, state: {} } };
      expect(unsigned(await executable.run(data))).toEqual(unsigned(expectedSum(sizes, data)));
      executable.destroy();
    });

    it('never reads what lies past the end of a sequence, even if it is NaN', async () => {
      const sizes = { T: 4, B: 2, H: 3 };
      const data = runningSumData(sizes, { lengths: [4, 2], reverse: true });
      const clean = expectedSum(sizes, data);
      for (const tensor of [data.inputs.x, data.cotangents?.outputs.h]) {
        for (let t = 2; t < 4; t++) tensor?.data.fill(Number.NaN, (t * 2 + 1) * 3, (t * 2 + 2) * 3);
      }
      const executable = await load(owner, runningSumPlan(sizes));
      expect(unsigned(await executable.run(data))).toEqual(unsigned(clean));
      executable.destroy();
    });

    it('carries NaN in the data through to the results', async () => {
      const sizes = { T: 3, B: 1, H: 2 };
      const data = runningSumData(sizes);
      data.inputs.x?.data.fill(Number.NaN, 2, 3);
      const executable = await load(owner, runningSumPlan(sizes));
      const { outputs } = await executable.run(data);
      expect([...(outputs.h?.data ?? [])].map(Number.isNaN)).toEqual([false, false, true, false, true, false]);
      executable.destroy();
    });

    it('shows an element that no kernel writes as NaN after poisoning', async () => {
      const sizes = { T: 3, B: 1, H: 2 };
      const whole = runningSumPlan(sizes);
      const plan: Plan = { ...whole, forward: [{ kind: 'loop', from: 0, to: 2, by: 1, passes: ['forward pass'] }] };
      const executable = await load(owner, plan);
      executable.poison();
      const { outputs } = await executable.run({ ...runningSumData(sizes), cotangents: undefined });
      expect([...(outputs.h?.data ?? [])].map(Number.isNaN)).toEqual([false, false, false, false, true, true]);
      executable.destroy();
    });

    it('gives the same bits twice', async () => {
      const sizes = { T: 9, B: 3, H: 7 };
      const data = runningSumData(sizes);
      for (const tensor of [data.inputs.x, data.params.a])
        tensor?.data.forEach((v, i) => void tensor.data.fill(v * 0.1, i, i + 1));
      const executable = await load(owner, runningSumPlan(sizes));
      const first = await executable.run(data);
      expect(await executable.run(data)).toEqual(first);
      executable.destroy();
    });

    it('keeps memory flat over 300 runs', { timeout: 120_000 }, async () => {
      const sizes = { T: 16, B: 8, H: 64 };
      const executable = await load(owner, runningSumPlan(sizes));
      const data = runningSumData(sizes);
      const runMany = async (count: number) => {
        for (let run = 0; run < count; run++) await executable.run(data);
        // What the collector has not come to yet is not kept.
        collectGarbage();
        return process.memoryUsage().rss / 2 ** 20;
      };
      const warm = await runMany(150);
      const later = await runMany(150);
      // A run moves about 140 KiB in and out: kept, 150 of them would be over 20 MiB.
      expect(later - warm).toBeLessThan(15);
      executable.destroy();
    });

    /** How many kernels are compiled meanwhile. */
    async function compilationsDuring(work: () => Promise<void>): Promise<number> {
      const original = owner.device.createComputePipelineAsync.bind(owner.device);
      let compilations = 0;
      owner.device.createComputePipelineAsync = (descriptor) => {
        compilations++;
        return original(descriptor);
      };
      await work();
      owner.device.createComputePipelineAsync = original;
      return compilations;
    }

    it('compiles a kernel once for all plans that hold it', async () => {
      const plan = runningSumPlan({ T: 2, B: 2, H: 2 });
      const first = await load(owner, plan);
      expect(await compilationsDuring(async () => (await load(owner, plan)).destroy())).toBe(0);
      first.destroy();
    });

    it('forgets kernels that were not asked for in a while, and what holds them goes on', async () => {
      const sizes = { T: 2, B: 2, H: 3 };
      const plan = runningSumPlan(sizes);
      const first = await load(owner, plan);
      const kernel = (index: number): KernelSpec => ({
        name: `empty_${index}`,
        wgsl: `// ${index}\n@compute @workgroup_size(1) fn main() {}`,
        entryPoint: 'main',
        bindings: [],
        usesTime: false,
      });
      for (let index = 0; index < 64; index++) await compileKernel(owner, kernel(index));
      expect(await compilationsDuring(async () => void (await compileKernel(owner, kernel(1))))).toBe(0);
      expect(await compilationsDuring(async () => (await load(owner, plan)).destroy())).toBe(plan.kernels.length);
      collectGarbage();
      const data = runningSumData(sizes);
      expect(unsigned(await first.run(data))).toEqual(unsigned(expectedSum(sizes, data)));
      first.destroy();
    });
  });
}
