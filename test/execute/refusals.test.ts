import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../codegen/plan.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { runningSumData, runningSumPlan } from './running-sum.js';

const SIZES = { T: 3, B: 2, H: 5 };

describe('what cannot run', () => {
  let owner: RecurveDevice;
  const plan = runningSumPlan(SIZES);
  const data = runningSumData(SIZES);
  beforeAll(async () => {
    owner = await openDevice('swiftshader');
  });
  afterAll(() => owner.close());

  it('a buffer over the limit is refused before it is made, naming the limit, its value and the size', async () => {
    const bytes = owner.device.limits.maxBufferSize + 4;
    const huge: Plan = { ...plan, buffers: [...plan.buffers, { name: 'huge', bytes }] };
    await expect(load(owner, huge)).rejects.toMatchObject({
      code: 'LIMIT-BUFFER',
      exitCode: 2,
      message: expect.stringMatching(`huge needs ${bytes} bytes, and maxBufferSize of .* is ${bytes - 4}`),
    });
  });

  it('more workgroups than a dimension may have are refused by name', async () => {
    const passes = plan.passes.map((pass) => ({ ...pass, workgroups: [70_000, 1, 1] as const }));
    await expect(load(owner, { ...plan, passes })).rejects.toMatchObject({
      code: 'LIMIT-WORKGROUPS',
      message: expect.stringContaining('70000'),
    });
  });

  it('more bindings than a stage may have are refused by name', async () => {
    const bindings = Array.from({ length: 13 }, () => ({ buffer: 'given', access: 'read' as const }));
    const kernels = plan.kernels.map((kernel) => ({ ...kernel, bindings }));
    await expect(load(owner, { ...plan, kernels })).rejects.toMatchObject({ code: 'LIMIT-BINDINGS' });
  });

  it('a kernel that does not compile is our defect, shown with its numbered source', async () => {
    const kernels = plan.kernels.map((kernel) => ({ ...kernel, wgsl: `// one\nfn broken( {\n${kernel.wgsl}` }));
    const failure: unknown = await load(owner, { ...plan, kernels }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toHaveProperty('code');
    expect(String(failure)).toContain('kernel forward does not compile');
    expect(String(failure)).toMatch(/2:\d+ error: /);
    expect(String(failure)).toContain('    2  fn broken( {');
  });

  it('a shape, a missing tensor and bad lengths are refused by name, and the next run works', async () => {
    const executable = await load(owner, plan);
    const steps = { ...data, inputs: { x: { shape: [3, 5, 2], data: new Float32Array(30) } } };
    await expect(executable.run(steps)).rejects.toMatchObject({ code: 'RUN-EXTENT', where: 'B' });
    const shape = { ...data, inputs: { x: { shape: [3, 2, 2], data: new Float32Array(12) } } };
    await expect(executable.run(shape)).rejects.toMatchObject({ code: 'DATA-SHAPE', where: 'inputs.x' });
    await expect(executable.run({ ...data, params: {} })).rejects.toMatchObject({ code: 'DATA-MISSING', where: 'params.a' });
    for (const lengths of [[3], [3, 4], [-1, 1], [1.5, 2]]) {
      await expect(executable.run({ ...data, lengths })).rejects.toMatchObject({ code: 'DATA-LENGTHS' });
    }
    await expect(executable.run(data)).resolves.toBeDefined();
    executable.destroy();
  });

  it('a command that the device refuses is thrown at the next wait, once', async () => {
    const executable = await load(owner, plan);
    const small = owner.device.createBuffer({ size: 4, usage: GPUBufferUsage.COPY_DST });
    owner.device.queue.writeBuffer(small, 0, new Float32Array(8));
    await expect(executable.run(data)).rejects.toMatchObject({ code: 'DEVICE-ERROR', exitCode: 3 });
    await expect(executable.run(data)).resolves.toBeDefined();
    small.destroy();
    executable.destroy();
  });
});

describe('a lost device', () => {
  it('is reported with exit code 3 when we did not close it', async () => {
    const owner = await openDevice('swiftshader');
    const executable = await load(owner, runningSumPlan(SIZES));
    owner.device.destroy(); // not through close(): as if the driver had done it
    await expect(executable.run(runningSumData(SIZES))).rejects.toMatchObject({ code: 'DEVICE-LOST', exitCode: 3 });
    await expect(owner.lost).rejects.toMatchObject({ code: 'DEVICE-LOST' });
  });
});
