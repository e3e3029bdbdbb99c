import { afterEach, describe, expect, it } from 'vitest';
import { type AdapterChoice, openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { lavapipeManifests } from '../../runtime/device/vulkan.js';

const opened: RecurveDevice[] = [];
afterEach(() => {
  for (const device of opened.splice(0)) device.close();
});

async function open(...request: Parameters<typeof openDevice>): Promise<RecurveDevice> {
  const device = await openDevice(...request);
  opened.push(device);
  return device;
}

/** What a trivial kernel writes on a device: proof that it computes. */
async function computeOn({ device }: RecurveDevice): Promise<number> {
  const code =
    '@group(0) @binding(0) var<storage, read_write> x: array<f32>; @compute @workgroup_size(1) fn main() { x[0] = 42; }';
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const buffer = device.createBuffer({ size: 4, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const mapped = device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const entries = [{ binding: 0, resource: { buffer } }];
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, mapped, 0, 4);
  device.queue.submit([encoder.finish()]);
  await mapped.mapAsync(GPUMapMode.READ);
  const [value = Number.NaN] = new Float32Array(mapped.getMappedRange().slice(0));
  mapped.unmap();
  return value;
}

describe('openDevice', () => {
  it('gives the embedded SwiftShader with its own limits, not the defaults', async () => {
    const owner = await open('swiftshader');
    expect(owner.adapter).toMatchObject({ kind: 'swiftshader', subgroup: { min: 4, max: 4 }, notice: undefined });
    expect(owner.adapter.features).toContain('timestamp-query');
    expect(owner.adapter.languageFeatures).toContain('immediate_address_space');
    expect(owner.device.limits.maxStorageBuffersPerShaderStage).toBe(12);
    expect(owner.device.features.has('timestamp-query')).toBe(true);
    expect(owner.target).toEqual({
      subgroup: 4,
      software: true,
      broadcasts: true,
      maxBufferBytes: 2 ** 30,
      maxBindingBytes: 2 ** 30,
      maxWorkgroupsPerDimension: 65535,
      maxStorageBuffers: 12,
      maxKernelInstructions: 4000,
      maxDispatchWork: 2 ** 28,
    });
    expect(JSON.parse(JSON.stringify(owner.adapter))).toMatchObject({ name: owner.adapter.name });
    expect(await computeOn(owner)).toBe(42);
  });

  it('opens the same choice again, and while the first is open', async () => {
    const [first, second] = await Promise.all([open('swiftshader'), open('swiftshader')]);
    expect(second.device).not.toBe(first.device);
    first.close();
    expect(await computeOn(second)).toBe(42);
  });

  it('gives a bench device of the same adapter', async () => {
    const owner = await open('swiftshader', { purpose: 'bench' });
    expect(owner.adapter.kind).toBe('swiftshader');
    expect(await computeOn(owner)).toBe(42);
  });

  it('hands out an instance whose further adapters are of the same driver', async () => {
    const owner = await open('swiftshader');
    expect((await owner.gpu.requestAdapter())?.info.description).toBe(owner.adapter.description);
  });

  it.skipIf(lavapipeManifests().length === 0)('opens two drivers in one process, in any order and at once', async () => {
    const choices = ['lavapipe', 'swiftshader', 'lavapipe', 'swiftshader'] as const;
    const devices = await Promise.all(choices.map((choice) => open(choice)));
    expect(devices.map((device) => device.adapter.kind)).toEqual(choices);
    expect(await Promise.all(devices.map(computeOn))).toEqual([42, 42, 42, 42]);
  });

  it('says on auto when a software adapter serves, and only then', async () => {
    const owner = await open('auto');
    if (owner.adapter.kind === 'hardware') expect(owner.adapter.notice).toBeUndefined();
    else expect(owner.adapter.notice).toMatch(/^No GPU was found: .*(lavapipe|SwiftShader|software adapter) serves\.$/);
    expect(await computeOn(owner)).toBe(42);
  });

  it('refuses a choice that does not exist', async () => {
    const failure = openDevice('cuda' as AdapterChoice);
    await expect(failure).rejects.toMatchObject({ code: 'ADAPTER-UNKNOWN', exitCode: 2, fix: expect.stringContaining('auto') });
  });
});
