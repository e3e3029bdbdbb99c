import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withoutSpinning } from '../../runtime/device/wait.js';

/** In milliseconds, in order. Nobody sleeps here: what counts is how often and how long one would have. */
let naps: number[] = [];
beforeEach(() => {
  naps = [];
  vi.spyOn(Atomics, 'wait').mockImplementation((_cell: unknown, _index: unknown, _value: unknown, timeout?: number) => {
    naps.push(timeout ?? Number.POSITIVE_INFINITY);
    return 'timed-out';
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Turns of the event loop until a promise settles, polled as Dawn's binding does. */
async function turnsDuring(pending: Promise<unknown>): Promise<number> {
  let turns = 0;
  let done = false;
  const poll = () => {
    turns++;
    if (!done) setImmediate(poll);
  };
  setImmediate(poll);
  await pending;
  done = true;
  return turns;
}

describe('withoutSpinning', () => {
  it('hands on what it waits for, and its failure', async () => {
    expect(await withoutSpinning(Promise.resolve(7))).toBe(7);
    await expect(withoutSpinning(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
  });

  it('naps once on every turn of the event loop, however many wait', async () => {
    const many = Array.from({ length: 20 }, (_, index) => withoutSpinning(delay(40 + index)));
    const turns = await turnsDuring(Promise.all(many));
    expect(turns).toBeGreaterThan(1);
    expect(Math.abs(naps.length - turns)).toBeLessThan(3);
  });

  it('naps a part of the time waited, a millisecond at most', async () => {
    await withoutSpinning(delay(60));
    expect(naps[0]).toBeLessThan(1);
    expect(Math.max(...naps)).toBe(1);
    expect(naps).toEqual(naps.toSorted((a, b) => a - b));
  });

  it('naps on one loop only, however often waits follow each other', async () => {
    for (let wait = 0; wait < 50; wait++) await withoutSpinning(new Promise((resolve) => setImmediate(resolve)));
    naps = [];
    expect(Math.abs((await turnsDuring(withoutSpinning(delay(40)))) - naps.length)).toBeLessThan(3);
  });

  it('stops with the last wait', async () => {
    await withoutSpinning(delay(10));
    await turnsDuring(delay(10));
    naps = [];
    await turnsDuring(delay(20));
    expect(naps).toEqual([]);
  });
});
