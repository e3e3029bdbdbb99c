/** A plan's memory and commands on a device. What a run means, to whoever calls, is the layer's business. */
import { type Plan, roomFor } from '../../codegen/plan.js';
import type { ReadTensor } from '../data.js';
import type { Supervised } from '../device/supervise.js';
import { bufferOf, createBuffers } from '../memory/buffers.js';
import { Carrier } from '../memory/carry.js';
import { courseOf, type Extent, type Numbers } from '../memory/copy.js';
import { poisonBuffers } from '../memory/poison.js';
import { createReadback } from '../memory/readback.js';
import { Relayouter } from '../memory/relayout.js';
import { type PlacedTensor, placeTensors } from '../memory/slots.js';
import { createUploader } from '../memory/upload.js';
import { createClock } from './clock.js';
import { createSteps, encode, lastNumber, resolveSchedule } from './schedule.js';
import { type Grain, type PassTime, timeRuns } from './timed.js';

export type Direction = 'forward' | 'backward';

/** What a tensor is to hold: numbers of the host, one number everywhere, or a dense buffer on the same device. */
export type Source = Numbers | number | GPUBuffer;

/** One run of a plan, in the order in which it is queued. */
export interface Run {
  /** `carried`: initial states are the final ones of the run before. */
  readonly state: 'carried' | 'placed';
  /** What it takes, and what the plan's memory does not hold yet. */
  readonly sources: ReadonlyMap<PlacedTensor, Source>;
  readonly directions: readonly Direction[];
  /** Of the random masks. */
  readonly seed: number;
  /** `pack` where the parameters or the seed of their masks are not what they were. */
  readonly weights: 'pack' | 'packed';
  /** Dense buffers of the caller's that results are copied to. */
  readonly into: ReadonlyMap<PlacedTensor, GPUBuffer>;
  /** What is read back. */
  readonly read: readonly PlacedTensor[];
}

export interface Executable {
  readonly plan: Plan;
  /** Tensors that a run takes, and that it gives, by path. */
  readonly given: ReadonlyMap<string, PlacedTensor>;
  readonly results: ReadonlyMap<string, PlacedTensor>;
  /** Queues tensors that runs to come take. */
  write(extent: Extent, sources: ReadonlyMap<PlacedTensor, Source>): void;
  /** Queues a run, all at once, and waits for what is read of it. @returns by path, in the order asked for */
  run(extent: Extent, run: Run): Promise<ReadonlyMap<string, ReadTensor>>;
  /** Waits until everything queued is done. */
  finished(): Promise<void>;
  /** Waits for what is queued so far, and returns some of the plan's tensors by path, in the order asked for. */
  read(tensors: readonly PlacedTensor[], extent: Extent): Promise<ReadonlyMap<string, ReadTensor>>;
  /** The plan's own buffer that holds a tensor, for others to read and write it. */
  bufferOf(tensor: PlacedTensor): GPUBuffer;
  /** Whether a buffer is the plan's own memory. */
  owns(buffer: GPUBuffer): boolean;
  /** Fills all of the plan's memory with a NaN of its own, before a write: what no kernel writes is seen in the results. */
  poison(): void;
  /**
   * Runs once more on what is in memory, and waits; weights are packed, too. Missing where sequences are cut into segments.
   * @returns how long it took, by the device's clock, pass by pass or all at once
   */
  time?(extent: Extent, directions: readonly Direction[], grain: Grain): Promise<readonly PassTime[]>;
  /** Queues something else behind all that was asked for before. */
  inOrder(queue: () => void): void;
  /** Frees the buffers. */
  destroy(): void;
}

/** One whose memory can be reached by its names. */
export interface WholeExecutable extends Executable {
  named(buffer: string): GPUBuffer;
}

/**
 * Makes everything a plan needs on a device.
 *
 * @param shared buffers that others use as well, by name: not made here, and not freed
 * @throws RecurveError `LIMIT-BUFFER`, `LIMIT-BINDINGS`, `LIMIT-WORKGROUPS`, `DEVICE-MEMORY`, `DEVICE-LOST`;
 *   a plain Error, with the kernel's source, if a kernel does not compile: a defect of the compiler
 */
export async function createExecutable(
  owner: Supervised,
  plan: Plan,
  shared: ReadonlyMap<string, GPUBuffer>,
): Promise<WholeExecutable> {
  const { device } = owner;
  const { given, results } = placeTensors(plan);
  const own = await createBuffers(
    owner,
    plan,
    plan.buffers.filter(({ name }) => !shared.has(name)),
  );
  const buffers = new Map([...own, ...shared]);
  const release: (() => void)[] = [...own.values()].map((buffer) => () => buffer.destroy());
  const destroy = () => {
    for (const free of release.splice(0)) free();
  };
  try {
    const uploader = createUploader(device, plan, buffers, given);
    const readback = createReadback(owner, plan, buffers, results);
    release.push(() => readback.destroy());
    const { B: batch = 1 } = plan.sizes;
    const steps = Object.fromEntries(Object.keys(plan.lengths).map((time) => [time, roomFor(plan, time)]));
    const { clock, destroy: stop } = createClock(owner, lastNumber(plan));
    release.push(stop);
    const passes = await createSteps(owner, plan, buffers);
    const commands = { forward: resolveSchedule(plan.forward, passes), backward: resolveSchedule(plan.backward, passes) };
    const [lengths] = Object.values(plan.lengths);
    if (lengths === undefined) throw new Error(`the plan for ${plan.cell} has no time axis`);
    const relayouter = new Relayouter(owner, plan, bufferOf(buffers, lengths.buffer));
    const place = (tensor: PlacedTensor) => bufferOf(buffers, tensor.slot.buffer);
    const used = new UsedSteps(steps);
    const states = given.filter(({ group }) => group === 'state');
    const carrier = new Carrier(owner, given, results, place);
    release.push(() => carrier.destroy());

    const submit = (encoder: GPUCommandEncoder) => {
      device.queue.submit([encoder.finish()]);
      relayouter.submitted();
    };
    /** Queues what the host has, and returns what buffers of the caller's have. */
    const upload = (extent: Extent, sources: ReadonlyMap<PlacedTensor, Source>) => {
      const dense: [PlacedTensor, GPUBuffer][] = [];
      for (const [tensor, source] of sources) {
        if (!isBuffer(source)) uploader.tensor(tensor, source, extent);
        else {
          dense.push([tensor, source]);
          uploader.changed(tensor);
        }
      }
      return dense;
    };
    const relayout = (
      pass: GPUComputePassEncoder,
      direction: 'pack' | 'unpack',
      extent: Extent,
      pairs: Iterable<readonly [PlacedTensor, GPUBuffer]>,
    ) => {
      for (const [tensor, dense] of pairs) relayouter.encode(pass, { direction, tensor, own: place(tensor), dense }, extent);
    };

    return {
      plan,
      given: byPath(given),
      results: byPath(results),
      write(extent, sources) {
        const dense = upload(extent, sources);
        if (dense.length === 0) return;
        const encoder = device.createCommandEncoder({ label: 'pack' });
        const pass = encoder.beginComputePass({ label: 'pack' });
        relayout(pass, 'pack', extent, dense);
        pass.end();
        submit(encoder);
      },
      run(extent, { state, sources, directions, seed, weights, into, read }) {
        uploader.run(extent, seed);
        used.written(extent);
        const dense = upload(extent, sources);
        const reading = readback.begin(read, extent);
        const label = directions.join(' and ');
        let encoder = device.createCommandEncoder({ label: plan.cell });
        if (state === 'carried') {
          carrier.copy(encoder);
          for (const tensor of states) uploader.changed(tensor);
        }
        let pass = encoder.beginComputePass({ label });
        if (state === 'carried') carrier.encode(pass);
        relayout(pass, 'pack', extent, dense);
        const runs = directions.map((direction) => ({
          commands: commands[direction],
          reach: { steps: used.take(direction, extent), batch, pack: weights === 'pack' },
        }));
        const next = () => {
          pass.end();
          submit(encoder);
          encoder = device.createCommandEncoder({ label: plan.cell });
          pass = encoder.beginComputePass({ label });
          return pass;
        };
        encode({ pass, next }, runs, clock);
        relayout(pass, 'unpack', extent, into);
        pass.end();
        reading.encode(encoder);
        submit(encoder);
        return reading.finish();
      },
      time(extent, directions, grain) {
        const runs = directions.map((direction) => ({
          commands: commands[direction],
          reach: { steps: used.take(direction, extent), batch, pack: true },
        }));
        return timeRuns(owner, runs, clock, grain);
      },
      async finished() {
        await owner.settle(device.queue.onSubmittedWorkDone());
      },
      read(tensors, extent) {
        const reading = readback.begin(tensors, extent);
        const encoder = device.createCommandEncoder({ label: 'read' });
        reading.encode(encoder);
        submit(encoder);
        return reading.finish();
      },
      bufferOf(tensor) {
        uploader.expose(tensor);
        return place(tensor);
      },
      named(buffer) {
        return bufferOf(buffers, buffer);
      },
      inOrder(queue) {
        queue();
      },
      owns(buffer) {
        return [...buffers.values()].includes(buffer);
      },
      poison() {
        poisonBuffers(device, buffers.values());
        uploader.changed();
        used.all();
      },
      destroy,
    };
  } catch (error) {
    destroy();
    throw error;
  }
}

/**
 * The steps whose memory may hold something of an earlier run. Kernels write zeros where a sequence has no step, and
 * sums run over all steps of the plan: a run that takes fewer than the one before runs on to where that one ended,
 * once; from then on what lies behind it is zero.
 */
class UsedSteps {
  readonly #steps: Readonly<Record<string, number>>;
  readonly #used: Readonly<Record<Direction, Record<string, number>>> = { forward: {}, backward: {} };

  /** @param steps of the plan, along each time axis */
  constructor(steps: Readonly<Record<string, number>>) {
    this.#steps = steps;
  }

  /** The caller's data reach this far: nothing but a backward run empties what is left of them. */
  written(extent: Extent): void {
    for (const time of Object.keys(this.#steps)) this.#used.backward[time] = this.#reach('backward', time, extent);
  }

  /** How far to run for so many steps. */
  take(direction: Direction, extent: Extent): Readonly<Record<string, number>> {
    return Object.fromEntries(
      Object.keys(this.#steps).map((time) => {
        const reach = this.#reach(direction, time, extent);
        this.#used[direction][time] = courseOf(extent, time).steps;
        return [time, reach];
      }),
    );
  }

  all(): void {
    for (const used of Object.values(this.#used)) Object.assign(used, this.#steps);
  }

  #reach(direction: Direction, time: string, extent: Extent): number {
    return Math.max(courseOf(extent, time).steps, this.#used[direction][time] ?? 0);
  }
}

/** Whoever made it: a class to compare with is not there before a device is. */
export function isBuffer(source: unknown): source is GPUBuffer {
  return typeof source === 'object' && source !== null && 'mapAsync' in source;
}

export function byPath(tensors: readonly PlacedTensor[]): ReadonlyMap<string, PlacedTensor> {
  return new Map(tensors.map((tensor) => [tensor.path, tensor]));
}
