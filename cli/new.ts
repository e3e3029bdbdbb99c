/** `recurve new <name>`: a cell to start from, ours or a copy of another. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import { loadCell, resolveCell } from './cells.js';
import type { Context, Outcome } from './context.js';
import { writeNew } from './files.js';
import { newCellSource } from './new-cell.js';

/**
 * Writes `<name>.cell.ts` into the working folder; with `from`, as a copy of that cell, and the helper files that it
 * imports beside it where they are not there yet.
 * @throws RecurveError `NEW-NAME`, `NEW-HELPER`, `OUT-EXISTS`, `OUT-WRITE`, `CELL-UNKNOWN`, `CELL-FILE`; SpecError of the cell copied
 */
export async function newCell({ io, colors }: Context, name: string, from?: string): Promise<Outcome> {
  // The name becomes an identifier in the typed module and part of a file name.
  if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name)) {
    throw new RecurveError({
      code: 'NEW-NAME',
      message: `${JSON.stringify(name)} is not a name for a cell`,
      fix: 'Use a letter, then letters, digits or underscores, for example leaky_gru; no folder and no ending.',
      where: name,
    });
  }
  const file = `${name}.cell.ts`;
  const helpers = from === undefined ? [] : helpersOf(from, io.cwd);
  await writeNew(join(io.cwd, file), from === undefined ? newCellSource(name) : copyOf(from, io.cwd, name));
  for (const { path, text } of helpers) if (!existsSync(path)) await writeNew(path, text);
  const next = [`recurve check ${file}`, `recurve inspect ${file} --stage wgsl`, `recurve generate ${file} --out generated`];
  const files = [file, ...helpers.map(({ path }) => basename(path))];
  const lines = [
    `wrote ${files.map((one) => colors.bold(one)).join(', ')}`,
    '',
    'next:',
    ...next.map((command) => `  npx ${command}`),
  ];
  return { document: { file, helpers: files.slice(1), next }, text: lines.join('\n') };
}

/** The spec's text with another name for the cell. */
function copyOf(cell: string, cwd: string, name: string): string {
  const text = readFileSync(resolveCell(cell, cwd), 'utf8');
  return text.replace(/(\bname:\s*)(['"`])[^'"`]*\2/, (_, key: string) => `${key}'${name}'`);
}

/** The helper files of a cell, and where they belong beside the copy: those of the language itself stay where they are. */
function helpersOf(cell: string, cwd: string): { path: string; text: string }[] {
  const source = resolveCell(cell, cwd);
  const folder = dirname(source);
  const files = Object.keys(loadCell(cell, cwd).sources).filter(
    (file) => file !== source && !relative(folder, file).startsWith('..'),
  );
  return files.map((file) => {
    const path = join(cwd, relative(folder, file));
    const text = readFileSync(file, 'utf8');
    if (existsSync(path) && readFileSync(path, 'utf8') !== text) {
      throw new RecurveError({
        code: 'NEW-HELPER',
        message: `${basename(path)} is there already and is not the helper that ${cell} imports`,
        fix: 'Start in another folder, or rename that file first.',
        where: path,
      });
    }
    return { path, text };
  });
}
