import { describe, expect, it } from 'vitest';
import { measureInTurns, summarize } from '../../bench/measure.js';
import { countDispatches } from '../../bench/plan-costs.js';

describe('summarize', () => {
  it('gives the median, not the mean, of durations in any order', () => {
    expect(summarize([5, 1, 100, 2, 3])).toEqual({
      median: 3,
      min: 1,
      mean: 22.2,
      deviation: 2,
      samples: 5,
      all: [5, 1, 100, 2, 3],
    });
  });

  it('takes the middle of two for an even number', () => {
    expect(summarize([4, 1, 2, 8]).median).toBe(3);
  });

  it('takes a single duration for what it is', () => {
    expect(summarize([7])).toEqual({ median: 7, min: 7, mean: 7, deviation: 0, samples: 1, all: [7] });
  });

  it('refuses no durations', () => {
    expect(() => summarize([])).toThrow('no statistics of no samples');
  });
});

describe('measureInTurns', () => {
  it('warms everyone up, then lets them take turns in alternating order', async () => {
    const order: string[] = [];
    const contender = (name: string) => ({
      name,
      run: async () => {
        order.push(name);
      },
    });
    const effort = { warmups: 1, minRounds: 3, maxRounds: 3, budget: 0 };
    const timings = await measureInTurns([contender('a'), contender('b')], effort);
    expect(order.join('')).toBe('ab' + 'ab' + 'ba' + 'ab');
    expect(timings.map(({ samples }) => samples)).toEqual([3, 3]);
  });

  it('stops when the budget is spent, but not before the least number of rounds', async () => {
    let runs = 0;
    const run = async () => {
      runs++;
    };
    await measureInTurns([{ name: 'a', run }], { warmups: 0, minRounds: 4, maxRounds: 1000, budget: 0 });
    expect(runs).toBeGreaterThanOrEqual(4);
    expect(runs).toBeLessThan(1000);
  });

  it('tells how far it is, never backwards', async () => {
    const shares: number[] = [];
    const effort = { warmups: 0, minRounds: 2, maxRounds: 5, budget: 1e6 };
    await measureInTurns([{ name: 'a', run: async () => {} }], effort, (share) => shares.push(share));
    expect(shares).toHaveLength(5);
    expect([...shares].sort((a, b) => a - b)).toEqual(shares);
  });
});

describe('countDispatches', () => {
  it('counts a loop once a pass and step, in either direction', () => {
    expect(
      countDispatches([
        { kind: 'pass', pass: 'before', time: -1 },
        { kind: 'loop', from: 0, to: 5, by: 1, passes: ['phase 1', 'phase 2'] },
        { kind: 'loop', from: 4, to: -1, by: -1, passes: ['phase 1'] },
      ]),
    ).toBe(1 + 10 + 5);
  });
});
