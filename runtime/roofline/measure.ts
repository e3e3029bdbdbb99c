/**
 * What a machine can do at most, measured: how fast it computes, how fast it moves memory, and what it costs to begin, to go on to the
 * next dispatch and to wait for each other. Times of a plan's passes follow from it (`predict.ts`).
 */
import { compile, resolveOptions } from '../../codegen/index.js';
import type { Plan } from '../../codegen/plan.js';
import type { RecurveDevice } from '../device/index.js';
import { load } from '../layer/index.js';
import { loadSpec } from '../node/cells.js';
import { barrierKernel, emptyKernel, FMA_FLOPS, fmaKernel, readKernel, streamKernel, VECTOR_BYTES } from './kernels.js';
import { each, measured, Rig, type Timed } from './rig.js';
import type { Measured, Rates } from './types.js';

/** Bytes of what is read again and again: one core's nearest cache, its next, and what several share. */
const SETS = [2 ** 15, 2 ** 19, 2 ** 23];
const STREAM_BYTES = 2 ** 28;
const STREAM_GROUPS = 256;
const BARRIERS = 1000;

/** What differs between a processor posing as a GPU and a GPU: how much it takes to keep it busy for a good while. */
const HARDWARE = { groups: 8192, readBytes: 2 ** 20, manyGroups: 4096, product: { T: 64, B: 64, I: 1024, O: 1024 } };
const SOFTWARE = { groups: 64, readBytes: 2 ** 20, manyGroups: 1024, product: { T: 16, B: 32, I: 512, O: 512 } };

/** Takes some seconds. @throws RecurveError `DEVICE-*` */
export async function measureRates(device: RecurveDevice, onProgress: (line: string) => void = () => {}): Promise<Rates> {
  const { software, subgroup, maxBufferBytes, maxBindingBytes } = device.target;
  const { groups, readBytes, manyGroups, product } = software ? SOFTWARE : HARDWARE;
  // On a processor more lanes than one vector are only run in turns; barriers are met by as many as resident loops have.
  const [lanes, waiting] = software ? [subgroup, subgroup] : [64, 256];
  const bytes = Math.min(STREAM_BYTES, 2 ** Math.floor(Math.log2(Math.min(maxBufferBytes, maxBindingBytes))));
  const rig = new Rig(device, bytes);
  const timed = (name: string, wgsl: string, workgroups = 1): Promise<Timed> => {
    onProgress(`measuring: ${name}`);
    return rig.kernel(name, wgsl, workgroups);
  };
  try {
    const nothing = await timed('submitting', emptyKernel(lanes));
    const submit = await least(() => nothing(1));
    /** 10⁹ of something a second. */
    const rate = async (run: Timed, amount: number) => inverse(await each(run, submit.value), amount / 1e6);
    const fma = async (workgroups: number) =>
      rate(await timed('multiply-adds', fmaKernel(lanes), workgroups), workgroups * lanes * FMA_FLOPS);
    const read = async (set: number, workgroups: number) => {
      const sweeps = Math.max(1, readBytes / set);
      const wgsl = readKernel(lanes, set / VECTOR_BYTES, sweeps);
      return rate(await timed('reading', wgsl, workgroups), workgroups * set * sweeps);
    };
    const reads: (Measured & { bytes: number })[] = [];
    for (const set of SETS) reads.push({ bytes: set, ...(await read(set, groups / 4)) });
    const dispatch = await each(await timed('dispatches', emptyKernel(lanes)), submit.value);
    const many = await each(await timed('workgroups', emptyKernel(lanes), manyGroups), submit.value);
    const wait = await each(await timed('barriers', barrierKernel(waiting, BARRIERS, 1)), submit.value);
    const noWait = await each(await timed('barriers', barrierKernel(waiting, BARRIERS, 0)), submit.value);
    const stream = streamKernel(lanes, bytes / VECTOR_BYTES / STREAM_GROUPS);
    return {
      fma: await fma(groups),
      fmaAlone: await fma(1),
      product: await productRate(device, product, onProgress),
      reads,
      readAlone: await read(SETS[0] ?? 0, 1),
      stream: await rate(await timed('reading and writing', stream, STREAM_GROUPS), 2 * bytes),
      dispatch: scaled(dispatch, 1e3),
      workgroup: difference(many, dispatch, 1e3 / (manyGroups - 1)),
      barrier: difference(wait, noWait, 1e3 / BARRIERS),
      submit: scaled(submit, 1e3),
    };
  } finally {
    rig.destroy();
  }
}

/** A feed-forward block is one product for all rows, as what a cell takes out of its loop. */
async function productRate(
  device: RecurveDevice,
  sizes: (typeof SOFTWARE)['product'],
  onProgress: (line: string) => void,
): Promise<Measured> {
  onProgress('measuring: matrix products');
  const tree = loadSpec('feedforward', '.');
  const options = resolveOptions(tree, { activation: 'identity' });
  const layer = await load(device, compile(tree, { options, sizes, gradients: false, target: device.target }));
  try {
    const { T, B, I } = sizes;
    layer.init({ seed: 1 });
    const data = Float32Array.from({ length: T * B * I }, (_, at) => Math.sin(at));
    await layer.run({ inputs: { x: { shape: [T, B, I], data } }, read: [] });
    const run: Timed = async (times) => {
      const begin = performance.now();
      for (let time = 0; time < times; time++) layer.repeat('forward');
      await layer.finished();
      return performance.now() - begin;
    };
    return inverse(await each(run), flopsOf(layer.plan) / 1e6);
  } finally {
    layer.destroy();
  }
}

const flopsOf = ({ passes }: Plan): number => passes.reduce((sum, { flops }) => sum + flops, 0);

const SUBMISSIONS = 20;

/** Of what is too short to be done many times in one go. */
async function least(run: () => Promise<number>): Promise<Measured> {
  const samples: number[] = [];
  for (let time = 0; time <= SUBMISSIONS; time++) samples.push(await run());
  return measured(samples.slice(1));
}

const scaled = ({ value, spread }: Measured, factor: number): Measured => ({ value: factor * value, spread });

/** From a time for an amount to a rate. */
const inverse = ({ value, spread }: Measured, amount: number): Measured => ({ value: amount / value, spread });

/** What one takes beyond another: nothing, where noise says less. */
const difference = (more: Measured, less: Measured, factor: number): Measured => ({
  value: factor * Math.max(0, more.value - less.value),
  spread: Math.max(more.spread, less.spread),
});
