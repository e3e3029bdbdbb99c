/** Which way of running its loops is fastest for a cell or model on the device at hand. */
export type { Candidate, Loops, TuneRecord } from './record.js';
export { describe, loopsOf, type Tuned, type TuneRequest, tune, tunedLoops } from './tune.js';
