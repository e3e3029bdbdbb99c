/** The README shows what the program does today. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ownPackage } from '../../runtime/node/package.js';
import { recurve, scratchFolder } from './harness.js';

const readme = readFileSync(join(ownPackage().root, 'README.md'), 'utf8');
const kernels = readFileSync(join(ownPackage().root, 'docs', 'kernels.md'), 'utf8');
const cwd = scratchFolder();

/** The only block of code in this language. */
function block(language: string, text = readme): string {
  const [found, ...more] = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))];
  expect(more).toEqual([]);
  return found?.[1] ?? '';
}

it('the kernel on its page is what the cell in the README becomes', async () => {
  writeFileSync(join(cwd, 'mine.cell.ts'), block('ts'));
  const [, command = ''] = /`recurve (inspect mine\.cell\.ts [^`]+)`/.exec(kernels) ?? [];
  const { code, stdout } = await recurve([...command.split(' '), '--adapter', 'swiftshader'], { cwd });
  expect(code).toBe(0);
  expect(block('wgsl', kernels)).toContain('fn finish');
  expect(stdout).toContain(block('wgsl', kernels));
});

it('the request in the README runs, with its cell, forward and backward', async () => {
  writeFileSync(join(cwd, 'mine.cell.ts'), block('ts'));
  writeFileSync(join(cwd, 'batch.json'), block('json'));
  const { code, stdout, stderr } = await recurve(['run', 'mine.cell.ts', '--data', 'batch.json', '--reference'], { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(Object.keys(JSON.parse(stdout).gradients.params)).toEqual(['W_f', 'U_f', 'b_f', 'W_n', 'U_n', 'b_n']);
});

it('the program in the README is an example, line by line, which is run where the package is installed', () => {
  const example = readFileSync(join(ownPackage().root, 'examples', 'first.ts'), 'utf8').split('\n');
  const lines = block('js')
    .split('\n')
    .filter((line) => line !== '');
  expect(lines.length).toBeGreaterThan(10);
  expect(example.filter((line) => lines.includes(line))).toEqual(lines);
});

it('the README names every command', async () => {
  const { stdout } = await recurve(['--help']);
  const commands = [...stdout.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name).filter((name) => name !== 'help');
  expect(commands.length).toBeGreaterThan(8);
  for (const name of commands) expect(readme).toContain(`| \`recurve ${name}`);
});
