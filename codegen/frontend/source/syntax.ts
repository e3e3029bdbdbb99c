/** What TypeScript's parser gives, seen as the language sees it. */
import { type Expression, Node, type SourceFile, ts } from 'ts-morph';

/** Parentheses, `as`, `satisfies` and `!` say nothing about the value. */
export function unwrap(node: Expression): Expression {
  let inner = node;
  while (
    Node.isParenthesizedExpression(inner) ||
    Node.isAsExpression(inner) ||
    Node.isSatisfiesExpression(inner) ||
    Node.isNonNullExpression(inner) ||
    Node.isTypeAssertion(inner)
  ) {
    inner = inner.getExpression();
  }
  return inner;
}

/**
 * What TypeScript's parser found. The list is a field of the compiler's node that its public type leaves out;
 * the public way, a program, would start a type checker.
 */
export function syntaxErrors(source: SourceFile): { start: number; length: number; message: string }[] {
  const { parseDiagnostics } = source.compilerNode as unknown as { parseDiagnostics?: unknown };
  if (!Array.isArray(parseDiagnostics)) return [];
  return parseDiagnostics.map((found: { start?: number; length?: number; messageText?: unknown }) => ({
    start: found.start ?? 0,
    length: found.length ?? 1,
    message: lowerFirst(flatten(found.messageText)),
  }));
}

function flatten(text: unknown): string {
  if (typeof text === 'string') return text;
  if (typeof text === 'object' && text !== null && 'messageText' in text) return flatten(text.messageText);
  return 'the file does not parse';
}

function lowerFirst(text: string): string {
  const trimmed = text.replace(/\.$/, '');
  return trimmed.charAt(0).toLowerCase() + trimmed.slice(1);
}

/** Property names as they are read: `a`, `'a'`; `undefined` for computed ones. */
export function propertyName(node: Node): string | undefined {
  if (Node.isIdentifier(node)) return node.getText();
  if (Node.isStringLiteral(node) || Node.isNoSubstitutionTemplateLiteral(node)) return node.getLiteralValue();
  return undefined;
}

/** Whether TypeScript has a meaning of its own for a word: `in`, `readonly`, `infer`. */
export function isKeyword(word: string): boolean {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, true);
  scanner.setText(word);
  return scanner.scan() !== ts.SyntaxKind.Identifier;
}
