/** From what a user calls a cell, a built-in name or a path, to its source file. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { RecurveError } from '../../codegen/errors.js';
import { checkSpec, parseCell, parseSpec } from '../../codegen/frontend/index.js';
import type { CellTree, SpecTree } from '../../codegen/frontend/tree.js';
import { type FileFault, faultOf, isSystemError, reasonOf } from '../../codegen/read-file.js';
import { type BuiltIn, builtInCells, builtInModels } from '../../codegen/shipped.js';
import { didYouMean } from '../../codegen/suggest.js';
import { visible } from '../../codegen/visible.js';

export { type BuiltIn, builtInCells, builtInModels };

const SUFFIX = '.cell.ts';
const MODEL_SUFFIX = '.model.ts';

/**
 * The absolute path of a cell's source file.
 * @throws RecurveError `CELL-UNKNOWN`, `CELL-FILE`
 */
export function resolveCell(cell: string, cwd: string): string {
  const path = resolve(cwd, cell);
  if (!looksLikePath(cell)) {
    // `check .`: a folder, and not a name that is missing. Only a user's own command is told what is in one.
    if (cell !== '' && !shelf().some(({ name }) => name === cell) && faultOf(path)?.kind === 'folder') throw isFolder(cell, path);
    return builtInPath(cell, cwd);
  }
  requireFile(path, cell);
  if (/\.[cm]?jsx?$/i.test(cell)) {
    throw new RecurveError({
      code: 'CELL-JAVASCRIPT',
      message: `${visible(cell)} is JavaScript, and a cell is written in TypeScript`,
      fix: `Rename it to ${visible(cell.replace(/(\.cell)?\.[cm]?jsx?$/i, SUFFIX))}; what it says may stay, plain JavaScript is TypeScript too.`,
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

function looksLikePath(cell: string): boolean {
  return /\.[cm]?[jt]sx?$/i.test(cell) || cell.includes('/') || cell.includes('\\');
}

/** @throws RecurveError `CELL-FILE` for what is no regular file */
function requireFile(path: string, cell: string): void {
  const fault = faultOf(path);
  if (fault?.kind === 'folder') throw isFolder(cell, path);
  if (fault !== undefined) throw notAFile(cell, fault.kind, fault.reason);
}

function notAFile(cell: string, kind: FileFault['kind'], reason: string): RecurveError {
  const shown = visible(cell);
  return new RecurveError({
    code: 'CELL-FILE',
    message: kind === 'missing' ? `there is no file ${shown}` : `${shown} ${reason}`,
    fix: 'Give the path of a *.cell.ts file, or write one with `recurve new <name>`.',
    where: cell,
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // One that may not be looked into holds nothing to name.
    return [];
  }
}

/** Says which cells and models there are in it. */
function isFolder(folder: string, path: string): RecurveError {
  const found = namesIn(path).filter((file) => file.endsWith(SUFFIX) || file.endsWith(MODEL_SUFFIX));
  const own = found.slice(0, 3).map((file) => visible(join(folder, file)));
  return new RecurveError({
    code: 'CELL-FILE',
    message: `${visible(folder)} is a folder, and a cell or model is a file`,
    fix:
      own.length === 0
        ? `Give the path of a *${SUFFIX} file, or write one with \`recurve new <name>\`; \`all\` stands for the built-in cells.`
        : `Give a file in it: ${own.join(', ')}${found.length > own.length ? ', …' : ''}.`,
    where: folder,
  });
}

/** Everything that a name may stand for: no cell and model share one. */
const shelf = () => [...builtInCells(), ...builtInModels()];

function builtInPath(name: string, cwd: string): string {
  const cells = shelf();
  const found = cells.find((cell) => cell.name === name);
  if (found !== undefined) return found.path;
  const beside = existsSync(resolve(cwd, `${name}${SUFFIX}`)) ? `Did you mean ${name}${SUFFIX}?` : undefined;
  const names = cells.map((cell) => cell.name);
  throw new RecurveError({
    code: 'CELL-UNKNOWN',
    message: `there is no built-in cell or model ${JSON.stringify(name)} among the ${names.length}`,
    fix: beside ?? didYouMean(name, names, 'See `recurve list`, or give the path of a *.cell.ts file.', ''),
    where: name,
  });
}

/**
 * Parses the file of a cell or model and looks into every branch: what is wrong in it, a parameter that nothing uses among
 * it, is refused by every command alike.
 * @throws RecurveError, SpecError
 */
export function parseChecked(path: string): SpecTree {
  const tree = parseSpec(path);
  checkSpec(tree);
  return tree;
}

/** The same by name or path. @throws RecurveError, SpecError */
export function loadSpec(cell: string, cwd: string): SpecTree {
  return parseChecked(resolveCell(cell, cwd));
}

/** A cell by name or path, where a model will not do. @throws RecurveError, SpecError */
export function loadChecked(cell: string, cwd: string): CellTree {
  return parseCheckedCell(resolveCell(cell, cwd));
}

/** @throws RecurveError, SpecError */
export function parseCheckedCell(path: string): CellTree {
  const tree = parseCell(path);
  checkSpec(tree);
  return tree;
}

/**
 * The source file of a cell that a request names: a built-in one, or a `*.cell.ts` file below `folder`. Requests may come
 * from anywhere, so no other file of the machine is looked at, and no link is followed out of the folder.
 * @throws RecurveError `CELL-OUTSIDE`, `CELL-FILE`, `CELL-UNKNOWN`
 */
export function resolveRequestedCell(cell: string, folder: string): string {
  if (!looksLikePath(cell)) return builtInPath(cell, folder);
  const path = resolve(folder, cell);
  if (!isBelow(path, folder)) throw outside(cell);
  const real = realPath(path, cell);
  if (!isBelow(real, realpathSync(folder))) throw outside(cell);
  if (!real.endsWith(SUFFIX) && !real.endsWith(MODEL_SUFFIX)) {
    throw new RecurveError({
      code: 'CELL-FILE',
      message: `${visible(cell)} is not a *${SUFFIX} or *${MODEL_SUFFIX} file`,
      fix: `A request names a built-in cell, or a *${SUFFIX} or *${MODEL_SUFFIX} file.`,
      where: cell,
    });
  }
  requireFile(real, cell);
  return real;
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && !isAbsolute(way) && way.split(sep)[0] !== '..';
}

function realPath(path: string, cell: string): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw notAFile(cell, 'missing', reasonOf(cause));
  }
}

function outside(cell: string): RecurveError {
  return new RecurveError({
    code: 'CELL-OUTSIDE',
    message: `the request names the cell ${visible(cell)}, which is not below the folder of cells`,
    fix: 'Name a built-in cell, or a file below the folder that --cells gives (default: the working folder).',
    where: cell,
  });
}
