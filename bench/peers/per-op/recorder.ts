/** Dispatches as the device takes them. Those that are told the same share a bind group, and those of one kernel a pipeline. */
import type { Dispatch } from './dispatch.js';
import { kernelOf, PARAMETERS } from './kernels.js';

export interface Recorded extends Pick<Dispatch, 'groups'> {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroup;
}

const PARAMETER_BYTES = 48;

/** @returns dispatches, and the buffer of what they are told */
export function record(
  device: GPUDevice,
  dispatches: readonly Dispatch[],
  buffers: readonly GPUBuffer[],
): { readonly recorded: readonly Recorded[]; readonly parameters: GPUBuffer } {
  const stride =
    Math.ceil(PARAMETER_BYTES / device.limits.minUniformBufferOffsetAlignment) * device.limits.minUniformBufferOffsetAlignment;
  const told = [...new Map(dispatches.map((dispatch) => [keyOf(dispatch), dispatch]))];
  const parameters = device.createBuffer({
    size: told.length * stride,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  const numbers = new Uint32Array((told.length * stride) / Uint32Array.BYTES_PER_ELEMENT);
  for (const [at, [, dispatch]] of told.entries())
    numbers.set(
      PARAMETERS.map((name) => dispatch.parameters[name]),
      (at * stride) / Uint32Array.BYTES_PER_ELEMENT,
    );
  device.queue.writeBuffer(parameters, 0, numbers);

  const layout = device.createBindGroupLayout({
    entries: (['uniform', 'read-only-storage', 'read-only-storage', 'storage'] as const).map((type, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type },
    })),
  });
  const bindGroups = new Map(
    told.map(([key, dispatch], at) => {
      const storage = dispatch.buffers.map((buffer, index) => ({
        binding: index + 1,
        resource: { buffer: buffers[buffer] as GPUBuffer },
      }));
      const uniform = { binding: 0, resource: { buffer: parameters, offset: at * stride, size: PARAMETER_BYTES } };
      return [key, device.createBindGroup({ layout, entries: [uniform, ...storage] })];
    }),
  );
  const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
  const pipelines = new Map<string, GPUComputePipeline>();
  const pipelineOf = ({ kind, width, tile }: Dispatch) => {
    const code = kernelOf(kind, width, tile);
    const pipeline =
      pipelines.get(code) ??
      device.createComputePipeline({ layout: pipelineLayout, compute: { module: device.createShaderModule({ code }) } });
    pipelines.set(code, pipeline);
    return pipeline;
  };
  const recorded = dispatches.map(
    (dispatch): Recorded => ({
      pipeline: pipelineOf(dispatch),
      bindings: bindGroups.get(keyOf(dispatch)) as GPUBindGroup,
      groups: dispatch.groups,
    }),
  );
  return { recorded, parameters };
}

const keyOf = ({ parameters, buffers }: Dispatch) => [...PARAMETERS.map((name) => parameters[name]), ...buffers].join(' ');
