/** What a step of a cell or model costs, whatever the sizes: counted in the plan for a small shape. */
import { valuesOf } from '../codegen/frontend/index.js';
import type { CellTree, ModelTree, OptionValues } from '../codegen/frontend/tree.js';
import { compile, lower, resolveSignature, resolveSpec } from '../codegen/index.js';
import { completeSizes, derivedDims } from '../codegen/ir/sizes.js';
import { choicesIn, type LoopStrategy, type Plan, type Target } from '../codegen/plan.js';

export interface StepCosts {
  /** Dispatches in the loop over time, for each step. */
  readonly perStep: { readonly forward: number; readonly backward: number };
  /** Passes outside the loop, once a run. */
  readonly once: { readonly forward: number; readonly backward: number };
  /** Ways in which all its loops over time may run, first the compiler's choice for small sizes; none where there is no loop. */
  readonly strategies: readonly LoopStrategy[];
}

const T = 4;

/** @throws RecurveError `DIMS-RULE` should no small sizes fit */
export function stepCosts(tree: CellTree, options: OptionValues, target: Target): StepCosts {
  const signature = resolveSignature(tree, options);
  const { rules } = lower(tree, signature);
  const derived = derivedDims(rules);
  const own = signature.dims.filter((dim) => !derived.has(dim)).map((dim) => [dim, 8]);
  const sizes = completeSizes(rules, { T, B: 2, ...Object.fromEntries(own) });
  const request = { options, sizes, gradients: true, target };
  const { forward, backward } = compile(tree, { ...request, strategy: 'stepwise' });
  const chosen = compile(tree, request);
  const inLoop = (schedule: typeof forward) =>
    schedule.reduce((sum, item) => sum + (item.kind === 'loop' ? item.passes.length : 0), 0);
  const outside = (schedule: typeof forward) => schedule.filter(({ kind }) => kind === 'pass').length;
  return {
    perStep: { forward: inLoop(forward), backward: inLoop(backward) },
    once: { forward: outside(forward), backward: outside(backward) },
    strategies: strategiesOf(chosen),
  };
}

interface Counts {
  readonly forward: number;
  readonly backward: number;
}

export interface ModelCosts {
  /** Dispatches in the loops over each time axis, for each of its steps. */
  readonly perStep: Readonly<Record<string, Counts>>;
  /** Passes outside the loops, once a run. */
  readonly once: Counts;
  /** How many of the loops may run beside others, as a wavefront. */
  readonly inWaves: Counts;
}

/** @throws RecurveError `DIMS-RULE` should no small sizes fit */
export function modelCosts(tree: ModelTree, options: OptionValues, target: Target): ModelCosts {
  const signature = resolveSpec(tree, options);
  const { rules } = valuesOf(tree, signature);
  const derived = derivedDims(rules);
  const times = tree.times.map(({ name }) => name);
  const own = signature.dims.filter((dim) => !derived.has(dim)).map((dim) => [dim, 8]);
  const steps = times.map((time) => [time, T]);
  const sizes = completeSizes(rules, { ...Object.fromEntries(steps), B: 2, ...Object.fromEntries(own) });
  const { forward, backward } = compile(tree, { options, sizes, gradients: true, target, strategy: 'stepwise' });
  // What has no time has one step, and a loop of one is none.
  const loops = (schedule: Plan['forward']) =>
    schedule.flatMap((item) => (item.kind === 'loop' && item.from !== item.to ? [item] : []));
  const inLoops = (schedule: Plan['forward'], time: string) =>
    loops(schedule).reduce((sum, { axis = 'T', passes }) => sum + (axis === time ? passes.length : 0), 0);
  const outside = (schedule: Plan['forward']) =>
    schedule.reduce((sum, item) => {
      if (item.kind === 'pass') return sum + 1;
      return sum + (item.kind === 'loop' && item.from === item.to ? item.passes.length : 0);
    }, 0);
  const perStep = times.map((time) => [time, { forward: inLoops(forward, time), backward: inLoops(backward, time) }]);
  const inWaves = (schedule: Plan['forward']) =>
    loops(schedule).filter(({ choice }) => choice?.allowed.includes('wavefront') === true).length;
  return {
    perStep: Object.fromEntries(perStep),
    once: { forward: outside(forward), backward: outside(backward) },
    inWaves: { forward: inWaves(forward), backward: inWaves(backward) },
  };
}

/** What all loops of a plan allow, in the order of the first. */
function strategiesOf(plan: Plan): readonly LoopStrategy[] {
  const allowed = choicesIn(plan).map((choice) => choice.allowed);
  const [first = [], ...others] = allowed;
  return first.filter((strategy) => others.every((other) => other.includes(strategy)));
}
