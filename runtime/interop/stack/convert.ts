/** Weights of a whole stack from one framework's layout into another's. */
import type { Tensor, Tensors } from '../../data.js';
import type { CellInterface } from '../bind.js';
import type { RunRequest } from '../types.js';
import { paramsToWeights } from '../weights/index.js';
import { stackSizes } from './bind.js';
import { namingOf, type STACK_FORMATS } from './names.js';
import { structureOf } from './structure.js';
import { joined, ofFramework, refuseMerge, stackParams } from './weights.js';

type Given = NonNullable<RunRequest['weights']>;

/**
 * The same layers in the layout of `format`: the model makes the same bits of both. What is in that layout already stays as it is.
 *
 * @throws RecurveError `WEIGHTS-OPTION` for options that the framework does not have, `WEIGHTS-CELL`
 */
export function convertStack(weights: Given, format: (typeof STACK_FORMATS)[number], face: CellInterface): Given {
  if (weights.format === format) return weights;
  const structure = structureOf(face.signature);
  refuseMerge(format, structure);
  const naming = namingOf(format, structure, []);
  if (naming === undefined) throw new Error(`${format} has names for stacks`);
  const sizes = stackSizes(weights, face);
  const framework = ofFramework(weights);
  const params = framework ? stackParams(framework, structure, sizes) : weights.tensors;
  const named = new Map<string, Tensor[]>();
  for (const { layer, reverse, prefix, signature } of structure.rows) {
    const own = Object.entries(params).filter(([name]) => name.startsWith(prefix));
    const mine: Tensors = Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
    for (const [part, tensor] of Object.entries(paramsToWeights(format, structure.cell, signature, sizes, mine))) {
      const name = naming.nameOf({ layer, reverse: format === 'onnx' ? undefined : reverse, part });
      named.set(name, [...(named.get(name) ?? []), tensor]);
    }
  }
  return { format, tensors: Object.fromEntries([...named].map(([name, parts]) => [name, joined(parts)])) };
}
