/** Functions of other frameworks: what is written for each in the language. */
import { expect, test } from 'vitest';
import { FOREIGN, insteadOf } from '../../codegen/frontend/language/foreign.js';
import { VALUE_EXPORTS } from '../../codegen/frontend/language/vocabulary.js';
import { mistakesOf } from './specs.js';

const fixes = (text: string) => [...text.matchAll(/^ +fix: (.*)$/gm)].map(([, fix]) => fix);
const bodyOf = (expression: string) => `const a = ${expression};\nreturn { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) + a };`;

test('a function of another framework is told in the words of this one', () => {
  const text = mistakesOf({ body: bodyOf('matmul(p.U, h) + relu6(h) + torch_where(h)') });
  expect(text.match(/SPEC-[A-Z-]+/g)).toEqual(['SPEC-UNKNOWN-NAME', 'SPEC-UNKNOWN-NAME', 'SPEC-UNKNOWN-NAME']);
  expect(fixes(text)).toEqual([
    'Write `matvec(p.W, x)` for a matrix times a vector, `dot(a, b)` for two vectors, `*` for each unit by itself.',
    'Write `clamp(x, 0, 6)`.',
    'Write it as a `function` of this file, or import it; docs/language.md has all functions of `recurve`.',
  ]);
});

test('so is one that is imported from recurve, a method, and a member of Math', () => {
  const imports = "import { cell, mat, matmul, matvec, tanh, vec } from 'recurve';";
  expect(fixes(mistakesOf({ imports, body: bodyOf('matmul(p.U, h)') }))).toEqual([expect.stringContaining('`matvec(p.W, x)`')]);
  expect(fixes(mistakesOf({ body: bodyOf('h.add(h)') }))).toEqual(['Write `a + b`.']);
  expect(fixes(mistakesOf({ body: bodyOf('Math.ceil(h)') }))).toEqual(['Write `-floor(-x)`.']);
});

test('what is a slip of a name that is there stays one, and a value is declared', () => {
  expect(fixes(mistakesOf({ body: bodyOf('tahn(h)') }))).toEqual(['Did you mean `tanh`?']);
  expect(fixes(mistakesOf({ body: bodyOf('dot(h, h)') }))).toEqual(["Add `dot` to `import { … } from 'recurve'`."]);
  expect(fixes(mistakesOf({ body: bodyOf('somethingElse') }))).toEqual(['Declare it with `const`, or import it.']);
});

test('what stands in for one is made of functions that there are, and it is none of them', () => {
  const known = VALUE_EXPORTS.map((name) => name.toLowerCase());
  expect(FOREIGN.filter((name) => known.includes(name))).toEqual([]);
  for (const name of FOREIGN) {
    const instead = insteadOf(name) ?? '';
    const called = [...instead.matchAll(/(\w+)\(/g)].map(([, word]) => word ?? '');
    expect([name, called.filter((word) => !VALUE_EXPORTS.includes(word))]).toEqual([name, []]);
    expect(instead).toMatch(/^Write .*\.$/);
  }
});
