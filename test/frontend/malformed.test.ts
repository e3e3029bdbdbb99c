/** Mutated specs end in diagnostics or in a cell: never in a stack trace, never in a hang. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RecurveError, SpecError } from '../../codegen/errors.js';
import { checkSpec, formatDiagnostics, parseCellSource } from '../../codegen/frontend/index.js';

const CELLS = ['rnn', 'gru', 'lstm'].map((cell) => `kernels/cells/${cell}.cell.ts`);
const SPECS = [...CELLS, 'test/frontend/everything.cell.ts'].map((file) => ({ file, text: readFileSync(file, 'utf8') }));
const INSERTS = [
  '(',
  ')',
  '{',
  '}',
  '[',
  '...',
  '=>',
  '`',
  "'",
  '/*',
  '0',
  '1e999',
  'x',
  'h',
  'p',
  'o',
  '.W',
  '?',
  ':',
  '=',
  '-',
  '\n',
  'await ',
  'new ',
  'T',
  '?.',
  '**',
  '\u2028',
  'constructor',
  '__proto__',
];

/** Numbers in [0, 1) from a seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function mutate(text: string, next: () => number): string {
  const at = (length: number) => Math.floor(next() * length);
  let mutated = text;
  for (let edits = 1 + at(3); edits > 0; edits--) {
    const from = at(mutated.length);
    const size = 1 + at(12);
    const rest = mutated.slice(from + size);
    const token = INSERTS[at(INSERTS.length)] ?? '';
    const words = mutated.match(/\w+/g) ?? [''];
    const kind = at(5);
    if (kind === 0) mutated = mutated.slice(0, from) + rest;
    else if (kind === 1) mutated = mutated.slice(0, from) + token + mutated.slice(from);
    else if (kind === 2) mutated = mutated.slice(0, from) + mutated.slice(from, from + size).repeat(2) + rest;
    else if (kind === 3) mutated = mutated.slice(0, from);
    else mutated = mutated.replace(words[at(words.length)] ?? '', words[at(words.length)] ?? '');
  }
  return mutated;
}

test('six hundred mutated specs are parsed or refused, each with a place and a fix', { timeout: 300_000 }, () => {
  let refused = 0;
  for (let seed = 0; seed < 600; seed++) {
    const next = random(seed);
    const spec = SPECS[seed % SPECS.length];
    if (spec === undefined) continue;
    const text = mutate(spec.text, next);
    try {
      checkSpec(parseCellSource(spec.file, text));
    } catch (error) {
      refused += 1;
      expect(error, `seed ${seed}`).toBeInstanceOf(RecurveError);
      if (!(error instanceof SpecError)) continue;
      expect(error.exitCode).toBe(2);
      for (const { line, column, length, sourceLine, message, fix } of error.diagnostics) {
        expect(
          [message, fix].every((part) => part.length > 0),
          `seed ${seed}: ${formatDiagnostics(error.diagnostics)}`,
        ).toBe(true);
        expect(line >= 1 && column >= 1 && length >= 1 && column <= sourceLine.length + 1, `seed ${seed}`).toBe(true);
      }
    }
  }
  expect(refused).toBeGreaterThan(400);
});
