/** All mistakes of a file at once, each once, and without their consequences. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SPEC_CODES } from '../../codegen/frontend/index.js';
import { mistakes, mistakesOf } from './specs.js';

const codes = (text: string) => [...text.matchAll(/ {2}(SPEC-[A-Z-]+) {2}/g)].map(([, code]) => code);

test('mistakes of syntax, shape and declaration are reported together, from top to bottom', () => {
  const text = mistakesOf({
    dims: "['I', 'H', 'H']",
    params: "{ W: mat('H', 'I'), U: mat('H', 'K'), b: vec('H'), d: vec('H') }",
    outputs: "['h', 'y']",
    body: [
      'const a = matvec(p.W, h) + p.b;',
      'while (true) {}',
      'const i = sigmod(a);',
      'const f = Math.tanh(x) + i;',
      'const g = x + h;',
      'return { h: f * g + p.U, z: a };',
    ].join('\n'),
  });
  expect(text).toMatchInlineSnapshot(`
    "mine.cell.ts:4:20  SPEC-DIM-DUPLICATE  the dim \`H\` is listed twice
          dims: ['I', 'H', 'H'],
                           ^^^
        fix: Remove one.

    mine.cell.ts:7:43  SPEC-DIM-UNDECLARED  the dim \`K\` is not declared
          params: { W: mat('H', 'I'), U: mat('H', 'K'), b: vec('H'), d: vec('H') },
                                                  ^^^
        fix: Add \`'K'\` to \`dims\`, which lists \`I\` and \`H\`.

    mine.cell.ts:8:18  SPEC-UNKNOWN-OUTPUT  the output \`y\` is neither a state nor returned by \`step\`
          outputs: ['h', 'y'],
                         ^^^
        fix: Return \`y\` from \`step\`, or list a state.

    mine.cell.ts:10:27  SPEC-MATVEC-SHAPE  \`W\` is mat('H', 'I') and takes vec('I'), not vec('H')
            const a = matvec(p.W, h) + p.b;
                                  ^
        fix: Declare it the other way round, \`W: mat('I', 'H')\`, or give it vec('I').

    mine.cell.ts:11:5  SPEC-WHILE  a loop whose length is not a constant cannot be compiled
            while (true) {}
            ^^^^^^^^^^^^^^^
        fix: Write \`for (let k = 0; k < 3; k++)\` with constant bounds; it is unrolled.

    mine.cell.ts:12:15  SPEC-UNKNOWN-NAME  nothing called \`sigmod\` is declared here
            const i = sigmod(a);
                      ^^^^^^
        fix: Did you mean \`sigmoid\`?

    mine.cell.ts:13:15  SPEC-MATH  \`Math.tanh\` is not in the language
            const f = Math.tanh(x) + i;
                      ^^^^^^^^^^^^
        fix: Write \`tanh(x)\`, imported from \`recurve\`.

    mine.cell.ts:14:15  SPEC-SHAPE-MISMATCH  \`+\` joins vec('I') and vec('H')
            const g = x + h;
                      ^^^^^
        fix: Bring one to the other's dim with a matrix: \`matvec(p.W, …)\` with \`W: mat('I', 'H')\`.

    mine.cell.ts:15:30  SPEC-EXTRA-STATE  \`z\` is neither a state nor listed in \`outputs\`
            return { h: f * g + p.U, z: a };
                                     ^^^^
        fix: Remove it, or list it: \`outputs: ['h', 'y', 'z']\`.

    mine.cell.ts:7:62  SPEC-UNUSED-PARAM  the parameter \`d\` is never used: nothing that \`step\` returns depends on it
          params: { W: mat('H', 'I'), U: mat('H', 'K'), b: vec('H'), d: vec('H') },
                                                                     ^^^^^^^^^^^
        fix: Use it in \`step\`, or remove the declaration."
  `);
});

test('one mistake does not make its consequences mistakes', () => {
  const body =
    'const a = nothing(x);\nconst b = tanh(a) * h + a;\nconst { c, d } = a;\nreturn { h: b + c * d + matvec(p.W, a) + p.b + matvec(p.U, h) };';
  expect(codes(mistakesOf({ body }))).toEqual(['SPEC-UNKNOWN-NAME']);
});

test('a group that cannot be read does not make every use of it a mistake', () => {
  expect(codes(mistakesOf({ params: 'parameters' }))).toEqual(['SPEC-PROPERTY-FORM']);
});

test('a mistake under several options is reported once, under the first', () => {
  const text = mistakesOf({ options: "{ on: flag(false), kind: choice('one', 'two', 'three') }", body: 'return { h: x + h };' });
  expect(codes(text)).toEqual(['SPEC-SHAPE-MISMATCH', 'SPEC-UNUSED-PARAM', 'SPEC-UNUSED-PARAM', 'SPEC-UNUSED-PARAM']);
  expect(text).not.toContain('(when');
});

test('a mistake in one branch only is reported with its options', () => {
  const body = 'const a = tanh(matvec(p.W, x) + matvec(p.U, h) + p.b);\nreturn { h: o.kind === "odd" ? a + x : a };';
  expect(mistakesOf({ options: "{ kind: choice('even', 'odd') }", body })).toContain(
    "`+` joins vec('H') and vec('I') (when kind = odd)",
  );
});

test('a file of mistakes shows the first hundred', () => {
  const body = Array.from({ length: 300 }, (_, index) => `const a${index} = nothing${index};`).join('\n');
  expect(codes(mistakesOf({ body: `${body}\nreturn { h };` })).length).toBe(100);
});

test('a deeply nested file is refused, whatever nests', () => {
  const depth = 20_000;
  for (const [open, close] of [
    ['(', ')'],
    ['[', ']'],
    ['- ', ''],
    ['tanh(', ')'],
    ['{ a: ', '}'],
    ['x ? h : ', ''],
  ] as const) {
    const text = mistakesOf({ body: `return { h: ${open.repeat(depth)}x${close.repeat(depth)} };` });
    expect(codes(text)).toContain('SPEC-TOO-DEEP');
  }
  expect(codes(mistakesOf({ body: `${'if (true) '.repeat(depth)}return { h };` }))).toContain('SPEC-TOO-DEEP');
});

test('control characters of a spec do not reach the terminal', () => {
  expect(mistakes('export default \u001b[31mcell({});')).not.toContain('\u001b');
});

test('every code is shown by some snapshot, and there are many', () => {
  const folder = 'test/frontend';
  const shown = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
  expect(Object.keys(SPEC_CODES).filter((code) => !shown.includes(`  ${code}  `))).toEqual([]);
  expect(Object.keys(SPEC_CODES).length).toBeGreaterThan(70);
  expect(Object.values(SPEC_CODES).every((meaning) => meaning.length > 10)).toBe(true);
});
