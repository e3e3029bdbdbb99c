/** Cells of a user's own, each small enough to be compiled in no time, through the commands that compile. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ownCache } from '../roofline/cache.js';
import { documentOf, recurve, scratchFolder } from './harness.js';

const cwd = scratchFolder();
const save = (name: string, dims: string, x: string, next: string) => {
  writeFileSync(
    join(cwd, `${name}.cell.ts`),
    `import { cell, choice, mat, matvec, vec } from 'recurve';
/**
 * Adds up what it is given. So does an abacus.
 *
 * @see Pacioli 1494
 */
export default cell({ name: '${name}', options: { sign: choice('plus', 'minus') }, dims: [${dims}], inputs: { x: ${x} },
  state: { h: vec('H') },
  params: { ${next.includes('W') ? "W: mat('H', 'I')" : "b: vec('H')"} },
  step({ x }, { h }, p, { options: o }) {
    const sum = h + ${next};
    return { h: o.sign === 'plus' ? sum : -sum };
  },
});
`,
  );
  return `${name}.cell.ts`;
};
const wide = save('wide', "'I', 'H'", "vec('I')", 'matvec(p.W, x)');
const even = save('even', "'H'", "vec('H')", 'p.b * x');
const SOFTWARE = ['--adapter', 'swiftshader'];
const ADAPTER = /swiftshader/i;

describe('list of a cell', () => {
  it('says all of it', async () => {
    const { stdout } = await recurve(['list', wide], { cwd });
    expect(stdout.replaceAll(cwd, '…')).toMatchInlineSnapshot(`
      "wide  Adds up what it is given.
        Adds up what it is given. So does an abacus.

        @see Pacioli 1494

        dims      T B I H
        inputs    x[I]
        state     h[H]
          const sum = h + matvec(p.W, x);
          return { h: o.sign === 'plus' ? sum : -sum };
        --set sign=plus|minus
        params    W[H,I]
        class     affine
        strategy  parallel + thread, or stepwise, or resident, or scan; stepwise 1 + 1 dispatches a step
        source    …/wide.cell.ts

      Dispatches, forward + backward, with every option at its default, are for the generic target, with the limits that WebGPU guarantees everywhere; --adapter auto speaks for this machine.
      "
    `);
  });
});

describe('what depends on the target', () => {
  ownCache();
  it.each([
    ['list', ['list', even]],
    ['the plan', ['inspect', even, '--stage', 'plan']],
    ['the kernels', ['inspect', even, '--stage', 'wgsl']],
  ] as const)('%s names it: the generic one, or an adapter', async (_, argv) => {
    const generic = await recurve(argv, { cwd });
    expect(generic.stdout).toContain('for the generic target, with the limits that WebGPU guarantees everywhere');
    expect(documentOf(await recurve([...argv, '--json'], { cwd }))).toMatchObject({ target: 'generic' });
    const own = await recurve([...argv, ...SOFTWARE], { cwd });
    expect(own.stdout).not.toContain('generic target');
    expect(own.stdout).toMatch(/for the adapter .*swiftshader/i);
    const document = documentOf(await recurve([...argv, ...SOFTWARE, '--json'], { cwd }));
    expect(document).toMatchObject({ target: expect.stringMatching(ADAPTER) });
  });
});

describe('a name with hyphens', () => {
  it('is one for check and run too, as `new` writes it', async () => {
    expect((await recurve(['new', 'my-cell'], { cwd })).code).toBe(0);
    const small = ['my-cell.cell.ts', '--dims', 'T=2,B=1,I=2,H=2', ...SOFTWARE];
    const options = ['--set', 'activation=tanh', '--set', 'rate=0.5'];
    const checked = await recurve(['check', ...small, ...options, '--json'], { cwd });
    expect(checked.code).toBe(0);
    expect(documentOf(checked)).toMatchObject({ ok: true, cells: [{ cell: 'my-cell', verdict: 'agrees' }] });
    const ran = await recurve(['run', ...small, '--random', '--out', 'my-cell.json', '--json'], { cwd });
    expect(documentOf(ran)).toMatchObject({ ok: true, cell: 'my-cell', dims: { T: 2, B: 1, I: 2, H: 2 } });
  });
});

describe('bench of several cells', () => {
  it('gives each the dims that it has, and refuses those that none has before anything is timed', async () => {
    const argv = ['bench', wide, even, ...SOFTWARE, '--json'];
    const ran = await recurve([...argv, '--dims', 'T=2,B=1,I=3,H=2'], { cwd });
    expect(documentOf(ran)).toMatchObject({
      results: [
        { cell: 'wide', dims: { T: 2, B: 1, I: 3, H: 2 } },
        { cell: 'even', dims: { T: 2, B: 1, H: 2 } },
      ],
    });
    const wrong = await recurve([...argv, '--dims', 'T=2,Q=3'], { cwd });
    expect(wrong).toMatchObject({ code: 2, stderr: '' });
    expect(documentOf(wrong)).toMatchObject({ error: { code: 'DIMS-UNKNOWN', message: expect.stringContaining('the dim Q') } });
  });

  it('takes models beside them: options and dims of their own, time axes among the dims', async () => {
    await recurve(['new', 'mine', '--model', '--from', 'translator'], { cwd });
    const argv = ['bench', 'mine.model.ts', 'repeated', even, ...SOFTWARE, '--json'];
    const sizes = ['--dims', 'S=3,T=2,B=1,I=2,V=5,K=3,E=2,H=2,O=4', '--set', 'attention=none', '--set', 'layers=1'];
    const ran = await recurve([...argv, ...sizes], { cwd });
    expect(documentOf(ran)).toMatchObject({
      results: [
        { cell: 'mine', options: { attention: 'none' }, dims: { S: 3, T: 2, B: 1, V: 5, K: 3, E: 2, H: 2 } },
        { cell: 'repeated', options: { layers: 1 }, dims: { T: 2, B: 1, I: 2, H: 2, O: 4 } },
        { cell: 'even', dims: { T: 2, B: 1, H: 2 } },
      ],
    });
  });
});
