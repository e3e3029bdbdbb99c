/** What the reference is given, checked and widened to float64. */
import { RecurveError } from '../../codegen/errors.js';
import { elements, type Tensors } from '../data.js';

/**
 * The tensors of one group as float64 by name. In a `partial` group what is missing is zero.
 *
 * @throws RecurveError `DATA-MISSING`, `DATA-SHAPE`, `DATA-NAME`
 */
export function zeroExtended(
  group: string,
  given: Tensors,
  shapes: Readonly<Record<string, readonly number[]>>,
  coverage: 'complete' | 'partial',
): ReadonlyMap<string, Float64Array> {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(shapes, name)) {
      throw refuse('DATA-NAME', `${group}.${name}`, 'is not a tensor of this cell', `Known: ${Object.keys(shapes).join(', ')}.`);
    }
  }
  const widened = new Map<string, Float64Array>();
  for (const [name, shape] of Object.entries(shapes)) {
    const tensor = Object.hasOwn(given, name) ? given[name] : undefined;
    const where = `${group}.${name}`;
    if (tensor === undefined && coverage === 'complete') {
      throw refuse('DATA-MISSING', where, 'is missing', `Give it with shape [${shape}].`);
    }
    if (tensor && (`${tensor.shape}` !== `${shape}` || tensor.data.length !== elements(shape))) {
      throw refuse('DATA-SHAPE', where, `has shape [${tensor.shape}], not [${shape}]`, 'Give the expected shape.');
    }
    widened.set(name, tensor ? Float64Array.from(tensor.data) : new Float64Array(elements(shape)));
  }
  return widened;
}

/** @throws RecurveError `DATA-LENGTHS` */
export function checkLengths(lengths: readonly number[] | undefined, T: number, B: number): readonly number[] {
  if (lengths === undefined) return new Array<number>(B).fill(T);
  const wrong = lengths.length !== B || lengths.some((length) => !Number.isInteger(length) || length < 1 || length > T);
  if (!wrong) return lengths;
  throw refuse('DATA-LENGTHS', 'lengths', `is [${lengths}]`, `Give ${B} whole numbers from 1 to ${T}.`);
}

function refuse(code: string, where: string, found: string, fix: string): RecurveError {
  return new RecurveError({ code, message: `${where} ${found}`, fix, where });
}
