/**
 * Finds the fastest way to run a plan's loops on a device by running them: each loop in every way that its graph allows, chains of
 * them as waves, in turns, so that a machine that slows down does so for all; then the best of each together against what the compiler would have taken. Nothing
 * wins whose results are not those of the plan that runs step by step.
 */
import { valuesOf } from '../../codegen/frontend/index.js';
import type { OptionValues, SpecTree } from '../../codegen/frontend/tree.js';
import { compile, resolveSpec } from '../../codegen/index.js';
import { choicesIn, type LoopChoice, type LoopStrategies, type Plan, type Sizes } from '../../codegen/plan.js';
import { outputShapes, TOLERANCE } from '../check/index.js';
import { compareResults, differingBits } from '../compare.js';
import type { CellData, CellResult } from '../data.js';
import type { RecurveDevice } from '../device/index.js';
import { type Layer, load } from '../layer/index.js';
import { randomData } from '../random.js';
import { type Entrant, median, race } from './race.js';
import { type Candidate, keyOf, type Loops, readRecord, type TuneRecord, writeRecord } from './record.js';

export interface TuneRequest {
  /** All of them, as `resolveOptions` gives them. */
  readonly options: OptionValues;
  readonly sizes: Sizes;
  readonly gradients: boolean;
  /** One short line whenever something new is under way. */
  readonly onProgress?: (line: string) => void;
}

export interface Tuned {
  readonly record: TuneRecord;
  /** Where it was kept; `undefined` where no folder of the user's cache can be written to. */
  readonly path: string | undefined;
}

/** The least that a dispatch takes anywhere, in milliseconds. */
const LEAST_DISPATCH = 0.001;
/** What the compiler takes is left for what takes less than this share of its time: closer ones are told apart by chance. */
const WORTH = 0.97;
/** What takes this many times as long by its dispatches alone is not run. */
const HOPELESS = 3;

/** How loops run best by a record that was kept, or else measured now. */
export async function tunedLoops(device: RecurveDevice, tree: SpecTree, request: TuneRequest): Promise<Loops> {
  const safe = compileFor(device, tree, request, 'stepwise');
  const kept = await readRecord(keyOf(safe, device.adapter));
  return (kept ?? (await tune(device, tree, request)).record).loops;
}

/** Measures, and keeps what is found. @throws RecurveError as `compile` and `load` */
export async function tune(device: RecurveDevice, tree: SpecTree, request: TuneRequest): Promise<Tuned> {
  const tuning = new Tuning(device, tree, request);
  try {
    const record = await tuning.run();
    return { record, path: await writeRecord(record) };
  } finally {
    tuning.close();
  }
}

const compileFor = (device: RecurveDevice, tree: SpecTree, request: TuneRequest, strategy?: LoopStrategies): Plan => {
  const { options, sizes, gradients } = request;
  return compile(tree, { options, sizes, gradients, target: device.target, strategy });
};

/** What each runs as, by its name. */
export const loopsOf = (plan: Plan): Loops =>
  Object.fromEntries(choicesIn(plan).map(({ name, allowed: [first = 'stepwise'] }) => [name, first]));

const keyFor = (loops: Loops) => JSON.stringify(loops);

/** One loop in another way, all loops of a chain as one wave, or those over a memory chunk by chunk, which go both ways or neither. */
function changesOf(choices: readonly LoopChoice[]): Loops[] {
  const memory = choices.filter(({ allowed }) => allowed.includes('chunkwise'));
  const inChunks = memory.some(({ allowed: [first] }) => first === 'chunkwise');
  const alone = choices.flatMap(({ name, allowed }): Loops[] =>
    inChunks && allowed.includes('chunkwise')
      ? []
      : allowed.slice(1).flatMap((other) => (other === 'wavefront' || other === 'chunkwise' ? [] : [{ [name]: other }])),
  );
  const ways = inChunks
    ? new Set(memory.flatMap(({ allowed }) => allowed.slice(1)))
    : new Set(memory.length > 0 ? ['chunkwise' as const] : []);
  const ofMemory = [...ways].map(
    (way): Loops => Object.fromEntries(memory.map(({ name, allowed }) => [name, allowed.includes(way) ? way : 'stepwise'])),
  );
  const chains = new Map(choices.flatMap(({ chain }) => (chain === undefined ? [] : [[chain.join(), chain] as const])));
  const waves = [...chains.values()].map((chain): Loops => Object.fromEntries(chain.map((name) => [name, 'wavefront'])));
  return [...alone, ...ofMemory, ...waves];
}

/**
 * Loops run one after the other, so what changes save adds up, unless memory has a say: that is measured, too. What saves most is
 * taken first, and what changes several loops at once against the best of these by themselves.
 */
function bestTogether(chosen: Loops, changes: readonly Loops[], timed: (loops: Loops) => Entrant | undefined): Loops {
  const saves = (change: Loops) => {
    const [before, after] = [timed(chosen), timed({ ...chosen, ...change })];
    return before === undefined || after === undefined ? 0 : median(before) - median(after);
  };
  const gains = changes.map((change) => ({ change, saved: saves(change) })).filter(({ saved }) => saved > 0);
  const isJoint = ({ change }: { readonly change: Loops }) => Object.keys(change).length > 1;
  const best = new Map<string, { readonly change: Loops; readonly saved: number }>();
  for (const gain of gains.filter((one) => !isJoint(one)).sort((a, b) => b.saved - a.saved)) {
    for (const name of Object.keys(gain.change)) if (!best.has(name)) best.set(name, gain);
  }
  for (const joint of gains.filter(isJoint)) {
    const names = Object.keys(joint.change);
    const before = new Set(names.flatMap((name) => best.get(name) ?? []));
    const apart = [...before].reduce((sum, { saved }) => sum + saved, 0);
    if (joint.saved > apart) for (const name of names) best.set(name, joint);
  }
  return Object.assign({}, chosen, ...[...best.values()].map(({ change }) => change));
}

class Tuning {
  private readonly data: CellData;
  private readonly safe: Plan;
  private expected: CellResult | undefined;
  private readonly entrants = new Map<string, Entrant & { readonly layer: Layer }>();
  private readonly others: Candidate[] = [];

  constructor(
    private readonly device: RecurveDevice,
    private readonly tree: SpecTree,
    private readonly request: TuneRequest,
  ) {
    const signature = resolveSpec(tree, request.options);
    this.safe = this.compile('stepwise');
    const data = randomData(signature, request.sizes, outputShapes(signature, valuesOf(tree, signature)), { seed: 1 });
    this.data = request.gradients ? data : { ...data, cotangents: undefined };
  }

  async run(): Promise<TuneRecord> {
    const { device, request, tree } = this;
    const plan = this.compile();
    const chosen = loopsOf(plan);
    const layer = await load(device, this.safe);
    this.expected = await layer.run(this.data);
    layer.destroy();
    const first = await this.enter(chosen, plan);
    if (first === undefined) throw new Error(`${tree.name} gives other results as its compiler has it run than step by step`);
    await first.run();
    const start = performance.now();
    await first.run();
    const bearable = HOPELESS * (performance.now() - start);
    const changes = changesOf(choicesIn(plan));
    for (const change of changes) await this.enter({ ...chosen, ...change }, undefined, bearable);
    this.progress(`${this.entrants.size} ways to run its loops`);
    const ranked = await race([...this.entrants.values()]);
    const together = bestTogether(chosen, changes, (loops) => this.entrants.get(keyFor(loops)));
    await this.enter(together);
    const leading = ranked[0]?.loops ?? chosen;
    const keys = new Set([together, leading, chosen].map(keyFor));
    const finalists = [...this.entrants.entries()].flatMap(([key, entrant]) =>
      keys.has(key) ? [{ ...entrant, samples: [] }] : [],
    );
    this.progress('the best against what the compiler takes');
    const [best] = await race(finalists, []);
    for (const { loops, samples } of finalists) this.entrants.get(keyFor(loops))?.samples.push(...samples);
    const own = finalists.find(({ loops }) => keyFor(loops) === keyFor(chosen));
    const wins = best !== undefined && own !== undefined && median(best) < WORTH * median(own);
    const loops = wins ? best.loops : chosen;
    const candidates = [...this.entrants.values()].map((entrant): Candidate => {
      const { samples } = entrant;
      return {
        loops: entrant.loops,
        median: median(entrant),
        min: Math.min(...samples),
        samples: samples.length,
        verdict: keyFor(entrant.loops) === keyFor(loops) ? 'best' : 'slower',
      };
    });
    candidates.sort((a, b) => (a.median ?? 0) - (b.median ?? 0));
    return {
      ...keyOf(this.safe, device.adapter),
      gradients: request.gradients,
      loops,
      chosen,
      candidates: [...candidates, ...this.others],
    };
  }

  /** Lets a way take part, unless it takes too long by its dispatches alone, or its results are others. */
  private async enter(loops: Loops, known?: Plan, bearable = Number.POSITIVE_INFINITY): Promise<Entrant | undefined> {
    const key = keyFor(loops);
    const before = this.entrants.get(key);
    if (before !== undefined) return before;
    const plan = known ?? this.compile(loops);
    const dispatches = plan.passes.reduce((sum, pass) => sum + pass.dispatches, 0);
    if (dispatches * LEAST_DISPATCH > bearable) {
      this.others.push({ loops, samples: 0, verdict: 'not run' });
      return undefined;
    }
    this.progress(`compiling ${describe(loops)}`);
    const layer = await load(this.device, plan);
    const result = await layer.run(this.data);
    const { expected } = this;
    const same =
      expected !== undefined &&
      (differingBits(result, expected).length === 0 || compareResults(result, expected, TOLERANCE).every(({ ok }) => ok));
    if (!same) {
      layer.destroy();
      this.others.push({ loops, samples: 0, verdict: 'other results' });
      return undefined;
    }
    const scope = this.request.gradients ? 'forward and backward' : 'forward';
    const run = async () => {
      layer.repeat(scope);
      await layer.finished();
    };
    const entrant = { loops, layer, run, samples: [] };
    this.entrants.set(key, entrant);
    return entrant;
  }

  close(): void {
    for (const { layer } of this.entrants.values()) layer.destroy();
  }

  private compile(strategy?: LoopStrategies): Plan {
    return compileFor(this.device, this.tree, this.request, strategy);
  }

  private progress(what: string): void {
    this.request.onProgress?.(`${this.tree.name}: ${what}`);
  }
}

/** `forward_loop thread, backward_loop scan`. */
export const describe = (loops: Loops): string =>
  Object.entries(loops)
    .map(([name, strategy]) => `${name} ${strategy}`)
    .join(', ');
