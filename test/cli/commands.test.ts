import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCell } from '../../codegen/frontend/index.js';
import { builtInCells, builtInModels } from '../../codegen/shipped.js';
import { planCheck } from '../../runtime/check/index.js';
import { ownPackage } from '../../runtime/node/package.js';
import { documentOf, recurve, scratchFolder } from './harness.js';

const cwd = scratchFolder();
const SMALL = ['--dims', 'T=3,B=2,I=3,H=5'];

describe('new', () => {
  it('writes a cell that checks as it is, and says what to do next', async () => {
    const ran = await recurve(['new', 'mine'], { cwd });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('npx recurve check mine.cell.ts');
    const checked = await recurve(['check', 'mine.cell.ts', ...SMALL, '--json'], { cwd });
    expect(documentOf(checked)).toMatchObject({ ok: true, verdict: 'agrees' });
    expect(checked.code).toBe(0);
  });

  it('never writes over a file', async () => {
    writeFileSync(join(cwd, 'taken.cell.ts'), 'mine');
    const ran = await recurve(['new', 'taken', '--json'], { cwd });
    expect(ran.code).toBe(2);
    expect(documentOf(ran)).toMatchObject({ error: { code: 'OUT-EXISTS' } });
    expect(readFileSync(join(cwd, 'taken.cell.ts'), 'utf8')).toBe('mine');
  });

  it('takes a name with hyphens, as built-in cells have', async () => {
    expect((await recurve(['new', 'my-cell'], { cwd })).code).toBe(0);
    const made = await recurve(['inspect', 'my-cell.cell.ts', '--stage', 'signature', '--json'], { cwd });
    expect(documentOf(made)).toMatchObject({ name: 'my-cell' });
  });

  it.each(['', '1st', '../up', 'a.b', 'é', 'a'.repeat(65)])('refuses the name %j', async (name) => {
    const ran = await recurve(['new', name, '--json'], { cwd });
    expect(ran.code).toBe(2);
    expect(documentOf(ran)).toMatchObject({ error: { code: 'NEW-NAME' } });
  });
});

describe('check', () => {
  const cellOf = (name: string, next: string, options = '') => {
    const text = `import { cell, choice, log, scalar, vec } from 'recurve';
export default cell({ name: '${name}', ${options} dims: ['H'], inputs: { x: vec('H', { range: [0.5, 2] }) },
  state: { h: vec('H'), u: scalar({ init: 1, range: [0, 1] }) }, params: {},
  step({ x }, { h, u }${options === '' ? '' : ', _p, { options: o }'}) { return { h: ${next}, u }; } });
`;
    writeFileSync(join(cwd, `${name}.cell.ts`), text);
    return `${name}.cell.ts`;
  };
  const at = ['--adapter', 'swiftshader', '--dims', 'T=2,B=2,H=3'];

  it('draws a divisor from its range, and counts the draws', async () => {
    const ran = await recurve(['check', cellOf('divided', 'h / x + u'), ...at, '--json'], { cwd });
    expect(ran.code).toBe(0);
    expect(documentOf(ran)).toMatchObject({
      ok: true,
      verdict: 'agrees',
      draws: { taken: 3, replaced: 0 },
      summary: [{ cell: 'divided', verdict: 'agrees', cases: 1, agree: 1 }],
      cells: [{ verdict: 'agrees', draws: { taken: 3, replaced: 0 } }],
    });
  });

  it('says what cannot be judged, why and what to do, with exit code 1 and without a word of a defect', async () => {
    const cell = cellOf('outside', 'log(-1 - h * h) + x * u');
    const ran = await recurve(['check', cell, ...at], { cwd });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('cannot be judged  outside T=2 B=2 H=3');
    expect(ran.stdout).toMatch(
      /of the \d+ numbers computed are not finite: `log` of a number below 0 \(first at step 0, .*outside\.cell\.ts:4\)/,
    );
    expect(ran.stdout).toContain('cannot be judged  outside: none of 1 cases agrees');
    expect(ran.stdout).toContain('--scale');
    expect(ran.stdout).toContain('9 of 12 draws of data were replaced');
    expect(ran.stdout).not.toMatch(/wrong|defect/);
    expect(documentOf(await recurve(['check', cell, ...at, '--json'], { cwd }))).toMatchObject({
      ok: false,
      verdict: 'cannot be judged',
      summary: [{ verdict: 'cannot be judged', agree: 0 }],
    });
  });

  it('draws larger numbers where it is told to', async () => {
    const cell = cellOf('small', '1e-22 * h * h * h * x + 0 * u');
    const judged = async (scale: string) =>
      (documentOf(await recurve(['check', cell, ...at, '--scale', scale, '--json'], { cwd })) as { verdict: string }).verdict;
    expect(await judged('1')).toBe('cannot be judged');
    expect(await judged('1000000')).toBe('agrees');
    for (const scale of ['0', '-1', 'x', '', '1e-60']) {
      const ran = await recurve(['check', cell, '--scale', scale, '--json'], { cwd });
      expect(ran.code).toBe(2);
      expect(documentOf(ran)).toMatchObject({ error: { code: 'SCALE' } });
    }
  });

  it('says how many of very many cases it tries', async () => {
    const values = Array.from({ length: 40 }, (_, value) => `'v${value}'`).join(', ');
    const next = "h * (o.a === 'v1' ? 0.5 : 1) * (o.b === 'v2' ? 0.5 : 1) + x * u";
    const cell = cellOf('wide', next, `options: { a: choice(${values}), b: choice(${values}) },`);
    const tree = parseCell(join(cwd, cell));
    expect(planCheck(tree, {})).toMatchObject({ sampledOf: 1600 });
    expect(planCheck(tree, {}).cases.length).toBeLessThan(270);
    expect(planCheck(tree, { extent: 'all' }).cases.length).toBeGreaterThanOrEqual(1600);
  });

  it('shows what a state starts from and what is drawn', async () => {
    const ran = await recurve(['inspect', cellOf('shown', 'h + x * u'), '--stage', 'signature'], { cwd });
    expect(ran.stdout).toContain('input x: [T, B, H] (drawn from 0.5 to 2)\n');
    expect(ran.stdout).toContain('state h: [B, H]\n');
    expect(ran.stdout).toContain('state u: [B] (starts at 1, drawn from 0 to 1)\n');
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
      strategy: 'parallel + resident',
      strategies: ['resident', 'stepwise'],
      class: 'dense',
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
      strategies: [],
      class: 'none',
      dispatchesPerStep: { forward: 0, backward: 0 },
    });
  });

  it('gives every built-in model with its layers, time axes, tensors and dispatches', async () => {
    const document = documentOf(await recurve(['list', '--json'])) as { models: Record<string, unknown>[] };
    expect(document.models.map(({ name }) => name)).toEqual(builtInModels().map(({ name }) => name));
    const model = (wanted: string) => document.models.find(({ name }) => name === wanted);
    expect(model('translator')).toMatchObject({
      summary: expect.stringContaining('An encoder and a decoder'),
      source: expect.stringMatching(/translator\.model\.ts$/),
      options: expect.arrayContaining([expect.objectContaining({ name: 'attention', kind: 'choice', default: 'dot' })]),
      topology: [
        { name: 'encoder', cell: 'gru', dims: { I: 'E', H: 'H' } },
        { name: 'decoder', cell: 'gru', dims: { I: 'E', H: 'H' } },
      ],
      times: ['S', 'T'],
      dims: ['V', 'K', 'E', 'H'],
      inputs: [
        { name: 'source', shape: [], axes: ['S', 'B'], symbols: 'V' },
        { name: 'target', shape: [], axes: ['T', 'B'], symbols: 'K' },
      ],
      state: [],
      params: expect.arrayContaining([{ name: 'decoder.U_z', shape: ['H', 'H'] }]),
      outputs: [
        { name: 'logits', shape: ['K'], axes: ['T', 'B'] },
        { name: 'said', shape: [], axes: ['T', 'B'] },
        { name: 'loss', shape: [], axes: ['T', 'B'] },
        { name: 'total', shape: [], axes: [] },
      ],
      dispatches: {
        perStep: { S: { forward: 1, backward: 1 }, T: { forward: 2, backward: 2 } },
        inWaves: { forward: 2, backward: 2 },
      },
    });
    expect(model('fast-slow')).toMatchObject({
      state: [
        { name: 'h', shape: ['H'], axes: ['B'] },
        { name: 'c', shape: ['H'], axes: ['B'] },
      ],
    });
    expect(model('classifier')).toMatchObject({ outputs: [{ name: 'logits', shape: ['K'], axes: ['B'] }] });
  });

  it('says of a model what docs/models.md explains', async () => {
    const { models } = documentOf(await recurve(['list', 'translator', '--json'])) as { models: Record<string, unknown>[] };
    const page = readFileSync(join(ownPackage().root, 'docs', 'models.md'), 'utf8');
    const [, explained = ''] = /^`recurve list --json` (.*?)\n$/ms.exec(page) ?? [];
    const names = [...explained.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    expect(Object.keys(models[0] ?? {}).filter((key) => !names.includes(key))).toEqual([]);
  });

  it('prints a line for each, and no more', async () => {
    const { stdout } = await recurve(['list']);
    const names = [...builtInCells(), ...builtInModels()].map(({ name }) => name);
    const listed = stdout.split('\n').flatMap((line) => /^ {2}(\S+) {2,}\S.*\S$/.exec(line)?.[1] ?? []);
    expect(listed).toEqual(names);
    expect(stdout).toMatch(/^ {2}gru +Gated recurrent unit \(Cho et al\. 2014\)\.$/m);
    expect(stdout.trimEnd().split('\n')).toHaveLength(names.length + 5);
  });

  it('prints the same for people', async () => {
    const { stdout } = await recurve(['list', 'all']);
    expect(stdout).toContain('  inputs    source[S,B] target[T,B]');
    expect(stdout).toMatch(/ {2}runs {6}1 \+ 1 dispatches a step of S, 2 \+ 2 dispatches a step of T, \d+ \+ \d+ once/);
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
    expect(module).toContain('readonly x: Tensor<readonly [T: number, B: number, I: 3]>;');
    expect(module).toContain('export const plan: TypedPlan<Types> = {');
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
    await recurve(['generate', 'rnn', '--out', 'again', ...SMALL, '--set', 'activation=relu'], { cwd });
    await recurve(['generate', 'rnn', '--out', 'again', ...SMALL], { cwd });
    expect(readFileSync(join(cwd, 'again', 'rnn', 'notes.txt'), 'utf8')).toBe('mine');
    expect(JSON.parse(readFileSync(join(cwd, 'again', 'rnn', 'plan.json'), 'utf8'))).toMatchObject({
      cell: 'rnn',
      options: { activation: 'tanh' },
    });
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
    expect(document.passes).toContainEqual(expect.objectContaining({ region: 'loop', strategy: 'resident', dispatches: 1 }));
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
