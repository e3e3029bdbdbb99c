/** What holds for every command, those too that nobody has written yet: they are found by the help that the program prints. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bytes, documentOf, recurve, scratchFolder } from './harness.js';

const cwd = scratchFolder();
mkdirSync(join(cwd, 'bad'));
const SPEC = 'bad/unused.cell.ts';
writeFileSync(
  join(cwd, SPEC),
  `import { cell, vec } from 'recurve';
export default cell({ name: 'unused', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') },
  params: { b: vec('H'), spare: vec('H') }, step({ x }, { h }, p) { return { h: x + h * p.b }; } });
`,
);

/** What a command asks for besides a cell. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  generate: ['--out', 'generated'],
  new: ['copy'],
  run: ['--random', '--reference'],
};
const { stdout } = await recurve(['--help']);
const commands = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].flatMap(([, name = '']) => (name === 'help' ? [] : [name]));
/** How each names a cell: as an argument or with an option; `undefined` where it takes none. */
const takes = await Promise.all(
  commands.map(async (command) => {
    const help = (await recurve([command, '--help'])).stdout;
    const argument = /^Usage: .*[<[]cell(\.\.\.)?[>\]]/.test(help) ? [SPEC] : undefined;
    const option = /^ +(--\w+) <cell>/m.exec(help)?.[1];
    return { command, cell: argument ?? (option === undefined ? undefined : [option, SPEC]) };
  }),
);

it('every command takes a cell, but those that have nothing to do with any', () => {
  expect(takes.flatMap(({ command, cell }) => (cell === undefined ? [command] : []))).toEqual(['import', 'doctor']);
});

it.each(takes.flatMap(({ command, cell }) => (cell === undefined ? [] : [[command, cell] as const])))(
  '%s refuses a cell with a parameter that it never uses, in text and as a document, and writes nothing',
  async (command, cell) => {
    const before = readdirSync(cwd);
    const argv = [command, ...(MORE[command] ?? []), ...cell];
    const said = await recurve(argv, { cwd });
    expect(said).toMatchObject({ code: 2, stdout: '' });
    expect(said.stderr).toContain('SPEC-UNUSED-PARAM');
    expect(said.stderr).toContain('`spare` is never used');
    const document = await recurve([...argv, '--json'], { cwd });
    expect(document).toMatchObject({ code: 2, stderr: '' });
    expect(JSON.stringify(documentOf(document))).toContain('SPEC-UNUSED-PARAM');
    expect(readdirSync(cwd)).toEqual(before);
  },
);

it('a request of a stream is refused for it, too', async () => {
  const request = { cell: 'unused.cell.ts', inputs: { x: { shape: [1, 1, 1], data: [1] } }, init: { seed: 1 } };
  const argv = ['run', '--data', '-', '--cells', 'bad', '--reference'];
  const ran = await recurve(argv, { cwd, stdin: bytes(`${JSON.stringify(request)}\n`) });
  expect(ran.code).toBe(0);
  expect(ran.stdout).toMatch(/^\{"ok":false,.*SPEC-UNUSED-PARAM/);
});
