/** What only whole processes can show: they start cold, they exit by themselves, they share a cache. */
import { execFile } from 'node:child_process';
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lavapipeManifests } from '../../runtime/device/vulkan.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
let scratch: string;
/** The device's modules, compiled: Node runs no TypeScript. Beside the sources, so that packages resolve. */
let compiled: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'recurve-test-'));
  await mkdir(join(root, 'node_modules/.cache'), { recursive: true });
  compiled = await mkdtemp(join(root, 'node_modules/.cache/recurve-test-'));
  await cp(join(root, 'runtime/device/embedded'), join(compiled, 'runtime/device/embedded'), { recursive: true });
  for (const folder of ['runtime/device', 'runtime/files', 'codegen']) {
    await mkdir(join(compiled, folder), { recursive: true });
    for (const name of (await readdir(join(root, folder))).filter((file) => file.endsWith('.ts'))) {
      const text = ts.sys.readFile(join(root, folder, name)) ?? '';
      const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
      await writeFile(
        join(compiled, folder, name.replace(/\.ts$/, '.js')),
        ts.transpileModule(text, { compilerOptions: options }).outputText,
      );
    }
  }
  await writeFile(join(compiled, 'package.json'), '{"type":"module"}');
});
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
  await rm(compiled, { recursive: true, force: true });
});

interface Ending {
  readonly code: number | string | null;
  readonly stdout: string;
}

function node(script: string, environment: Record<string, string>, ...args: string[]): Promise<Ending> {
  const clean = { ...process.env, VK_ICD_FILENAMES: '', VK_DRIVER_FILES: '', ...environment };
  return new Promise((resolve) => {
    const options = { env: clean, timeout: 60_000 };
    execFile(process.execPath, [join(compiled, script), ...args], options, (error, stdout) =>
      resolve({ code: error ? (error.code ?? error.signal ?? null) : 0, stdout }),
    );
  });
}

async function changeByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

const probe = (choice: string, environment: Record<string, string> = {}) => node('runtime/device/probe.js', environment, choice);

describe('a fresh process', () => {
  it('unpacks the embedded driver once, though four start at the same time, and exits by itself', async () => {
    const cache = join(scratch, 'shared');
    const endings = await Promise.all([1, 2, 3, 4].map(() => probe('swiftshader', { XDG_CACHE_HOME: cache })));
    for (const { code, stdout } of endings) {
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ status: 'found', report: { kind: 'swiftshader' } });
    }
    const folders = await readdir(join(cache, 'recurve'));
    expect(folders).toEqual([expect.stringMatching(/^swiftshader-147\.\d+\.\d+$/)]);
    expect((await readdir(join(cache, 'recurve', folders[0] ?? ''))).sort()).toEqual([
      'libvk_swiftshader.so',
      'libvulkan.so.1',
      'vk_swiftshader_icd.json',
    ]);
  });

  it.each<[string, (library: string) => Promise<unknown>]>([
    ['is missing', (library) => rm(library)],
    ['was cut short', (library) => truncate(library, 1_000_000)],
    ['has one byte changed', (library) => changeByte(library)],
    ['is a folder', (library) => rm(library).then(() => mkdir(join(library, 'inside'), { recursive: true }))],
    ['may be written by its group', (library) => chmod(library, 0o660)],
  ])('unpacks a library again that %s, in place', async (_, damage) => {
    const cache = await mkdtemp(join(scratch, 'damaged-'));
    const before = await probe('swiftshader', { XDG_CACHE_HOME: cache });
    const folder = dirname(JSON.parse(before.stdout).report.driver);
    const library = join(folder, 'libvk_swiftshader.so');
    const whole = await readFile(library);
    await damage(library);
    const { code, stdout } = await probe('swiftshader', { XDG_CACHE_HOME: cache });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'found', report: { driver: expect.stringContaining(cache) } });
    expect((await readFile(library)).equals(whole)).toBe(true);
    expect((await stat(library)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toHaveLength(3);
  });

  it('tells where Dawn meets another driver than the embedded one: a worker thread sets its environment for itself alone', async () => {
    const worker = `import { isMainThread, Worker } from 'node:worker_threads';
      import { probe } from './runtime/device/probe.js';
      if (isMainThread) new Worker(new URL(import.meta.url));
      else console.log(JSON.stringify(await probe('swiftshader')));`;
    await writeFile(join(compiled, 'worker.js'), worker);
    const { stdout } = await node('worker.js', {});
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'missing',
      code: 'ADAPTER-REFUSED',
      fix: expect.stringContaining('SHARE_ENV'),
    });
  });

  type Opening = [string, (cache: string) => Promise<unknown>];
  const givenAway: Opening = ['its folder belongs to another user', (cache) => chown(join(cache, 'recurve'), 12_345, 12_345)];
  it.each<Opening>([
    ['its folder may be written by a group', (cache) => chmod(join(cache, 'recurve'), 0o770)],
    ['a folder above may be written by anybody', (cache) => chmod(cache, 0o777)],
    // Only root can give a folder away.
    ...(process.getuid?.() === 0 ? [givenAway] : []),
  ])('loads nothing from a cache where %s', async (_, open) => {
    const cache = await mkdtemp(join(scratch, 'open-'));
    await mkdir(join(cache, 'recurve'), { mode: 0o700 });
    await open(cache);
    const { stdout } = await probe('swiftshader', { XDG_CACHE_HOME: cache, TMPDIR: scratch });
    expect(JSON.parse(stdout).report.driver).toContain(join(scratch, 'recurve-'));
    expect(await readdir(join(cache, 'recurve'))).toEqual([]);
  });

  it('unpacks elsewhere when the path of the cache holds a colon, which parts paths for the loader', async () => {
    const { stdout } = await probe('swiftshader', { XDG_CACHE_HOME: join(scratch, 'a:b'), TMPDIR: scratch });
    expect(JSON.parse(stdout).report.driver).toContain(join(scratch, 'recurve-'));
  });

  it('takes no relative path for a cache', async () => {
    const { stdout } = await probe('swiftshader', { XDG_CACHE_HOME: 'here', HOME: scratch });
    expect(JSON.parse(stdout).report.driver).toContain(join(scratch, '.cache/recurve'));
  });

  it('refuses an installation whose archive is damaged, and says how to mend it', async () => {
    const archive = join(compiled, 'runtime/device/embedded/libvk_swiftshader.so.br');
    const whole = await readFile(archive);
    await truncate(archive, 1_000);
    const { code, stdout } = await probe('swiftshader', { XDG_CACHE_HOME: join(scratch, 'from-damaged') });
    await writeFile(archive, whole);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'ADAPTER-NONE', fix: expect.stringContaining('Install recurve again') });
  });

  it('unpacks elsewhere when the cache cannot be written', async () => {
    const occupied = join(scratch, 'a-file');
    await writeFile(occupied, '');
    const { stdout } = await probe('swiftshader', { XDG_CACHE_HOME: occupied, TMPDIR: scratch });
    expect(JSON.parse(stdout).report.driver).toContain(join(scratch, 'recurve-'));
  });

  it('says what to set when there is nowhere to unpack', async () => {
    const occupied = join(scratch, 'another-file');
    await writeFile(occupied, '');
    const { code, stdout } = await probe('swiftshader', { XDG_CACHE_HOME: occupied, TMPDIR: occupied });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'ADAPTER-NONE', fix: expect.stringContaining('XDG_CACHE_HOME') });
  });

  it('follows drivers that the user names, and says so when they do not work', async () => {
    const nowhere = join(scratch, 'no-such.json');
    const { stdout } = await probe('auto', { VK_ICD_FILENAMES: nowhere, VK_DRIVER_FILES: nowhere });
    expect(JSON.parse(stdout)).toMatchObject({ code: 'ADAPTER-NONE', reason: expect.stringContaining(nowhere) });
  });

  it.skipIf(lavapipeManifests().length === 0)('keeps apart two drivers that are opened at once from cold', async () => {
    const lines = [
      `import { requestAdapter } from './runtime/device/instance.js';`,
      `import { loadEmbeddedDriver } from './runtime/device/swiftshader.js';`,
      `import { lavapipeManifests } from './runtime/device/vulkan.js';`,
      `const manifests = [lavapipeManifests()[0], await loadEmbeddedDriver(), lavapipeManifests()[0]];`,
      `const found = await Promise.all(manifests.map((manifest) => requestAdapter(manifest, 'check')));`,
      `const vendors = found.map(({ adapter }) => adapter.info.vendor);`,
      `console.log(JSON.stringify({ vendors, shared: found[0].gpu === found[2].gpu }));`,
    ];
    await writeFile(join(compiled, 'both.js'), lines.join('\n'));
    const { code, stdout } = await node('both.js', {});
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ vendors: ['mesa', 'google', 'mesa'], shared: true });
  });

  it('tells what every adapter needs', async () => {
    const script = join(compiled, 'diagnose.js');
    await writeFile(
      script,
      `import { diagnose } from './runtime/device/index.js'; console.log(JSON.stringify(await diagnose()));`,
    );
    const { code, stdout } = await node('diagnose.js', {});
    expect(code).toBe(0);
    const diagnosis = JSON.parse(stdout);
    expect(diagnosis.adapters.map((finding: { choice: string }) => finding.choice)).toEqual([
      'hardware',
      'lavapipe',
      'swiftshader',
    ]);
    expect(diagnosis.adapters[2]).toMatchObject({ status: 'found', report: { kind: 'swiftshader' } });
    for (const finding of diagnosis.adapters) {
      if (finding.status === 'missing')
        expect(finding).toMatchObject({ reason: expect.any(String), prescription: expect.any(String) });
    }
  });
});
