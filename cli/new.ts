/** `recurve new <name>`: a cell to start from, ours or a copy of another. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import { badName, copySpec, type SpecCopy } from '../codegen/frontend/index.js';
import { readUserFile } from '../codegen/read-file.js';
import { visible } from '../codegen/visible.js';
import { writeAll } from '../runtime/files/write-all.js';
import { quote } from '../runtime/interop/describe.js';
import { builtInCells, loadChecked } from '../runtime/node/cells.js';
import type { Context, Outcome } from './context.js';
import { writing } from './files.js';
import { newCellSource } from './new-cell.js';

/**
 * Writes `<name>.cell.ts` into the working folder; with `from`, as a copy of that cell, and the helper files that it
 * imports where they are not there yet: all files or none.
 * @throws RecurveError `NEW-NAME`, `NEW-HELPER`, `OUT-EXISTS`, `OUT-WRITE`, `CELL-UNKNOWN`, `CELL-FILE`; SpecError of the cell copied
 */
export async function newCell({ io, colors }: Context, name: string, from?: string): Promise<Outcome> {
  // What a cell may be called: the hyphens of built-in names too.
  const bad = badName(name.replaceAll('-', '_'));
  if (bad !== undefined) {
    throw new RecurveError({
      code: 'NEW-NAME',
      message: `${quote(name)} is not a name for a cell: ${bad}`,
      fix: 'Use a letter, then letters, digits, hyphens or underscores, for example leaky-gru; no folder and no ending.',
      where: name,
    });
  }
  const copy: SpecCopy =
    from === undefined
      ? { spec: { path: `${name}.cell.ts`, text: newCellSource(name) }, helpers: [] }
      : copySpec(loadChecked(from, io.cwd), name);
  const helpers = missing(copy.helpers, io.cwd, from ?? name);
  const file = copy.spec.path;
  const writes = [copy.spec, ...helpers].map(({ path, text }) => ({
    path: join(io.cwd, path),
    content: text,
    existing: 'refuse' as const,
  }));
  await writing(join(io.cwd, file), () => writeAll({ writes }));
  const next = [`recurve check ${file}`, `recurve inspect ${file} --stage wgsl`, `recurve generate ${file} --out generated`];
  const files = [file, ...helpers.map(({ path }) => path)];
  const note = builtInCells().some((cell) => cell.name === name)
    ? `${name} is a built-in cell, too: \`${name}\` means that one, \`${file}\` this one`
    : undefined;
  const lines = [
    `wrote ${files.map((one) => colors.bold(one)).join(', ')}`,
    ...(note === undefined ? [] : [note]),
    '',
    'next:',
    ...next.map((command) => `  npx ${command}`),
  ];
  return { document: { file, helpers: files.slice(1), next, ...(note === undefined ? {} : { note }) }, text: lines.join('\n') };
}

/** Those that are not there yet. @throws RecurveError `NEW-HELPER` where another file is in the place of one */
function missing(helpers: SpecCopy['helpers'], cwd: string, cell: string): SpecCopy['helpers'] {
  return helpers.filter(({ path, text }) => {
    if (!existsSync(join(cwd, path))) return true;
    const own = { code: 'NEW-HELPER' as const, fix: 'Start in another folder, or rename that file first.', source: path };
    if (Buffer.from(readUserFile(join(cwd, path), own)).equals(Buffer.from(text))) return false;
    throw new RecurveError({
      code: 'NEW-HELPER',
      message: `${visible(path)} is there already and is not the helper that ${visible(cell)} imports`,
      fix: own.fix,
      where: path,
    });
  });
}
