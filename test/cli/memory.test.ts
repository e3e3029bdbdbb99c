/** `--memory`: sequences that take more are cut, and every command says so. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documentOf, recurve, scratchFolder } from './harness.js';

const cwd = scratchFolder();
const DIMS = ['--dims', 'T=40,B=2,I=3,H=5'];
const AT = ['--adapter', 'swiftshader'];
const CUT = /40 steps are cut into \d+ segments of \d+, which take [\d.]+ MB with their checkpoints/;

describe('--memory', () => {
  it('changes nothing where the whole sequences fit', async () => {
    const plain = await recurve(['inspect', 'lstm', ...DIMS], { cwd });
    expect(await recurve(['inspect', 'lstm', ...DIMS, '--memory', '1MiB'], { cwd })).toEqual(plain);
  });

  it('cuts where they do not, and inspect says into what', async () => {
    const ran = await recurve(['inspect', 'lstm', ...DIMS, '--memory', '20KB'], { cwd });
    expect(ran.stdout).toMatch(CUT);
    const document = documentOf(await recurve(['inspect', 'lstm', ...DIMS, '--memory', '20KB', '--json'], { cwd }));
    expect(document).toMatchObject({ segments: { whole: 40, steps: expect.any(Number) } });
  });

  it('run gives what it gives without, and says on stderr how it ran', async () => {
    const argv = ['run', 'lstm', '--random', ...DIMS, ...AT];
    const whole = await recurve(argv, { cwd });
    const cut = await recurve([...argv, '--memory', '20000'], { cwd });
    expect(cut.stderr).toMatch(CUT);
    expect(whole.stderr).not.toMatch(CUT);
    const outputs = ({ stdout }: { readonly stdout: string }) => JSON.parse(stdout).outputs.h.data as number[];
    expect(outputs(cut)).toHaveLength(400);
    outputs(whole).forEach((value, at) => {
      expect(outputs(cut)[at]).toBeCloseTo(value, 5);
    });
  });

  it('check holds segments to the reference, step by step where nothing else fits', async () => {
    const argv = ['check', 'rnn', '--set', 'activation=relu', '--dims', 'T=9,B=2,I=3,H=5', ...AT];
    for (const [memory, segment] of [
      ['4600', expect.any(Number)],
      ['1B', 1],
    ]) {
      const ran = await recurve([...argv, '--memory', String(memory), '--json'], { cwd });
      expect(documentOf(ran)).toMatchObject({ ok: true, cells: [{ verdict: 'agrees', segment }] });
    }
    const said = await recurve([...argv, '--memory', '1B'], { cwd });
    expect(said.stdout).toContain('1 of 1 cases ran in segments.');
  });

  it('generate writes a plan that serves the whole sequences', async () => {
    const ran = await recurve(['generate', 'gru', ...DIMS, '--memory', '20KB', '--out', 'made'], { cwd });
    expect(ran.stdout).toMatch(CUT);
    expect(readFileSync(join(cwd, 'made', 'gru', 'gru.ts'), 'utf8')).toMatch(/sizes = \{"T":40,/);
    expect(JSON.parse(readFileSync(join(cwd, 'made', 'gru', 'plan.json'), 'utf8')).segments.whole).toBe(40);
  });

  it('bench times segments', async () => {
    const ran = await recurve(['bench', 'indrnn', '--dims', 'T=40,B=1,I=2,H=2', ...AT, '--memory', '4KB', '--json'], { cwd });
    const { results } = documentOf(ran) as { results: { strategy: string; bytes: number }[] };
    expect(results[0]?.strategy).toMatch(/, \d+ segments$/);
    expect(results[0]?.bytes).toBeLessThanOrEqual(4000);
  });

  it('is refused where it is no size, too small however sequences are cut, or too small for a model', async () => {
    for (const [argv, code] of [
      [['lstm', ...DIMS, '--memory', '0'], 'MEMORY-SIZE'],
      [['lstm', ...DIMS, '--memory', '1KB'], 'MEMORY-LEAST'],
      [['stack', '--memory', '1KB'], 'MEMORY-MODEL'],
    ] as const) {
      const ran = await recurve(['inspect', ...argv, '--json'], { cwd });
      expect(ran.code).toBe(2);
      expect(documentOf(ran)).toMatchObject({ error: { code } });
    }
  });
});
