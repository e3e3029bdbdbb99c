export { leastSize, type OptionCase, optionCases, sizeCases } from './cases.js';
export { type CaseReport, type CheckRequest, checkCell, describeCase, type TensorReport, TOLERANCE } from './check.js';
export { conditioning, EXCESS } from './conditioning.js';
export { outputShapes } from './outputs.js';
