import { describe, expect, it } from 'vitest';
import { visible, visibleJson, visibleLines } from '../../codegen/visible.js';

const HOSTILE = 'a\u001b]0;owned\u0007\u009b31m\u007f\u202e\u2028\n\tz';

describe('text from outside', () => {
  it('shows what a terminal would obey, line breaks among it, on one line', () => {
    expect(visible(HOSTILE)).toBe('a\\u{1b}]0;owned\\u{7}\\u{9b}31m\\u{7f}\\u{202e}\\u{2028}\\u{a}\\u{9}z');
  });

  it('keeps line breaks and tabs where there are several lines', () => {
    expect(visibleLines('a\n\tb\r\u001b[2J')).toBe('a\n\tb\\u{d}\\u{1b}[2J');
  });

  it('stays the same JSON document', () => {
    const document = { [HOSTILE]: [HOSTILE, '\u{e0001}', '\ud800', 'é 你 𝕏'] };
    const shown = visibleJson(JSON.stringify(document, null, 2));
    expect(JSON.parse(shown)).toEqual(document);
    expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
    expect(shown).toContain('é 你 𝕏');
  });

  it('that is ordinary stays as it is', () => {
    const text = 'vec(\'H\') – "x" ⊙ 你好 👍';
    expect(visible(text)).toBe(text);
  });
});
