/** What loops are called, and what is asked of each by its name. */
import type { LoopStrategies, LoopStrategy } from '../plan.js';
import type { LoopOrder, Section } from './passes.js';

/** Of the loop of a section, which has one in each direction, or of one of several, numbered from 1. */
export const loopName = (prefix: string, direction: 'forward' | 'backward', turn?: number): string =>
  `${prefix === '' ? '' : `${prefix}_`}${direction}_loop${turn === undefined ? '' : `_${turn}`}`;

export const loopNameOf = ({ prefix }: Pick<Section, 'prefix'>, { by, turn }: Pick<LoopOrder, 'by' | 'turn'>): string =>
  loopName(prefix, by > 0 ? 'forward' : 'backward', turn);

/** Whether a name is a loop's own, or one of the several that it is cut into. */
export const isOf = (loop: string, name: string): boolean =>
  name === loop || (name.startsWith(`${loop}_`) && /^[1-9][0-9]*$/.test(name.slice(loop.length + 1)));

/** What is asked of a loop: by its own name, by that of the one that it is a part of, or of the first of its own parts. */
export function askedOf(strategy: LoopStrategies | undefined, loop: string): LoopStrategy | undefined {
  if (typeof strategy !== 'object') return strategy;
  const names = Object.keys(strategy);
  const name = [loop, names.find((other) => isOf(other, loop)), names.find((other) => isOf(loop, other))].find(
    (one) => one !== undefined && one in strategy,
  );
  return name === undefined ? undefined : strategy[name];
}

/** Whether something is asked of parts of a loop by their own names. */
export const namesParts = (strategy: LoopStrategies | undefined, loop: string): boolean =>
  typeof strategy === 'object' && Object.keys(strategy).some((name) => name !== loop && isOf(loop, name));
