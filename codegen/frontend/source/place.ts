/** Where a ts-morph node stands in its file, as a span. */
import type { Node, SourceFile } from 'ts-morph';
import type { Span } from '../tree.js';

/** The lines of a file as TypeScript counts them, without line breaks. */
export function linesOf(source: SourceFile): string[] {
  const text = source.getFullText();
  const starts = source.compilerNode.getLineStarts();
  return starts.map((start, index) => text.slice(start, starts[index + 1] ?? text.length).replace(/[\r\n\u2028\u2029]+$/, ''));
}

/** The span from `start` of `length` characters, cut to its first line. */
export function spanAt(file: string, source: SourceFile, start: number, length: number): Span {
  const { line, character } = source.compilerNode.getLineAndCharacterOfPosition(start);
  const lineEnd = source.compilerNode.getLineStarts()[line + 1];
  const end = Math.min(start + length, lineEnd === undefined ? source.getFullText().length : lineEnd - 1);
  return { file, line: line + 1, column: character + 1, length: Math.max(1, end - start) };
}

export function spanOf(file: string, node: Node): Span {
  const start = node.getStart();
  return spanAt(file, node.getSourceFile(), start, node.getEnd() - start);
}
