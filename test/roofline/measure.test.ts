/** What a machine can do, measured: on a clock of the test's own, and on an adapter. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RooflineRecord } from '../../runtime/roofline/index.js';
import { each, measured } from '../../runtime/roofline/rig.js';
import { documentOf, recurve, scratchFolder } from '../cli/harness.js';
import { ownCache } from './cache.js';

const cwd = scratchFolder();
const cache = ownCache();

describe('what is timed', () => {
  it('is repeated until it takes long enough, without what each run costs by itself', async () => {
    const asked: number[] = [];
    const found = await each(async (times) => {
      asked.push(times);
      return 3 + 0.01 * times;
    }, 3);
    expect(found.value).toBeCloseTo(0.01, 12);
    expect(found.spread).toBeCloseTo(0, 9);
    const [first, second] = asked;
    expect([first, second]).toEqual([1, 1]);
    expect(asked.at(-1)).toBeGreaterThan(3700);
    expect(asked.at(-1)).toBeLessThan(8000);
  });

  it('is the best of several runs, with the distance of the median', async () => {
    expect(measured([1.5, 1, 1.2, 4, 1.1])).toEqual({ value: 1, spread: expect.closeTo(0.2) });
    expect(measured([2])).toEqual({ value: 2, spread: 0 });
  });

  it('is nothing rather than less than nothing', async () => {
    expect((await each(async () => 50, 60)).value).toBe(0);
  });
});

it('doctor --roofline measures, says what it found and where it is kept', async () => {
  const ran = await recurve(['doctor', '--roofline', '--adapter', 'swiftshader', '--json'], { cwd });
  expect(ran.code).toBe(0);
  const { ok, roofline } = documentOf(ran) as { ok: boolean; roofline: RooflineRecord & { file: string } };
  expect(ok).toBe(true);
  const { file, ...record } = roofline;
  expect(file.startsWith(cache())).toBe(true);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(record);
  const { rates, adapter, target } = record;
  expect(adapter.kind).toBe('swiftshader');
  expect(target.software).toBe(true);
  // Of the right size, also on a machine that does much else.
  for (const { value } of [rates.fma, rates.fmaAlone, rates.product]) {
    expect(value).toBeGreaterThan(0.1);
    expect(value).toBeLessThan(10_000);
  }
  for (const { value } of [...rates.reads, rates.readAlone, rates.stream]) {
    expect(value).toBeGreaterThan(0.05);
    expect(value).toBeLessThan(2000);
  }
  for (const { value } of [rates.dispatch, rates.submit]) {
    expect(value).toBeGreaterThan(0.2);
    expect(value).toBeLessThan(50_000);
  }
  for (const { value } of [rates.workgroup, rates.barrier]) expect(value).toBeLessThan(rates.dispatch.value);
});
