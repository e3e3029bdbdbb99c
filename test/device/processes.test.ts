/** What only whole processes can show: they start cold, they exit by themselves, they share a cache. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  for (const folder of ['runtime/device', 'codegen']) {
    await mkdir(join(compiled, folder), { recursive: true });
    const modules = (await readdir(join(root, folder))).filter((name) => name.endsWith('.ts'));
    for (const name of folder === 'codegen' ? ['errors.ts'] : modules) {
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

  it('repairs a cache in which a file is missing', async () => {
    const cache = join(scratch, 'broken');
    await probe('swiftshader', { XDG_CACHE_HOME: cache });
    const [folder = ''] = await readdir(join(cache, 'recurve'));
    await rm(join(cache, 'recurve', folder, 'libvk_swiftshader.so'));
    const { stdout } = await probe('swiftshader', { XDG_CACHE_HOME: cache });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'found' });
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
