/** What a machine can do at most, measured and kept, and what follows from it for a plan. */
export { measureRates } from './measure.js';
export { type Bound, intensityOf, type Prediction, predict } from './predict.js';
export { type Kept, keepRoofline, newestRoofline, readRoofline, recordOf } from './record.js';
export type { Measured, Rates, RooflineRecord } from './types.js';
