/**
 * Waiting without spinning. While a promise of Dawn's is pending, its binding for Node looks for events on every turn of
 * the event loop: a busy wait, which takes a core from the very adapter that is waited for where that is software.
 */

/** The longest nap, in milliseconds: how late a result, or anything else on the event loop, may come. */
const LONGEST = 1;
/** A nap's part of the time waited already: what naps may add to short work. */
const PART = 0.05;

/** Nobody wakes who waits on it. */
const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
let waiting = 0;
let since = 0;
let napping = false;

/** Awaits what Dawn promises, with a nap on every turn of the event loop until it is there. */
export async function withoutSpinning<T>(pending: Promise<T>): Promise<T> {
  if (waiting === 0) since = performance.now();
  waiting++;
  if (!napping) setImmediate(nap);
  napping = true;
  try {
    return await pending;
  } finally {
    waiting--;
  }
}

function nap(): void {
  napping = waiting > 0;
  if (!napping) return;
  Atomics.wait(never, 0, 0, Math.min(LONGEST, PART * (performance.now() - since)));
  setImmediate(nap);
}
