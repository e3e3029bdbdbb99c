/** Which tensors of a run are sequences, and what a plan for segments is to whoever runs whole ones. */
import type { Plan, Segments } from '../../codegen/plan.js';
import { type PlacedTensor, placeTensors } from '../memory/slots.js';
import { isBuffer, type Run, type Source } from './executable.js';

/** Of a cell. */
export const TIME = 'T';

export const isSequence = ({ leading }: PlacedTensor): boolean => leading === 'sequence';

/** Some of the results that a run is asked for. */
export function partOf(
  { read, into }: Pick<Run, 'read' | 'into'>,
  of: (tensor: PlacedTensor) => boolean,
): Pick<Run, 'read' | 'into'> {
  return { read: read.filter(of), into: new Map([...into].filter(([tensor]) => of(tensor))) };
}

/** The caller may use its arrays again before they are read. */
export function copied(sources: Run['sources']): Run['sources'] {
  const copy = (source: Source) => (typeof source === 'number' || isBuffer(source) ? source : new Float32Array(source));
  return new Map([...sources].map(([tensor, source]) => [tensor, copy(source)]));
}

/** As it is seen from outside: for the whole sequences. */
export function wholePlan(plan: Plan, { whole }: Segments): Plan {
  const { given, results } = placeTensors(plan);
  const along = ([, ...rest]: readonly number[]) => [whole, ...rest];
  const sequences = [...given, ...results].filter(isSequence).map(({ path, slot: { before: _, ...slot } }) => {
    return [path, { ...slot, shape: along(slot.shape), padded: along(slot.padded) }];
  });
  return { ...plan, sizes: { ...plan.sizes, [TIME]: whole }, tensors: { ...plan.tensors, ...Object.fromEntries(sequences) } };
}
