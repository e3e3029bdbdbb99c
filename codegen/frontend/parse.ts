/** From a spec file to a cell tree: reads it and its helpers, converts the syntax, reports every mistake at once. */
import { normalize } from 'node:path';
import { type CallExpression, Node, type ObjectLiteralExpression, type SourceFile } from 'ts-morph';
import { RecurveError } from '../errors.js';
import { didYouMean } from '../suggest.js';
import { helperTree } from './convert/call.js';
import { type Context, MOST_DEPTH, nameOfKey } from './convert/context.js';
import { Scope } from './convert/scope.js';
import { convertFunction } from './convert/statement.js';
import { readDefinition } from './declare/definition.js';
import { Diagnostics } from './diagnostics/diagnostics.js';
import { Recovery } from './diagnostics/recovery.js';
import { isLibraryFile } from './language/library.js';
import { withTraining } from './language/training.js';
import { explore } from './lower/check.js';
import { type Module, Modules } from './source/module.js';
import { spanOf } from './source/place.js';
import { readSource } from './source/source.js';
import { unwrap } from './source/syntax.js';
import type { CellTree, Span } from './tree.js';

/**
 * Reads and parses a spec file and the helper files that it imports. Nothing is executed.
 * @throws SpecError with every mistake found; RecurveError `SPEC-NOT-FOUND`, `SPEC-DIRECTORY`, `SPEC-NOT-A-FILE`,
 * `SPEC-UNREADABLE`, `SPEC-FILE-SIZE`, `SPEC-BINARY` or `SPEC-ASYNC` when there is no text to parse
 */
export function parseCell(path: string): CellTree {
  return parseCellSource(path, readSource(path));
}

/** Whether the files that a tree was parsed from hold now what they held then, but for the kind of their line breaks. */
export function isCurrent({ sources }: Pick<CellTree, 'sources'>): boolean {
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
  const diagnostics = new Diagnostics();
  const modules = new Modules(diagnostics);
  try {
    const module = modules.load(normalize(file), text);
    const recovery = new Recovery();
    // A tree that TypeScript could not parse is a guess: only its syntax errors are worth showing.
    const tree = module.broken ? undefined : convert(modules, module, recovery);
    if (tree !== undefined && !diagnostics.any) return tree;
    // The meaning is checked, too, so that a person sees all mistakes of the file in one go.
    if (tree !== undefined && !modules.anyBroken) explore(tree, recovery, diagnostics);
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
  throw new Error(`${file} gave neither a cell nor a mistake`);
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

function convert(modules: Modules, module: Module, recovery: Recovery): CellTree | undefined {
  const { report } = modules.diagnostics;
  const library: Context['library'] = { helpers: new Map(), constants: new Map(), open: [], convertHelper: convertFunction };
  const context: Context = { report, recovery, library, module, scope: new Scope(undefined, 'plain'), depth: 0 };
  const found = findCell(context, module.source);
  const definition = found === undefined ? undefined : readDefinition(context, found.definition);
  // Helpers of this file are converted even when nothing calls them: their mistakes are mistakes of the file.
  for (const binding of module.names.values()) {
    if (binding.kind === 'helper' && binding.module === module) helperTree(context, binding);
  }
  if (found === undefined || definition === undefined) return undefined;
  const documentation = documentationOf(found.statement);
  return {
    kind: 'cell',
    file: module.file,
    ...definition,
    options: withTraining(definition.options, definition.step, library.helpers),
    summary: firstSentence(documentation),
    documentation,
    helpers: Object.fromEntries(library.helpers),
    sources: modules.sources,
  };
}

/** The object given to `export default cell({ … })`. */
function findCell(context: Context, source: SourceFile): { statement: Node; definition: ObjectLiteralExpression } | undefined {
  const { file } = context.module;
  const statements = source.getStatements();
  const fix = 'Write `export default cell({ … });`; `npx recurve new <name>` writes a whole spec.';
  if (statements.length === 0) {
    context.report('SPEC-EMPTY', { file, line: 1, column: 1, length: 1 }, 'the file is empty', fix);
    return undefined;
  }
  const named = statements.find(
    (statement) => (Node.isFunctionDeclaration(statement) || Node.isClassDeclaration(statement)) && statement.isDefaultExport(),
  );
  if (named !== undefined) {
    context.report('SPEC-NOT-A-CELL', spanOf(file, named), 'the default export is not a cell', fix);
    return undefined;
  }
  const [statement, second] = statements.filter(Node.isExportAssignment);
  if (statement === undefined) {
    const last = statements.at(-1);
    const at = last === undefined ? { file, line: 1, column: 1, length: 1 } : spanOf(file, last);
    context.report('SPEC-NO-DEFAULT-EXPORT', at, 'the file exports no cell', fix);
    return undefined;
  }
  const call = unwrap(statement.getExpression());
  for (const binding of context.module.names.values()) {
    if (binding.kind !== 'constant' || binding.module !== context.module || !Node.isCallExpression(binding.node)) continue;
    if (!callsCell(context, binding.node) || call.getText() === nameOfKey(binding.key)) continue;
    const message = `\`${nameOfKey(binding.key)}\` is a second cell, and a file holds one`;
    context.report('SPEC-SECOND-CELL', spanOf(file, binding.node.getExpression()), message, SEPARATE);
  }
  if (second !== undefined) {
    context.report(
      'SPEC-SECOND-CELL',
      spanOf(file, second),
      'the file has a second default export, and a file holds one cell',
      SEPARATE,
    );
  }
  // A callee whose import is at fault has been reported there.
  if (Node.isCallExpression(call) && isPoison(context, call.getExpression())) return undefined;
  if (!Node.isCallExpression(call) || !callsCell(context, call)) {
    if (Node.isCallExpression(call) && call.getExpression().getText() === 'cell' && !context.module.names.has('cell')) {
      const add = "Add `cell` to `import { … } from 'recurve'`.";
      context.report('SPEC-UNKNOWN-NAME', spanOf(file, call.getExpression()), 'nothing called `cell` is declared here', add);
      return undefined;
    }
    const callee = Node.isCallExpression(call) ? call.getExpression().getText() : '';
    const near = didYouMean(callee, ['cell'], fix);
    context.report('SPEC-NOT-A-CELL', spanOf(file, call), 'the default export is not a call of `cell` from `recurve`', near);
    return undefined;
  }
  const [argument, ...more] = call.getArguments();
  const definition = Node.isExpression(argument) ? unwrap(argument) : undefined;
  if (!Node.isObjectLiteralExpression(definition) || more.length > 0) {
    context.report(
      'SPEC-ARGUMENTS',
      spanOf(file, call),
      '`cell` takes one object, written out',
      'Write `cell({ name, dims, inputs, state, params, step })`.',
    );
    return undefined;
  }
  return { statement, definition };
}

const SEPARATE = 'Put each cell into a file of its own; what they share goes into a third, which both import.';

/** Whether an expression such as `r.cell` begins with a name whose mistake has been reported. */
function isPoison(context: Context, callee: Node): boolean {
  if (!Node.isPropertyAccessExpression(callee)) return false;
  return context.module.names.get(callee.getExpression().getText())?.kind === 'poison';
}

function callsCell(context: Context, call: CallExpression): boolean {
  const callee = unwrap(call.getExpression());
  const binding = Node.isIdentifier(callee) ? context.module.names.get(callee.getText()) : undefined;
  // A `cell` whose import is at fault has been reported there.
  return binding?.kind === 'declarator' ? binding.name === 'cell' : binding?.kind === 'poison' && callee.getText() === 'cell';
}

/** The text of the last doc comment above a statement. */
function documentationOf(statement: Node): string {
  const comment = statement
    .getLeadingCommentRanges()
    .map((range) => range.getText())
    .filter((text) => text.startsWith('/**'))
    .at(-1);
  if (comment === undefined) return '';
  const lines = comment.slice(3, -2).split('\n');
  return lines
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    .join('\n')
    .trim();
}

/** Up to the first full stop that a capital, a code mark or a new paragraph follows. */
function firstSentence(documentation: string): string {
  const [paragraph = ''] = documentation.split(/\n\s*\n/);
  const line = paragraph.replace(/\s+/g, ' ').trim();
  return /^.*?[.!?](?=\s+[A-Z`]|$)/.exec(line)?.[0] ?? line;
}
