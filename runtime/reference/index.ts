/** The independent float64 reference: interprets the parsed cell, shares nothing with the compiler. */

export { type Loss, LossTape } from './losses.js';
export { RoundingTape } from './rounding.js';
export { type ReferenceExtras, runReference } from './sequence.js';
