/** A tape on the device: buffers, pipelines and bind groups are made once, and a run is one command buffer. */
import type { Tensor } from '../../../runtime/data.js';
import type { RecurveDevice } from '../../../runtime/device/index.js';
import { dispatchOf } from './dispatch.js';
import type { Width } from './kernels.js';
import { layOut, type Memory } from './memory.js';
import type { Operation, Value } from './operations.js';
import { Places } from './places.js';
import { type Recorded, record } from './recorder.js';

const BYTES = Float32Array.BYTES_PER_ELEMENT;

export interface ProgramSource {
  readonly operations: readonly Operation[];
  /** What no operation computes, with its numbers. */
  readonly given: ReadonlyMap<Value, Tensor>;
  /** What is read after a run. */
  readonly kept: readonly Value[];
}

export class Program {
  private readonly buffers: readonly GPUBuffer[];
  private readonly parameters: GPUBuffer;
  private readonly recorded: readonly Recorded[];

  private constructor(
    private readonly device: RecurveDevice,
    { given }: ProgramSource,
    places: Places,
    private readonly memory: Memory,
  ) {
    const gpu = device.device;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    this.buffers = memory.sizes.map((size) => gpu.createBuffer({ size: size * BYTES, usage }));
    for (const [at, { data }] of [...given.values()].entries())
      gpu.queue.writeBuffer(this.buffers[at] as GPUBuffer, 0, Float32Array.from(data));
    const values = places.computed.flatMap(({ operands, result }) => [...operands, result]);
    const width: Width = values.every(({ columns }) => columns % 4 === 0) ? 4 : 1;
    const dispatches = places.computed.map((operation) => dispatchOf(operation, memory, width, device.target));
    ({ recorded: this.recorded, parameters: this.parameters } = record(gpu, dispatches, this.buffers));
  }

  /** Or a sentence where the device has no room for it. */
  static make(device: RecurveDevice, source: ProgramSource): Program | string {
    const leaves = [...source.given.keys()];
    const places = new Places(source.operations, new Set(leaves));
    const memory = layOut(places, leaves, source.kept);
    const largest = Math.max(...memory.sizes) * BYTES;
    const { maxBindingBytes } = device.target;
    if (largest > maxBindingBytes)
      return `what it keeps takes ${largest} bytes, and the largest binding of this device is ${maxBindingBytes}`;
    return new Program(device, source, places, memory);
  }

  get dispatches(): number {
    return this.recorded.length;
  }

  /** Submits a run and waits until the device is done. */
  async run(): Promise<void> {
    const { device } = this.device;
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    let current: GPUComputePipeline | undefined;
    for (const { pipeline, bindings, groups } of this.recorded) {
      if (pipeline !== current) pass.setPipeline(pipeline);
      current = pipeline;
      pass.setBindGroup(0, bindings);
      pass.dispatchWorkgroups(...groups);
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
    await this.device.settle(device.queue.onSubmittedWorkDone());
  }

  /** The numbers of a value that is kept, after a run; its rows have no gaps between them. */
  async read(value: Value): Promise<Float32Array> {
    const { device } = this.device;
    const { buffer, offset, stride } = this.memory.of(value);
    if (stride !== value.columns) throw new Error('a value with gaps between its rows is not read');
    const size = value.rows * value.columns * BYTES;
    const mapped = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.buffers[buffer] as GPUBuffer, offset * BYTES, mapped, 0, size);
    device.queue.submit([encoder.finish()]);
    await this.device.settle(mapped.mapAsync(GPUMapMode.READ));
    const numbers = new Float32Array(mapped.getMappedRange().slice(0));
    mapped.unmap();
    mapped.destroy();
    return numbers;
  }

  dispose(): void {
    for (const buffer of [...this.buffers, this.parameters]) buffer.destroy();
  }
}
