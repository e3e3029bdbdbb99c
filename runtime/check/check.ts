/** Kernels against the reference: one cell, one assignment of options at a time. */
import { RecurveError } from '../../codegen/errors.js';
import { lower, resolveSignature } from '../../codegen/frontend/index.js';
import type { CellTree, OptionValues, Signature, Span } from '../../codegen/frontend/tree.js';
import { compile } from '../../codegen/index.js';
import type { StepGraph } from '../../codegen/ir/graph.js';
import type { Sizes } from '../../codegen/plan.js';
import { compareResults, type TensorComparison } from '../compare.js';
import type { CellData } from '../data.js';
import type { RecurveDevice } from '../device/index.js';
import { type Executable, load } from '../execute/index.js';
import { randomData } from '../random.js';
import { runReference } from '../reference/index.js';
import { leastSize, type OptionCase, optionCases, sizeCases } from './cases.js';
import { conditioning, EXCESS } from './conditioning.js';
import { outputShapes } from './outputs.js';

/** Largest relative root-mean-square error of a tensor that passes. */
export const TOLERANCE = 1e-5;
/** Draws of data that a run may take where float32 cannot hold the results of the ones before. */
const MOST_DRAWS = 4;
/** Seeds of one draw: no two runs have the same. */
const SEEDS = 3;

/** One cell at one assignment of options and sizes: each tensor's largest error over all its runs. */
export interface CaseReport {
  readonly cell: string;
  readonly options: OptionValues;
  readonly dims: Sizes;
  readonly ok: boolean;
  readonly worst: number;
  readonly tensors: readonly TensorReport[];
  /** Why nothing ran: which of the adapter's limits the case exceeds. Then it is not ok and has no tensors. */
  readonly problem?: string;
}

export interface TensorReport {
  readonly name: string;
  readonly error: number;
  readonly ok: boolean;
  /** Of a tensor that is not ok: where it first goes wrong, in which run, and what of the spec it belongs to. */
  readonly mismatch?: string;
}

export interface CheckRequest {
  /** Only this assignment. */
  readonly options?: OptionValues;
  /** Some of the assignments. */
  readonly choose?: (all: readonly OptionCase[]) => readonly OptionCase[];
  /** Only these sizes; complete for every assignment that is checked. */
  readonly sizes?: (signature: Signature) => Sizes;
  readonly progress?: (done: number, total: number, current: string) => void;
}

/**
 * Compiles and runs the cell for every case and compares every output, final state and gradient.
 * Stops at nothing: a case that is wrong, or for which the adapter's limits are too low, is reported and the next one
 * runs.
 * @throws SpecError; RecurveError where the limits do not allow sizes that the request names, or the device is lost
 */
export async function checkCell(device: RecurveDevice, tree: CellTree, request: CheckRequest = {}): Promise<CaseReport[]> {
  const cases = casesOf(tree, request);
  const reports: CaseReport[] = [];
  for (const [index, { signature, sizes }] of cases.entries()) {
    request.progress?.(index, cases.length, `${tree.name} ${describeCase(tree, signature.options, sizes)}`);
    const report = checkCase(device, tree, signature, sizes);
    reports.push(await (request.sizes ? report : report.catch((error) => refusal(error, signature, sizes))));
  }
  return reports;
}

/** @throws whatever is not one of the adapter's limits */
function refusal(error: unknown, { name, options }: Signature, dims: Sizes): CaseReport {
  if (!(error instanceof RecurveError) || !error.code.startsWith('LIMIT-')) throw error;
  return { cell: name, options, dims, ok: false, worst: 0, tensors: [], problem: `${error.code}: ${error.message}` };
}

function casesOf(tree: CellTree, request: CheckRequest): { signature: Signature; sizes: Sizes }[] {
  const all = request.options ? [{ options: request.options, breadth: 'defaults' } as const] : optionCases(tree);
  return (request.choose?.(all) ?? all).flatMap(({ options, breadth }) => {
    const signature = resolveSignature(tree, options);
    const sizes = request.sizes ? [request.sizes(signature)] : sizeCases(signature, breadth, leastSize(lower(tree, signature)));
    return sizes.map((each) => ({ signature, sizes: each }));
  });
}

/** `activation=relu T=5 B=3 …`: options that differ from the defaults, then sizes. */
export function describeCase(tree: Pick<CellTree, 'options'>, options: OptionValues, sizes: Sizes): string {
  const changed = tree.options.filter(({ name, default: standard }) => options[name] !== standard);
  return [
    ...changed.map(({ name }) => `${name}=${options[name]}`),
    ...Object.entries(sizes).map(([dim, size]) => `${dim}=${size}`),
  ].join(' ');
}

async function checkCase(device: RecurveDevice, tree: CellTree, signature: Signature, sizes: Sizes): Promise<CaseReport> {
  const graph = lower(tree, signature);
  const plan = compile(tree, { options: signature.options, sizes, gradients: true, target: device.target });
  const executable = await load(device, plan);
  const tensors = new Map<string, TensorReport>();
  try {
    for (const run of runs(signature, graph, sizes)) {
      for (const comparison of await compareRun(executable, tree, signature, run)) {
        const report = reportTensor(comparison, run.name, graph, signature);
        const before = tensors.get(report.name);
        if (before === undefined || report.error > before.error) tensors.set(report.name, report);
      }
    }
  } finally {
    executable.destroy();
  }
  const all = [...tensors.values()];
  return {
    cell: signature.name,
    options: signature.options,
    dims: sizes,
    ok: all.every(({ ok }) => ok),
    worst: Math.max(0, ...all.map(({ error }) => error)),
    tensors: all,
  };
}

/**
 * Everything a run gives, beside the reference. A draw on which float32 rounding of the reference itself makes up for
 * all that is wrong tells nothing of the kernels: another is taken in its place, and has to meet the same tolerance.
 */
async function compareRun(executable: Executable, tree: CellTree, signature: Signature, run: Run): Promise<Compared[]> {
  const { sizes } = executable.plan;
  for (let draw = 0; ; draw++) {
    const data = run.data(draw);
    // An element that no kernel writes then holds a NaN, not what the run before left there.
    executable.poison();
    const actual = await executable.run(data);
    const exact = runReference(tree, signature, sizes, data);
    const compared = compareResults(actual, exact, TOLERANCE);
    if (compared.every(({ ok }) => ok)) return compared;
    const limits = conditioning(tree, signature, sizes, data, exact);
    const explained = compared.map((tensor): Compared => ({ ...tensor, float32: limits.get(tensor.name) ?? 0 }));
    const isTest = explained.some(({ ok, error, float32 = 0 }) => !ok && !(error < EXCESS * float32));
    if (isTest || draw === MOST_DRAWS - 1) return explained;
  }
}

interface Compared extends TensorComparison {
  /** What rounding to float32 alone does to the reference: its largest relative error. */
  readonly float32?: number;
}

interface Run {
  readonly name: string;
  /** Other data for every draw. */
  readonly data: (draw: number) => CellData;
}

/** Ragged in both directions, and full length; what one T or one B would make the same is left out. */
function runs(signature: Signature, graph: StepGraph, sizes: Sizes): Run[] {
  const outputs = outputShapes(signature, graph);
  const run = (name: string, seed: number, ragged: boolean, reverse: boolean): Run => ({
    name,
    data: (draw) => randomData(signature, sizes, outputs, { seed: seed + SEEDS * draw, ragged, reverse }),
  });
  const ragged = [run('ragged', 1, true, false), run('ragged, reverse', 2, true, true)];
  return sizes.B === 1 || sizes.T === 1
    ? ragged.slice(0, sizes.T === 1 ? 1 : 2)
    : [...ragged, run('full length, reverse', 3, false, true)];
}

function reportTensor(comparison: Compared, run: string, graph: StepGraph, signature: Signature): TensorReport {
  const { name, error, ok, worst, problem, float32 = 0 } = comparison;
  if (ok) return { name, error, ok };
  const where =
    worst === undefined ? (problem ?? 'all of it') : `${place(name, worst.index)} is ${worst.actual}, not ${worst.expected}`;
  const span = spanOf(name, graph, signature);
  const line = span === undefined ? '' : `; ${span.file}:${span.line}`;
  const rounding = float32 > TOLERANCE ? `; rounding to float32 alone explains ${float32.toExponential(1)}` : '';
  return { name, error, ok, mismatch: `${where} (${run})${line}${rounding}` };
}

/** `step 3, sequence 0, unit 7`. */
function place(name: string, index: readonly number[]): string {
  const words = axes(name, index.length);
  return index.map((at, axis) => `${words[axis] ?? 'unit'} ${at}`).join(', ') || 'the scalar';
}

function axes(name: string, rank: number): readonly string[] {
  if (name.startsWith('outputs.') || name.startsWith('gradients.inputs.')) return ['step', 'sequence', 'unit'];
  if (name.startsWith('state.') || name.startsWith('gradients.state.')) return ['sequence', 'unit'];
  return rank === 2 ? ['row', 'column'] : ['unit'];
}

/** The declaration of the input, state or parameter, or the expression of an output. */
function spanOf(name: string, graph: StepGraph, signature: Signature): Span | undefined {
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (name.startsWith('outputs.')) return graph.nodes[graph.outputs[last] ?? -1]?.span;
  const group = name.startsWith('gradients.params.')
    ? signature.params
    : name.startsWith('gradients.inputs.')
      ? signature.inputs
      : signature.state;
  return group.find((declaration) => declaration.name === last)?.span;
}
