/** Text from outside, made harmless to look at: a name or a file must not move the cursor, ring, or retitle a terminal. */

/** Controls, formats such as direction marks, and separators of lines and paragraphs. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const escaped = (mark: string): string => `\\u{${mark.codePointAt(0)?.toString(16)}}`;

/** On one line: whatever a terminal would obey instead of showing, line breaks among them, becomes `\u{1b}`. */
export function visible(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** The same for text of several lines: line breaks and tabs stay. */
export function visibleLines(text: string): string {
  return text.replace(UNSEEN, (mark) => (mark === '\n' || mark === '\t' ? mark : escaped(mark)));
}

/**
 * JSON text without them, and still the same document: `JSON.stringify` escapes the controls below the space only, and
 * between the tokens of what it writes there is nothing but line breaks and spaces.
 */
export function visibleJson(json: string): string {
  return json.replace(UNSEEN, (mark) => (mark === '\n' ? mark : jsonEscape(mark)));
}

function jsonEscape(mark: string): string {
  const units = Array.from({ length: mark.length }, (_, at) => mark.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
