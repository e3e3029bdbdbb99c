/** One process at a time changes a folder. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RecurveError } from '../../codegen/errors.js';
import { visible } from '../../codegen/visible.js';
import { isAlive } from './alive.js';
import { uninterrupted } from './uninterrupted.js';

const NAME = '.recurve.lock';
/** Files are changed within moments; whoever holds the lock for so long is gone, be its number another process's now. */
const STALE_MS = 30_000;
/** Longer: nobody gives up over the lock of a process that is gone. */
const PATIENCE_MS = 40_000;
/** The holder's number follows the lock's name at once; one that was killed between the two never wrote it. */
const UNSIGNED_MS = 2000;

/**
 * Makes `folder` where it is missing, and calls `action` when no other process of recurve changes what is in it. The
 * action waits for nothing and is not interrupted; where it fails, a folder that was made for it goes again.
 * @throws RecurveError `OUT-BUSY`; the system's error where the lock cannot be written; whatever `action` throws
 */
export async function withLock<R>(folder: string, action: () => R): Promise<R> {
  const lock = join(folder, NAME);
  for (const begin = Date.now(); ; await sleep(10 + 20 * Math.random())) {
    const done = await uninterrupted(() => tryLocked(folder, lock, action));
    if (done !== undefined) return done.value;
    if (Date.now() - begin > PATIENCE_MS) {
      throw new RecurveError({
        code: 'OUT-BUSY',
        message: `another process is writing into ${visible(folder)}`,
        fix: `Wait for it, or remove ${NAME} from that folder should there be none.`,
        where: folder,
      });
    }
  }
}

/** Nothing where another process has the lock. */
function tryLocked<R>(folder: string, lock: string, action: () => R): { readonly value: R } | undefined {
  const first = mkdirSync(folder, { recursive: true });
  if (!take(lock)) {
    if (isStale(lock)) rmSync(lock, { force: true });
    return undefined;
  }
  try {
    const value = action();
    rmSync(lock, { force: true });
    return { value };
  } catch (cause) {
    rmSync(lock, { force: true });
    if (first !== undefined) removeEmpty(folder, first);
    throw cause;
  }
}

/** Removes `folder` and those above it up to `first`, as long as nobody has put anything there. */
function removeEmpty(folder: string, first: string): void {
  for (let at = folder; at.length >= first.length; at = dirname(at)) {
    if (readdirSync(at).length > 0) return;
    rmdirSync(at);
  }
}

function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'EEXIST' || cause.code === 'ENOENT')) return false;
    throw cause;
  }
}

/** Left behind by a process that was killed. */
function isStale(lock: string): boolean {
  try {
    const age = Date.now() - statSync(lock).mtimeMs;
    const holder = Number(readFileSync(lock, 'utf8'));
    if (age > (holder > 0 ? STALE_MS : UNSIGNED_MS)) return true;
    return Number.isInteger(holder) && holder > 0 && !isAlive(holder);
  } catch {
    // Given back meanwhile.
    return false;
  }
}
