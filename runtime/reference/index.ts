/** The independent float64 reference: interprets the parsed cell or model, shares nothing with the compiler. */

export { type Loss, LossTape } from './losses.js';
export { RoundingTape, TINY } from './rounding.js';
export { runReference } from './run.js';
export type { ReferenceExtras } from './sequence.js';
