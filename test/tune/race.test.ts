/** Runs that take turns: who stays behind when, on a clock that only runs move. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Entrant, race } from '../../runtime/tune/race.js';

let clock = 0;
beforeEach(() => {
  clock = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
});
afterEach(() => vi.restoreAllMocks());

/** Takes these milliseconds, one after the other, the last again and again; the first run is never timed. */
function entrant(name: string, ...takes: number[]): Entrant {
  let turn = -1;
  const run = async () => {
    clock += takes[Math.max(0, Math.min(turn++, takes.length - 1))] ?? 0;
  };
  return { loops: { loop: name === 'scan' ? 'scan' : 'thread' }, run, samples: [] };
}

it('puts the least median first, and times longer what may still win', async () => {
  const [slow, near, fast] = [entrant('a', 40), entrant('b', 11), entrant('c', 10)];
  expect(await race([slow, near, fast])).toEqual([fast, near, slow]);
  expect(slow.samples).toHaveLength(1);
  expect(near.samples).toHaveLength(25);
  expect(fast.samples).toHaveLength(25);
});

it('lets nobody win by one lucky run, and drops nobody for one unlucky one', async () => {
  const [lucky, steady] = [entrant('lucky', 12, 9, 12), entrant('steady', 10, 25, 10)];
  expect((await race([lucky, steady]))[0]).toBe(steady);
});

it('ends when its time is up, after as many rounds as it takes to tell', async () => {
  const [a, b] = [entrant('a', 3000), entrant('b', 3100)];
  await race([a, b]);
  expect(a.samples).toHaveLength(5);
});

it('times the one that all others stay behind as often as it takes to tell, and where nobody is dropped all of them', async () => {
  const [fast, slow] = [entrant('a', 1), entrant('b', 9)];
  await race([fast, slow]);
  expect([fast.samples, slow.samples].map(({ length }) => length)).toEqual([5, 1]);
  const [one, unlucky] = [entrant('a', 8), entrant('b', 70, 7)];
  expect((await race([one, unlucky], []))[0]).toBe(unlucky);
});

it('times one alone once', async () => {
  const [only] = await race([entrant('a', 7)]);
  expect(only?.samples).toEqual([7]);
});
