/** `recurve bench`: times forward and forward + backward of cells and models on a device, beside the same in other systems. */

import { resolveSpec, valuesOf } from '../codegen/frontend/index.js';
import type { OptionValues, Signature, SpecTree } from '../codegen/frontend/tree.js';
import { compile } from '../codegen/index.js';
import type { Sizes } from '../codegen/plan.js';
import { outputShapes } from '../runtime/check/index.js';
import { type CellData, sizeOf } from '../runtime/data.js';
import type { RecurveDevice } from '../runtime/device/index.js';
import { dimsOf } from '../runtime/dims.js';
import { type Layer, load } from '../runtime/layer/index.js';
import { timesOf } from '../runtime/lengths.js';
import { randomData } from '../runtime/random.js';
import { type Contender, DEFAULT_EFFORT, type Effort, measureInTurns } from './measure.js';
import { differenceOf } from './peers/agreement.js';
import { openPeer } from './peers/open.js';
import type { Peer, PeerLayer, PeerName } from './peers/peer.js';
import { countDispatches, countFlops } from './plan-costs.js';
import { provenance } from './provenance.js';
import type { BenchReport, BenchResult, PeerResult } from './report.js';

export interface BenchCase {
  readonly tree: SpecTree;
  /** All of them, as `resolveOptions` gives them. */
  readonly options: OptionValues;
  readonly sizes: Sizes;
  /** What to run; random data of full length where it is missing. */
  readonly data?: CellData;
}

export interface BenchRequest {
  /** Opened with `purpose: 'bench'`. */
  readonly device: RecurveDevice;
  readonly cases: readonly BenchCase[];
  readonly against?: readonly PeerName[];
  readonly effort?: Effort;
  /** One short line whenever something new is under way. */
  readonly onProgress?: (line: string) => void;
}

/** A peer that is further off computes something else, and its time says nothing of ours. */
const MOST_DIFFERENCE = 1e-3;

/** Times every case. @throws RecurveError, SpecError; a peer that cannot run is reported, not thrown */
export async function runBench(request: BenchRequest): Promise<BenchReport> {
  const { device, cases, against = [] } = request;
  const peers = new Map<PeerName, Peer | string>();
  try {
    for (const name of against) {
      request.onProgress?.(`loading ${name}`);
      peers.set(name, await openPeer(name, device));
    }
    const results: BenchResult[] = [];
    for (const one of cases) results.push(await benchCase(request, one, peers));
    return { ...provenance(), adapter: device.adapter, results };
  } finally {
    for (const peer of peers.values()) if (typeof peer !== 'string') peer.close();
  }
}

async function benchCase(
  { device, effort = DEFAULT_EFFORT, onProgress = () => {} }: BenchRequest,
  { tree, options, sizes, data: given }: BenchCase,
  peers: ReadonlyMap<PeerName, Peer | string>,
): Promise<BenchResult> {
  const signature = resolveSpec(tree, options);
  const data = given ?? benchData(tree, signature, sizes);
  const title = [tree.name, ...[...timesOf(signature), 'B'].map((dim) => `${dim}=${sizes[dim]}`)].join(' ');
  const loaded: { destroy(): void }[] = [];
  const layers = new Map<PeerName, PeerLayer>();
  const make = async (gradients: boolean) => {
    const plan = compile(tree, { options, sizes, gradients, target: device.target });
    const layer = await load(device, plan);
    loaded.push(layer);
    // Its data stay on the device; what is timed is the run alone.
    await layer.run({ ...data, ...(gradients ? {} : { cotangents: undefined }), read: [] });
    return layer;
  };
  try {
    onProgress(`${title}: compiling`);
    const begin = performance.now();
    const training = await make(true);
    const compileMs = performance.now() - begin;
    const inference = await make(false);

    const contenders: Contender[] = [
      { name: 'forward', run: () => once(inference, 'forward') },
      { name: 'forwardBackward', run: () => once(training, 'forward and backward') },
    ];
    const reports = new Map<PeerName, { layer: PeerLayer; first: number; difference: number | undefined } | string>();
    for (const [name, peer] of peers) {
      onProgress(`${title}: building it in ${name}`);
      const layer = typeof peer === 'string' ? peer : peer.layer(signature, sizes, data);
      if (typeof layer === 'string') {
        reports.set(name, layer);
        continue;
      }
      layers.set(name, layer);
      const difference = layer.note === undefined ? await differenceOf(layer, training, data) : undefined;
      if (difference !== undefined && !(difference <= MOST_DIFFERENCE)) {
        reports.set(name, `it computes other numbers: they differ from ours by ${difference.toPrecision(2)} of their size`);
        continue;
      }
      reports.set(name, { layer, first: contenders.length, difference });
      contenders.push({ name: `${name} forward`, run: () => layer.forward() });
      contenders.push({ name: `${name} forwardBackward`, run: () => layer.forwardBackward() });
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
    const ours = timed(0);
    const { forwardMs, forwardBackwardMs } = ours;
    return {
      cell: tree.name,
      options,
      dims: Object.fromEntries(dimsOf(signature).map((dim) => [dim, sizeOf(sizes, dim)])),
      ...ours,
      compileMs,
      dispatches: {
        forward: countDispatches(inference.plan.forward),
        backward: countDispatches(training.plan.backward),
      },
      gflops: {
        forward: countFlops(inference.plan) / forwardMs / 1e6,
        forwardBackward: countFlops(training.plan) / forwardBackwardMs / 1e6,
      },
      peers: Object.fromEntries(
        [...reports].map(([name, report]): [PeerName, PeerResult] => {
          if (typeof report === 'string') return [name, { unavailable: report }];
          const times = timed(report.first);
          const ratio = {
            forward: times.forwardMs / forwardMs,
            forwardBackward: times.forwardBackwardMs / forwardBackwardMs,
          };
          const { difference, layer } = report;
          return [name, { ...times, ratio, difference, note: layer.note }];
        }),
      ),
    };
  } finally {
    for (const executable of loaded) executable.destroy();
    for (const layer of layers.values()) layer.dispose();
  }
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
