import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RecurveError } from '../../codegen/errors.js';
import { reasonOf } from '../../codegen/read-file.js';

/**
 * Writes a file so that nobody ever sees half of it: a temporary file beside it, flushed to the disk, takes its
 * name. Without success nothing is left behind and an older file stays as it was. Devices and pipes
 * (`/dev/stdout`) are written straight, and a link's target is replaced, not the link.
 *
 * @throws RecurveError `DATA-WRITE`
 */
export async function writeBeside(path: string, bytes: Uint8Array | string): Promise<void> {
  try {
    const target = await realpath(path).catch(() => path);
    const existing = await stat(target).catch(() => undefined);
    if (existing && !existing.isFile()) await writeFile(target, bytes);
    else await replace(target, bytes);
  } catch (cause) {
    throw new RecurveError(
      {
        code: 'DATA-WRITE',
        message: `${path} cannot be written: ${reasonOf(cause)}`,
        fix: 'Give --out a file in a folder that exists and that you may write to.',
        where: path,
      },
      { cause },
    );
  }
}

async function replace(target: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(target), `.${basename(target).slice(0, 100)}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
}
