/**
 * What lies past a sequence's length may be anything, and a reader lets it pass before it knows the cell. Beside the cell each
 * tensor has its own time axis, or none, and whatever is read has to be a number.
 */
import { RecurveError } from '../../codegen/errors.js';
import type { Tensors } from '../data.js';
import { own } from './describe.js';
import type { NamedShape } from './groups.js';
import { allRead, pastLengths } from './tensor.js';

/**
 * @param lengths by time axis; an axis that is not there has all its steps
 * @throws RecurveError `DATA-NONFINITE`
 */
export function requireRead(
  group: string,
  declared: readonly NamedShape[],
  given: Tensors,
  lengths: Readonly<Record<string, readonly number[]>>,
): void {
  // Without lengths all is read, and readers have refused what is no number.
  if (Object.keys(lengths).length === 0) return;
  for (const { name, leading = ['T'] } of declared) {
    // A total is of no sequence and of no time.
    const [time = 'B'] = leading;
    const tensor = own(given, name);
    if (!tensor) continue;
    const along = own(lengths, time);
    const unread = along ? pastLengths(tensor.shape, along) : allRead;
    const index = tensor.data.findIndex((value, at) => !Number.isFinite(value) && !unread(at));
    if (index >= 0) throw readAllTheSame(`${group}.${name}`, index, time, along !== undefined);
  }
}

function readAllTheSame(where: string, index: number, time: string, cut: boolean): RecurveError {
  const why =
    time === 'B' ? 'it has no time axis' : `it is over ${time}, ${cut ? 'and within its length' : 'which has no lengths'}`;
  return new RecurveError({
    code: 'DATA-NONFINITE',
    message: `${where}.data[${index}] is no finite number, and it is read: ${why}`,
    fix: 'Only what lies past the length of its own sequence may be anything. Look where it comes from.',
    where,
  });
}
