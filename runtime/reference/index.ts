/** The independent float64 reference: interprets the parsed cell, shares nothing with the compiler. */
export { RoundingTape } from './rounding.js';
export { runReference } from './sequence.js';
