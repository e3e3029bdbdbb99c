/** What a declared `init` comes to where it is known when compiling. */
import type { TensorDeclaration } from '../tree.js';

/** What all of a tensor is whose `init` is one number; `undefined` where that is chance, or nothing is said. */
export function constantOf(init: TensorDeclaration['init']): number | undefined {
  if (init === 'zeros') return 0;
  if (init === 'ones') return 1;
  return typeof init === 'number' ? init : undefined;
}
