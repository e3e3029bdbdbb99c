/** Prints a diagnostic for people: place, code, what was found, the line with a caret, what to write instead. */
import type { Diagnostic } from '../../errors.js';
import { visible } from '../../visible.js';

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
  const place = `${visible(file)}:${line}:${column}`;
  return [`${place}  ${code}  ${visible(message)}`, `    ${text}`, `    ${mark}`, `    fix: ${visible(fix)}`].join('\n');
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

/** As `visible`, but one character for each, so that the mark stays under what it marks. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (mark) => (mark === '\t' ? mark : '\u{fffd}'.repeat(mark.length)));
}
