export { leastSize, planCases, sizeCases } from './cases.js';
export {
  type CaseReport,
  type CellReport,
  type CheckPlan,
  type CheckRequest,
  checkCell,
  describeCase,
  planCheck,
  reportCell,
} from './check.js';
export { assignmentsOf, MOST_ASSIGNMENTS, valuesOf } from './covering.js';
export { type JudgedTensor, judge, TOLERANCE, type Verdict, worstVerdict } from './judge.js';
export { outputShapes } from './outputs.js';
export type { TensorReport } from './report.js';
