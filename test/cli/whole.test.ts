import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Project } from 'ts-morph';
import { describe, expect, it } from 'vitest';
import { newCellSource } from '../../cli/new-cell.js';
import { isKeyword } from '../../codegen/frontend/index.js';
import { withLock } from '../../runtime/files/lock.js';
import { uninterrupted } from '../../runtime/files/uninterrupted.js';
import { writeAll } from '../../runtime/files/write-all.js';
import { documentOf, recurve, scratchFolder } from './harness.js';

const cwd = scratchFolder();
const at = (...path: string[]) => join(cwd, ...path);
const SMALL = ['--dims', 'T=3,B=2,I=3,H=5'];

function write(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

/** Every file below a folder with its content. */
function treeOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), readFileSync(path, 'utf8')] as const;
    }),
  );
}

describe('several files', () => {
  it('are written whole or not at all, and the first error is the one that is told', async () => {
    write('several/kept.txt', 'older');
    write('several/gone.txt', 'older');
    mkdirSync(at('several', 'folder'));
    const before = treeOf(at('several'));
    const change = (last: string) =>
      writeAll({
        writes: ['kept.txt', 'new/deep/a.txt', last].map((name) => ({
          path: at('several', name),
          content: 'new',
          existing: 'replace',
        })),
        removes: [at('several', 'gone.txt'), at('several', 'never.txt')],
      });
    await expect(change('folder')).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(change('kept.txt/x')).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(change(`${'n'.repeat(300)}`)).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    expect(treeOf(at('several'))).toEqual(before);
    expect(readdirSync(at('several')).sort()).toEqual(['folder', 'gone.txt', 'kept.txt']);
    await change('last.txt');
    expect(treeOf(at('several'))).toEqual({ 'kept.txt': 'new', 'new/deep/a.txt': 'new', 'last.txt': 'new' });
  });

  it('are taken back when one of them turns out to exist after others are in place', async () => {
    write('refused/b.txt', 'mine');
    const writes = ['a.txt', 'b.txt'].map((name) => ({ path: at('refused', name), content: 'new', existing: 'refuse' as const }));
    await expect(writeAll({ writes })).rejects.toMatchObject({ code: 'EEXIST' });
    expect(treeOf(at('refused'))).toEqual({ 'b.txt': 'mine' });
    write('removed/a.txt', 'older');
    mkdirSync(at('removed', 'b.txt'));
    const half = {
      writes: [{ path: at('removed', 'a.txt'), content: 'new', existing: 'replace' as const }],
      removes: [at('removed', 'b.txt')],
    };
    await expect(writeAll(half)).rejects.toThrow();
    expect(treeOf(at('removed'))).toEqual({ 'a.txt': 'older' });
    expect(readdirSync(at('removed')).sort()).toEqual(['a.txt', 'b.txt']);
  });

  it('are finished before a signal is obeyed', async () => {
    const log: string[] = [];
    const listener = () => void log.push('obeyed');
    process.on('SIGTERM', listener);
    try {
      await uninterrupted(() => {
        process.kill(process.pid, 'SIGTERM');
        log.push('done');
      });
      // Once while it ran, and once passed on for whoever would have ended the process.
      await expect.poll(() => log.length, { timeout: 5000 }).toBe(3);
      expect(log[0]).toBe('done');
    } finally {
      process.off('SIGTERM', listener);
    }
    expect(process.listenerCount('SIGINT')).toBe(0);
  });

  it('are changed by one process at a time, and a lock that a killed process left is taken over', async () => {
    const log: string[] = [];
    write('locked/.recurve.lock', '999999999');
    await withLock(at('locked'), () => {
      expect(readFileSync(at('locked', '.recurve.lock'), 'utf8')).toBe(String(process.pid));
      log.push('taken over');
    });
    // Killed before it wrote its number; and whose number another process has now.
    for (const [holder, age] of [
      ['', 3],
      [String(process.pid), 31],
    ] as const) {
      write('locked/.recurve.lock', holder);
      const then = Date.now() / 1000 - age;
      utimesSync(at('locked', '.recurve.lock'), then, then);
      const begin = Date.now();
      await withLock(at('locked'), () => {});
      expect(Date.now() - begin).toBeLessThan(1000);
    }
    write('locked/.recurve.lock', String(process.pid));
    const waiting = withLock(at('locked'), () => void log.push('second'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    log.push('first');
    rmSync(at('locked', '.recurve.lock'));
    await waiting;
    expect(log).toEqual(['taken over', 'first', 'second']);
    expect(readdirSync(at('locked'))).toEqual([]);
    await expect(
      withLock(at('made', 'for', 'it'), () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(existsSync(at('made'))).toBe(false);
  });
});

describe('generate', () => {
  it('removes the kernels of its own earlier run, and nothing of the user', async () => {
    const all = ['generate', 'lstm', '--out', 'o', ...SMALL];
    await recurve([...all, '--set', 'projection=true'], { cwd });
    write('o/lstm/mine.wgsl', 'mine');
    write('o/notes.txt', 'mine');
    expect(await recurve(all, { cwd })).toMatchObject({ code: 0, stderr: '' });
    const { kernels } = JSON.parse(readFileSync(at('o/lstm/plan.json'), 'utf8')) as { kernels: { name: string }[] };
    expect(readdirSync(at('o/lstm')).sort()).toEqual(
      [...kernels.map(({ name }) => `${name}.wgsl`), 'lstm.ts', 'plan.json', 'mine.wgsl'].sort(),
    );
    expect(readdirSync(at('o')).sort()).toEqual(['lstm', 'notes.txt']);
  });

  it('writes plans that give traced values and clip cotangents, and nothing where a name is not there or a model has no step', async () => {
    const traced = ['generate', 'mgu', '--trace', 'n', '--clip', '0.5', '--out', 't', ...SMALL];
    expect(await recurve(traced, { cwd })).toMatchObject({ code: 0, stderr: '' });
    const { tensors } = JSON.parse(readFileSync(at('t/mgu/plan.json'), 'utf8')) as { tensors: Record<string, unknown> };
    expect(Object.keys(tensors)).toEqual(expect.arrayContaining(['traces.n', 'gradients.traces.n']));
    const kernelsIn = (folder: string) => readdirSync(at(folder)).map((name) => readFileSync(at(`${folder}/${name}`), 'utf8'));
    await recurve(['generate', 'mgu', '--trace', 'n', '--out', 'v', ...SMALL], { cwd });
    expect(kernelsIn('t/mgu')).not.toEqual(kernelsIn('v/mgu'));
    const unknown = await recurve(['generate', 'mgu', '--trace', 'z', '--out', 'u', ...SMALL], { cwd });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('TRACE-UNKNOWN') });
    const model = await recurve(['generate', 'tagger', '--trace', 'h', '--out', 'u'], { cwd });
    expect(model).toMatchObject({ code: 2, stderr: expect.stringContaining('TRACE-MODEL') });
    expect(existsSync(at('u'))).toBe(false);
  });

  it("writes its own module anew, and never over the user's, be it what the cell imports", async () => {
    const helper = "import { tanh } from 'recurve';\nexport function bent(x: number): number {\n  return tanh(x);\n}\n";
    const text = `import { cell, vec } from 'recurve';
import { bent } from './bend.js';
export default cell({ name: 'bend', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') }, params: {},
  step({ x }, { h }) { return { h: bent(x + h) }; } });
`;
    write('bend/bend.ts', helper);
    write('bend/bend.cell.ts', text);
    const made = ['generate', 'bend/bend.cell.ts', ...SMALL.map((each) => each.replace('I=3,', ''))];
    const refused = await recurve([...made, '--out', '.'], { cwd });
    expect(refused).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error OUT-EXISTS: bend\/bend\.ts is there/),
    });
    expect(readFileSync(at('bend/bend.ts'), 'utf8')).toBe(helper);
    expect(readdirSync(at('bend')).sort()).toEqual(['bend.cell.ts', 'bend.ts']);
    for (let time = 0; time < 2; time++) {
      expect(await recurve([...made, '--out', 'made'], { cwd })).toMatchObject({ code: 0, stderr: '' });
    }
  });

  it.each([
    ['plan.json', '{ "version": 1, "kernels": [], "note": "my own plan" }'],
    ['plan.json', 'not JSON'],
    ['plan.json', '[]'],
    ['forward_loop.wgsl', '@compute @workgroup_size(1) fn mine() {}'],
    ['rnn.ts', 'export const mine = 1;'],
  ])('writes nothing where %s is none of its own: %s', async (name, text) => {
    rmSync(at('foreign'), { recursive: true, force: true });
    write(`foreign/rnn/${name}`, text);
    const made = ['generate', 'gru', 'rnn', '--out', 'foreign', ...SMALL];
    const refused = await recurve([...made, '--json'], { cwd });
    expect(refused.code).toBe(2);
    expect(documentOf(refused)).toMatchObject({
      error: {
        code: 'OUT-EXISTS',
        message: expect.stringContaining(`rnn/${name} is there already, and generate did not write it`),
      },
    });
    expect(treeOf(at('foreign'))).toEqual({ [join('rnn', name)]: text });
    // What is empty holds nothing.
    write(`foreign/rnn/${name}`, '');
    expect(await recurve(made, { cwd })).toMatchObject({ code: 0, stderr: '' });
  });

  it('knows what it wrote itself, of cells and models of other sizes and options, though it was edited', async () => {
    const made = ['generate', 'stack', 'tagger', 'clockwork', '--out', 'again'];
    expect(await recurve([...made, ...SMALL], { cwd })).toMatchObject({ code: 0, stderr: '' });
    for (const [path, text] of Object.entries(treeOf(at('again'))))
      if (!path.endsWith('.json')) write(join('again', path), `${text}\n// looked at`);
    expect(await recurve([...made, '--dims', 'T=4,B=2,I=5,H=6'], { cwd })).toMatchObject({ code: 0, stderr: '' });
    expect(Object.values(treeOf(at('again'))).filter((text) => text.includes('looked at'))).toEqual([]);
  });

  it('follows no name in a foreign plan out of its folder', async () => {
    const kernels = [{ name: '../../victim' }, { name: 3 }, null, { name: 'other' }];
    write('f/rnn/plan.json', JSON.stringify({ version: 1, cell: 'rnn', buffers: [], passes: [], kernels }));
    write('victim.wgsl', '// ../../victim: mine');
    write('f/rnn/other.wgsl', 'mine');
    expect(await recurve(['generate', 'rnn', '--out', 'f', ...SMALL], { cwd })).toMatchObject({ code: 0 });
    expect(readFileSync(at('victim.wgsl'), 'utf8')).toBe('// ../../victim: mine');
    // Named by a plan, and yet not what was written under that name.
    expect(readFileSync(at('f/rnn/other.wgsl'), 'utf8')).toBe('mine');
  });

  it('leaves all as it was where the last of several cells cannot be written', async () => {
    await recurve(['generate', 'rnn', '--out', 'p', ...SMALL], { cwd });
    mkdirSync(at('p/mgu/plan.json'), { recursive: true });
    const before = treeOf(at('p'));
    const ran = await recurve(['generate', 'rnn', 'mgu', '--out', 'p', '--dims', 'H=7', '--json'], { cwd });
    expect(ran.code).toBe(2);
    expect(documentOf(ran)).toMatchObject({ error: { code: 'OUT-WRITE', message: expect.stringContaining('is a folder') } });
    expect(treeOf(at('p'))).toEqual(before);
    expect(readdirSync(at('p')).sort()).toEqual(['mgu', 'rnn']);
  });

  it.each(['file/x', 'file', `${'n'.repeat(300)}`, 'z\0'])('refuses --out %j as a mistake of the user', async (out) => {
    write('file', '');
    const ran = await recurve(['generate', 'rnn', '--out', out, '--json', ...SMALL], { cwd });
    expect(ran.code).toBe(2);
    expect(documentOf(ran)).toMatchObject({ error: { code: expect.stringMatching(/^OUT-(WRITE|FILE)$/) } });
  });

  it('writes what two runs at once give, each whole', async () => {
    const runs = ['false', 'true', 'false', 'true'].map((projection) =>
      recurve(['generate', 'lstm', '--out', 'both', '--set', `projection=${projection}`, ...SMALL], { cwd }),
    );
    for (const { code } of await Promise.all(runs)) expect(code).toBe(0);
    const { kernels } = JSON.parse(readFileSync(at('both/lstm/plan.json'), 'utf8')) as {
      kernels: { name: string; wgsl: string }[];
    };
    const wgsl = Object.entries(treeOf(at('both/lstm'))).filter(([name]) => name.endsWith('.wgsl'));
    expect(Object.fromEntries(wgsl)).toEqual(Object.fromEntries(kernels.map(({ name, wgsl: text }) => [`${name}.wgsl`, text])));
  });

  it('writes a module that type-checks, whatever words of TypeScript its dims and tensors are called', async () => {
    const words =
      'in case class new readonly infer keyof type get set static async await yield let of any never null void this super enum delete'.split(
        ' ',
      );
    expect(words.filter(isKeyword).length).toBeGreaterThan(20);
    const [state = 'in', ...more] = words;
    const text = `import { cell, tanh, matvec, mat, vec } from 'recurve';
export default cell({
  name: 'words', dims: ['I', ${words.map((word) => `'${word}'`).join(', ')}],
  inputs: { class: vec('I') },
  state: { new: vec('${state}') },
  params: { ${words.map((word) => `${word}: ${word === 'in' ? "mat('in', 'I')" : `mat('${word}', 'in')`}`).join(', ')} },
  step(x, s, p) { return { new: tanh(matvec(p.in, x.class) + s.new), ${more
    .filter((word) => word !== 'new')
    .map((word) => `${word}: matvec(p.${word}, s.new)`)
    .join(', ')}, other: matvec(p.new, s.new) }; },
});
`;
    const name = 'a\nexport const owned = 1; __.cell.ts';
    write(name, text);
    const ran = await recurve(['generate', name, '--out', 'words'], { cwd });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const project = new Project({
      compilerOptions: { strict: true, noEmit: true, types: [], lib: ['lib.es2023.d.ts'], skipLibCheck: true },
    });
    const module = readFileSync(at('words/words/words.ts'), 'utf8').replace(
      "import type { Tensor, TypedPlan } from 'recurve/runtime';",
      'type Tensor<S> = { shape: S }; type TypedPlan<S> = { types?: S } & object & Record<string, unknown>;',
    );
    const source = project.createSourceFile(at('words/checked.ts'), module);
    expect(source.getPreEmitDiagnostics().map((found) => found.getMessageText())).toEqual([]);
    expect(source.getVariableDeclarations().map((found) => found.getName())).toEqual(['sizes', 'plan']);
    expect(module).toContain('in_: 16');
    expect(module).toMatch(/^\/\/ Written by recurve \S+ from a\\u\{a\}export const owned/);
  });
});

describe('new --from', () => {
  it('copies helpers from subfolders and from above, and every import finds its file', async () => {
    write(
      'src/cells/deep/gate.ts',
      "import { twice } from '../../lib/twice.js';\nexport function gate(a: number): number { return twice(a); }\n",
    );
    write(
      'src/lib/twice.ts',
      "import { one } from './one.ts';\nexport function twice(a: number): number { return a * 2 * one(); }\n",
    );
    write('src/lib/one.ts', 'export function one(): number { return 1; }\n');
    write('src/cells/lib/twice.ts', 'export function half(a: number): number { return a / 2; }\n');
    write(
      'src/cells/old.cell.ts',
      newCellSource('old')
        .replace("name: 'old'", "/* name: 'not this' */ 'name': ('old')")
        .replace(
          "from 'recurve';",
          "from 'recurve';\nimport { gate } from './deep/gate';\nimport { half } from './lib/twice.js'; // name: 'old'\n",
        )
        .replace('const n = activate', 'const n = gate(half(1)) * activate'),
    );
    mkdirSync(at('work'));
    const ran = await recurve(['new', 'mine', '--from', '../src/cells/old.cell.ts', '--json'], { cwd: at('work') });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(documentOf(ran)).toMatchObject({
      file: 'mine.cell.ts',
      helpers: ['deep/gate.ts', 'lib/twice.ts', 'lib/twice-2.ts', 'lib/one.ts'],
    });
    const copied = treeOf(at('work'));
    expect(Object.keys(copied).sort()).toEqual(['deep/gate.ts', 'lib/one.ts', 'lib/twice-2.ts', 'lib/twice.ts', 'mine.cell.ts']);
    expect(copied['mine.cell.ts']).toContain("// name: 'old'");
    expect(copied['mine.cell.ts']).toContain("/* name: 'not this' */ 'name': 'mine',");
    expect(copied['deep/gate.ts']).toContain("from '../lib/twice-2.js'");
    const [was, is] = await Promise.all(
      ['src/cells/old.cell.ts', 'work/mine.cell.ts'].map((file) => recurve(['inspect', file, '--stage', 'graph'], { cwd })),
    );
    expect(is).toMatchObject({ code: 0, stderr: '' });
    expect(is?.stdout.replaceAll('mine', 'old')).toBe(was?.stdout);
  });

  it('writes nothing where a helper of another content is in the way', async () => {
    write('taken/activation.ts', 'mine');
    const ran = await recurve(['new', 'mine', '--from', 'rnn', '--json'], { cwd: at('taken') });
    expect(documentOf(ran)).toMatchObject({ error: { code: 'NEW-HELPER' } });
    expect(treeOf(at('taken'))).toEqual({ 'activation.ts': 'mine' });
    write('blocked/lib', '');
    const blocked = await recurve(['new', 'mine', '--from', '../src/cells/old.cell.ts', '--json'], { cwd: at('blocked') });
    expect(blocked.code).toBe(2);
    expect(treeOf(at('blocked'))).toEqual({ lib: '' });
  });

  it.each(['constructor', 'toString', '__proto__', 'a\u001b[2J', 'hasOwnProperty'])('refuses the name %j', async (name) => {
    const ran = await recurve(['new', name], { cwd });
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringMatching(/^error NEW-NAME: [ -~]+\nfix: .+\n$/) });
  });
});

describe('names that every object has', () => {
  it.each([
    ['--dims', '__proto__=5', 'DIMS-UNKNOWN'],
    ['--dims', 'constructor=5', 'DIMS-UNKNOWN'],
    ['--dims', 'toString=5,toString=6', 'DIMS-TWICE'],
    ['--dims', '__proto__=5,__proto__=5', 'DIMS-TWICE'],
    ['--set', '__proto__=5', 'OPTION-UNKNOWN'],
    ['--set', 'constructor=tanh', 'OPTION-UNKNOWN'],
  ])('are no dims and options: %s %s', async (flag, value, code) => {
    const ran = await recurve(['inspect', 'rnn', '--stage', 'signature', flag, value, '--json'], { cwd });
    expect(documentOf(ran)).toMatchObject({ error: { code } });
    expect(ran.code).toBe(2);
  });
});

describe('an import through a symbolic link', () => {
  it('is refused where it leaves the folder in which it looks, without a word of what is there', async () => {
    write('secret/h.ts', 'password = 1234;\n');
    write('links/lib/own.ts', 'export function own(a: number): number { return a; }\n');
    symlinkSync('../secret/h.ts', at('links/h.ts'));
    symlinkSync('../secret', at('links/away'));
    symlinkSync('lib/own.ts', at('links/inside.ts'));
    const importing = (name: string, from: string) =>
      newCellSource('mine')
        .replace("from 'recurve';", `from 'recurve';\nimport { ${name} } from '${from}';`)
        .replace('const n = activate', `const n = ${name}(1) * activate`);
    for (const [from, code] of [
      ['./h.js', 2],
      ['./away/h.js', 2],
      ['../links/away/h.js', 2],
      ['./lib/../h.js', 2],
      ['./inside.js', 0],
      ['../links/lib/own.js', 0],
    ] as const) {
      write('links/mine.cell.ts', importing('own', from));
      const ran = await recurve(['inspect', 'mine.cell.ts', '--stage', 'graph'], { cwd: at('links') });
      expect({ from, code: ran.code }).toEqual({ from, code });
      expect(ran.stderr.includes('SPEC-IMPORT-OUTSIDE')).toBe(code === 2);
      expect(ran.stderr).not.toMatch(/password|1234/);
    }
  });
});

describe('a cell that is no file', () => {
  it('is a folder: the files in it are named', async () => {
    write('folder/mine.cell.ts', newCellSource('mine'));
    write('folder/network.model.ts', '');
    const refused = {
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /CELL-FILE: .* is a folder, and a cell or model is a file\nfix: Give a file in it: folder\/mine\.cell\.ts, folder\/network\.model\.ts\.\n$/,
      ),
    };
    expect(await recurve(['check', 'folder'], { cwd })).toMatchObject(refused);
    expect(await recurve(['check', './folder/'], { cwd })).toMatchObject(refused);
    // No name at all is the working folder to whoever joins paths.
    expect(await recurve(['check', ''], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('CELL-UNKNOWN: there is no built-in cell or model ""'),
    });
    expect(await recurve(['check', '.'], { cwd: at('folder') })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('fix: Give a file in it: mine.cell.ts, network.model.ts.'),
    });
  });

  it('is built in: a new one of that name says so', async () => {
    const ran = await recurve(['new', 'gru'], { cwd: at('folder') });
    expect(ran.stdout).toContain('gru is built in, too: `gru` means that one, `gru.cell.ts` this one');
    expect((await recurve(['new', 'mine2'], { cwd: at('folder') })).stdout).not.toContain('built-in');
  });
});
