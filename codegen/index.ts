/**
 * `recurve/codegen`: the compiler, from the text of a spec to a plan.
 *
 *     const tree = parseSpec('mine.cell.ts');
 *     const { options, dims } = resolveSpec(tree, resolveOptions(tree, {}));
 *     const plan = compile(tree, { options, sizes, gradients: true, target });
 *
 * A mistake in a spec is a `SpecError`, with all that the file has.
 */
export { deviceBytes, segmentsIn, segmentsText, sizesOf } from './checkpoints.js';
export { type PlanColumn, printPlan } from './emit/print.js';
export { ERROR_CODES, type ErrorCode } from './error-codes.js';
export { type Diagnostic, RecurveError, SpecError } from './errors.js';
export * from './frontend/index.js';
export { lowerModel } from './frontend/model/lower.js';
export type {
  CellTree,
  LayerDeclaration,
  LayerInstance,
  ModelTree,
  OptionValue,
  OptionValues,
  Signature,
  SpecTree,
  TensorDeclaration,
} from './frontend/tree.js';
export { printAdjoint, printGraph, printModel } from './ir/print.js';
export {
  type CompileRequest,
  compile,
  compileModelStages,
  compileStages,
  differentiate,
  type ModelStages,
  type Stages,
} from './pipeline.js';
export type { Plan, Sizes, Target } from './plan.js';
export { compileFor, compileWithin } from './segments.js';
