import { afterAll, describe, expect, it } from 'vitest';
import type { Plan, TensorSlot } from '../../codegen/plan.js';
import type { RecurveDevice } from '../../runtime/device/index.js';
import { openDevice } from '../../runtime/device/index.js';
import { lavapipeManifests } from '../../runtime/device/vulkan.js';
import { load } from '../../runtime/layer/index.js';

const T = 6;

/** Three passes a step, of different layouts, the middle one without time: `b` and `a` both record the time they see. */
function timesPlan(): Plan {
  const slot = (offset: number): TensorSlot => ({ buffer: 'out', offset, shape: [T, 1, 1], padded: [T, 1, 1] });
  const time = 'requires immediate_address_space; var<immediate> t: i32;';
  const main = '@compute @workgroup_size(1) fn main()';
  const out = (binding: number) => `@group(0) @binding(${binding}) var<storage, read_write> out: array<f32>;`;
  const kernel = (name: string, usesTime: boolean, buffers: string[], wgsl: string) => ({
    name,
    wgsl,
    entryPoint: 'main' as const,
    bindings: buffers.map((buffer) => ({ buffer, access: 'read_write' as const })),
    usesTime,
  });
  const pass = (name: string) => ({
    name,
    kernel: name,
    region: 'loop' as const,
    direction: 'forward' as const,
    strategy: 'stepwise' as const,
    workgroups: [1, 1, 1] as const,
    dispatches: T,
    bytesRead: 0,
    bytesWritten: 0,
    flops: 0,
  });
  return {
    version: 1,
    cell: 'times',
    options: {},
    sizes: { T, B: 1 },
    gradients: false,
    buffers: [
      { name: 'out', bytes: T * 3 * 4 },
      { name: 'unused', bytes: 16 },
      { name: 'lengths', bytes: 4 },
    ],
    tensors: { 'outputs.a': slot(0), 'outputs.b': slot(T), 'outputs.c': slot(2 * T) },
    rates: [],
    lengths: { T: { buffer: 'lengths', offset: 0 } },
    kernels: [
      // Its second binding is never mentioned in the kernel, which an inferred layout would not forgive.
      kernel('a', true, ['out', 'unused'], `${time} ${out(0)} ${main} { out[t] = f32(t); }`),
      kernel('b', false, ['unused', 'out'], `${out(1)} ${main} { out[${T}] += 1; }`),
      kernel('c', true, ['out'], `${time} ${out(0)} ${main} { out[${2 * T} + t] = f32(t) + 100; }`),
    ],
    passes: [pass('a'), pass('b'), pass('c')],
    forward: [{ kind: 'loop', from: 0, to: T, by: 1, passes: ['a', 'b', 'c'] }],
    backward: [],
  };
}

for (const choice of ['swiftshader', 'lavapipe'] as const) {
  const missing = choice === 'lavapipe' && lavapipeManifests().length === 0;
  describe.skipIf(missing)(`the time step on ${choice}`, () => {
    let owner: RecurveDevice | undefined;
    afterAll(() => owner?.close());

    it('is the same for every pass of a step, whatever pipelines lie between', async () => {
      owner = await openDevice(choice);
      const executable = await load(owner, timesPlan());
      for (let run = 1; run <= 2; run++) {
        const { outputs } = await executable.run({ inputs: {}, state: {}, params: {}, reverse: false });
        expect([...(outputs.a?.data ?? [])]).toEqual([0, 1, 2, 3, 4, 5]);
        expect(outputs.b?.data[0]).toBe(T * run);
        expect([...(outputs.c?.data ?? [])]).toEqual([100, 101, 102, 103, 104, 105]);
      }
      executable.destroy();
    });

    it('poisons every word of buffers larger than one write', async () => {
      owner ??= await openDevice(choice);
      const T = 700_001;
      const plan: Plan = {
        ...timesPlan(),
        sizes: { T, B: 1 },
        buffers: timesPlan().buffers.map((buffer) => (buffer.name === 'out' ? { name: 'out', bytes: T * 4 } : buffer)),
        tensors: { 'outputs.a': { buffer: 'out', offset: 0, shape: [T, 1, 1], padded: [T, 1, 1] } },
        forward: [],
      };
      const executable = await load(owner, plan);
      executable.poison();
      const { outputs } = await executable.run({ inputs: {}, state: {}, params: {}, reverse: false });
      expect(outputs.a?.data.every(Number.isNaN)).toBe(true);
      executable.destroy();
    });
  });
}
