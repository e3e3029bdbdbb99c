/** How long sequences are: along the one time axis that a cell has, or along each of a model's. */
import { RecurveError } from '../codegen/errors.js';
import type { Signature } from '../codegen/frontend/tree.js';

/** Steps of each sequence, `[B]`; of a model with several time axes one such array for each: `{ S: [7, 4], T: [5, 5] }`. */
export type Lengths = readonly number[] | Readonly<Record<string, readonly number[]>>;

/** The time axes of a cell or model. */
export function timesOf({ times = ['T'] }: Pick<Signature, 'times'>): readonly string[] {
  return times;
}

/** Along one time axis; `undefined` where nobody says, which means all steps. */
export function lengthsAlong(lengths: Lengths | undefined, time: string): readonly number[] | undefined {
  if (lengths === undefined) return undefined;
  return isArray(lengths) ? lengths : lengths[time];
}

/**
 * By axis, each as it is given.
 * @throws RecurveError `DATA-LENGTHS` for one array where there are several axes, an axis that is not there, and none at all
 */
export function lengthsByAxis(
  lengths: Lengths | undefined,
  times: readonly string[],
): Readonly<Record<string, readonly number[]>> {
  const [only = 'T'] = times;
  if (lengths === undefined) return {};
  if (isArray(lengths)) {
    if (times.length < 2) return { [only]: lengths };
    throw new RecurveError({
      code: 'DATA-LENGTHS',
      message: `lengths is one array, and there are ${times.length} time axes`,
      fix: `Write ${example(times)}; an axis that is left out has all its steps.`,
      where: 'lengths',
    });
  }
  if (Object.keys(lengths).length === 0) {
    throw new RecurveError({
      code: 'DATA-LENGTHS',
      message: 'lengths is empty',
      fix: `Leave it out, or write ${times.length < 2 ? 'one number for each sequence: [5, 3]' : example(times)}.`,
      where: 'lengths',
    });
  }
  const unknown = Object.keys(lengths).find((name) => !times.includes(name));
  if (unknown === undefined) return lengths;
  throw new RecurveError({
    code: 'DATA-LENGTHS',
    message: `lengths.${unknown} is of no time axis among ${times.join(', ')}`,
    fix: `Write ${example(times)}.`,
    where: `lengths.${unknown}`,
  });
}

/** What an axis' lengths are called: `lengths` where it is the only one. */
export const lengthsName = (time: string, times: readonly string[]): string => (times.length < 2 ? 'lengths' : `lengths.${time}`);

const example = (times: readonly string[]) => `{ ${times.map((time) => `"${time}": [\u2026]`).join(', ')} }`;

/** `Array.isArray` leaves out those that are read-only. */
const isArray = (lengths: Lengths): lengths is readonly number[] => Array.isArray(lengths);
