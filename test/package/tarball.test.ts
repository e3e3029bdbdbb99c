/** What the package holds, by npm's own word. */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
let paths: string[];
let bytes: number;

beforeAll(() => {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' }),
  );
  paths = packed.files.map(({ path }: { path: string }) => path);
  bytes = packed.size;
});

describe('the package', () => {
  it('ships the two libraries of the embedded adapter and the licences they are under, not a browser', () => {
    expect(paths.filter((path) => path.includes('embedded')).sort()).toEqual([
      'dist/runtime/device/embedded/libvk_swiftshader.so.br',
      'dist/runtime/device/embedded/libvulkan.so.1.br',
    ]);
    expect(paths).toContain('NOTICE');
    expect(bytes).toBeLessThan(4e6);
  });

  it('ships what the cells are made of, and no builder of demos, documents or tests', () => {
    expect(paths).toEqual(
      expect.arrayContaining(['kernels/cells/lstm.cell.ts', 'kernels/library/normalization.ts', 'README.md', 'LICENSE']),
    );
    expect(paths.filter((path) => /demo|write-docs|(^|\/)test\//.test(path))).toEqual([]);
  });

  it('has an entry that may be executed, however often it is built', () => {
    expect(statSync(new URL('../../dist/cli/main.js', import.meta.url)).mode & 0o111).toBe(0o111);
  });
});
