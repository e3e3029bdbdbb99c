import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BenchReport } from '../../bench/report.js';
import { reportOf, resultOf, timed } from '../bench/reports.js';
import { documentOf, recurve, scratchFolder } from './harness.js';

const cwd = scratchFolder();
const TINY = ['bench', 'indrnn', '--dims', 'T=3,I=2,H=2', '--adapter', 'swiftshader'];
const reportIn = (folder: string): BenchReport => JSON.parse(readFileSync(join(cwd, folder, 'report.json'), 'utf8'));

describe('bench --sweep', () => {
  it('times what grows by every strategy, what --dims gives left alone, and writes it with every sample', async () => {
    const ran = await recurve([...TINY, '--sweep', '--report', 'swept'], { cwd });
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain(`wrote ${join('swept', 'report.json')} and ${join('swept', 'report.html')}`);
    expect(readdirSync(join(cwd, 'swept')).toSorted()).toEqual(['report.html', 'report.json']);
    const { results, ...made } = reportIn('swept');
    expect(made).toMatchObject({ adapter: { name: expect.stringContaining('SwiftShader') }, date: expect.stringMatching(/Z$/) });
    // It goes to others, who need not know where this machine keeps its drivers.
    expect(readFileSync(join(cwd, 'swept', 'report.json'), 'utf8')).not.toMatch(/"\//);
    const strategies = ['thread', 'stepwise', 'resident', 'scan'];
    const tried = [1, 8, 32].flatMap((B) => strategies.map((strategy) => ({ B, strategy })));
    expect(results.map(({ dims: { B }, strategy }) => ({ B, strategy }))).toEqual(tried);
    for (const { timings } of results)
      for (const { all, samples, min, median } of Object.values(timings)) {
        expect(all).toHaveLength(samples);
        expect(Math.min(...all)).toBeCloseTo(min, 2);
        expect(all.filter((sample) => sample <= median + 1e-3).length).toBeGreaterThanOrEqual(samples / 2);
      }
    // The loop forward of a cell that is not affine has no scan: it runs as the compiler takes it.
    const scan = results.find(({ strategy }) => strategy === 'scan');
    expect(scan).toMatchObject({ loops: { forward_loop: 'thread', backward_loop: 'scan' }, chosen: false });
    expect(results.filter(({ chosen }) => chosen).map(({ strategy }) => strategy)).toEqual(['thread', 'thread', 'thread']);
    const page = readFileSync(join(cwd, 'swept', 'report.html'), 'utf8');
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page).toContain('over B (T=3, I=2, H=2)');
  });
});

describe('bench --report', () => {
  it('replaces what an earlier run wrote, and nothing else', async () => {
    mkdirSync(join(cwd, 'mine'));
    const mine = join(cwd, 'mine', 'report.html');
    writeFileSync(mine, '<title>my own</title>');
    const refused = await recurve([...TINY, '--report', 'mine'], { cwd });
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(`${join('mine', 'report.html')} is there already, and bench did not write it`);
    expect([readFileSync(mine, 'utf8'), existsSync(join(cwd, 'mine', 'report.json'))]).toEqual(['<title>my own</title>', false]);
    for (const strategy of ['thread', 'stepwise']) {
      const ran = await recurve([...TINY, '--report', 'ours', '--strategy', strategy], { cwd });
      expect([ran.code, reportIn('ours').results.map((result) => result.strategy)]).toEqual([0, [strategy]]);
    }
  });

  it('says at once that a file is in the way of its folder', async () => {
    writeFileSync(join(cwd, 'file'), 'mine');
    const ran = await recurve([...TINY, '--report', 'file', '--json'], { cwd });
    expect(documentOf(ran)).toMatchObject({ error: { code: 'OUT-EXISTS', message: 'file is there already' } });
    expect(readFileSync(join(cwd, 'file'), 'utf8')).toBe('mine');
  });
});

describe('bench --compare', () => {
  const earlier = resultOf({ cell: 'indrnn', dims: { T: 3, B: 32, I: 2, H: 2 }, strategy: 'thread' });
  const compare = async (name: string, results: BenchReport['results'], more: readonly string[]) => {
    writeFileSync(join(cwd, name), JSON.stringify(reportOf(results)));
    return recurve([...TINY, '--compare', name, ...more], { cwd });
  };

  it('says what is faster, and that the other was measured elsewhere', async () => {
    const [{ options }] = (documentOf(await recurve([...TINY, '--json'], { cwd })) as BenchReport).results as [
      BenchReport['results'][number],
    ];
    const slow = { ...earlier, options, ...timed(1e7, 1e7) };
    const ran = await compare('slow.json', [slow, resultOf()], []);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('Compared with slow.json: 2 faster, 0 slower, 0 as before, 1 result not timed now');
    expect(ran.stdout).toContain('That one was measured with another adapter, another processor');
    expect(ran.stdout).toMatch(/indrnn +T=3,B=32,I=2,H=2 +thread +forward \+ backward +10000000 ms/);
  });

  it('puts it into the report and the document, and takes the report that it replaces', async () => {
    const ran = await compare('other.json', [{ ...earlier, cell: 'another' }], ['--report', 'compared', '--json']);
    const comparison = { changes: [], unchanged: 0, added: 1, missing: 1, differs: expect.arrayContaining(['adapter']) };
    expect(documentOf(ran)).toMatchObject({ comparison });
    expect(reportIn('compared')).toMatchObject({ comparison });
    const again = [...TINY, '--compare', join('compared', 'report.json'), '--report', 'compared', '--json'];
    expect(documentOf(await recurve(again, { cwd }))).toMatchObject({ comparison: { added: 0, missing: 0, differs: [] } });
  });

  it.each([
    ['a file that there is not', 'nowhere.json', undefined, 'nowhere.json cannot be read: no such file'],
    ['text', 'text.json', 'hello', 'text.json is not JSON'],
    [
      'a report of something else',
      'else.json',
      '{"results": [1]}',
      'else.json is no report of `recurve bench --json`: it names no versions',
    ],
  ])('refuses %s before anything is timed or made', async (_, name, text, message) => {
    if (text !== undefined) writeFileSync(join(cwd, name), text);
    const ran = await recurve([...TINY, '--compare', name, '--report', 'never', '--json'], { cwd });
    expect(ran.code).toBe(2);
    expect(documentOf(ran)).toMatchObject({ error: { code: 'BENCH-REPORT', message: expect.stringContaining(message) } });
    expect(existsSync(join(cwd, 'never'))).toBe(false);
  });
});
