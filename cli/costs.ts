/** What a step of a cell costs, whatever the sizes: counted in the plan for a small shape. */
import type { CellTree, OptionValues } from '../codegen/frontend/tree.js';
import { compile, lower, resolveSignature } from '../codegen/index.js';
import { completeSizes, derivedDims } from '../codegen/ir/sizes.js';
import type { Target } from '../codegen/plan.js';

export interface StepCosts {
  /** Dispatches in the loop over time, for each step. */
  readonly perStep: { readonly forward: number; readonly backward: number };
  /** Passes outside the loop, once a run. */
  readonly once: { readonly forward: number; readonly backward: number };
  readonly strategy: 'parallel' | 'parallel + stepwise';
}

const T = 4;

/** @throws RecurveError `DIMS-RULE` should no small sizes fit */
export function stepCosts(tree: CellTree, options: OptionValues, target: Target): StepCosts {
  const signature = resolveSignature(tree, options);
  const { rules } = lower(tree, signature);
  const derived = derivedDims(rules);
  const own = signature.dims.filter((dim) => !derived.has(dim)).map((dim) => [dim, 8]);
  const sizes = completeSizes(rules, { T, B: 2, ...Object.fromEntries(own) });
  const { forward, backward, passes } = compile(tree, { options, sizes, gradients: true, target });
  const inLoop = (schedule: typeof forward) =>
    schedule.reduce((sum, item) => sum + (item.kind === 'loop' ? item.passes.length : 0), 0);
  const outside = (schedule: typeof forward) => schedule.filter(({ kind }) => kind === 'pass').length;
  const stepwise = passes.some((pass) => pass.strategy === 'stepwise');
  return {
    perStep: { forward: inLoop(forward), backward: inLoop(backward) },
    once: { forward: outside(forward), backward: outside(backward) },
    strategy: stepwise ? 'parallel + stepwise' : 'parallel',
  };
}
