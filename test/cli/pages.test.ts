import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cellIndex, cellPage } from '../../cli/docs/cells.js';
import { modelIndex, modelPage } from '../../cli/docs/models.js';
import { parseCell, parseSpec } from '../../codegen/frontend/index.js';
import { builtInCells, builtInModels } from '../../runtime/node/cells.js';
import { ownPackage } from '../../runtime/node/package.js';
import { documentOf, recurve, scratchFolder } from './harness.js';

const pages = join(ownPackage().root, 'docs', 'cells');
const cells = builtInCells();

describe('docs/cells', () => {
  it.each(cells)('$name has the page that its spec makes: `npm run docs` writes it', ({ path }) => {
    const tree = parseCell(path);
    expect(readFileSync(join(pages, `${tree.name}.md`), 'utf8')).toBe(cellPage(tree));
  });

  it('lists every cell and holds no page of another', () => {
    const trees = cells.map(({ path }) => parseCell(path));
    expect(readFileSync(join(pages, 'README.md'), 'utf8')).toBe(cellIndex(trees));
    expect(readdirSync(pages).sort()).toEqual(['README.md', ...trees.map(({ name }) => `${name}.md`)].sort());
  });

  it('every cell names its paper and says what it computes', () => {
    for (const { path } of cells) {
      const { name, summary, documentation } = parseCell(path);
      expect([name, summary.length > 10, /\d{4}/.test(documentation)]).toEqual([name, true, true]);
    }
  });
});

describe('docs/models', () => {
  const folder = join(ownPackage().root, 'docs', 'models');
  const trees = builtInModels()
    .map(({ path }) => parseSpec(path))
    .filter((tree) => tree.kind === 'model');
  const pageOf = (name: string) => readFileSync(join(folder, `${name}.md`), 'utf8');

  it.each(trees)(
    '$name has the page that its spec makes: `npm run docs` writes it',
    (tree) => {
      expect(pageOf(tree.name)).toBe(modelPage(tree));
    },
    60_000,
  );

  it('lists every model and holds no page of another', () => {
    expect(pageOf('README')).toBe(modelIndex(trees));
    expect(readdirSync(folder).sort()).toEqual(['README.md', ...trees.map(({ name }) => `${name}.md`)].sort());
  });

  it('leads to the page of every built-in cell that a layer is made of', () => {
    const links = trees.flatMap(({ name }) => [...pageOf(name).matchAll(/\]\(\.\.\/(\S+?)\)/g)].map(([, path = '']) => path));
    expect(links.filter((path) => !existsSync(join(folder, '..', path)))).toEqual([]);
    expect(new Set(links)).toContain('cells/feedforward.md');
  });

  it('says which values run together over which axis, and what goes from one to another', () => {
    const rows = pageOf('translator').match(/^\| \d+ \| .*$/gm) ?? [];
    expect(rows).toContainEqual(expect.stringMatching(/\| S \| `encoder.h` \| .*`source`.* \| – \|$/));
    expect(rows).toContainEqual(
      expect.stringMatching(/\| T \| `decoder.h` \| .*all steps of \d.* \| `logits`, `said`, `loss` \|$/),
    );
  });

  it('counts the dispatches of a loop for each time axis that has one', () => {
    expect(pageOf('translator')).toContain('| | for each step of S | for each step of T | outside the loops |');
    const [, loops = ''] = /^\| defaults \| (\d+ \+ \d+ \| \d+ \+ \d+) \|/m.exec(pageOf('translator')) ?? [];
    expect(loops).toBe('1 + 1 | 2 + 2');
  });
});

describe('new --from', () => {
  const cwd = scratchFolder();
  const start = () => {
    for (const file of readdirSync(cwd)) rmSync(join(cwd, file));
  };

  it('copies a built-in cell under another name, with the helpers that it imports', async () => {
    start();
    const ran = await recurve(['new', 'mine', '--from', 'gru', '--json'], { cwd });
    expect(documentOf(ran)).toMatchObject({
      file: 'mine.cell.ts',
      helpers: expect.arrayContaining(['activation.ts', 'clipping.ts']),
    });
    const tree = parseCell(join(cwd, 'mine.cell.ts'));
    expect(tree.name).toBe('mine');
    const listed = await recurve(['inspect', 'mine.cell.ts', '--stage', 'signature', '--json'], { cwd });
    expect(listed.code).toBe(0);
  });

  it('keeps a helper that is there and the same, and refuses one that differs', async () => {
    start();
    await recurve(['new', 'one', '--from', 'gru'], { cwd });
    expect((await recurve(['new', 'two', '--from', 'rnn'], { cwd })).code).toBe(0);
    writeFileSync(join(cwd, 'activation.ts'), '// mine\n');
    const ran = await recurve(['new', 'three', '--from', 'rnn', '--json'], { cwd });
    expect([ran.code, documentOf(ran)]).toMatchObject([2, { error: { code: 'NEW-HELPER' } }]);
    expect(existsSync(join(cwd, 'three.cell.ts'))).toBe(false);
    expect(readFileSync(join(cwd, 'activation.ts'), 'utf8')).toBe('// mine\n');
  });

  it('names a cell that there is not', async () => {
    const ran = await recurve(['new', 'four', '--from', 'grv', '--json'], { cwd });
    expect([ran.code, documentOf(ran)]).toMatchObject([2, { error: { code: 'CELL-UNKNOWN' } }]);
  });

  it('copies a model, with the cells of its own that it imports and none of those that its layers name', async () => {
    start();
    const ran = await recurve(['new', 'mine', '--from', 'translator', '--json'], { cwd });
    expect(documentOf(ran)).toMatchObject({ file: 'mine.model.ts', helpers: [] });
    expect(parseSpec(join(cwd, 'mine.model.ts'))).toMatchObject({ kind: 'model', name: 'mine' });
    await recurve(['new', 'part'], { cwd });
    const own = readFileSync(join(cwd, 'mine.model.ts'), 'utf8').replace('encoder: layer(o.cell,', 'encoder: layer(part,');
    writeFileSync(join(cwd, 'mine.model.ts'), `import part from './part.cell.js';\n${own}`);
    const again = await recurve(['new', 'other', '--from', 'mine.model.ts', '--json'], { cwd });
    expect(documentOf(again)).toMatchObject({ file: 'other.model.ts', helpers: [] });
    expect(readFileSync(join(cwd, 'other.model.ts'), 'utf8')).toContain("import part from './part.cell.js'");
    mkdirSync(join(cwd, 'away'));
    const away = await recurve(['new', 'third', '--from', '../mine.model.ts', '--json'], { cwd: join(cwd, 'away') });
    expect(documentOf(away)).toMatchObject({ file: 'third.model.ts', helpers: ['part.cell.ts'] });
    rmSync(join(cwd, 'away'), { recursive: true });
  });
});

describe('new --model', () => {
  const cwd = scratchFolder();

  it('writes a model that has no mistake, agrees, runs and generates as it is', async () => {
    expect(await recurve(['new', 'net', '--model'], { cwd })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('net.model.ts'),
    });
    const small = ['--dims', 'T=4,B=2,I=3,H=3,K=3', '--adapter', 'swiftshader'];
    expect(
      await recurve(['check', 'net.model.ts', '--dims', 'T=4,B=2,I=3,H=7,K=7', '--adapter', 'swiftshader'], { cwd }),
    ).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('agrees'),
    });
    expect(await recurve(['run', 'net.model.ts', '--random', ...small], { cwd })).toMatchObject({ code: 0 });
    expect(await recurve(['generate', 'net.model.ts', '--out', 'made', ...small], { cwd })).toMatchObject({ code: 0 });
    expect(await recurve(['new', 'net', '--model', '--json'], { cwd })).toMatchObject({ code: 2 });
  });
});
