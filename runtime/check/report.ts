/** What is told of a run: where a tensor goes wrong, or what the data lose in float32. */
import type { Signature, Span, SpecTree } from '../../codegen/frontend/tree.js';
import type { StepGraph } from '../../codegen/ir/graph.js';
import type { Sizes } from '../../codegen/plan.js';
import type { CellData } from '../data.js';
import { type Loss, LossTape, runReference } from '../reference/index.js';
import { type JudgedTensor, TOLERANCE, type Verdict } from './judge.js';

export interface TensorReport {
  readonly name: string;
  readonly verdict: Verdict;
  readonly ok: boolean;
  /** Relative root-mean-square error. */
  readonly error: number;
  /** Of a tensor that is not ok: where it first goes wrong, in which run, and what of the spec it belongs to. */
  readonly mismatch?: string;
}

export function reportTensor(judged: JudgedTensor, run: string, graph: StepGraph, signature: Signature): TensorReport {
  const { name, verdict, error, float32 } = judged;
  if (verdict === 'agrees') return { name, verdict, ok: true, error };
  const span = spanOf(name, graph, signature);
  const line = span === undefined ? '' : `; ${span.file}:${span.line}`;
  const rounding = float32 > TOLERANCE ? `; rounding to float32 alone explains ${float32.toExponential(1)}` : '';
  return { name, verdict, ok: false, error, mismatch: `${whereOf(judged)} (${run})${line}${rounding}` };
}

function whereOf({ name, unit, comparison }: JudgedTensor): string {
  const { problem, worst, notFinite } = comparison;
  if (unit !== undefined) {
    const { difference, size, numbers } = unit;
    const [off, of] = [difference, size].map((norm) => (norm / Math.sqrt(numbers)).toExponential(1));
    const which = name.startsWith('gradients.params.') && comparison.rank > 1 ? 'column' : 'unit';
    return `${which} ${unit.unit} is off by ${off} and ${of} in size, which the larger ones beside it hide in the error of the whole tensor`;
  }
  const places = worst === undefined ? '' : place(name, worst.index);
  if (problem !== undefined)
    return places === '' ? problem : `${problem}, the first at ${places}: this is a defect of the compiler`;
  if (worst === undefined) return `${notFinite} of its numbers are not finite in the reference either`;
  return `${places} is ${worst.actual}, not ${worst.expected}`;
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

/** What a run loses when it is computed in float32. */
export interface Losses {
  /** Numbers computed: values and cotangents. */
  readonly numbers: number;
  /** What makes numbers that are not finite, most often first. */
  readonly causes: readonly Loss[];
  /** Numbers that are not zero, but smaller than all of float32. */
  readonly underflow: number;
  /** Results of which it leaves too few digits, where nothing of the above happens: the least exact first. */
  readonly inexact: readonly { readonly name: string; readonly error: number }[];
  /** Whether the cell says of everything that is drawn what it is drawn from. */
  readonly declared: boolean;
}

/** Computes the run once more, in float32 on the processor. */
export function lossesOf(
  tree: SpecTree,
  signature: Signature,
  sizes: Sizes,
  data: CellData,
  judged: readonly JudgedTensor[],
): Losses {
  const tape = new LossTape();
  runReference(tree, signature, sizes, data, tape);
  const doubtful = judged.filter(({ verdict }) => verdict === 'cannot be judged');
  const inexact = doubtful.map(({ name, float32 }) => ({ name, error: float32 })).sort((a, b) => b.error - a.error);
  const declared = [...signature.inputs, ...signature.state, ...signature.params].every(({ range }) => range !== undefined);
  return { numbers: tape.rounds, causes: tape.losses, underflow: tape.flushed, inexact, declared };
}

/** In one line for a person. */
export function describeLosses({ numbers, causes, underflow, inexact }: Losses): string {
  const of = `of the ${numbers} numbers computed`;
  const parts = causes.slice(0, 3).map(({ what, count, step, place: at }) => {
    const where = at === undefined ? '' : `, ${at.file}:${at.line}`;
    return `${count} ${of} ${count === 1 ? 'is' : 'are'} not finite: ${what} (first at step ${step}${where})`;
  });
  if (causes.length > 3) parts.push(`${causes.length - 3} more causes`);
  if (parts.length > 0) return parts.join('; ');
  if (underflow > 0)
    return `${underflow} ${of} ${underflow === 1 ? 'is' : 'are'} not zero and yet below 1.2e-38, the smallest of float32 (underflow)`;
  const [first] = inexact;
  if (first === undefined) return 'nothing finite is left to compare';
  if (first.error === Number.POSITIVE_INFINITY) return `${first.name} has numbers beyond 3.4e38, the largest of float32`;
  return `float32 keeps too few digits of ${first.name}: rounding alone changes it by ${first.error.toExponential(1)} of its size`;
}

/** Whether a result grew beyond float32, step by step or in the sum that it is. */
export function grew({ causes, underflow, inexact }: Losses): boolean {
  if (causes.length > 0 || underflow > 0) return causes.some(({ overflow }) => overflow);
  return inexact[0]?.error === Number.POSITIVE_INFINITY;
}

/** What the user can do about it. */
export function adviceFor(losses: Losses): string {
  const { causes, underflow, declared } = losses;
  if (causes.length > 0 && causes.every(({ fixed }) => fixed))
    return 'Nothing that is drawn changes that: what is lost does not depend on inputs, states or trained parameters. Change that line.';
  if (declared)
    return 'To have it judged, change the ranges that the cell declares: everything is drawn from one, whatever --scale says.';
  const declare = "say what may be drawn, for example `x: vec('H', { range: [0.5, 2] })`";
  if (causes.length > 0 || grew(losses)) return `To have it judged, ${declare}, or draw smaller numbers: --scale 0.1.`;
  if (underflow > 0) return `To have it judged, draw larger numbers (--scale 4) or fewer steps (--dims T=3), or ${declare}.`;
  return `To have it judged, ${declare}, or draw smaller or larger numbers: --scale 0.1, --scale 10.`;
}
