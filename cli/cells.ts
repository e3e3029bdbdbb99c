/** From what a user calls a cell, a built-in name or a path, to its source file. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import { parseCell } from '../codegen/frontend/index.js';
import type { CellTree } from '../codegen/frontend/tree.js';
import { faultOf } from '../codegen/read-file.js';
import { didYouMean } from '../codegen/suggest.js';
import { visible } from '../codegen/visible.js';
import { ownPackage } from './package.js';

const SUFFIX = '.cell.ts';

/** Built-in cells in alphabetical order: name and absolute path. */
export function builtInCells(): { readonly name: string; readonly path: string }[] {
  const folder = join(ownPackage().root, 'kernels', 'cells');
  return readdirSync(folder)
    .filter((file) => file.endsWith(SUFFIX))
    .sort()
    .map((file) => ({ name: file.slice(0, -SUFFIX.length), path: join(folder, file) }));
}

/**
 * The absolute path of a cell's source file.
 * @throws RecurveError `CELL-UNKNOWN`, `CELL-FILE`
 */
export function resolveCell(cell: string, cwd: string): string {
  const looksLikePath = cell.endsWith('.ts') || cell.includes('/') || cell.includes('\\');
  if (!looksLikePath) return builtInPath(cell, cwd);
  const path = resolve(cwd, cell);
  const fault = faultOf(path);
  if (fault !== undefined) {
    const shown = visible(cell);
    throw new RecurveError({
      code: 'CELL-FILE',
      message: fault.kind === 'missing' ? `there is no file ${shown}` : `${shown} ${fault.reason}`,
      fix: 'Give the path of a *.cell.ts file, or write one with `recurve new <name>`.',
      where: cell,
    });
  }
  if (!cell.endsWith('.ts')) {
    throw new RecurveError({
      code: 'CELL-FILE',
      message: `${visible(cell)} is not a TypeScript file`,
      fix: 'A cell is written in a *.cell.ts file; `recurve new <name>` writes one to start from.',
      where: cell,
    });
  }
  return path;
}

function builtInPath(name: string, cwd: string): string {
  const cells = builtInCells();
  const found = cells.find((cell) => cell.name === name);
  if (found !== undefined) return found.path;
  const beside = existsSync(resolve(cwd, `${name}${SUFFIX}`)) ? `Did you mean ${name}${SUFFIX}?` : undefined;
  const names = cells.map((cell) => cell.name);
  throw new RecurveError({
    code: 'CELL-UNKNOWN',
    message: `there is no built-in cell ${JSON.stringify(name)} among the ${names.length}`,
    fix: beside ?? didYouMean(name, names, 'See `recurve list`, or give the path of a *.cell.ts file.', ''),
    where: name,
  });
}

/** Parses a cell by name or path. @throws RecurveError, SpecError */
export function loadCell(cell: string, cwd: string): CellTree {
  return parseCell(resolveCell(cell, cwd));
}
