/** `recurve bench`: times forward and forward + backward of cells and models on a device, beside the same in other systems. */

import { resolveSpec, valuesOf } from '../codegen/frontend/index.js';
import type { OptionValues, Signature, SpecTree } from '../codegen/frontend/tree.js';
import { compileFor, deviceBytes, segmentsIn } from '../codegen/index.js';
import { choicesIn, type LoopStrategies, type LoopStrategy, type Plan, type Sizes } from '../codegen/plan.js';
import { outputShapes } from '../runtime/check/index.js';
import { type CellData, sizeOf } from '../runtime/data.js';
import type { RecurveDevice } from '../runtime/device/index.js';
import { dimsOf } from '../runtime/dims.js';
import { type Layer, load } from '../runtime/layer/index.js';
import { timesOf } from '../runtime/lengths.js';
import { randomData } from '../runtime/random.js';
import type { RooflineRecord } from '../runtime/roofline/index.js';
import { describe, loopsOf, tunedLoops } from '../runtime/tune/index.js';
import { type Contender, DEFAULT_EFFORT, type Effort, measureInTurns } from './measure.js';
import { agreementOf } from './peers/agreement.js';
import { openPeer } from './peers/open.js';
import type { Peer, PeerLayer, PeerName } from './peers/peer.js';
import { peerResult, type TimedPeer } from './peers/result.js';
import { countDispatches, countFlops } from './plan-costs.js';
import { provenance } from './provenance.js';
import type { BenchReport, BenchResult } from './report.js';
import { reachOf } from './roof.js';

export interface BenchCase {
  readonly tree: SpecTree;
  /** All of them, as `resolveOptions` gives them. */
  readonly options: OptionValues;
  readonly sizes: Sizes;
  /** What to run; random data of full length where it is missing. */
  readonly data?: CellData;
  /** Whether peers are timed beside it (default: where there are any). */
  readonly peers?: 'none';
}

/** `tuned`: as was found fastest on this device, now or before. */
export type BenchStrategy = LoopStrategy | 'tuned';

export interface BenchRequest {
  /** Opened with `purpose: 'bench'`. */
  readonly device: RecurveDevice;
  readonly cases: readonly BenchCase[];
  readonly against?: readonly PeerName[];
  /**
   * How loops over time run, each in turn with the others; `every` is each that some loop of the case allows. As the compiler
   * chooses where none is named.
   */
  readonly strategies?: readonly (BenchStrategy | 'every')[];
  readonly effort?: Effort;
  /** Of this adapter: how near to it runs come is then in the results. */
  readonly roofline?: RooflineRecord | undefined;
  /** Bytes of device memory: sequences that take more are cut. */
  readonly memory?: number | undefined;
  /** One short line whenever something new is under way. */
  readonly onProgress?: (line: string) => void;
}

/** Times every case. @throws RecurveError, SpecError; a peer that cannot run is reported, one that breaks off while it is timed thrown */
export async function runBench(request: BenchRequest): Promise<BenchReport> {
  const { device, cases, against = [] } = request;
  const made = provenance();
  const peers = new Map<PeerName, Peer | string>();
  try {
    for (const name of against) {
      request.onProgress?.(`loading ${name}`);
      peers.set(name, await openPeer(name, device));
    }
    const results: BenchResult[] = [];
    for (const [at, one] of cases.entries()) {
      const onProgress = (line: string) =>
        request.onProgress?.(cases.length === 1 ? line : `[${at + 1}/${cases.length}] ${line}`);
      results.push(...(await benchCase({ ...request, onProgress }, one, peers)));
    }
    const { roofline } = request;
    return { ...made, adapter: device.adapter, results, ...(roofline && { roofline }) };
  } finally {
    for (const peer of peers.values()) if (typeof peer !== 'string') peer.close();
  }
}

/** A case as one strategy runs it, and which of the contenders it is. */
interface Entry {
  readonly strategy: string;
  readonly training: Layer;
  readonly inference: Layer;
  readonly compileMs: number;
  readonly chosen: boolean;
  readonly first: number;
}

/** One result for each strategy, timed in turns. */
async function benchCase(
  { device, strategies = [], effort = DEFAULT_EFFORT, memory, roofline, onProgress = () => {} }: BenchRequest,
  { tree, options, sizes, data: given, peers: wanted }: BenchCase,
  opened: ReadonlyMap<PeerName, Peer | string>,
): Promise<BenchResult[]> {
  const signature = resolveSpec(tree, options);
  const data = given ?? benchData(tree, signature, sizes);
  const title = [tree.name, ...[...timesOf(signature), 'B'].map((dim) => `${dim}=${sizes[dim]}`)].join(' ');
  const loaded: { destroy(): void }[] = [];
  const layers = new Map<PeerName, PeerLayer>();
  const compiled = (gradients: boolean, strategy?: LoopStrategies) =>
    compileFor(tree, { options, sizes, gradients, target: device.target, strategy }, memory);
  const make = async (gradients: boolean, strategy: LoopStrategies | undefined) => {
    const layer = await load(device, compiled(gradients, strategy));
    loaded.push(layer);
    // Its data stay on the device; what is timed is the run alone.
    await layer.run({ ...data, ...(gradients ? {} : { cotangents: undefined }), read: [] });
    return layer;
  };
  try {
    onProgress(`${title}: compiling`);
    const contenders: Contender[] = [];
    const entries: Entry[] = [];
    const unasked = compiled(true);
    const tuned = (gradients: boolean) => tunedLoops(device, tree, { options, sizes, gradients, onProgress });
    for (const strategy of strategiesFor(unasked, strategies)) {
      const loops = strategy === 'tuned' ? await tuned(true) : strategy;
      const begin = performance.now();
      const training = await make(true, loops);
      const compileMs = performance.now() - begin;
      // A strategy that only loops going back allow leaves the others as they are.
      const inference = await make(false, strategy === 'tuned' ? await tuned(false) : strategy && loopsOf(training.plan));
      const chosen = describe(loopsOf(training.plan)) === describe(loopsOf(unasked));
      const name = nameOf(strategy, training.plan);
      entries.push({ strategy: name, training, inference, compileMs, chosen, first: contenders.length });
      const named = strategy === undefined ? '' : ` ${strategy}`;
      contenders.push({ name: `forward${named}`, run: () => once(inference, 'forward') });
      contenders.push({ name: `forwardBackward${named}`, run: () => once(training, 'forward and backward') });
    }
    const [main] = entries;
    if (main === undefined) throw new Error('nothing to time');
    const reports = new Map<PeerName, TimedPeer | string>();
    for (const [name, peer] of wanted === 'none' ? [] : opened) {
      onProgress(`${title}: building it in ${name}`);
      const layer = typeof peer === 'string' ? peer : peer.layer(signature, sizes, data);
      if (typeof layer === 'string') {
        reports.set(name, layer);
        continue;
      }
      layers.set(name, layer);
      const agreed = await agreementOf(layer, main.training, data);
      if (typeof agreed === 'string') {
        reports.set(name, agreed);
        continue;
      }
      reports.set(name, { layer, first: contenders.length, ...agreed });
      const lastMs = () => layer.lastMs;
      contenders.push({ name: `${name} forward`, run: () => layer.forward(), lastMs });
      const training = layer.forwardBackward?.bind(layer);
      if (training !== undefined) contenders.push({ name: `${name} forwardBackward`, run: training, lastMs });
    }

    onProgress(`${title}: warming up`);
    const timings = await measureInTurns(contenders, effort, (share) =>
      onProgress(`${title}: timing, ${Math.round(100 * share)} %`),
    );
    const timed = (first: number) => {
      const [forward, forwardBackward] = timings.slice(first, first + 2);
      if (forward === undefined || forwardBackward === undefined) throw new Error('a contender was not timed');
      return {
        forwardMs: forward.median,
        forwardBackwardMs: forwardBackward.median,
        timings: { forward, forwardBackward },
      };
    };
    return entries.map((entry): BenchResult => {
      const { strategy, training, inference, compileMs, chosen, first } = entry;
      const own = timed(first);
      return {
        cell: tree.name,
        options,
        dims: Object.fromEntries(dimsOf(signature).map((dim) => [dim, sizeOf(sizes, dim)])),
        strategy,
        loops: loopsOf(training.plan),
        chosen,
        ...own,
        compileMs,
        dispatches: {
          forward: segmentsIn(inference.plan) * countDispatches(inference.plan.forward),
          backward: segmentsIn(training.plan) * countDispatches(training.plan.backward),
        },
        bytes: deviceBytes(training.plan),
        // What segments compute once more does not count.
        gflops: {
          forward: (segmentsIn(inference.plan) * countFlops(inference.plan)) / own.forwardMs / 1e6,
          forwardBackward: (segmentsIn(training.plan) * countFlops(training.plan)) / own.forwardBackwardMs / 1e6,
        },
        ...(roofline && {
          reach: {
            forward: reachOf(inference.plan, roofline.rates, own.forwardMs),
            forwardBackward: reachOf(training.plan, roofline.rates, own.forwardBackwardMs),
          },
        }),
        peers: Object.fromEntries([...reports].map(([name, report]) => [name, peerResult(report, own, timings)])),
      };
    });
  } finally {
    for (const executable of loaded) executable.destroy();
    for (const layer of layers.values()) layer.dispose();
  }
}

/** At least one; `undefined` for the compiler's own. */
function strategiesFor(plan: Plan, asked: readonly (BenchStrategy | 'every')[]): (BenchStrategy | undefined)[] {
  const every = choicesIn(plan).flatMap(({ allowed }) => allowed);
  const found = new Set(asked.flatMap((one) => (one === 'every' ? every : [one])));
  return found.size === 0 ? [undefined] : [...found];
}

function nameOf(strategy: BenchStrategy | undefined, plan: Plan): string {
  const name = strategy === 'tuned' ? `tuned: ${chosenIn(plan)}` : (strategy ?? chosenIn(plan));
  return plan.segments === undefined ? name : `${name}, ${segmentsIn(plan)} segments`;
}

/** How a plan's loops run, in words; `parallel` where it has none. */
function chosenIn({ passes }: Plan): string {
  const found = [...new Set(passes.flatMap(({ region, strategy }) => (region === 'loop' ? [strategy] : [])))];
  return found.length === 0 ? 'parallel' : found.join(' + ');
}

/** What a training step of a many-to-many layer sees: full length, zero initial state, cotangents on the outputs alone. */
export function benchData(tree: SpecTree, signature: Signature, sizes: Sizes): CellData {
  const outputs = outputShapes(signature, valuesOf(tree, signature));
  const random = randomData(signature, sizes, outputs, { seed: 1 });
  return { ...random, state: {}, cotangents: { outputs: random.cotangents?.outputs ?? {}, state: {} } };
}

async function once(layer: Layer, scope: 'forward' | 'forward and backward'): Promise<void> {
  layer.repeat(scope);
  await layer.finished();
}
