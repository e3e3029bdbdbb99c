/** Writing results so that nobody ever sees half of them. */
import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import { isSystemError, reasonOf } from '../codegen/read-file.js';
import { visible } from '../codegen/visible.js';

/**
 * Runs what writes into `where`, and tells the system's refusals as the user's.
 * @throws RecurveError `OUT-EXISTS`, `OUT-WRITE`
 */
export async function writing<R>(where: string, action: () => Promise<R>): Promise<R> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof RecurveError || !isSystemError(error)) throw error;
    if (hasCode(error, 'EEXIST')) {
      throw new RecurveError(
        {
          code: 'OUT-EXISTS',
          message: `${visible(basename(takenBy(error) ?? where))} is there already`,
          fix: 'Choose another name, or remove the file first.',
          where,
        },
        { cause: error },
      );
    }
    throw new RecurveError(
      {
        code: 'OUT-WRITE',
        message: `cannot write ${visible(where)}: ${reasonOf(error)}`,
        fix: 'Give a path in a folder that exists and that you may write to.',
        where,
      },
      { cause: error },
    );
  }
}

/**
 * A result never replaces what it was made from, by whatever path or link it is named.
 * @param inputs the files that are read; absent ones and `-` are none
 * @throws RecurveError `OUT-INPUT`
 */
export function refuseInput(cwd: string, out: string, inputs: readonly (string | undefined)[]): void {
  const target = statSync(resolve(cwd, out), { throwIfNoEntry: false });
  if (target === undefined) return;
  for (const input of inputs) {
    const read = input === undefined ? undefined : statSync(resolve(cwd, input), { throwIfNoEntry: false });
    if (read?.dev !== target.dev || read.ino !== target.ino) continue;
    throw new RecurveError({
      code: 'OUT-INPUT',
      message: `--out ${visible(out)} is the file that is read as ${visible(input ?? '')}`,
      fix: 'Give --out another name: the input would be lost.',
      where: '--out',
    });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** The file that was in the way. */
function takenBy(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('dest' in error && typeof error.dest === 'string') return error.dest;
  return 'path' in error && typeof error.path === 'string' ? error.path : undefined;
}
