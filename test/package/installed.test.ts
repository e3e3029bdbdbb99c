/** The package works where it is installed: every entry, in programs that type-check and run, and in a bundle for browsers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice } from '../../runtime/device/index.js';
import type * as Runtime from '../../runtime/index.js';
import { builtIn } from '../conformance/compare-cell.js';
import { prepareLayer } from '../layer/prepared.js';
import { checkout, type Installed, install } from './install.js';
import { TYPED } from './programs.js';

const { exports } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { exports: Record<string, unknown> };
const entries = Object.keys(exports)
  .filter((path) => path !== './package.json')
  .map((path) => path.replace(/^\./, 'recurve'));
const examples = readdirSync(join(checkout, 'examples'));
const programs = examples.filter((file) => !file.endsWith('.cell.ts'));

const blocksIn = (document: string) =>
  [...readFileSync(join(checkout, document), 'utf8').matchAll(/^```(?:js|ts)\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);
/** Programs in documents, each as a module of its own, with what its text takes for granted. */
function programsIn(document: string): string[] {
  const granted: Readonly<Record<string, string>> = {
    layer: 'import("recurve/node").Layer',
    x: 'Float32Array',
    device: 'GPUDevice',
    cotangentOf: '(y: import("recurve/node").Tensor) => Float32Array',
  };
  return blocksIn(document).map((code) => {
    const missing = Object.entries(granted).filter(([name]) => !new RegExp(`\\b(const|let) ${name}\\b`).test(code));
    return `${code}\n${missing.map(([name, type]) => `declare const ${name}: ${type};`).join('\n')}\nexport {};`;
  });
}
const documented = ['README.md', 'docs/library.md', 'docs/errors.md'].flatMap(programsIn);
const documents = documented.map((_, at) => `documented-${at}.ts`);
/** The page's models, and one whose layers are of every kind that `layers` may hold, by themselves and not from a function. */
const models = blocksIn('docs/models.md').filter((text) => text.includes('export default'));
models.push(`
import { layer, mat, matvec, model, over, repeat, vec } from 'recurve';
import adder from './adder.cell.js';
export default model({
  name: 'kinds',
  dims: ['I', 'H'],
  inputs: { x: over('T', vec('I')) },
  layers: { named: layer('gru'), own: layer(adder, { I: 'H' }), deep: repeat(2, layer('gru', { I: 'H' })) },
  params: { W: mat('H', 'I') },
  run({ x }, { named, own, deep }, p) {
    const h = deep[0]({ x: named({ x }).h }).h;
    // @ts-expect-error: the cell has no such input.
    own({ y: h });
    return { y: own({ x: h }, { reverse: true }).y, end: own({ x: h + matvec(p.W, x) }).final.h };
  },
});
`);
const modelFiles = models.map((_, at) => `model-${at}.model.ts`);

let installed: Installed;
beforeAll(async () => {
  installed = await install();
  const recurve = join('node_modules', 'recurve', 'dist', 'cli', 'main.js');
  const dims = ['--dims', 'T=16,B=4,I=3,H=8', '--out', 'kernels', '--adapter', 'swiftshader'];
  installed.node(recurve, 'generate', 'gru', ...dims);
  installed.node(recurve, 'generate', 'mgu', '--trace', 'f', '--trace', 'h', '--clip', '1', ...dims);
  for (const file of examples) installed.write(file, readFileSync(join(checkout, 'examples', file), 'utf8'));
  installed.write('typed.ts', TYPED);
  for (const [at, file] of documents.entries()) installed.write(file, documented[at] ?? '');
  for (const [at, file] of modelFiles.entries()) installed.write(file, models[at] ?? '');
  installed.write('entries.ts', entries.map((entry, at) => `export * as entry${at} from '${entry}';`).join('\n'));
  await build({
    absWorkingDir: installed.folder,
    entryPoints: ['typed.ts', 'kernels/gru/gru.ts', 'kernels/mgu/mgu.ts', ...programs],
    outdir: '.',
    outbase: '.',
    format: 'esm',
  });
}, 120_000);
afterAll(() => installed.remove());

describe('the installed package', () => {
  it('has its four entries, and each of them loads', () => {
    const some = {
      recurve: 'cell matvec',
      'recurve/runtime': 'load adopt Layer',
      'recurve/node': 'open Gpu load',
      'recurve/codegen': 'compile parseCell',
    };
    expect(entries).toEqual(Object.keys(some));
    const print = `for (const entry of ${JSON.stringify(entries)}) console.log(Object.keys(await import(entry)).join(' '))`;
    const names = installed.node('--input-type=module', '-e', print).trim().split('\n');
    for (const [at, wanted] of Object.values(some).entries())
      for (const name of wanted.split(' ')) expect(names[at]?.split(' ')).toContain(name);
  });

  it('gives strict programs their types where a bundler resolves, with nothing else installed; a wrong name or shape is an error', () => {
    expect(installed.typeErrors(['entries.ts', 'typed.ts'], 'Bundler', [])).toEqual([]);
  });

  it('gives them, the examples and the programs and models in the documents their types where Node resolves', () => {
    expect(documents.length).toBeGreaterThan(4);
    expect(modelFiles).toHaveLength(4);
    const files = ['entries.ts', 'typed.ts', ...programs, ...documents, ...modelFiles];
    expect(installed.typeErrors(files, 'NodeNext', ['node'])).toEqual([]);
  });

  it('runs a program on a generated module, whose mistake is an error with a code', () => {
    expect(installed.node('typed.js')).toBe('DATA-SHAPE 2,1,8\ntraced 3,2,8 8 true\n');
  });
});

it.skipIf(process.platform !== 'linux')('a device that was closed leaves nothing behind: no thread of its driver', () => {
  installed.write(
    'again.mjs',
    `import { readdirSync } from 'node:fs';
    import { open } from 'recurve/node';
    import { plan } from './kernels/gru/gru.js';
    const threads = [];
    for (let round = 0; round < 8; round++) {
      const gpu = await open({ adapter: 'swiftshader' });
      const layer = await gpu.load(plan);
      layer.init();
      await layer.run({ inputs: { x: new Float32Array(16 * 4 * 3) } });
      layer.destroy();
      gpu.close();
      for (let turn = 0; turn < 5; turn++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
      threads.push(readdirSync('/proc/self/task').length);
    }
    console.log(threads.join(' '));`,
  );
  const threads = installed.node('--expose-gc', 'again.mjs').split(' ').map(Number);
  expect(threads).toHaveLength(8);
  expect((threads[7] ?? 0) - (threads[1] ?? 0)).toBeLessThan(4);
});

describe('examples', () => {
  const numbers = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, number]) => Number(number));

  it('first: compiles a cell and runs it forward and backward', () => {
    const printed = installed.node('first.js');
    expect(printed).toMatch(/^h \[8,2,4\] ends at -?0\.\d+/m);
    expect(printed).toContain('∂L/∂U_n [4,4]');
  });

  it('adding: gradient descent by hand learns to add', () => {
    const losses = numbers(installed.node('adding.js'), /loss (\d\S+)/g);
    expect(losses).toHaveLength(5);
    expect(losses.at(-1)).toBeLessThan(0.05);
  });

  it('streaming: two utterances of the same sound give the same', () => {
    const printed = installed.node('streaming.js');
    const [first, second] = ['first', 'second'].map((name) =>
      numbers(printed, new RegExp(`^${name}, step 20: h \\[1,32\\] begins (\\S+)`, 'gm')),
    );
    expect(first).toHaveLength(1);
    expect(Math.abs(first?.[0] ?? 0)).toBeGreaterThan(1e-3);
    expect(second).toEqual(first);
  });

  it('generated: runs fewer steps and sequences than its plan has', () => {
    expect(installed.node('generated.js')).toMatch(/^h of 10 steps, 2 sequences, 8 units ends at -?0\.\d+/);
  });

  it('safetensors: what was saved gives the same outputs', () => {
    expect(installed.node('safetensors.js')).toBe('6 parameters of mgu, the same outputs\n');
  });

  it('two-plans: what one trains the other serves', () => {
    const [before = 0, after = 1] = numbers(installed.node('two-plans.js'), /(?:before|after) (\S+)/g);
    expect(after).toBeLessThan(before / 2);
  });

  it('are all run here', () => {
    const own = readFileSync(new URL(import.meta.url), 'utf8');
    for (const file of programs) expect(own).toContain(`'${file.replace('.ts', '.js')}'`);
  });
});

describe('the bundle of recurve/runtime for browsers', () => {
  it('is below 60 KB, asks for nothing outside itself, and gives what the reference does on a device of another', async () => {
    const { outputFiles, metafile } = await build({
      stdin: { contents: "export * from 'recurve/runtime';", resolveDir: installed.folder },
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      metafile: true,
      write: false,
      outfile: 'runtime.js',
    });
    const text = outputFiles[0]?.text ?? '';
    expect(gzipSync(text).length).toBeLessThan(60 * 1024);
    expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
    expect(text).not.toMatch(/\brequire\s*\(|\bimport\s*\(|["']node:|\bprocess\./);

    installed.write('runtime.mjs', text);
    const { load, RecurveError }: typeof Runtime = await import(pathToFileURL(join(installed.folder, 'runtime.mjs')).href);
    const device = await openDevice('swiftshader');
    const sizes = { T: 5, B: 3, I: 3, H: 5 };
    const { plan, data, wrong } = prepareLayer(device, builtIn('lstm'), sizes);
    const layer = await load(device.device, JSON.parse(JSON.stringify(plan)));
    const drawn = data({}, { seed: 1, ragged: true });
    expect(wrong(drawn, {}, await layer.run(drawn))).toEqual([]);
    await expect(layer.run({ inputs: {} })).rejects.toBeInstanceOf(RecurveError);
    layer.destroy();
    device.close();
  });
});
