/** What made a result that is not finite: the run once more, in float32 on the processor, watched operation by operation. */

import type { Signature, SpecTree } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { type CellData, elements, expectedShapes } from '../data.js';
import { timesOf } from '../lengths.js';
import { LossTape, runReference } from '../reference/index.js';

/** Products of numbers, about as many as take some seconds. */
const MOST_WORK = 3e8;

/**
 * In words: the operation, the first step, and the line of the spec.
 *
 * @param tensor the result that is not finite, `outputs.h`: no slope can have made it unless it is a gradient
 */
export function causeOfNonFinite(tree: SpecTree, signature: Signature, sizes: Sizes, given: CellData, tensor: string): string {
  if (workOf(signature, sizes) > MOST_WORK) return 'the run is too large to be searched for the operation that made it';
  const { cotangents, ...forward } = given;
  const data = cotangents && tensor.startsWith('gradients.') ? given : forward;
  const tape = new LossTape();
  runReference(tree, signature, sizes, data, tape);
  const [first] = tape.inOrder;
  if (first === undefined) return 'a sum or product beyond 3.4e38';
  const { what, step, place } = first;
  return `${what}, first at step ${step}${place ? `, ${place.file}:${place.line}` : ''}`;
}

/** Every step of every sequence meets every parameter and value once or so. */
function workOf(signature: Signature, sizes: Sizes): number {
  const shapes = expectedShapes(signature, sizes);
  const count = (group: Readonly<Record<string, readonly number[]>>) =>
    Object.values(group).reduce((sum, shape) => sum + elements(shape), 0);
  const steps = Math.max(...timesOf(signature).map((time) => sizes[time] ?? 1));
  return steps * (sizes.B ?? 1) * count(shapes.params) + count(shapes.inputs) + steps * count(shapes.state);
}
