import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documentOf, recurve, scratchFolder } from './harness.js';

const cwd = scratchFolder();
const SMALL = ['--dims', 'T=3,B=2,I=3,H=5'];

describe('new', () => {
  it('writes a cell that checks as it is, and says what to do next', async () => {
    const ran = await recurve(['new', 'mine'], { cwd });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('npx recurve check mine.cell.ts');
    const checked = await recurve(['check', 'mine.cell.ts', ...SMALL, '--json'], { cwd });
    expect(documentOf(checked)).toMatchObject({ ok: true, cells: [{ cell: 'mine', ok: true }, {}, {}, {}] });
    expect(checked.code).toBe(0);
  });

  it('never writes over a file', async () => {
    writeFileSync(join(cwd, 'taken.cell.ts'), 'mine');
    const ran = await recurve(['new', 'taken', '--json'], { cwd });
    expect(ran.code).toBe(2);
    expect(documentOf(ran)).toMatchObject({ error: { code: 'OUT-EXISTS' } });
    expect(readFileSync(join(cwd, 'taken.cell.ts'), 'utf8')).toBe('mine');
  });

  it.each(['', '1st', 'a-b', '../up', 'a.b', 'é', 'a'.repeat(65)])('refuses the name %j', async (name) => {
    const ran = await recurve(['new', name, '--json'], { cwd });
    expect(ran.code).toBe(2);
    expect(documentOf(ran)).toMatchObject({ error: { code: 'NEW-NAME' } });
  });
});

describe('list', () => {
  it('gives every built-in cell with its equations, options and parameters', async () => {
    const document = documentOf(await recurve(['list', '--json'])) as { cells: Record<string, unknown>[] };
    expect(document.cells.map(({ name }) => name)).toEqual(expect.arrayContaining(['gru', 'lstm', 'rnn']));
    const cell = (wanted: string) => document.cells.find(({ name }) => name === wanted);
    expect(cell('rnn')).toMatchObject({
      summary: expect.stringContaining('Simple recurrent network'),
      source: expect.stringMatching(/rnn\.cell\.ts$/),
      options: expect.arrayContaining([
        expect.objectContaining({ name: 'activation', kind: 'choice', default: 'tanh' }),
        { name: 'clip', kind: 'real', default: 0, min: 0 },
      ]),
      inputs: [{ name: 'x', shape: ['I'] }],
      state: [{ name: 'h', shape: ['H'] }],
      params: [
        { name: 'W', shape: ['H', 'I'] },
        { name: 'U', shape: ['H', 'H'] },
        { name: 'b', shape: ['H'] },
      ],
      strategy: 'parallel + stepwise',
      dispatchesPerStep: { forward: 1, backward: 1 },
    });
    expect(cell('feedforward')).toMatchObject({
      equations: [
        'const a = o.layerNorm ? layerNorm(matvec(p.W, x), p.gain, p.b) : matvec(p.W, x) + p.b;',
        'const y = activate(o.activation, a);',
        'return { y: o.dropout ? dropout(y, p.dropout_y) : y };',
      ],
      state: [],
      strategy: 'parallel',
      dispatchesPerStep: { forward: 0, backward: 0 },
    });
  });

  it('prints the same for people', async () => {
    const { stdout } = await recurve(['list']);
    expect(stdout).toContain('--set reset=after|before');
    expect(stdout).toContain('--set peepholes=true|false (default false)');
    expect(stdout).toContain('--set clip=<real, 0 to ∞> (default 0)');
  });
});

describe('generate', () => {
  it('writes the kernels, the plan and a typed module, and leaves no scaffolding', async () => {
    const ran = await recurve(['generate', 'gru', 'rnn', '--out', 'generated', ...SMALL], { cwd });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(join(cwd, 'generated')).sort()).toEqual(['gru', 'rnn']);
    const folder = join(cwd, 'generated', 'gru');
    const plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as {
      sizes: object;
      kernels: { name: string; wgsl: string }[];
    };
    expect(plan.sizes).toEqual({ T: 3, B: 2, I: 3, H: 5 });
    expect(readdirSync(folder).sort()).toEqual([...plan.kernels.map(({ name }) => `${name}.wgsl`), 'gru.ts', 'plan.json'].sort());
    for (const { name, wgsl } of plan.kernels) expect(readFileSync(join(folder, `${name}.wgsl`), 'utf8')).toBe(wgsl);
    const module = readFileSync(join(folder, 'gru.ts'), 'utf8');
    expect(module).toContain('readonly x: Tensor<readonly [T: 3, B: 2, I: 3]>;');
    expect(module).toContain('as const satisfies Plan;');
  });

  it('refuses an --out that is a file', async () => {
    writeFileSync(join(cwd, 'file'), '');
    const ran = await recurve(['generate', 'rnn', '--out', 'file'], { cwd });
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('error OUT-FILE: --out file is a file') });
  });

  it('writes nothing when one of several cells is wrong', async () => {
    const ran = await recurve(['generate', 'rnn', 'gruu', '--out', 'none'], { cwd });
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean gru?') });
    expect(existsSync(join(cwd, 'none'))).toBe(false);
  });

  it('keeps files of the user and replaces its own', async () => {
    mkdirSync(join(cwd, 'again', 'rnn'), { recursive: true });
    writeFileSync(join(cwd, 'again', 'rnn', 'notes.txt'), 'mine');
    writeFileSync(join(cwd, 'again', 'rnn', 'plan.json'), 'old');
    await recurve(['generate', 'rnn', '--out', 'again', ...SMALL], { cwd });
    expect(readFileSync(join(cwd, 'again', 'rnn', 'notes.txt'), 'utf8')).toBe('mine');
    expect(JSON.parse(readFileSync(join(cwd, 'again', 'rnn', 'plan.json'), 'utf8'))).toMatchObject({ cell: 'rnn' });
  });

  it('refuses two cells of one name', async () => {
    const ran = await recurve(['generate', 'rnn', 'rnn', '--out', 'twice', '--json'], { cwd });
    expect(documentOf(ran)).toMatchObject({ error: { code: 'GENERATE-TWICE' } });
  });
});

describe('inspect', () => {
  it('shows the signature with the options and sizes chosen', async () => {
    const ran = await recurve(['inspect', 'lstm', '--stage', 'signature', '--set', 'projection=true', '--dims', 'P=7', '--json']);
    expect(documentOf(ran)).toMatchObject({
      name: 'lstm',
      options: { projection: true },
      sizes: { T: 16, B: 8, I: 16, H: 32, P: 7 },
      state: [
        { name: 'h', shape: ['P'] },
        { name: 'c', shape: ['H'] },
      ],
      outputs: ['h'],
    });
  });

  it('has a text and a document for every stage', async () => {
    for (const stage of ['signature', 'graph', 'adjoint', 'plan', 'wgsl']) {
      const text = await recurve(['inspect', 'rnn', '--stage', stage, ...SMALL]);
      expect(text).toMatchObject({ code: 0, stderr: '' });
      expect(text.stdout.length).toBeGreaterThan(100);
      expect(documentOf(await recurve(['inspect', 'rnn', '--stage', stage, '--json', ...SMALL]))).toBeTypeOf('object');
    }
  });

  it('gives the passes of the plan in order with their costs', async () => {
    const document = documentOf(await recurve(['inspect', 'rnn', '--stage', 'plan', '--json', ...SMALL])) as { passes: object[] };
    for (const pass of document.passes) {
      expect(pass).toMatchObject({
        kernel: expect.any(String),
        workgroups: [expect.any(Number), expect.any(Number), expect.any(Number)],
        dispatches: expect.any(Number),
        bytesRead: expect.any(Number),
        bytesWritten: expect.any(Number),
        flops: expect.any(Number),
      });
    }
    expect(document.passes).toContainEqual(expect.objectContaining({ region: 'loop', dispatches: 3 }));
  });
});

describe('a spec with mistakes', () => {
  it('is shown with the line, a caret and what to write, and all mistakes at once', async () => {
    await recurve(['new', 'wrong'], { cwd });
    const file = join(cwd, 'wrong.cell.ts');
    const source = readFileSync(file, 'utf8').replace('p.b_z)', 'p.b_q)').replace('matvec(p.U_n, h)', 'matvec(p.U_n, x)');
    writeFileSync(file, source);
    const ran = await recurve(['check', 'wrong.cell.ts'], { cwd });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(/^wrong\.cell\.ts:\d+:\d+ {2}SPEC-/m);
    expect(ran.stderr).toMatch(/^ +\^+$/m);
    expect(ran.stderr).not.toMatch(/^ +at /m);
    const document = documentOf(await recurve(['check', 'wrong.cell.ts', '--json'], { cwd })) as {
      error: { diagnostics: { code: string; line: number }[] };
    };
    expect(document.error.diagnostics.length).toBeGreaterThanOrEqual(2);
  });
});

describe('doctor', () => {
  it('reports every adapter choice', async () => {
    const document = documentOf(await recurve(['doctor', '--json'])) as { adapters: { choice: string }[] };
    expect(document.adapters.map(({ choice }) => choice)).toEqual(['hardware', 'lavapipe', 'swiftshader']);
  });
});
