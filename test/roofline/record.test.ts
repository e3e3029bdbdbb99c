/** Rooflines that are kept: found for what they were measured on, and for nothing else. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AdapterReport } from '../../runtime/device/index.js';
import { keepRoofline, newestRoofline, type RooflineRecord, readRoofline, recordOf } from '../../runtime/roofline/index.js';
import { TARGET } from '../codegen/target.js';
import { ownCache } from './cache.js';
import { RATES } from './rooflines.js';

const cache = ownCache();

const adapterOf = (given: Partial<AdapterReport> = {}): AdapterReport => ({
  name: 'a card',
  kind: 'hardware',
  vendor: 'a vendor',
  architecture: 'an architecture',
  device: '0x1',
  description: 'driver 1.0',
  subgroup: { min: 32, max: 32 },
  features: [],
  limits: {},
  languageFeatures: [],
  ...given,
});
const measuredOn = (given: Partial<AdapterReport> = {}): RooflineRecord =>
  recordOf({ adapter: adapterOf(given), target: TARGET }, RATES);
const kept = async (record: RooflineRecord): Promise<string> => (await keepRoofline(record)) ?? 'nowhere';

it('is found again, whole, for the adapter that it was measured on', async () => {
  const record = measuredOn();
  const path = await kept(record);
  expect(dirname(path)).toBe(join(cache(), 'recurve/roofline'));
  expect(await readRoofline(adapterOf())).toEqual({ record, told: [] });
  expect(await newestRoofline()).toEqual({ record, told: [] });
});

it('is not found for another adapter, which has a file of its own', async () => {
  await kept(measuredOn());
  const other = { name: 'another card', device: '0x2' };
  expect(await readRoofline(adapterOf(other))).toEqual({ told: [] });
  await kept(measuredOn(other));
  expect((await readRoofline(adapterOf())).record?.adapter.name).toBe('a card');
  expect((await readRoofline(adapterOf(other))).record?.adapter.name).toBe('another card');
});

it('of another driver counts for nothing, and that is said; the next one takes its place', async () => {
  const path = await kept(measuredOn());
  const newer = { description: 'driver 1.1' };
  expect(await readRoofline(adapterOf(newer))).toEqual({
    told: [`${path} was measured with the driver driver 1.0, and now it is driver 1.1: it counts for nothing.`],
  });
  expect(await kept(measuredOn(newer))).toBe(path);
  expect((await readRoofline(adapterOf(newer))).told).toEqual([]);
});

it.each([
  ['recurve', { recurve: '0.0.1' }, /with recurve 0\.0\.1, and now it is \d/],
  ['Dawn', { webgpu: '0.0.2' }, /with webgpu 0\.0\.2, and now it is \d/],
  ['processor, of a software adapter,', { processor: 'an abacus' }, /with the processor an abacus, and now it is /],
])('of another %s counts for nothing, and that is said', async (_, other, said) => {
  const software = { kind: 'swiftshader' } as const;
  const record = measuredOn(software);
  const path = await kept(record);
  writeFileSync(path, JSON.stringify({ ...record, ...other }));
  for (const found of [await readRoofline(adapterOf(software)), await newestRoofline()]) {
    expect(found.record).toBeUndefined();
    expect(found.told).toEqual([expect.stringMatching(said)]);
  }
});

describe('a damaged file', () => {
  const record = measuredOn();
  const text = JSON.stringify(record);
  const damaged: readonly (readonly [string, string])[] = [
    ['is empty', ''],
    ['is cut short', text.slice(0, 300)],
    ['is no record', '[]'],
    ['has no rates', JSON.stringify({ ...record, rates: undefined })],
    ['lacks a rate', JSON.stringify({ ...record, rates: { ...RATES, product: undefined } })],
    ['has a rate of nothing', JSON.stringify({ ...record, rates: { ...RATES, stream: { value: 0, spread: 0 } } })],
    ['has a cost below nothing', JSON.stringify({ ...record, rates: { ...RATES, dispatch: { value: -1, spread: 0 } } })],
    ['has a rate that is a text', JSON.stringify({ ...record, rates: { ...RATES, fma: { value: '100', spread: 0 } } })],
    ['has read nothing', JSON.stringify({ ...record, rates: { ...RATES, reads: [] } })],
    ['has no target', JSON.stringify({ ...record, target: { ...TARGET, subgroup: null } })],
    ['does not say whether lanes hand on', JSON.stringify({ ...record, target: { ...TARGET, broadcasts: undefined } })],
    ['is of another form', JSON.stringify({ ...record, version: 2 })],
  ];
  it.each(damaged)('that %s counts for nothing, and that is said', async (_, content) => {
    const path = await kept(record);
    writeFileSync(path, content);
    expect(await readRoofline(adapterOf())).toEqual({ told: [`${path} is damaged: it counts for nothing.`] });
    expect(await newestRoofline()).toEqual({ told: [`${path} is damaged: it counts for nothing.`] });
  });

  it('hides none of the others', async () => {
    const path = await kept(record);
    writeFileSync(join(dirname(path), 'zzz.json'), '{');
    const found = await newestRoofline();
    expect(found.record).toEqual(record);
    expect(found.told).toHaveLength(1);
  });
});

it('of several the newest is taken where no adapter is named', async () => {
  const at = (date: string, device: string) => ({ ...measuredOn({ device, name: device }), date });
  await kept(at('2026-11-02T00:00:00.000Z', 'middle'));
  await kept(at('2026-11-03T00:00:00.000Z', 'last'));
  await kept(at('2026-11-01T00:00:00.000Z', 'first'));
  expect((await newestRoofline()).record?.adapter.name).toBe('last');
  expect(readdirSync(join(cache(), 'recurve/roofline'))).toHaveLength(3);
});

it('goes to the temporary folder where the cache cannot be written to', async () => {
  rmSync(cache(), { recursive: true });
  writeFileSync(cache(), 'no folder');
  const path = await kept(measuredOn({ vendor: cache() }));
  expect(path.startsWith(tmpdir())).toBe(true);
  expect(path.startsWith(cache())).toBe(false);
  expect((JSON.parse(readFileSync(path, 'utf8')) as RooflineRecord).adapter.vendor).toBe(cache());
  rmSync(path);
});
