import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withoutSpinning } from '../../runtime/device/wait.js';

/** Turns of the event loop until a promise settles, polled as Dawn's binding does. */
async function turnsDuring(pending: Promise<unknown>): Promise<number> {
  let turns = 0;
  let done = false;
  const poll = () => {
    turns++;
    if (!done) setImmediate(poll);
  };
  setImmediate(poll);
  await pending.catch(() => {});
  done = true;
  return turns;
}

describe('withoutSpinning', () => {
  it('hands on what it waits for, and its failure', async () => {
    expect(await withoutSpinning(Promise.resolve(7))).toBe(7);
    await expect(withoutSpinning(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
  });

  it('leaves the event loop a few turns a millisecond at most, however many wait', async () => {
    // A busy wait of 200 ms takes tens of thousands; naps of 5 % of the time waited, some 250.
    expect(await turnsDuring(delay(200))).toBeGreaterThan(2000);
    expect(await turnsDuring(withoutSpinning(delay(200)))).toBeLessThan(1000);
    const many = Array.from({ length: 20 }, (_, index) => withoutSpinning(delay(180 + index)));
    const turns = await turnsDuring(Promise.all(many));
    expect(turns).toBeLessThan(1000);
    expect(turns).toBeGreaterThan(100);
  });

  it('naps on one loop only, however often waits follow each other', async () => {
    for (let wait = 0; wait < 50; wait++) await withoutSpinning(new Promise((resolve) => setImmediate(resolve)));
    // Fifty loops of naps would leave this wait of 200 ms some four turns.
    expect(await turnsDuring(withoutSpinning(delay(200)))).toBeGreaterThan(100);
  });

  it('stops with the last wait', async () => {
    await withoutSpinning(delay(50));
    expect(await turnsDuring(delay(100))).toBeGreaterThan(1000);
  });
});
