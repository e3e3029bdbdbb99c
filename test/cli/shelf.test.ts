import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CellShelf, KEPT } from '../../cli/shelf.js';
import { builtInCells } from '../../runtime/node/cells.js';
import { bytes, recurve, scratchFolder } from './harness.js';

const cwd = scratchFolder();

/** h' = factor · h + x · scale, where the factor is written in the file. */
const source = (factor: string, imports = '') => `import { cell, integer, vec } from 'recurve';
${imports}
export default cell({
  name: 'mine', dims: ['H'], options: { scale: integer(1, { min: 1, max: 1000 }) },
  inputs: { x: vec('H') }, state: { h: vec('H') }, params: {},
  step({ x }, { h }, p, { options }) { return { h: ${factor} * h + x * options.scale }; },
});
`;

const write = (name: string, text: string) => writeFileSync(join(cwd, name), text);

describe('the cells that a stream keeps', () => {
  it('are few, however many its requests name, and so are the choices of options of each', () => {
    const shelf = new CellShelf(cwd, { given: undefined, folder: cwd });
    for (let k = 0; k < KEPT.trees + 8; k++) {
      write(`c${k}.cell.ts`, source(`${k + 2}`));
      expect(shelf.get(`c${k}.cell.ts`, {}).tree.file).toBe(join(cwd, `c${k}.cell.ts`));
    }
    expect(shelf.size).toEqual({ trees: KEPT.trees, choices: KEPT.trees });
    for (let scale = 1; scale <= KEPT.choices + 8; scale++) shelf.get('c0.cell.ts', { scale });
    expect(shelf.size).toEqual({ trees: KEPT.trees, choices: KEPT.trees - 1 + KEPT.choices });
  });

  it('are parsed and lowered once while they are in use, by whatever path they are named', () => {
    write('once.cell.ts', source('2'));
    const shelf = new CellShelf(cwd, { given: undefined, folder: cwd });
    const first = shelf.get('once.cell.ts', { scale: 3 });
    expect(shelf.get('./once.cell.ts', { scale: '3' })).toEqual(first);
    expect(shelf.get(join(cwd, 'once.cell.ts'), { scale: 3 }).tree).toBe(first.tree);
    expect(shelf.get('once.cell.ts', { scale: 3 }).face).toBe(first.face);
    expect(shelf.get('once.cell.ts', { scale: 4 }).face).not.toBe(first.face);
    expect(shelf.size).toEqual({ trees: 1, choices: 2 });
  });

  it.each(builtInCells())(
    'are parsed once also where they are built in, with what they import from recurve: $name',
    ({ name }) => {
      const shelf = new CellShelf(cwd, { given: undefined, folder: cwd });
      expect(shelf.get(name, {}).tree).toBe(shelf.get(name, {}).tree);
    },
  );

  it.each([['--reference'], ['--adapter', 'swiftshader']])(
    'are read anew where a file of theirs changed (%s)',
    async (...where) => {
      mkdirSync(join(cwd, 'parts'), { recursive: true });
      const request = (cell: string) => {
        const state = { h: { shape: [1, 1], data: [10] } };
        return `${JSON.stringify({ cell, inputs: { x: { shape: [1, 1, 1], data: [1] } }, state })}\n`;
      };
      const imports = "import { factor } from './parts/factor.js';";
      const helper = (value: number) => write('parts/factor.ts', `export const factor = ${value};\n`);
      async function* stdin(): AsyncGenerator<Uint8Array> {
        write('a.cell.ts', source('2'));
        helper(3);
        write('b.cell.ts', source('factor', imports));
        yield* bytes(request('a.cell.ts'), request('b.cell.ts'));
        // Of the same length, and perhaps in the same tick of the file system's clock.
        write('a.cell.ts', source('4'));
        helper(5);
        yield* bytes(request('a.cell.ts'), request('b.cell.ts'));
        write('a.cell.ts', source('?'));
        rmSync(join(cwd, 'parts/factor.ts'));
        yield* bytes(request('a.cell.ts'), request('b.cell.ts'));
        write('a.cell.ts', source('2'));
        helper(7);
        yield* bytes(request('a.cell.ts'), request('b.cell.ts'));
      }
      const ran = await recurve(['run', '--data', '-', ...where], { cwd, stdin: stdin() });
      const answers = ran.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(answers.map(({ ok, state }) => (ok ? state.h.data[0] : 'refused'))).toEqual([
        21,
        31,
        41,
        51,
        'refused',
        'refused',
        21,
        71,
      ]);
    },
  );
});
