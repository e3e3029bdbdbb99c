export { leastSize, type OptionCase, optionCases, sizeCases } from './cases.js';
export { type CaseReport, type CellReport, type CheckRequest, checkCell, describeCase, reportCell } from './check.js';
export { type JudgedTensor, judge, TOLERANCE, type Verdict, worstVerdict } from './judge.js';
export { outputShapes } from './outputs.js';
export type { TensorReport } from './report.js';
