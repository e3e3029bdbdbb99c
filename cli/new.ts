/** `recurve new <name>`: a cell or model to start from, ours or a copy of another. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import { badName, copySpec, type SpecCopy } from '../codegen/frontend/index.js';
import type { SpecTree } from '../codegen/frontend/tree.js';
import { readUserFile } from '../codegen/read-file.js';
import { visible } from '../codegen/visible.js';
import { writeAll } from '../runtime/files/write-all.js';
import { quote } from '../runtime/interop/describe.js';
import { builtInCells, builtInModels, loadSpec } from '../runtime/node/cells.js';
import type { Context, Outcome } from './context.js';
import { writing } from './files.js';
import type { Flags } from './flags.js';
import { newCellSource } from './new-cell.js';
import { newModelSource } from './new-model.js';

export interface NewFlags extends Flags {
  /** A cell or model to copy: a built-in name or a path. */
  readonly from?: string;
  /** A model instead of a cell. */
  readonly model?: true;
}

/**
 * Writes `<name>.cell.ts`, or `<name>.model.ts`, into the working folder; with `from`, as a copy of that, and the helper files
 * that it imports where they are not there yet: all files or none.
 * @throws RecurveError `NEW-NAME`, `NEW-KIND`, `NEW-HELPER`, `OUT-EXISTS`, `OUT-WRITE`, `CELL-UNKNOWN`, `CELL-FILE`; SpecError of
 *   what is copied
 */
export async function newSpec({ io, colors }: Context, name: string, { from, model }: NewFlags): Promise<Outcome> {
  // What a cell may be called: the hyphens of built-in names too.
  const bad = badName(name.replaceAll('-', '_'));
  if (bad !== undefined) {
    throw new RecurveError({
      code: 'NEW-NAME',
      message: `${quote(name)} is not a name for a cell or model: ${bad}`,
      fix: 'Use a letter, then letters, digits, hyphens or underscores, for example leaky-gru; no folder and no ending.',
      where: name,
    });
  }
  const copy = from === undefined ? ours(name, model ? 'model' : 'cell') : copySpec(toCopy(from, model, io.cwd), name);
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
  const note = [...builtInCells(), ...builtInModels()].some((spec) => spec.name === name)
    ? `${name} is built in, too: \`${name}\` means that one, \`${file}\` this one`
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

function ours(name: string, kind: SpecTree['kind']): SpecCopy {
  const text = kind === 'model' ? newModelSource(name) : newCellSource(name);
  return { spec: { path: `${name}.${kind}.ts`, text }, helpers: [] };
}

function toCopy(from: string, model: true | undefined, cwd: string): SpecTree {
  const tree = loadSpec(from, cwd);
  if (!model || tree.kind === 'model') return tree;
  throw new RecurveError({
    code: 'NEW-KIND',
    message: `${visible(from)} is a cell, and --model asks for a model`,
    fix: 'Leave --model out to copy the cell; a model calls it as a layer.',
    where: '--model',
  });
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
