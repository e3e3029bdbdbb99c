/** The compiler's interface. */
export { printPlan } from './emit/print.js';
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
