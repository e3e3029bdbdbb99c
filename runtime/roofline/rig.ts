/** Times kernels by themselves: dispatches in a row, each of which depends on the one before, as those of a recurrence do. */
import type { RecurveDevice } from '../device/index.js';
import { compileKernel } from '../execute/pipelines.js';
import type { Measured } from './types.js';

const ENOUGH_MS = 40;
const RUNS = 5;
/** Waiting for a device has a grain of its own: what is shorter says nothing of how many more are needed. */
const GRAIN_MS = 0.2;
const MOST_GROWTH = 16;

/** How long a run takes that is as many times as long as it is asked to be: milliseconds, from submitting it to its end. */
export type Timed = (times: number) => Promise<number>;

/** Milliseconds of one of many, without what a run costs by itself. @param submit what that is */
export async function each(timed: Timed, submit = 0): Promise<Measured> {
  let times = 1;
  // Drivers compile at the first dispatch.
  await timed(times);
  for (let took = await timed(times); took < ENOUGH_MS; took = await timed(times))
    times = Math.ceil(times * Math.min(MOST_GROWTH, (1.2 * ENOUGH_MS) / Math.max(took, GRAIN_MS)));
  const samples: number[] = [];
  for (let run = 0; run < RUNS; run++) samples.push(Math.max(0, (await timed(times)) - submit) / times);
  return measured(samples);
}

/** @param samples at least one, not below 0 */
export function measured(samples: readonly number[]): Measured {
  const sorted = samples.toSorted((a, b) => a - b);
  const [least = 0] = sorted;
  const median = sorted[Math.floor(sorted.length / 2)] ?? least;
  return { value: least, spread: least === 0 ? 0 : median / least - 1 };
}

/** Memory for kernels of `kernels.ts`, and the way to time them. */
export class Rig {
  readonly #owner: RecurveDevice;
  readonly #given: GPUBuffer;
  readonly #data: GPUBuffer;

  /** @param bytes of the memory that kernels work on */
  constructor(owner: RecurveDevice, bytes: number) {
    const { device } = owner;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    this.#owner = owner;
    this.#given = device.createBuffer({ label: 'given', size: 1024, usage });
    this.#data = device.createBuffer({ label: 'data', size: bytes, usage });
    device.queue.writeBuffer(this.#given, 0, new Float32Array(256).fill(1));
  }

  /** @throws RecurveError `DEVICE-*` */
  async kernel(name: string, wgsl: string, workgroups: number): Promise<Timed> {
    const owner = this.#owner;
    const { device } = owner;
    const { pipeline, layout } = await compileKernel(owner, {
      name,
      wgsl,
      entryPoint: 'main',
      bindings: [
        { buffer: 'given', access: 'read' },
        { buffer: 'data', access: 'read_write' },
      ],
      usesTime: false,
    });
    const entries = [this.#given, this.#data].map((buffer, binding) => ({ binding, resource: { buffer } }));
    const bindings = device.createBindGroup({ label: name, layout, entries });
    return async (times) => {
      const begin = performance.now();
      const encoder = device.createCommandEncoder({ label: name });
      const pass = encoder.beginComputePass({ label: name });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindings);
      for (let time = 0; time < times; time++) pass.dispatchWorkgroups(workgroups);
      pass.end();
      device.queue.submit([encoder.finish()]);
      await owner.settle(device.queue.onSubmittedWorkDone());
      return performance.now() - begin;
    };
  }

  destroy(): void {
    this.#given.destroy();
    this.#data.destroy();
  }
}
