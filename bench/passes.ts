/** Times each pass of a cell's or model's training step by itself, beside what a roofline of the adapter says it should take. */
import { RecurveError } from '../codegen/errors.js';
import { resolveSpec } from '../codegen/frontend/index.js';
import type { OptionValues } from '../codegen/frontend/tree.js';
import { compile } from '../codegen/index.js';
import type { LoopStrategy, PassSpec, Plan, Sizes } from '../codegen/plan.js';
import type { AdapterReport, RecurveDevice } from '../runtime/device/index.js';
import type { PassTime } from '../runtime/execute/index.js';
import { type Layer, load } from '../runtime/layer/index.js';
import { type Bound, predict, type Rates } from '../runtime/roofline/index.js';
import { loopsOf } from '../runtime/tune/index.js';
import { type BenchCase, benchData } from './bench.js';
import { summarize, type Timing } from './measure.js';
import { type Provenance, provenance } from './provenance.js';

/** Milliseconds. */
export interface PassResult {
  readonly name: string;
  readonly region: PassSpec['region'];
  readonly direction: PassSpec['direction'];
  readonly strategy: PassSpec['strategy'];
  readonly dispatches: number;
  /** Of one run. */
  readonly timing: Timing;
  /** How many times were added up: one of all dispatches in a row, or one of each where passes of a loop take turns. */
  readonly pairs: number;
  /** What follows is missing where there is no roofline of the adapter. */
  readonly predictedMs?: number;
  readonly bound?: Bound;
  /** The median over the prediction: above 1 it takes longer. */
  readonly ratio?: number;
  /** How much of the roofline it reaches: the least that any kernel would take, over the median. */
  readonly share?: number;
}

export interface PassesResult {
  readonly cell: string;
  readonly options: OptionValues;
  readonly dims: Sizes;
  /** How each loop over time ran, by its name. */
  readonly loops: Readonly<Record<string, LoopStrategy>>;
  /** In the order of the plan: forward, then backward. */
  readonly passes: readonly PassResult[];
  /** All passes of a run together. */
  readonly sum: Timing;
  /** The same run undivided. */
  readonly whole: Timing;
}

export interface PassesReport extends Provenance {
  readonly adapter: AdapterReport;
  readonly results: readonly PassesResult[];
}

export interface PassesRequest {
  /** Opened with `purpose: 'bench'`. */
  readonly device: RecurveDevice;
  readonly cases: readonly Omit<BenchCase, 'peers'>[];
  /** Each in turn; as the compiler chooses where none is named. */
  readonly strategies: readonly (LoopStrategy | undefined)[];
  /** Of this adapter. */
  readonly rates: Rates | undefined;
  /** One short line whenever something new is under way. */
  readonly onProgress: (line: string) => void;
}

const WARMUPS = 2;
const LEAST_ROUNDS = 5;
const MOST_ROUNDS = 30;
const BUDGET_MS = 4000;

/** @throws RecurveError `TIMESTAMPS`, and what `compile` and `load` throw */
export async function runPasses({ device, cases, strategies, rates, onProgress }: PassesRequest): Promise<PassesReport> {
  requireTimestamps(device.adapter);
  const made = provenance();
  const results: PassesResult[] = [];
  for (const one of cases) {
    for (const strategy of strategies) {
      onProgress(`${one.tree.name}: compiling`);
      const { options, sizes } = one;
      const plan = compile(one.tree, { options, sizes, gradients: true, target: device.target, strategy });
      const layer = await load(device, plan);
      try {
        await layer.run({ ...(one.data ?? benchData(one.tree, resolveSpec(one.tree, options), sizes)), read: [] });
        onProgress(`${one.tree.name}: timing ${plan.passes.length} passes`);
        results.push(resultOf(plan, await timePasses(layer), rates));
      } finally {
        layer.destroy();
      }
    }
  }
  return { ...made, adapter: device.adapter, results };
}

function requireTimestamps({ name, features }: AdapterReport): void {
  if (features.includes('timestamp-query')) return;
  throw new RecurveError({
    code: 'TIMESTAMPS',
    message: `${name} has no timestamps (timestamp-query), and its passes cannot be timed one by one`,
    fix: 'Time whole runs with `recurve bench`, or choose another adapter with --adapter; recurve doctor lists their features.',
    where: '--passes',
    exitCode: 3,
  });
}

interface Samples {
  readonly whole: number[];
  readonly sum: number[];
  readonly each: Map<string, { readonly times: number[]; readonly pairs: number }>;
}

/** Pass by pass and undivided in turns: a machine that slows down does so for both. */
async function timePasses(layer: Layer): Promise<Samples> {
  const found: Samples = { whole: [], sum: [], each: new Map() };
  const start = performance.now();
  for (let round = -WARMUPS; round < MOST_ROUNDS; round++) {
    if (round >= LEAST_ROUNDS && performance.now() - start > BUDGET_MS) break;
    const whole = await layer.time('forward and backward', 'all at once');
    const each = await layer.time('forward and backward', 'each pass');
    if (round < 0) continue;
    found.whole.push(totalOf(whole));
    found.sum.push(totalOf(each));
    for (const { name, ms, pairs } of each) {
      const times = found.each.get(name)?.times ?? [];
      times.push(ms);
      found.each.set(name, { times, pairs });
    }
  }
  return found;
}

const totalOf = (times: readonly PassTime[]): number => times.reduce((sum, { ms }) => sum + ms, 0);

function resultOf(plan: Plan, { whole, sum, each }: Samples, rates: Rates | undefined): PassesResult {
  const predictions = rates && predict(plan, rates);
  const passes = plan.passes.map(({ name, region, direction, strategy, dispatches }, index): PassResult => {
    const { times, pairs } = each.get(name) ?? { times: [], pairs: 0 };
    const timing = summarize(times);
    const prediction = predictions?.[index];
    return {
      name,
      region,
      direction,
      strategy,
      dispatches,
      timing,
      pairs,
      ...(prediction && {
        predictedMs: prediction.ms,
        bound: prediction.bound,
        ratio: timing.median / prediction.ms,
        share: prediction.roofMs / timing.median,
      }),
    };
  });
  return {
    cell: plan.cell,
    options: plan.options,
    dims: plan.sizes,
    loops: loopsOf(plan),
    passes,
    sum: summarize(sum),
    whole: summarize(whole),
  };
}
