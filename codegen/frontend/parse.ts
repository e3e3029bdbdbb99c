/** From a spec file to the tree of a cell or model: reads it and its helpers, converts the syntax, reports every mistake at once. */
import { normalize } from 'node:path';
import { RecurveError } from '../errors.js';
import { visible } from '../visible.js';
import { helperTree } from './convert/call.js';
import { type Context, MOST_DEPTH } from './convert/context.js';
import { Scope } from './convert/scope.js';
import { convertFunction } from './convert/statement.js';
import { readDefinition } from './declare/definition.js';
import { documentationOf, type Exported, findExported } from './declare/exported.js';
import { LayerCells } from './declare/layer-cells.js';
import { checkLayers } from './declare/layer-checks.js';
import { readModel } from './declare/model.js';
import { checkUses } from './declare/model-uses.js';
import { Diagnostics } from './diagnostics/diagnostics.js';
import { Recovery } from './diagnostics/recovery.js';
import { isLibraryFile } from './language/library.js';
import { withTraining } from './language/training.js';
import { type Module, Modules } from './source/module.js';
import { readSource } from './source/source.js';
import { exploreSpec } from './spec.js';
import type { CellTree, ModelTree, Span, SpecTree } from './tree.js';

/**
 * Reads and parses a cell's file and the helper files that it imports. Nothing is executed.
 * @throws SpecError with every mistake found; RecurveError `SPEC-NOT-FOUND`, `SPEC-DIRECTORY`, `SPEC-NOT-A-FILE`,
 * `SPEC-UNREADABLE`, `SPEC-FILE-SIZE`, `SPEC-BINARY` or `SPEC-ASYNC` when there is no text to parse
 */
export function parseCell(path: string): CellTree {
  return parseCellSource(path, readSource(path));
}

/** The same for a file that may hold a model: the cells that its layers may be are read, too. */
export function parseSpec(path: string): SpecTree {
  return parseSpecSource(path, readSource(path));
}

/** Whether the files that a tree was parsed from hold now what they held then, but for the kind of their line breaks. */
export function isCurrent({ sources }: Pick<SpecTree, 'sources'>): boolean {
  return Object.entries(sources).every(([file, lines]) => {
    if (isLibraryFile(file)) return true;
    try {
      return readSource(file).replaceAll(/\r\n|[\r\u2028\u2029]/g, '\n') === lines.join('\n');
    } catch (error) {
      // What it is now is told by whoever parses it again.
      if (error instanceof RecurveError) return false;
      throw error;
    }
  });
}

/** The same for text in memory; imports are resolved relative to `file`. */
export function parseCellSource(file: string, text: string): CellTree {
  return parseText(file, text, ({ context, modules }, found) => {
    if (found.kind === 'cell') return cellTree(context, modules, found);
    const message = `${visible(file)} holds a model, and here it takes a cell`;
    const fix = 'Name a file that ends with `export default cell({ … });`.';
    throw new RecurveError({ code: 'SPEC-NOT-A-CELL', message, fix, where: file });
  });
}

/** A cell or model from its text; `file` is the path it stands for, where its imports are looked for. @throws SpecError */
export function parseSpecSource(file: string, text: string): SpecTree {
  return parseText<SpecTree>(file, text, ({ context, modules }, found) =>
    found.kind === 'cell' ? cellTree(context, modules, found) : modelTree(context, modules, found),
  );
}

interface Parsed {
  readonly context: Context;
  readonly modules: Modules;
}

function parseText<T extends SpecTree>(
  file: string,
  text: string,
  convert: (parsed: Parsed, found: Exported) => T | undefined,
): T {
  const diagnostics = new Diagnostics();
  const modules = new Modules(diagnostics);
  try {
    const module = modules.load(normalize(file), text);
    const recovery = new Recovery();
    // A tree that TypeScript could not parse is a guess: only its syntax errors are worth showing.
    const tree = module.broken ? undefined : convertFile({ context: contextOf(modules, module, recovery), modules }, convert);
    if (tree !== undefined && !diagnostics.any) return tree;
    // The meaning is checked, too, so that a person sees all mistakes of the file in one go.
    if (tree !== undefined && !modules.anyBroken) exploreSpec(tree, recovery, diagnostics);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // TypeScript's parser recurses; what overflows it is far beyond what is allowed.
    const fix = 'Name parts of the expressions with `const`.';
    const { span, depth } = deepest(file, text);
    const message = `something in the file is nested more than ${MOST_DEPTH} levels deep${depth > MOST_DEPTH ? `: ${depth} brackets are open here` : ''}`;
    diagnostics.addSource(file, text.split('\n'));
    diagnostics.report('SPEC-TOO-DEEP', span, message, fix);
  }
  diagnostics.throwIfAny();
  throw new Error(`${file} gave neither a tree nor a mistake`);
}

/** Where the most brackets are open, whatever they stand in. */
function deepest(file: string, text: string): { span: Span; depth: number } {
  let [depth, most, place] = [0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    if ('([{'.includes(text.charAt(at))) depth += 1;
    else if (')]}'.includes(text.charAt(at))) depth -= 1;
    if (depth > most) [most, place] = [depth, at];
  }
  const before = text.slice(0, place).split('\n');
  return { span: { file, line: before.length, column: (before.at(-1) ?? '').length + 1, length: 1 }, depth: most };
}

function contextOf(modules: Modules, module: Module, recovery: Recovery): Context {
  const { report } = modules.diagnostics;
  const library: Context['library'] = { helpers: new Map(), constants: new Map(), open: [], convertHelper: convertFunction };
  const scope = new Scope(undefined, 'plain');
  return { report, recovery, library, module, scope, depth: 0, layers: undefined, choosesCell: false };
}

function convertFile<T>(parsed: Parsed, convert: (parsed: Parsed, found: Exported) => T | undefined): T | undefined {
  const { context } = parsed;
  const found = findExported(context);
  const tree = found === undefined ? undefined : convert(parsed, found);
  if (tree === undefined) convertHelpers(context);
  return tree;
}

/** Helpers of a file are converted even when nothing calls them: their mistakes are mistakes of the file. */
function convertHelpers(context: Context): void {
  for (const binding of context.module.names.values()) {
    if (binding.kind === 'helper' && binding.module === context.module) helperTree(context, binding);
  }
}

function cellTree(context: Context, modules: Modules, { statement, definition }: Exported): CellTree {
  const read = readDefinition(context, definition);
  convertHelpers(context);
  const { helpers } = context.library;
  return {
    kind: 'cell',
    file: context.module.file,
    ...read,
    options: withTraining(read.options, read.step, helpers),
    ...documentationOf(statement),
    helpers: Object.fromEntries(helpers),
    sources: modules.sources,
  };
}

function modelTree(outer: Context, modules: Modules, { statement, definition }: Exported): ModelTree {
  const { module, recovery, library } = outer;
  const context: Context = { ...outer, layers: new Set() };
  const cells = new LayerCells(parseCell, module, modules.diagnostics);
  const read = readModel(context, definition);
  convertHelpers({ ...context, layers: new Set(read.layers.map(({ name }) => name)) });
  const helpers = Object.fromEntries(library.helpers);
  const used = checkLayers({ model: read, helpers, cells, recovery, report: context.report });
  const tree: ModelTree = {
    kind: 'model',
    file: module.file,
    ...read,
    options: withTraining(read.options, read.run, library.helpers, Object.values(used)),
    ...documentationOf(statement),
    helpers,
    cells: used,
    sources: Object.assign({}, ...Object.values(used).map(({ sources }) => sources), modules.sources),
  };
  checkUses(tree, recovery, modules.diagnostics);
  return tree;
}
