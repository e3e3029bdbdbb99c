/** What 32-bit numbers make of a constant: rounding in the eighth digit is expected, another number is not. */

/** The smallest that adapters do not take for zero. */
const LEAST = 2 ** -126;
/** Digits that a 32-bit number always keeps. */
const DIGITS = 7;

/** Why a constant would become something else; `undefined` where it keeps its value or is rounded as 0.1 is. */
export function lostInFloat32(value: number): { readonly message: string; readonly fix: string } | undefined {
  const single = Math.fround(value);
  if (!Number.isFinite(single)) return { message: `${value} does not fit a 32-bit number`, fix: 'Write a number below 3.4e38.' };
  if (value !== 0 && Math.abs(single) < LEAST) {
    return {
      message: `${value} is too near to 0 for a 32-bit number: it would count as 0`,
      fix: 'Write 0, or a number beyond 1.2e-38.',
    };
  }
  if (Number.isSafeInteger(value) && single !== value && `${Math.abs(value)}`.replace(/0+$/, '').length > DIGITS) {
    return {
      message: `${value} is no 32-bit number: it would count as ${single}`,
      fix: `Write ${single}, or a whole number up to 16777216.`,
    };
  }
  return undefined;
}
