/**
 * What a JSON text would become, counted before it is parsed: an array takes many times its two characters, and a
 * parser that runs out of memory takes the process with it. Iterative, and strict about nothing: the parser says what is
 * not JSON.
 */
import { RecurveError } from '../../codegen/errors.js';

/** `cotangents.outputs.h.data` is four deep. */
const MOST_DEPTH = 100;
/** Objects, arrays and keys; a request has five for each tensor. */
const MOST_PARTS = 1_000_000;
/** Half a gigabyte once parsed. */
const MOST_NUMBERS = 2 ** 26;

/** @throws RecurveError `DATA-NESTED`, `DATA-TOO-LARGE` */
export function checkOutline(text: string, source: string): void {
  let depth = 0;
  let parts = 0;
  let commas = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at) - 1;
        parts++;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        parts++;
        if (++depth > MOST_DEPTH) throw tooDeep(source);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
        break;
      case COMMA:
        commas++;
    }
  }
  if (parts > MOST_PARTS) throw tooLarge(source, `more than ${MOST_PARTS} objects, arrays and strings`);
  if (commas > MOST_NUMBERS) throw tooLarge(source, `more than ${MOST_NUMBERS} numbers`);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The index behind the closing quote of the string that starts at `start`, or that of the text's end. */
export function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
  return text.length;
}

function tooDeep(source: string): RecurveError {
  return new RecurveError({
    code: 'DATA-NESTED',
    message: `${source} is nested deeper than ${MOST_DEPTH} objects and arrays`,
    fix: 'Numbers are flat: {"shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]}.',
    where: source,
  });
}

function tooLarge(source: string, what: string): RecurveError {
  return new RecurveError({
    code: 'DATA-TOO-LARGE',
    message: `${source} holds ${what}`,
    fix: 'Numbers are flat, {"shape": [2, 3], "data": [1, 2, …]}; save large data as safetensors.',
    where: source,
  });
}
