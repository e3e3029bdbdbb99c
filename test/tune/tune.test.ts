/** The fastest way to run loops: found by running them, held to the results of single steps, kept, and found again. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { compile, resolveOptions } from '../../codegen/index.js';
import type * as comparing from '../../runtime/compare.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { loadSpec } from '../../runtime/node/cells.js';
import { open } from '../../runtime/node/index.js';
import { tune, tunedLoops } from '../../runtime/tune/index.js';
import { keyOf, readRecord, type TuneRecord, writeRecord } from '../../runtime/tune/record.js';
import { documentOf, recurve, scratchFolder } from '../cli/harness.js';
import { builtIn } from '../conformance/compare-cell.js';

const judged = vi.hoisted(() => ({ asOther: false }));
vi.mock('../../runtime/compare.js', async (original) => {
  const actual = await original<typeof comparing>();
  const other = <A extends unknown[], R>(real: (...args: A) => R, found: R) => {
    return (...args: A) => (judged.asOther ? found : real(...args));
  };
  return {
    ...actual,
    differingBits: other(actual.differingBits, ['outputs.h']),
    compareResults: other(actual.compareResults, [{ ok: false } as comparing.TensorComparison]),
  };
});

const cwd = scratchFolder();
const SIZES = { T: 12, B: 2, I: 3, H: 5 };
let device: RecurveDevice;
let cache: string;
const { XDG_CACHE_HOME: before } = process.env;

beforeAll(async () => {
  device = await openDevice('swiftshader', { purpose: 'bench' });
});
afterAll(() => {
  device.close();
  if (before === undefined) Reflect.deleteProperty(process.env, 'XDG_CACHE_HOME');
  else process.env.XDG_CACHE_HOME = before;
});
beforeEach(() => {
  judged.asOther = false;
  cache = mkdtempSync(join(tmpdir(), 'recurve-tuned-'));
  process.env.XDG_CACHE_HOME = cache;
  return () => rmSync(cache, { recursive: true, force: true });
});

const requestFor = (name: string, gradients = true) => {
  const tree = builtIn(name);
  return { tree, request: { options: resolveOptions(tree, {}), sizes: SIZES, gradients } };
};
const records = () => (existsSync(join(cache, 'recurve/tuned')) ? readdirSync(join(cache, 'recurve/tuned')) : []);
const text = (record: TuneRecord) => JSON.stringify(record);

describe('tune', () => {
  it('tries each loop in every way that it allows, and takes one of those that it ran', async () => {
    const { tree, request } = requestFor('min-gru');
    const { record, path } = await tune(device, tree, request);
    expect(record.chosen).toEqual({ forward_loop: 'thread', backward_loop: 'thread' });
    const tried = record.candidates.map(({ loops }) => `${loops.forward_loop} ${loops.backward_loop}`);
    for (const other of ['stepwise', 'resident', 'scan'])
      expect(tried).toEqual(expect.arrayContaining([`${other} thread`, `thread ${other}`]));
    const best = record.candidates.find(({ verdict }) => verdict === 'best');
    expect(best?.loops).toEqual(record.loops);
    expect(best?.samples).toBeGreaterThanOrEqual(5);
    expect(path).toMatch(/tuned\/min-gru-[0-9a-f]{16}\.json$/);
    // It is a plan like any other.
    const plan = compile(tree, { ...request, target: device.target, strategy: record.loops });
    const { forward_loop: forward } = record.loops;
    expect(plan.passes.find(({ name }) => name.startsWith('forward_loop'))?.strategy).toBe(forward);
  });

  it('tries the loops of a stack as one wave in each direction', async () => {
    const tree = loadSpec('stack', process.cwd());
    const { record } = await tune(device, tree, {
      options: resolveOptions(tree, { cell: 'rnn' }),
      sizes: SIZES,
      gradients: true,
    });
    const tried = record.candidates.map(({ loops }) => Object.values(loops).join(' '));
    const [wave, chosen] = ['wavefront wavefront', 'resident resident'];
    expect(tried).toEqual(expect.arrayContaining([`${wave} ${chosen}`, `${chosen} ${wave}`]));
    // Nothing takes part in which a loop is asked for what it does not run as.
    for (const loops of tried) expect(loops.split(' ').filter((strategy) => strategy === 'wavefront').length % 2).toBe(0);
    const names = Object.keys(record.loops);
    expect(names.filter((name) => name.endsWith('forward_loop'))).toHaveLength(2);
  });

  it('tries a memory chunk by chunk going forward and back at once, and never in one direction alone', async () => {
    const { tree, request } = requestFor('delta-rule');
    const own = { ...request, sizes: { T: 9, B: 2, I: 3, K: 5, V: 4 } };
    const { record } = await tune(device, tree, own);
    const tried = record.candidates.map(({ loops }) => [loops.forward_loop, loops.backward_loop]);
    expect(tried).toContainEqual(['chunkwise', 'chunkwise']);
    expect(tried.filter((loops) => loops.includes('chunkwise'))).toHaveLength(1);
  });

  it('tunes runs that never go backward, and what has no loop, by themselves', async () => {
    const lstm = requestFor('lstm', false);
    const { record } = await tune(device, lstm.tree, lstm.request);
    expect(Object.keys(record.loops)).toEqual(['forward_loop']);
    const feedforward = requestFor('feedforward');
    const request = { ...feedforward.request, sizes: { ...SIZES, O: 2 } };
    expect((await tune(device, feedforward.tree, request)).record.loops).toEqual({});
  });

  it('lets nothing win, nor the compiler itself, whose results are not those of single steps', async () => {
    const { tree, request } = requestFor('min-gru');
    judged.asOther = true;
    await expect(tune(device, tree, request)).rejects.toThrow('other results');
    expect(records()).toEqual([]);
  });
});

describe('a record', () => {
  it('is found again, and what is damaged, or of another plan, adapter, driver or version, is not', async () => {
    const { tree, request } = requestFor('gru');
    const { record, path = '' } = await tune(device, tree, request);
    const key = keyOf(compile(tree, { ...request, target: device.target, strategy: 'stepwise' }), device.adapter);
    expect(text((await readRecord(key)) ?? ({} as TuneRecord))).toBe(text(record));
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(JSON.parse(text(record)));
    const larger = keyOf(
      compile(tree, { ...request, sizes: { ...SIZES, H: 6 }, target: device.target, strategy: 'stepwise' }),
      device.adapter,
    );
    expect(await readRecord(larger)).toBeUndefined();
    expect(await readRecord({ ...key, adapter: { ...key.adapter, driver: 'a newer one' } })).toBeUndefined();
    expect(await readRecord({ ...key, recurve: '9.9.9' })).toBeUndefined();
    for (const damaged of [
      '',
      '{',
      'null',
      '[]',
      JSON.stringify({ ...record, loops: { forward_loop: 'fastest' } }),
      JSON.stringify({ ...record, loops: null }),
      JSON.stringify({ ...record, plan: 'another' }),
      readFileSync(path, 'utf8').slice(0, 400),
    ]) {
      writeFileSync(path, damaged);
      expect(await readRecord(key), damaged).toBeUndefined();
    }
    await writeRecord(record);
    expect(await readRecord(key)).toBeDefined();
  });

  it('saves the next one the time, also where its loops run otherwise than the compiler would', async () => {
    const { tree, request } = requestFor('gru');
    const { record, path = '' } = await tune(device, tree, request);
    const other = { ...record, loops: { forward_loop: 'stepwise', backward_loop: 'stepwise' } } as const;
    writeFileSync(path, text(other));
    expect(await tunedLoops(device, tree, request)).toEqual(other.loops);
    writeFileSync(path, 'lost');
    expect(Object.keys(await tunedLoops(device, tree, request))).toEqual(['forward_loop', 'backward_loop']);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ cell: 'gru' });
  });
});

describe('who uses it', () => {
  it('the library, where it is asked to: once for each size', async () => {
    const gpu = await open({ adapter: 'swiftshader', tune: true });
    const layer = await gpu.compile('gru', { dims: SIZES, gradients: true });
    const [name = ''] = records();
    const { loops } = JSON.parse(readFileSync(join(cache, 'recurve/tuned', name), 'utf8')) as TuneRecord;
    const taken = layer.plan.passes.filter(({ region }) => region === 'loop').map(({ strategy }) => strategy);
    expect(new Set(taken)).toEqual(new Set(Object.values(loops)));
    const written = statSync(join(cache, 'recurve/tuned', name)).mtimeMs;
    await gpu.compile('gru', { dims: SIZES, gradients: true });
    expect(statSync(join(cache, 'recurve/tuned', name)).mtimeMs).toBe(written);
    await gpu.compile('gru', { dims: SIZES, gradients: true, strategy: 'stepwise' });
    await gpu.compile('gru', { dims: { ...SIZES, T: 5 } });
    expect(records()).toHaveLength(2);
    gpu.close();
  });

  it('the command line: tune, and bench --tune', async () => {
    const dims = 'T=6,B=2,I=3,H=4';
    const tuned = await recurve(['tune', 'min-gru', '--dims', dims, '--adapter', 'swiftshader', '--json'], { cwd });
    expect(tuned.code).toBe(0);
    const document = documentOf(tuned);
    expect(document).toMatchObject({ results: [{ cell: 'min-gru', file: expect.stringContaining(cache) }] });
    const shown = await recurve(['tune', 'min-gru', '--dims', dims, '--adapter', 'swiftshader', '--forward'], { cwd });
    expect(shown.stdout).toMatch(/min-gru T=6,B=2,I=3,H=4, forward\n[\s\S]*\n +forward_loop \w+ .* best/);
    expect(shown.stdout).toContain('kept in');
    const bench = await recurve(['bench', 'min-gru', '--dims', dims, '--adapter', 'swiftshader', '--tune', '--json'], { cwd });
    expect(documentOf(bench)).toMatchObject({ results: [{ strategy: expect.stringMatching(/^tuned: /) }] });
    expect(records()).toHaveLength(2);
  });
});
