/** Prints a diagnostic for people: place, code, what was found, the line with a caret, what to write instead. */
import type { Diagnostic } from '../errors.js';

/** Wider source lines are cut to a window around the mark. */
const WIDEST = 140;
const BEFORE_MARK = 60;

/**
 * Four lines, the last without a line break:
 *
 *     gru.cell.ts:21:15  SPEC-SHAPE-MISMATCH  `+` joins vec('I') and vec('H')
 *         const a = x + h;
 *                   ^^^^^
 *         fix: …
 */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, code, message, fix } = diagnostic;
  const { text, mark } = window(diagnostic);
  return [`${file}:${line}:${column}  ${code}  ${message}`, `    ${text}`, `    ${mark}`, `    fix: ${fix}`].join('\n');
}

/** All of them, a blank line between. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(formatDiagnostic).join('\n\n');
}

function window({ sourceLine, column, length }: Diagnostic): { text: string; mark: string } {
  const start = column - 1;
  const from = sourceLine.length > WIDEST && start > BEFORE_MARK ? start - BEFORE_MARK : 0;
  const to = Math.min(sourceLine.length, from + WIDEST);
  const before = from > 0 ? '…' : '';
  const after = to < sourceLine.length ? '…' : '';
  const shown = printable(sourceLine.slice(from, to));
  // Tabs stay tabs, so that the mark stands under the text whatever their width.
  const padding = before.replace(/./, ' ') + shown.slice(0, start - from).replace(/[^\t]/g, ' ');
  const marked = Math.max(1, Math.min(length, to - start));
  return { text: `${before}${shown}${after}`.trimEnd(), mark: padding + '^'.repeat(marked) };
}

/** Control characters in a spec must not reach a terminal. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is being removed
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\u{fffd}');
}
