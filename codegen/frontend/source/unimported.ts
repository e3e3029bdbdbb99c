/** Names of the language that a file uses without importing them. */
import { Node, type SourceFile, SyntaxKind } from 'ts-morph';

/** Calls of `known` names that the file does not bind, the first call of each, in order. */
export function unimported(source: SourceFile, bound: ReadonlyMap<string, unknown>, known: ReadonlyMap<string, unknown>): Node[] {
  const found = new Map<string, Node>();
  for (const call of source.getDescendantsOfKind(SyntaxKind.CallExpression)) {
    const callee = call.getExpression();
    const name = callee.getText();
    if (Node.isIdentifier(callee) && known.has(name) && !bound.has(name) && !found.has(name)) found.set(name, callee);
  }
  return [...found.values()];
}

/** The import that a file needs, as it is written. */
export function importOf(names: readonly string[]): string {
  return `import { ${names.length === 0 ? 'name' : names.join(', ')} } from 'recurve';`;
}

/** Whether a package's path was meant to be `recurve`: an entry of it, another case, a scope. */
export function meansLanguage(from: string): boolean {
  return /^@?recurve(\/|$)/i.test(from);
}

/** The package that `require('…')` names; `undefined` for any other expression. */
export function required(node: Node): string | undefined {
  if (!Node.isCallExpression(node) || node.getExpression().getText() !== 'require') return undefined;
  const [from] = node.getArguments();
  return Node.isStringLiteral(from) ? from.getLiteralValue() : '';
}
