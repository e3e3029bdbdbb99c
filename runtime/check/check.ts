/** Kernels against the reference: one cell, one assignment of options at a time. */

import { RecurveError, SpecError } from '../../codegen/errors.js';
import { resolveSpec, valuesOf } from '../../codegen/frontend/index.js';
import type { OptionValues, Signature, SpecTree } from '../../codegen/frontend/tree.js';
import { type CompileRequest, compile, compileWithin } from '../../codegen/index.js';
import { isReduce, type StepGraph } from '../../codegen/ir/graph.js';
import { choicesIn, LOOP_STRATEGIES, type LoopStrategy, type PassSpec, type Plan, type Sizes } from '../../codegen/plan.js';
import { type CellData, sizeOf } from '../data.js';
import type { RecurveDevice } from '../device/index.js';
import { type Layer, load } from '../layer/index.js';
import { timesOf } from '../lengths.js';
import { randomData } from '../random.js';
import { FEWEST_UNITS, leastSize, planCases, sizeCases } from './cases.js';
import { assignmentsOf } from './covering.js';
import { type JudgedTensor, judge, type Verdict, worstVerdict } from './judge.js';
import { outputShapes } from './outputs.js';
import { adviceFor, describeLosses, grew, type Losses, lossesOf, reportTensor, type TensorReport } from './report.js';

/** Draws of data that a run may take where float32 cannot hold the results of the ones before. */
const MOST_DRAWS = 4;
/** Seeds of one draw: no two runs have the same. */
const SEEDS = 3;

/** One cell at one assignment of options and sizes: each tensor's largest error over all its runs. */
export interface CaseReport {
  readonly cell: string;
  readonly options: OptionValues;
  readonly dims: Sizes;
  /** Steps of a segment, where its sequences were cut. */
  readonly segment?: number;
  /** How its loops ran. */
  readonly strategies: readonly PassSpec['strategy'][];
  readonly verdict: Verdict;
  /** Whether it agrees. */
  readonly ok: boolean;
  /** Whether it counts against the cell that it does not. */
  readonly counts: boolean;
  /** Largest error of the tensors that agree. */
  readonly worst: number;
  readonly draws: Draws;
  readonly tensors: readonly TensorReport[];
  /** Why nothing ran: which of the adapter's limits the case exceeds. Then it is not ok and has no tensors. */
  readonly problem?: string;
  /** Why it cannot be judged, and what to do about it. */
  readonly reason?: string;
  readonly advice?: string;
  readonly losses?: Losses;
}

/** Random data: how many draws were taken, and how many of them others replaced, for nothing could be said about them. */
export interface Draws {
  readonly taken: number;
  readonly replaced: number;
}

/** All cases of one cell. */
export interface CellReport {
  readonly cell: string;
  readonly verdict: Verdict;
  readonly cases: number;
  /** Cases that agree. */
  readonly agree: number;
  /** Largest error of the tensors that agree. */
  readonly worst: number;
  readonly draws: Draws;
}

export interface CheckRequest {
  /** Only this assignment. */
  readonly options?: OptionValues;
  /** Where the options have very many values: a sample of their assignments (default), or as many as it takes. */
  readonly extent?: 'sample' | 'all';
  /** Factor of the inputs, initial states and parameters that are drawn without a range. Default 1. */
  readonly scale?: number;
  /** How every loop runs; where nobody says, as the compiler chooses and, case by case in turn, in each other way that a loop allows. */
  readonly strategy?: LoopStrategy;
  /** Bytes of device memory: sequences of cells that take more are cut, step by step where nothing else fits. */
  readonly memory?: number | undefined;
  /** Only these sizes; complete for every assignment that is checked. */
  readonly sizes?: (signature: Signature) => Sizes;
  /** What to run, where `planCheck` told it already. */
  readonly plan?: CheckPlan;
  readonly progress?: (done: number, total: number, current: string) => void;
}

/**
 * Compiles and runs the cell for every case and compares every output, final state and gradient.
 * Stops at nothing: a case that is wrong, or for which the adapter's limits are too low, is reported and the next one
 * runs.
 * @throws SpecError; RecurveError where the limits do not allow sizes that the request names, or the device is lost
 */
export async function checkCell(device: RecurveDevice, tree: SpecTree, request: CheckRequest = {}): Promise<CaseReport[]> {
  const { cases } = request.plan ?? planCheck(tree, request);
  requireAllowed(device, tree, request, cases);
  const reports: CaseReport[] = [];
  for (const [index, { signature, sizes }] of cases.entries()) {
    request.progress?.(index, cases.length, `${tree.name} ${describeCase(tree, signature.options, sizes)}`);
    const { strategy, memory, scale = 1 } = request;
    const report = checkCase(device, tree, { signature, sizes, strategy, memory, turn: index, scale });
    reports.push(await (request.sizes ? report : report.catch((error) => refusal(error, signature, sizes))));
  }
  return reports;
}

/** @throws RecurveError `STRATEGY-REFUSED` where no case has a loop that allows what is asked for */
function requireAllowed({ target }: RecurveDevice, tree: SpecTree, { strategy }: CheckRequest, cases: CheckPlan['cases']): void {
  if (strategy === undefined) return;
  let refused: unknown;
  for (const { signature, sizes } of cases) {
    try {
      compile(tree, { options: signature.options, sizes, gradients: true, target, strategy });
      return;
    } catch (error) {
      if (!(error instanceof RecurveError) || error.code !== 'STRATEGY-REFUSED') return;
      refused ??= error;
    }
  }
  if (refused !== undefined) throw refused;
}

/** @throws whatever is not one of the adapter's limits */
function refusal(error: unknown, { name, options }: Signature, dims: Sizes): CaseReport {
  if (!(error instanceof RecurveError) || !error.code.startsWith('LIMIT-')) throw error;
  const problem = `${error.code}: ${error.message}`;
  const draws = { taken: 0, replaced: 0 };
  return {
    cell: name,
    options,
    dims,
    strategies: [],
    verdict: 'cannot be judged',
    ok: false,
    counts: true,
    worst: 0,
    draws,
    tensors: [],
    problem,
  };
}

/** What a check runs, before it runs it. */
export interface CheckPlan {
  readonly cases: readonly { readonly signature: Signature; readonly sizes: Sizes }[];
  /** Where they are a sample: how many cases it would take at least. */
  readonly sampledOf?: number;
}

/** @throws SpecError, RecurveError `DIMS-*` */
export function planCheck(tree: SpecTree, { options, sizes, extent }: CheckRequest): CheckPlan {
  if (options !== undefined) {
    const signature = resolveSpec(tree, options);
    const all = sizes ? [sizes(signature)] : sizeCases(signature, leastSize(valuesOf(tree, signature)));
    return { cases: all.map((each) => ({ signature, sizes: each })) };
  }
  const assignments = assignmentsOf(tree, extent, (candidate) => isPossible(tree, candidate));
  const sized = assignments.options.map((assignment) => {
    const signature = resolveSpec(tree, assignment);
    return { signature, sizes: sizes ? [sizes(signature)] : sizeCases(signature, leastSize(valuesOf(tree, signature))) };
  });
  return { ...assignments, cases: planCases(sized) };
}

/** Whether these options may be taken together. */
function isPossible(tree: SpecTree, options: OptionValues): boolean {
  try {
    valuesOf(tree, resolveSpec(tree, options));
    return true;
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return false;
  }
}

/** `activation=relu T=5 B=3 …`: options that differ from the defaults, then sizes. */
export function describeCase(tree: Pick<SpecTree, 'options'>, options: OptionValues, sizes: Sizes): string {
  const changed = tree.options.filter(({ name, default: standard }) => options[name] !== standard);
  return [
    ...changed.map(({ name }) => `${name}=${options[name]}`),
    ...Object.entries(sizes).map(([dim, size]) => `${dim}=${size}`),
  ].join(' ');
}

/** A case that cannot be judged and does not count is no reason to doubt a cell, unless there is nothing else. */
export function reportCell(cell: string, cases: readonly CaseReport[]): CellReport {
  const agree = cases.filter(({ ok }) => ok).length;
  const counted = cases.filter(({ counts }) => counts).map(({ verdict }) => verdict);
  const sum = (part: (draws: Draws) => number) => cases.reduce((total, { draws }) => total + part(draws), 0);
  return {
    cell,
    verdict: worstVerdict(agree === 0 ? cases.map(({ verdict }) => verdict) : counted),
    cases: cases.length,
    agree,
    worst: Math.max(0, ...cases.map(({ worst }) => worst)),
    draws: { taken: sum(({ taken }) => taken), replaced: sum(({ replaced }) => replaced) },
  };
}

interface Case {
  readonly signature: Signature;
  readonly sizes: Sizes;
  readonly strategy: LoopStrategy | undefined;
  readonly memory: number | undefined;
  /** Which of the ways in which its loops may run is tried, where no strategy is given. */
  readonly turn: number;
  readonly scale: number;
}

async function checkCase(device: RecurveDevice, tree: SpecTree, given: Case): Promise<CaseReport> {
  const { signature, sizes, scale } = given;
  const graph = valuesOf(tree, signature);
  const plan = planOf(device, tree, given);
  const executable = await load(device, plan);
  const tensors = new Map<string, TensorReport>();
  const draws = { taken: 0, replaced: 0 };
  let losses: Losses | undefined;
  try {
    for (const run of runs(tree, signature, graph, sizes, scale)) {
      const drawn = await drawUntilJudged(executable, tree, signature, run);
      draws.taken += drawn.replaced + 1;
      draws.replaced += drawn.replaced;
      losses ??= drawn.losses;
      for (const judged of drawn.tensors) {
        const report = reportTensor(judged, run.name, graph, signature);
        const before = tensors.get(report.name);
        if (before === undefined || isWorse(report, before)) tensors.set(report.name, report);
      }
    }
  } finally {
    executable.destroy();
  }
  const all = [...tensors.values()];
  const verdict = worstVerdict(all.map((tensor) => tensor.verdict));
  const doubt = verdict === 'cannot be judged' ? losses : undefined;
  return {
    cell: signature.name,
    options: signature.options,
    dims: sizes,
    ...(plan.segments === undefined ? {} : { segment: plan.segments.steps }),
    strategies: [...new Set(plan.passes.flatMap((pass) => (pass.region === 'loop' ? [pass.strategy] : [])))],
    verdict,
    ok: verdict === 'agrees',
    counts: doubt === undefined || !isDegenerate(graph, sizes) || doubt.causes.length > 0 || doubt.underflow > 0,
    worst: Math.max(0, ...all.filter(({ ok }) => ok).map(({ error }) => error)),
    draws,
    tensors: all,
    ...(doubt === undefined ? {} : { reason: describeLosses(doubt), advice: adviceFor(doubt), losses: doubt }),
  };
}

const allowsSomewhere = (plan: Plan, strategy: LoopStrategy): boolean =>
  choicesIn(plan).some(({ allowed }) => allowed.includes(strategy));

function planOf(device: RecurveDevice, tree: SpecTree, { signature, sizes, strategy, memory, turn }: Case): Plan {
  const whole = { options: signature.options, sizes, gradients: true, target: device.target };
  const request = memory === undefined || tree.kind === 'model' ? whole : { ...whole, ...segmentsWithin(tree, whole, memory) };
  const plan = compile(tree, request);
  // With some values of its options a cell may allow what it does not with others; there it runs as the compiler chooses.
  if (strategy !== undefined) return allowsSomewhere(plan, strategy) ? compile(tree, { ...request, strategy }) : plan;
  const others = LOOP_STRATEGIES.filter((other) => choicesIn(plan).some(({ allowed }) => allowed.indexOf(other) > 0));
  const other = [undefined, ...others][turn % (others.length + 1)];
  return other === undefined ? plan : compile(tree, { ...request, strategy: other });
}

/** As few segments as fit, or, where none do, one of every step: how much memory a check takes matters to nobody. */
function segmentsWithin(tree: SpecTree, request: CompileRequest, memory: number): Pick<CompileRequest, 'sizes' | 'segmentsOf'> {
  const { T = 1 } = request.sizes;
  try {
    const { segments, sizes } = compileWithin(tree, request, memory);
    return segments === undefined ? { sizes } : { sizes, segmentsOf: segments.whole };
  } catch (error) {
    if (!(error instanceof RecurveError) || error.code !== 'MEMORY-LEAST') throw error;
    return { sizes: { ...request.sizes, T: 1 }, segmentsOf: T };
  }
}

function isWorse(a: TensorReport, b: TensorReport): boolean {
  if (a.verdict === b.verdict) return a.error > b.error;
  return worstVerdict([a.verdict, b.verdict]) === a.verdict;
}

/** Whether the step reduces over so few units that what is left of them, normalized, is rounding. */
function isDegenerate(graph: StepGraph, sizes: Sizes): boolean {
  return graph.nodes.some((node) => {
    if (!isReduce(node)) return false;
    const shape = graph.nodes[node.arg]?.shape ?? [];
    return node.axes.reduce((units, axis) => units * sizeOf(sizes, shape[axis] ?? '1'), 1) < FEWEST_UNITS;
  });
}

interface Drawn {
  readonly tensors: readonly JudgedTensor[];
  /** Draws before it that other data replaced. */
  readonly replaced: number;
  /** What the data lose in float32, where that keeps them from being judged. */
  readonly losses?: Losses;
}

/**
 * Everything a run gives, beside the reference. A draw about which nothing can be said tells nothing of the kernels:
 * another is taken in its place, and has to meet the same tolerance; of smaller numbers, where they grew beyond float32,
 * as they do in a recurrence that nothing bounds.
 */
async function drawUntilJudged(executable: Layer, tree: SpecTree, signature: Signature, run: Run): Promise<Drawn> {
  const { sizes } = executable.plan;
  let scale = 1;
  for (let draw = 0; ; draw++) {
    const data = run.data(draw, scale);
    // An element that no kernel writes then holds a NaN that none computes, not what the run before left there.
    executable.poison();
    const tensors = judge(tree, signature, sizes, data, await executable.run(data));
    const verdict = worstVerdict(tensors.map((tensor) => tensor.verdict));
    if (verdict !== 'cannot be judged') return { tensors, replaced: draw };
    const losses = lossesOf(tree, signature, sizes, data, tensors);
    if (draw === MOST_DRAWS - 1) return { tensors, replaced: draw, losses };
    if (grew(losses)) scale /= 2;
  }
}

interface Run {
  readonly name: string;
  /** Other data for every draw, at a scale of its own. */
  readonly data: (draw: number, scale: number) => CellData;
}

/** Ragged in both directions, and full length; what one T or one B would make the same is left out. */
function runs({ kind }: SpecTree, signature: Signature, graph: StepGraph, sizes: Sizes, scale: number): Run[] {
  const outputs = outputShapes(signature, graph);
  const run = (name: string, seed: number, ragged: boolean, reverse: boolean): Run => ({
    name,
    data: (draw, own) =>
      randomData(signature, sizes, outputs, { seed: seed + SEEDS * draw, ragged, reverse, scale: scale * own }),
  });
  // The directions of a model are its layers'.
  if (kind === 'model') {
    const short = timesOf(signature).every((time) => sizes[time] === 1);
    return [run('ragged', 1, true, false), ...(short ? [] : [run('full length', 3, false, false)])];
  }
  const ragged = [run('ragged', 1, true, false), run('ragged, reverse', 2, true, true)];
  return sizes.B === 1 || sizes.T === 1
    ? ragged.slice(0, sizes.T === 1 ? 1 : 2)
    : [...ragged, run('full length, reverse', 3, false, true)];
}
