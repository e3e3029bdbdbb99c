/** For results that are not finite on purpose: NaN and infinity have to be where the reference has them. */
import { compareResults, tensorsOf } from '../../runtime/compare.js';
import type { CellResult } from '../../runtime/data.js';

/** Names of the tensors whose finite numbers miss 1e-5, or that differ where the reference is not finite. */
export function differingNumbers(actual: CellResult, expected: CellResult): string[] {
  const [given, wanted] = [tensorsOf(actual), tensorsOf(expected)];
  return compareResults(actual, expected, 1e-5)
    .filter(({ name, error }) => {
      const found = given.get(name)?.data;
      const data = wanted.get(name)?.data ?? [];
      return !(error <= 1e-5) || data.some((value, at) => !Number.isFinite(value) && !Object.is(value, found?.[at]));
    })
    .map(({ name }) => name);
}
