import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documentOf, recurve, scratchFolder } from './harness.js';

interface Measured {
  readonly name: string;
  readonly state: string;
  readonly norms: number[];
  readonly rate: number;
  readonly saturation: number[];
  readonly states: { readonly name: string; readonly norms: number[] }[];
  readonly traces: { readonly name: string; readonly shape: number[]; readonly mean: number[][] }[];
}

const cwd = scratchFolder();
const measure = async (...args: string[]): Promise<Measured[]> => {
  const ran = await recurve(
    ['gradients', ...args, '--json', ...(args.includes('--reference') ? [] : ['--adapter', 'swiftshader'])],
    {
      cwd,
    },
  );
  expect([ran.code, ran.stderr.includes('Error')], ran.stderr + ran.stdout.slice(0, 300)).toEqual([0, false]);
  return (documentOf(ran) as { cells: Measured[] }).cells;
};
const refused = async (...args: string[]) => {
  const ran = await recurve(['gradients', ...args, '--json', '--reference'], { cwd });
  expect(ran.code).toBe(2);
  return (documentOf(ran) as { error: { code: string; message: string; fix: string } }).error;
};

const SMALL = ['--dims', 'T=20,B=3,I=4,H=6'];
const [rnn, vanishing, exploding] = [
  ['rnn', '--dims', 'T=30,B=2,I=3,H=8'],
  ['--scale', '0.5'],
  ['--set', 'activation=relu', '--scale', '3'],
];

describe('recurve gradients', () => {
  it('measures on the adapter what the float64 reference says, at every step and of every state', async () => {
    for (const extra of [[], ['--clip', '0.02', '--state', 'c'], ['--scale', '2', '--seed', '9']]) {
      const cells = extra.includes('c') ? ['lstm'] : ['rnn', 'gru', 'lstm'];
      const args = [...cells, ...SMALL, ...extra, '--trace', extra.includes('c') ? 'f' : 'h'];
      const [kernels, exact] = [await measure(...args), await measure(...args, '--reference')];
      expect(kernels.map(({ name }) => name)).toEqual(cells);
      for (const [at, cell] of kernels.entries()) {
        for (const [which, { name, norms }] of cell.states.entries()) {
          const expected = exact[at]?.states[which];
          expect([name, norms.length]).toEqual([expected?.name, 20]);
          for (const [t, norm] of norms.entries()) {
            const wanted = expected?.norms[t] ?? Number.NaN;
            expect(Math.abs(norm - wanted) / (wanted || 1), `${cell.name} ${name} at ${t}`).toBeLessThan(1e-4);
          }
        }
        expect(cell.norms).toEqual(cell.states.find(({ name }) => name === cell.state)?.norms);
        expect(cell.traces[0]?.mean.length).toBe(20);
        cell.traces[0]?.mean.flat().forEach((value, k) => {
          expect(value).toBeCloseTo(exact[at]?.traces[0]?.mean.flat()[k] ?? Number.NaN, 5);
        });
      }
    }
  });

  it('starts from a loss of norm 1 at the last step, and tells vanishing from exploding by the rate', async () => {
    const [small] = await measure(...rnn, ...vanishing, '--reference');
    const [large] = await measure(...rnn, ...exploding, '--reference');
    expect(small?.norms.at(-1)).toBeCloseTo(1, 6);
    expect(small?.rate).toBeLessThan(-0.3);
    expect(small?.norms[0]).toBeLessThan(1e-4);
    expect(large?.rate).toBeGreaterThan(0.1);
    expect(large?.norms[0]).toBeGreaterThan(10);
    const [clipped] = await measure(...rnn, ...exploding, '--reference', '--clip', '0.1');
    // Every element of what a step hands back is within ±0.1, and nothing else reads this state.
    expect(Math.max(...(clipped?.norms.slice(0, -1) ?? []))).toBeLessThanOrEqual(0.1 * Math.sqrt(8) + 1e-6);
  });

  it('names the units whose slope is gone', async () => {
    const [calm] = await measure(...rnn, '--scale', '0.1', '--reference');
    const [wild] = await measure(...rnn, '--scale', '40', '--reference');
    expect(Math.max(...(calm?.saturation ?? []))).toBe(0);
    expect(Math.min(...(wild?.saturation ?? []))).toBeGreaterThan(0.5);
  });

  it('draws curves, maps and a page that needs nothing else', async () => {
    for (const file of ['flow.svg', 'flow.html', 'flow.json']) {
      const ran = await recurve(['gradients', 'rnn', 'gru', ...SMALL, '--trace', 'h', '--reference', '--out', file], { cwd });
      expect(ran.code, ran.stderr).toBe(0);
      const text = readFileSync(join(cwd, file), 'utf8');
      expect(ran.stdout).toMatch(/rate per step/);
      expect(ran.stdout).toContain('● rnn   ○ gru');
      if (file.endsWith('.svg'))
        expect([text.startsWith('<svg'), text.match(/<path/g)?.length]).toEqual([true, expect.any(Number)]);
      if (file.endsWith('.html')) {
        expect(text.match(/<svg/g)).toHaveLength(3);
        expect(text).not.toMatch(/src=|href="http/);
      }
      if (file.endsWith('.json')) expect(JSON.parse(text).cells).toHaveLength(2);
    }
  });

  it('takes parameters from a file, for one cell', async () => {
    const weights = join(cwd, 'weights.json');
    rmSync(weights, { force: true });
    const made = await recurve(['gradients', 'gru', '--weights', 'nothing.safetensors', '--json'], { cwd });
    expect([made.code, (documentOf(made) as { error: { code: string } }).error.code]).toEqual([2, 'DATA-FILE']);
    expect((await refused('gru', 'rnn', '--weights', 'x.safetensors')).code).toBe('RUN-WEIGHTS');
    expect((await refused('gru', '--random', '--weights', 'x.safetensors')).code).toBe('RUN-WEIGHTS');
  });

  it('gives dims and options to the cells that have them, and refuses those that none has', async () => {
    const [lstm, clockwork] = await measure(
      'lstm',
      'clockwork',
      '--dims',
      'T=4,B=1,I=2,H=6',
      '--set',
      'peepholes=true',
      '--reference',
    );
    expect([lstm?.norms.length, clockwork?.norms.length]).toEqual([4, 4]);
    expect(await refused('rnn', 'gru', '--dims', 'T=4,Q=3')).toMatchObject({ code: 'DIMS-UNKNOWN' });
    expect(await refused('rnn', 'gru', '--set', 'peepholes=true')).toMatchObject({ code: 'OPTION-UNKNOWN' });
    expect(await refused('rnn', '--state', 'c')).toMatchObject({ code: 'GRADIENTS-STATE', fix: expect.stringContaining('h') });
    expect(await refused('rnn', '--trace', 'q')).toMatchObject({ code: 'TRACE-UNKNOWN' });
    expect(await refused('rnn', '--out', 'flow.png')).toMatchObject({ code: 'OUT-FORMAT' });
    for (const seed of ['-1', '1.5', '4294967296', 'x'])
      expect(await refused('rnn', '--seed', seed)).toMatchObject({ code: 'SEED' });
    for (const limit of ['0', '-1', 'x', 'Infinity', '1e-60'])
      expect(await refused('rnn', '--clip', limit)).toMatchObject({ code: 'CLIP', fix: 'Write for example --clip 0.1.' });
    expect(existsSync(join(cwd, 'flow.png'))).toBe(false);
  });

  it('says of a model which cells it follows instead, in words that can be typed', async () => {
    expect(await refused('stack')).toMatchObject({
      code: 'GRADIENTS-MODEL',
      message: expect.stringContaining('stack is a model'),
      fix: 'Name the cells of its layers: `recurve gradients lstm gru rnn`.',
    });
    expect(await refused('gru', 'repeated')).toMatchObject({
      code: 'GRADIENTS-MODEL',
      fix: 'Name the cell of its layers: `recurve gradients feedforward`.',
    });
    writeFileSync(
      join(cwd, 'leaky.cell.ts'),
      `import { cell, tanh, vec } from 'recurve';
       export default cell({ name: 'leaky', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') }, params: {},
         step({ x }, { h }) { return { h: tanh(0.5 * h + x) }; } });`,
    );
    writeFileSync(
      join(cwd, 'net.model.ts'),
      `import { layer, model, over, vec } from 'recurve';
       import leaky from './leaky.cell.ts';
       export default model({ name: 'net', dims: ['H'], inputs: { x: over('T', vec('H')) }, layers: { a: layer(leaky) }, params: {},
         run({ x }, { a }) { return { y: a({ x }).h }; } });`,
    );
    const { fix } = await refused('net.model.ts');
    expect(fix).toBe('Name the cell of its layers: `recurve gradients leaky.cell.ts`.');
    const [named] = await measure('leaky.cell.ts', '--reference', '--dims', 'T=3,B=1,H=2');
    expect(named?.norms).toHaveLength(3);
  });

  it('measures a cell of the user’s own and tells one name from another', async () => {
    writeFileSync(
      join(cwd, 'own.cell.ts'),
      `import { cell, tanh, vec } from 'recurve';
       export default cell({ name: 'rnn', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') }, params: {},
         step({ x }, { h }) { return { h: tanh(0.5 * h + x) }; } });`,
    );
    const ran = await recurve(['gradients', 'rnn', 'own.cell.ts', '--dims', 'T=5,B=1,H=2,I=2', '--reference'], { cwd });
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout).toContain('○ rnn 2');
  });
});
