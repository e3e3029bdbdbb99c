/** A damaged file, the command that reads it, and what may come of that. */
import type { Ran } from '../../cli/captured.js';

/** Each file name ends in what it is; `argv` names them relative to the folder in which they lie. */
export interface Mutant {
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly argv: readonly string[];
  /** Of a file that was accepted: reads the mutant and the answer in a way of its own. */
  readonly judge: (answer: Answer) => Judgement | Promise<Judgement>;
}

export interface Answer extends Ran {
  /** Where the command ran and wrote. */
  readonly folder: string;
  /** Another command line there. */
  readonly recurve: (argv: readonly string[]) => Promise<Ran>;
}

/** `unjudged` where the judge itself cannot read the mutant. */
export type Judgement = 'right' | 'unjudged' | { readonly complaint: string };

/** Exit codes that a file may be answered with, and the form of a refusal; the complaint, if there is one. */
export function complaintOf({ code, stdout, stderr }: Ran): string | undefined {
  if (/internal error|"INTERNAL"/.test(stdout + stderr)) return 'an internal error';
  if (/^ +at .*\(?(node:|\S+\.[jt]s):\d+/m.test(stdout + stderr)) return 'a stack trace';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(stdout + stderr)) return 'control characters reach the terminal';
  if (code === 0) return undefined;
  if (code !== 2) return `exit code ${code}`;
  if (!/^(error|.*\bSPEC-)/m.test(stderr)) return 'a refusal without an error code';
  if (stdout !== '') return 'a refusal that writes to stdout';
  return undefined;
}

/** ‖a − b‖ ≤ 1e-5 ‖b‖, finite throughout. */
export function agree(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length || ![...a, ...b].every(Number.isFinite)) return false;
  const norm = (values: readonly number[]) => Math.hypot(...values);
  const error = norm(a.map((value, index) => value - (b[index] ?? 0)));
  return error <= 1e-5 * norm(b) || error < 1e-30;
}
