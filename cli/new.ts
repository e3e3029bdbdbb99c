/** `recurve new <name>`. */
import { join } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import type { Context, Outcome } from './context.js';
import { writeNew } from './files.js';
import { newCellSource } from './new-cell.js';

/**
 * Writes `<name>.cell.ts` into the working folder.
 * @throws RecurveError `NEW-NAME`, `OUT-EXISTS`, `OUT-WRITE`
 */
export async function newCell({ io, colors }: Context, name: string): Promise<Outcome> {
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
  await writeNew(join(io.cwd, file), newCellSource(name));
  const next = [`recurve check ${file}`, `recurve inspect ${file} --stage wgsl`, `recurve generate ${file} --out generated`];
  const lines = [`wrote ${colors.bold(file)}`, '', 'next:', ...next.map((command) => `  npx ${command}`)];
  return { document: { file, next }, text: lines.join('\n') };
}
