/**
 * How long the passes of a run take, each by itself, by timestamps of the device. What is dispatched of one pass in a row, such as all
 * steps of a loop of one pass, has one compute pass and one pair of timestamps; passes of a loop that take turns have one for every
 * dispatch. Between two compute passes a device may have to wait where it would not within one: the sum of all is then more than the
 * whole, which can be timed as well.
 */
import type { Supervised } from '../device/supervise.js';
import type { Clock } from './clock.js';
import { type Commands, type Dispatch, dispatcher, forEachDispatch, type Step } from './schedule.js';

/** What has a pair of timestamps: each pass, or all of them together. */
export type Grain = 'each pass' | 'all at once';

export interface PassTime {
  /** Of the pass; `all` of all at once. */
  readonly name: string;
  readonly ms: number;
  /** Of timestamps, whose distances were added up. */
  readonly pairs: number;
}

/** A query set has at most 4096 timestamps. */
const PAIRS_OF_SET = 2048;
const BYTES_OF_PAIR = 16;
const NS_OF_MS = 1e6;
const ALL = 'all';

/** Runs, waits, and tells. The device has the feature `timestamp-query`. */
export async function timeRuns(
  owner: Supervised,
  runs: readonly Commands[],
  clock: Clock,
  grain: Grain,
): Promise<readonly PassTime[]> {
  const { device } = owner;
  const encoder = device.createCommandEncoder({ label: 'timed' });
  const names = namesOf(runs, grain);
  const sets = setsFor(device, names.length);
  let begun = 0;
  let pass: GPUComputePassEncoder | undefined;
  let dispatch: Dispatch | undefined;
  forEachDispatch(runs, (step, reach, time, until) => {
    if (dispatch === undefined || nameOf(step, grain) !== names[begun - 1]) {
      pass?.end();
      const querySet = sets[Math.floor(begun / PAIRS_OF_SET)];
      if (querySet === undefined) throw new Error('there is no room for timestamps');
      const at = 2 * (begun % PAIRS_OF_SET);
      const timestampWrites = { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
      pass = encoder.beginComputePass({ label: names[begun], timestampWrites });
      dispatch = dispatcher(pass, clock);
      begun++;
    }
    dispatch(step, reach, time, until);
  });
  pass?.end();
  const stamps = await read(owner, encoder, sets, names.length);
  const times = new Map<string, PassTime>();
  for (const [index, name] of names.entries()) {
    const [begin = 0n, end = 0n] = stamps.subarray(2 * index, 2 * index + 2);
    const { ms, pairs } = times.get(name) ?? { ms: 0, pairs: 0 };
    times.set(name, { name, ms: ms + Number(end - begin) / NS_OF_MS, pairs: pairs + 1 });
  }
  return [...times.values()];
}

const nameOf = ({ name }: Step, grain: Grain): string => (grain === 'each pass' ? name : ALL);

/** Of each pair of timestamps, what it is of. */
function namesOf(runs: readonly Commands[], grain: Grain): string[] {
  const names: string[] = [];
  forEachDispatch(runs, (step) => {
    const name = nameOf(step, grain);
    if (name !== names.at(-1)) names.push(name);
  });
  return names;
}

/** As large as they must be: a driver resets and resolves all that there are. */
function setsFor(device: GPUDevice, pairs: number): GPUQuerySet[] {
  const sets: GPUQuerySet[] = [];
  for (let left = pairs; left > 0; left -= PAIRS_OF_SET)
    sets.push(device.createQuerySet({ type: 'timestamp', count: 2 * Math.min(PAIRS_OF_SET, left) }));
  return sets;
}

async function read(
  owner: Supervised,
  encoder: GPUCommandEncoder,
  sets: readonly GPUQuerySet[],
  pairs: number,
): Promise<BigUint64Array> {
  const { device } = owner;
  const size = Math.max(1, sets.length) * PAIRS_OF_SET * BYTES_OF_PAIR;
  const resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  const mapped = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  try {
    for (const [index, set] of sets.entries()) {
      const count = 2 * Math.min(PAIRS_OF_SET, pairs - index * PAIRS_OF_SET);
      encoder.resolveQuerySet(set, 0, count, resolved, index * PAIRS_OF_SET * BYTES_OF_PAIR);
    }
    encoder.copyBufferToBuffer(resolved, 0, mapped, 0, size);
    device.queue.submit([encoder.finish()]);
    await owner.settle(mapped.mapAsync(GPUMapMode.READ));
    return new BigUint64Array(mapped.getMappedRange().slice(0));
  } finally {
    for (const buffer of [resolved, mapped]) buffer.destroy();
    for (const set of sets) set.destroy();
  }
}
