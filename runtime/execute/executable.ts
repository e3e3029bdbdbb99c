/** A plan's memory and commands on a device. What a run means, to whoever calls, is the layer's business. */
import type { Plan } from '../../codegen/plan.js';
import type { ReadTensor } from '../data.js';
import type { Supervised } from '../device/supervise.js';
import { bufferOf, createBuffers } from '../memory/buffers.js';
import type { Extent, Numbers } from '../memory/copy.js';
import { poisonBuffers } from '../memory/poison.js';
import { createReadback } from '../memory/readback.js';
import { Relayouter } from '../memory/relayout.js';
import { type PlacedTensor, placeTensors } from '../memory/slots.js';
import { createUploader } from '../memory/upload.js';
import { createClock } from './clock.js';
import { createSteps, encode, resolveSchedule } from './schedule.js';

export type Direction = 'forward' | 'backward';

/** What a tensor is to hold: numbers of the host, one number everywhere, or a dense buffer on the same device. */
export type Source = Numbers | number | GPUBuffer;

export interface Executable {
  readonly plan: Plan;
  /** Tensors that a run takes, and that it gives, by path. */
  readonly given: ReadonlyMap<string, PlacedTensor>;
  readonly results: ReadonlyMap<string, PlacedTensor>;
  /** Queues lengths, and the seed of the random masks. */
  begin(extent: Extent, seed: number): void;
  /** Queues tensors that a run takes. */
  write(extent: Extent, sources: ReadonlyMap<PlacedTensor, Source>): void;
  /** Queues final states in the place of initial ones. */
  carryState(): void;
  /** Queues directions, in one pass. `pack` where the parameters or the seed of their masks are not what they were. */
  submit(directions: readonly Direction[], extent: Extent, weights: 'pack' | 'packed'): void;
  /** Queues copies of tensors to dense buffers of the caller's. */
  copy(extent: Extent, targets: ReadonlyMap<PlacedTensor, GPUBuffer>): void;
  /** Waits until everything queued is done. */
  finished(): Promise<void>;
  /** Waits for what is queued so far, and returns some of the plan's tensors by path. */
  read(tensors: readonly PlacedTensor[], extent: Extent): Promise<ReadonlyMap<string, ReadTensor>>;
  /** The plan's own buffer that holds a tensor. */
  bufferOf(tensor: PlacedTensor): GPUBuffer;
  /** Fills all of the plan's memory with a NaN of its own, before a write: what no kernel writes is seen in the results. */
  poison(): void;
  /** Frees the buffers. */
  destroy(): void;
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
): Promise<Executable> {
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
    const upload = createUploader(device, plan, buffers, given);
    const readback = createReadback(owner, plan, buffers, results);
    release.push(() => readback.destroy());
    const { T: steps = 1, B: batch = 1 } = plan.sizes;
    const { clock, destroy: stop } = createClock(owner, steps);
    release.push(stop);
    const passes = await createSteps(owner, plan, buffers);
    const commands = { forward: resolveSchedule(plan.forward, passes), backward: resolveSchedule(plan.backward, passes) };
    const relayouter = new Relayouter(owner, bufferOf(buffers, plan.lengths.buffer));
    const place = (tensor: PlacedTensor) => bufferOf(buffers, tensor.slot.buffer);
    const used = new UsedSteps(steps);
    let scratch: GPUBuffer | undefined;
    release.push(() => scratch?.destroy());

    const queue = (label: string, record: (encoder: GPUCommandEncoder) => void) => {
      const encoder = device.createCommandEncoder({ label });
      record(encoder);
      device.queue.submit([encoder.finish()]);
      relayouter.submitted();
    };
    const relayout = (way: 'pack' | 'unpack', extent: Extent, pairs: Iterable<readonly [PlacedTensor, GPUBuffer]>) =>
      queue(way, (encoder) => {
        for (const [tensor, dense] of pairs)
          relayouter.encode(encoder, { direction: way, tensor, own: place(tensor), dense }, extent);
      });

    return {
      plan,
      given: byPath(given),
      results: byPath(results),
      begin(extent, seed) {
        upload.run(extent, seed);
        used.written(extent.steps);
      },
      write(extent, sources) {
        const dense: [PlacedTensor, GPUBuffer][] = [];
        for (const [tensor, source] of sources) {
          if (isBuffer(source)) dense.push([tensor, source]);
          else upload.tensor(tensor, source, extent);
        }
        if (dense.length > 0) relayout('pack', extent, dense);
      },
      carryState() {
        const pairs = carried(given, results);
        const words = pairs.reduce((sum, [, to]) => sum + to.words, 0);
        scratch ??= device.createBuffer({
          label: 'carried state',
          size: Math.max(4, words * 4),
          usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
        });
        const between = scratch;
        // Both lie in one buffer, and WebGPU copies from one buffer to another only.
        queue('carry state', (encoder) => {
          let at = 0;
          for (const [from, to] of pairs) {
            const bytes = to.words * 4;
            encoder.copyBufferToBuffer(place(from), from.slot.offset * 4, between, at, bytes);
            encoder.copyBufferToBuffer(between, at, place(to), to.slot.offset * 4, bytes);
            at += bytes;
          }
        });
      },
      submit(directions, extent, weights) {
        queue(plan.cell, (encoder) => {
          const pass = encoder.beginComputePass({ label: directions.join(' and ') });
          const runs = directions.map((direction) => ({
            commands: commands[direction],
            reach: { steps: used.take(direction, extent.steps), batch, pack: weights === 'pack' },
          }));
          encode(pass, runs, clock);
          pass.end();
        });
      },
      copy(extent, targets) {
        if (targets.size > 0) relayout('unpack', extent, targets);
      },
      async finished() {
        await owner.settle(device.queue.onSubmittedWorkDone());
      },
      read: (tensors, extent) => readback.read(tensors, extent),
      bufferOf: place,
      poison() {
        poisonBuffers(device, buffers.values());
        used.all();
      },
      destroy,
    };
  } catch (error) {
    destroy();
    throw error;
  }
}

/** Final states, each beside the initial one that it becomes. */
function carried(given: readonly PlacedTensor[], results: readonly PlacedTensor[]): [PlacedTensor, PlacedTensor][] {
  return given
    .filter(({ group }) => group === 'state')
    .map((to) => {
      const from = results.find(({ path }) => path === `final.${to.name}`);
      if (from?.words !== to.words) throw new Error(`the plan has no final.${to.name} like state.${to.name}`);
      return [from, to];
    });
}

/**
 * The steps whose memory may hold something of an earlier run. Kernels write zeros where a sequence has no step, and
 * sums run over all steps of the plan: a run that takes fewer than the one before runs on to where that one ended,
 * once; from then on what lies behind it is zero.
 */
class UsedSteps {
  readonly #steps: number;
  readonly #used = { forward: 0, backward: 0 };

  /** @param steps T of the plan */
  constructor(steps: number) {
    this.#steps = steps;
  }

  /** The caller's data reach this far: nothing but a backward run empties what is left of them. */
  written(steps: number): void {
    this.#used.backward = Math.max(this.#used.backward, steps);
  }

  /** How far to run for so many steps. */
  take(direction: Direction, steps: number): number {
    const reach = Math.max(steps, this.#used[direction]);
    this.#used[direction] = steps;
    return reach;
  }

  all(): void {
    this.#used.forward = this.#steps;
    this.#used.backward = this.#steps;
  }
}

/** Whoever made it: a class to compare with is not there before a device is. */
export function isBuffer(source: unknown): source is GPUBuffer {
  return typeof source === 'object' && source !== null && 'mapAsync' in source;
}

function byPath(tensors: readonly PlacedTensor[]): ReadonlyMap<string, PlacedTensor> {
  return new Map(tensors.map((tensor) => [tensor.path, tensor]));
}
