import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { withLock } from '../../runtime/files/lock.js';

const folder = mkdtempSync(join(tmpdir(), 'recurve-lock-'));
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

it('whoever waits for a process that goes on writing gives up, and leaves its lock alone', async () => {
  const lock = join(folder, '.recurve.lock');
  writeFileSync(lock, String(process.pid));
  // Taken anew all the time, as it looks: its time stays ahead of the clock, which a minute passes on at every look.
  utimesSync(lock, Date.now() / 1000 + 3600, Date.now() / 1000 + 3600);
  const start = Date.now();
  let looks = 0;
  vi.spyOn(Date, 'now').mockImplementation(() => start + 20_000 * looks++);
  const action = vi.fn();
  await expect(withLock(folder, action)).rejects.toMatchObject({ code: 'OUT-BUSY', where: folder });
  expect(action).not.toHaveBeenCalled();
  expect(readdirSync(folder)).toEqual(['.recurve.lock']);
});
