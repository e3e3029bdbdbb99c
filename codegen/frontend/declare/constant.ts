/** What a declared `init` comes to where it is known when compiling. */
import type { Signature, TensorDeclaration } from '../tree.js';

/** What all of a tensor is whose `init` is one number; `undefined` where that is chance, or nothing is said. */
export function constantOf(init: TensorDeclaration['init']): number | undefined {
  if (init === 'zeros') return 0;
  if (init === 'ones') return 1;
  return typeof init === 'number' ? init : undefined;
}

/** How a parameter is filled; two numbers are the lowest and the highest of what is drawn. */
export type Filling = NonNullable<TensorDeclaration['init']> | readonly [number, number];

/**
 * How a parameter is filled that nobody gives: as its `init` says, and where that is chance or nothing is said, inside its
 * `range`; a rate is a probability.
 */
export function fillingOf(
  { name, init = 'uniform', range }: Pick<TensorDeclaration, 'name' | 'init' | 'range'>,
  { rates }: Pick<Signature, 'rates'>,
): Filling {
  if (init !== 'uniform') return init;
  return range ?? (rates.includes(name) ? [0, 1] : init);
}
