/** The default export of a spec file, and what is said of it. */
import { type CallExpression, Node, type ObjectLiteralExpression } from 'ts-morph';
import { didYouMean } from '../../suggest.js';
import { type Context, nameOfKey } from '../convert/context.js';
import { spanOf } from '../source/place.js';
import { unwrap } from '../source/syntax.js';
import type { Span } from '../tree.js';

/** The default export of a spec: the object given to `cell({ … })` or `model({ … })`. */
export interface Exported {
  readonly kind: SpecKind;
  readonly statement: Node;
  readonly definition: ObjectLiteralExpression;
  /** Of the word `cell` or `model`. */
  readonly span: Span;
}

const KINDS = ['cell', 'model'] as const;
type SpecKind = (typeof KINDS)[number];

/** What the properties of each are, in the order in which they are written. */
const USAGE: Readonly<Record<SpecKind, string>> = {
  cell: 'cell({ name, dims, inputs, state, params, step })',
  model: 'model({ name, dims, inputs, layers, params, run })',
};

/** Finds it; `undefined` after a mistake. */
export function findExported(context: Context): Exported | undefined {
  const { file, source } = context.module;
  const statements = source.getStatements();
  // What a file without a right export was to hold is told by its name.
  const meant: SpecKind = file.endsWith('.model.ts') ? 'model' : 'cell';
  const command = meant === 'model' ? 'npx recurve new <name> --model' : 'npx recurve new <name>';
  const fix = `Write \`export default ${meant}({ … });\`; \`${command}\` writes a whole spec.`;
  if (statements.length === 0) {
    context.report('SPEC-EMPTY', { file, line: 1, column: 1, length: 1 }, 'the file is empty', fix);
    return undefined;
  }
  const named = statements.find(
    (statement) => (Node.isFunctionDeclaration(statement) || Node.isClassDeclaration(statement)) && statement.isDefaultExport(),
  );
  if (named !== undefined) {
    context.report('SPEC-NOT-A-CELL', spanOf(file, named), `the default export is not a ${meant}`, fix);
    return undefined;
  }
  const [statement, second] = statements.filter(Node.isExportAssignment);
  if (statement === undefined) {
    const last = statements.at(-1);
    const at = last === undefined ? { file, line: 1, column: 1, length: 1 } : spanOf(file, last);
    context.report('SPEC-NO-DEFAULT-EXPORT', at, `the file exports no ${meant}`, fix);
    return undefined;
  }
  const call = unwrap(statement.getExpression());
  reportSecond(context, call, second);
  // A callee whose import is at fault has been reported there.
  if (Node.isCallExpression(call) && isPoison(context, call.getExpression())) return undefined;
  const callee = Node.isCallExpression(call) ? call.getExpression().getText() : '';
  const kind = Node.isCallExpression(call) ? kindOf(context, call) : undefined;
  if (!Node.isCallExpression(call) || kind === undefined) {
    const known = KINDS.find((word) => word === callee);
    if (Node.isCallExpression(call) && known !== undefined && !context.module.names.has(known)) {
      const add = `Add \`${known}\` to \`import { … } from 'recurve'\`.`;
      const message = `nothing called \`${known}\` is declared here`;
      context.report('SPEC-UNKNOWN-NAME', spanOf(file, call.getExpression()), message, add);
      return undefined;
    }
    const near = didYouMean(callee, KINDS, fix);
    const message = `the default export is not a call of \`${meant}\` from \`recurve\``;
    context.report('SPEC-NOT-A-CELL', spanOf(file, call), message, near);
    return undefined;
  }
  const [argument, ...more] = call.getArguments();
  const definition = Node.isExpression(argument) ? unwrap(argument) : undefined;
  if (!Node.isObjectLiteralExpression(definition) || more.length > 0) {
    const message = `\`${kind}\` takes one object, written out`;
    context.report('SPEC-ARGUMENTS', spanOf(file, call), message, `Write \`${USAGE[kind]}\`.`);
    return undefined;
  }
  return { kind, statement, definition, span: spanOf(file, call.getExpression()) };
}

/** Further cells and models beside the one that the file exports. */
function reportSecond(context: Context, exported: Node, second: Node | undefined): void {
  const { file } = context.module;
  for (const binding of context.module.names.values()) {
    if (binding.kind !== 'constant' || binding.module !== context.module || !Node.isCallExpression(binding.node)) continue;
    const kind = kindOf(context, binding.node);
    if (kind === undefined || exported.getText() === nameOfKey(binding.key)) continue;
    const own = Node.isCallExpression(exported) ? kindOf(context, exported) : undefined;
    const what = own === undefined || own === kind ? `a second ${kind}` : `a ${kind} beside the ${own}`;
    const message = `\`${nameOfKey(binding.key)}\` is ${what}, and a file holds one`;
    context.report('SPEC-SECOND-CELL', spanOf(file, binding.node.getExpression()), message, SEPARATE);
  }
  if (second === undefined) return;
  const kind = (Node.isCallExpression(exported) ? kindOf(context, exported) : undefined) ?? 'cell';
  const message = `the file has a second default export, and a file holds one ${kind}`;
  context.report('SPEC-SECOND-CELL', spanOf(file, second), message, SEPARATE);
}

const SEPARATE = 'Put each cell into a file of its own; what they share goes into a third, which both import.';

/** Whether an expression such as `r.cell` begins with a name whose mistake has been reported. */
function isPoison(context: Context, callee: Node): boolean {
  if (!Node.isPropertyAccessExpression(callee)) return false;
  return context.module.names.get(callee.getExpression().getText())?.kind === 'poison';
}

/** What a call defines. A `cell` whose import is at fault has been reported there. */
function kindOf(context: Context, call: CallExpression): SpecKind | undefined {
  const callee = unwrap(call.getExpression());
  const binding = Node.isIdentifier(callee) ? context.module.names.get(callee.getText()) : undefined;
  if (binding?.kind === 'declarator') return KINDS.find((kind) => kind === binding.name);
  return binding?.kind === 'poison' ? KINDS.find((kind) => kind === callee.getText()) : undefined;
}

/** What is said of a spec in the last doc comment above it: its first sentence, and the whole of it. */
export function documentationOf(statement: Node): { summary: string; documentation: string } {
  const documentation = commentAbove(statement);
  return { summary: firstSentence(documentation), documentation };
}

/** The text of the last doc comment above a statement. */
function commentAbove(statement: Node): string {
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
