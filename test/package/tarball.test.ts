/** What the package holds, by npm's own word. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join, normalize } from 'node:path/posix';
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

  it('ships the program that the bench starts in Python, where it looks for it', () => {
    expect(paths.filter((path) => path.endsWith('.py'))).toEqual(['bench/torch_peer.py']);
  });

  it('ships what the cells are made of, and no builder of demos, documents or tests', () => {
    expect(paths).toEqual(
      expect.arrayContaining(['kernels/cells/lstm.cell.ts', 'kernels/library/normalization.ts', 'README.md', 'LICENSE']),
    );
    expect(paths.filter((path) => /demo|bench\/library|cli\/docs|(^|\/)test\//.test(path))).toEqual([]);
  });

  it("ships types of WebGPU for either kind of TypeScript: its DOM's since version 6, the package's before", () => {
    const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(Object.keys(imports['#webgpu'])).toEqual(['types@>=6', 'types']);
    const [dom = '', before = ''] = Object.values<string>(imports['#webgpu']).map((path) => normalize(path));
    expect(paths).toEqual(expect.arrayContaining([dom, before]));
    expect(readFileSync(join(root, dom), 'utf8')).toContain('<reference lib="dom"');
    expect(readFileSync(join(root, before), 'utf8')).toContain('<reference types="@webgpu/types"');
    // What is written in both would be declared twice.
    expect(readFileSync(join(root, 'dist', 'runtime', 'index.d.ts'), 'utf8')).not.toContain('@webgpu/types');
  });

  it('has an entry that may be executed, however often it is built', () => {
    expect(statSync(new URL('../../dist/cli/main.js', import.meta.url)).mode & 0o111).toBe(0o111);
  });
});

/** The name by which GitHub and npm link to a heading. */
function anchorOf(heading: string): string {
  const kept = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '');
  return kept.trim().replaceAll(' ', '-');
}

describe('documents', () => {
  const textOf = (path: string) => readFileSync(join(root, path), 'utf8').replace(/^```[\s\S]*?^```/gm, '');

  it('link only to files and headings that are in the package', () => {
    const broken: string[] = [];
    let links = 0;
    for (const document of paths.filter((path) => path.endsWith('.md'))) {
      for (const [, link = ''] of textOf(document).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(link)) continue;
        links++;
        const [file = '', anchor] = link.split('#');
        const target = file === '' ? document : normalize(join(document, '..', file));
        const isThere = paths.some((path) => path === target || path.startsWith(`${target}/`));
        const headings = isThere && anchor !== undefined ? textOf(target).matchAll(/^#+ (.*)$/gm) : [];
        const hasAnchor = anchor === undefined || [...headings].some(([, heading = '']) => anchorOf(heading) === anchor);
        if (!isThere || !hasAnchor) broken.push(`${document}: ${link}`);
      }
    }
    expect(links).toBeGreaterThan(40);
    expect(broken).toEqual([]);
  });

  it('the glossary names files of the source that there are', () => {
    const rows = textOf('docs/glossary.md')
      .split('\n')
      .filter((line) => /^\| (?!word|---)/.test(line));
    expect(rows.length).toBeGreaterThan(10);
    for (const row of rows) {
      const [, file = ''] = /\| `([^`]+)` \|$/.exec(row) ?? [];
      expect(statSync(join(root, file)).isFile(), row).toBe(true);
    }
  });
});
