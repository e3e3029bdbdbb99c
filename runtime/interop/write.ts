/** Puts a file in its place whole: written beside it, then renamed. */
import { closeSync, constants, openSync } from 'node:fs';
import { realpath, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RecurveError } from '../../codegen/errors.js';
import { reasonOf } from '../../codegen/read-file.js';
import { visible } from '../../codegen/visible.js';
import { writeAll } from '../files/write-all.js';

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
    if (existing && !existing.isFile() && !existing.isDirectory()) {
      if (existing.isFIFO()) requireReader(target);
      await writeFile(target, bytes);
    } else {
      // A folder is not made for one file: its name is more likely a slip.
      await stat(dirname(target));
      await writeAll({ writes: [{ path: target, content: bytes, existing: 'replace' }] });
    }
  } catch (cause) {
    throw new RecurveError(
      {
        code: 'DATA-WRITE',
        message: `${visible(path)} cannot be written: ${reasonOf(cause)}`,
        fix: 'Give --out a file in a folder that exists and that you may write to.',
        where: path,
      },
      { cause },
    );
  }
}

/** Opening a pipe waits until somebody reads it, which may be never. */
function requireReader(pipe: string): void {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENXIO')
      throw new Error('it is a pipe that nobody reads', { cause });
    throw cause;
  }
}
