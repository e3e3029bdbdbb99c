/** Float64 formulas that several records fold constants with. */
import { erfc } from './erf.js';

export const logistic = (x: number) => 1 / (1 + Math.exp(-x));
export const logOnePlusExp = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
/** The probability that a standard normal variable is below x, and its density. */
export const normal = (x: number) => erfc(-x * Math.SQRT1_2) / 2;
export const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
/** tanh(softplus(x)) and its slope. */
export const gate = (x: number) => Math.tanh(logOnePlusExp(x));
export const gateSlope = (x: number) => logistic(x) / Math.cosh(logOnePlusExp(x)) ** 2;
