/** What loops are called, and what is asked of each by its name. */
import type { LoopStrategies, LoopStrategy } from '../plan.js';

/** Of the loop of a section, which has one in each direction. */
export const loopName = (prefix: string, direction: 'forward' | 'backward'): string =>
  `${prefix === '' ? '' : `${prefix}_`}${direction}_loop`;

/** What is asked of a loop. */
export const askedOf = (strategy: LoopStrategies | undefined, loop: string): LoopStrategy | undefined =>
  typeof strategy === 'object' ? strategy[loop] : strategy;
