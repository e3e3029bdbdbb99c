/** Writing results so that nobody ever sees half a file: written beside, then renamed. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RecurveError } from '../codegen/errors.js';

/**
 * Writes a new file, never over an existing one.
 * @throws RecurveError `OUT-EXISTS`, `OUT-WRITE`
 */
export async function writeNew(path: string, content: string): Promise<void> {
  try {
    await writeFile(path, content, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw writeError(path, error);
    throw new RecurveError({
      code: 'OUT-EXISTS',
      message: `${basename(path)} is there already`,
      fix: 'Choose another name, or remove the file first.',
      where: path,
    });
  }
}

/**
 * Puts files into `folder`, made if missing: all are written beside it first, so that a full disk leaves
 * the folder as it was. Files in it that are not named stay.
 * @throws RecurveError `OUT-WRITE`
 */
export async function writeFolder(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  const beside = join(dirname(folder), `.${basename(folder)}.${process.pid}.part`);
  try {
    await mkdir(beside, { recursive: true });
    for (const [name, content] of Object.entries(files)) await writeFile(join(beside, name), content);
    await mkdir(folder, { recursive: true });
    for (const name of Object.keys(files)) await rename(join(beside, name), join(folder, name));
  } catch (error) {
    throw writeError(folder, error);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

function writeError(path: string, error: unknown): RecurveError {
  return new RecurveError({
    code: 'OUT-WRITE',
    message: `cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`,
    fix: 'Give a path in a folder that exists and that you may write to.',
    where: path,
  });
}
