/** What people write out of habit from elsewhere: each is told what to write here. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveCell } from '../../runtime/node/cells.js';
import { cellOf, mistakes, mistakesAmong, mistakesOf } from './specs.js';

const SUM = 'matvec(p.W, x) + matvec(p.U, h) + p.b';

test('console.log is not taken for the logarithm', () => {
  expect(mistakesOf({ body: `console.log(h);\nreturn { h: tanh(${SUM}) };` })).toMatchInlineSnapshot(`
    "mine.cell.ts:9:5  SPEC-CONSOLE  \`console.log\` prints nothing: a spec is read, never executed
            console.log(h);
            ^^^^^^^^^^^^^^
        fix: Remove it. \`recurve gradients <cell> --trace h\` shows a value of the step over time."
  `);
});

test('a call at module level is told that nothing is executed', () => {
  expect(mistakesOf({ before: 'console.log(1);' })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:1  SPEC-MODULE-STATEMENT  a spec file holds imports, constants, helper functions, types and one cell, and this is none of them
        console.log(1);
        ^^^^^^^^^^^^^^^
        fix: Remove it: the file is read, never executed."
  `);
});

test('a file that imports nothing is told so once, with the import it needs', () => {
  expect(mistakesOf({ imports: '' })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:16  SPEC-NO-IMPORTS  the file imports nothing from \`recurve\`, where every name of the language comes from
        export default cell({
                       ^^^^
        fix: Write \`import { cell, vec, mat, tanh, matvec } from 'recurve';\`."
  `);
});

test('what else is wrong in a file that imports nothing is found all the same', () => {
  expect(mistakesOf({ imports: '', body: `return { h: tanh(${SUM} + gate) };` })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:16  SPEC-NO-IMPORTS  the file imports nothing from \`recurve\`, where every name of the language comes from
        export default cell({
                       ^^^^
        fix: Write \`import { cell, vec, mat, tanh, matvec } from 'recurve';\`.

    mine.cell.ts:9:62  SPEC-UNKNOWN-NAME  nothing called \`gate\` is declared here
            return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b + gate) };
                                                                     ^^^^
        fix: Declare it with \`const\`, or import it."
  `);
});

test('a name of the language that the import leaves out is told where it is used', () => {
  expect(
    mistakesOf({ imports: "import { cell, matvec, tanh, vec } from 'recurve';", options: '{ fast: flag(false) }' }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:4:20  SPEC-UNKNOWN-NAME  nothing called \`flag\` is declared here
          options: { fast: flag(false) },
                           ^^^^
        fix: Add \`flag\` to \`import { … } from 'recurve'\`.

    mine.cell.ts:8:16  SPEC-UNKNOWN-NAME  nothing called \`mat\` is declared here
          params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H') },
                       ^^^
        fix: Add \`mat\` to \`import { … } from 'recurve'\`.

    mine.cell.ts:8:34  SPEC-UNKNOWN-NAME  nothing called \`mat\` is declared here
          params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H') },
                                         ^^^
        fix: Add \`mat\` to \`import { … } from 'recurve'\`."
  `);
  expect(mistakesOf({ imports: "import { mat, matvec, tanh, vec } from 'recurve';" })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:16  SPEC-UNKNOWN-NAME  nothing called \`cell\` is declared here
        export default cell({
                       ^^^^
        fix: Add \`cell\` to \`import { … } from 'recurve'\`."
  `);
});

test('a wrong path of the package is told once, and the names mean what they were meant to', () => {
  for (const from of ['recurve/language', 'Recurve', '@recurve/core', 'recurv']) {
    const said = mistakesOf({
      imports: `import { cell, load, mat, matvec, tanh, vec } from '${from}';`,
      body: `return { h: tanh(${SUM} + gate) };`,
    });
    expect(said.match(/SPEC-[A-Z-]+/g)).toEqual(['SPEC-IMPORT-PACKAGE', 'SPEC-UNKNOWN-NAME']);
  }
  expect(mistakesOf({ imports: "import { cell, mat, matvec, tanh, vec } from 'recurve/language';" })).toMatchInlineSnapshot(`
    "mine.cell.ts:1:46  SPEC-IMPORT-PACKAGE  a spec takes every name of the language from \`recurve\`, not from \`recurve/language\`
        import { cell, mat, matvec, tanh, vec } from 'recurve/language';
                                                     ^^^^^^^^^^^^^^^^^^
        fix: Write \`from 'recurve'\`."
  `);
  expect(mistakesOf({ imports: "import { cell, mat, matvec, tanh, vec } from './recurve.js';" })).toMatchInlineSnapshot(`
    "mine.cell.ts:1:46  SPEC-IMPORT-NOT-FOUND  there is no file recurve.ts
        import { cell, mat, matvec, tanh, vec } from './recurve.js';
                                                     ^^^^^^^^^^^^^^
        fix: The language is a package: write \`from 'recurve'\`."
  `);
});

test('require, a default import and a namespace are told with the names that the file uses', () => {
  expect(mistakesOf({ imports: "const { cell, mat, matvec, tanh, vec } = require('recurve');" })).toMatchInlineSnapshot(`
    "mine.cell.ts:1:7  SPEC-IMPORT-FORM  a spec takes names from elsewhere by \`import\`, not by \`require\`
        const { cell, mat, matvec, tanh, vec } = require('recurve');
              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Write \`import { cell, mat, matvec, tanh, vec } from 'recurve';\`."
  `);
  expect(mistakesOf({ imports: "import recurve from 'recurve';" })).toMatchInlineSnapshot(`
    "mine.cell.ts:1:1  SPEC-IMPORT-FORM  a spec imports names one by one
        import recurve from 'recurve';
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Write \`import { cell, vec, mat, tanh, matvec } from 'recurve';\`."
  `);
  expect(mistakes("import * as r from 'recurve';\nexport default r.cell({});\n")).toMatchInlineSnapshot(`
    "mine.cell.ts:1:1  SPEC-IMPORT-FORM  a spec imports names one by one
        import * as r from 'recurve';
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Write \`import { name } from 'recurve';\` with the names it uses."
  `);
});

test('a matrix transposed as a member is told of transpose', () => {
  expect(mistakesOf({ body: 'return { h: tanh(matvec(p.W, x) + matvec(p.U.T, h) + p.b) };' })).toMatchInlineSnapshot(`
    "mine.cell.ts:9:46  SPEC-TRANSPOSE  mat('H', 'H') has no member \`T\`, and matrices are transposed by a function
            return { h: tanh(matvec(p.W, x) + matvec(p.U.T, h) + p.b) };
                                                     ^^^^^
        fix: Write \`matvec(transpose(p.W), x)\`; a vector is neither a row nor a column and needs none."
  `);
});

test('concat without a dim is told of one', () => {
  expect(
    mistakesOf({
      imports: "import { cell, concat, mat, matvec, tanh, vec } from 'recurve';",
      body: 'return { h: tanh(matvec(p.U, concat(x, h)) + matvec(p.W, x) + p.b) };',
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:9:41  SPEC-CONCAT-DIM  \`concat\` begins with the dim of what it makes, and this is vec('I')
            return { h: tanh(matvec(p.U, concat(x, h)) + matvec(p.W, x) + p.b) };
                                                ^
        fix: Add a dim, such as \`'N'\`, to \`dims\` and name it first: \`concat('N', a, b)\`; its size follows from theirs."
  `);
});

test('an axis by its position is told its name', () => {
  const imports = "import { cell, mat, matvec, mean, softmax, sum, tanh, vec } from 'recurve';";
  expect(mistakesOf({ imports, body: `return { h: softmax(${SUM}, 0) };` })).toMatchInlineSnapshot(`
    "mine.cell.ts:9:64  SPEC-AXIS-NUMBER  an axis is given by the name of its dim, and this is the number 0
            return { h: softmax(matvec(p.W, x) + matvec(p.U, h) + p.b, 0) };
                                                                       ^
        fix: Write 'H'."
  `);
  expect(mistakesOf({ imports, body: `return { h: softmax(${SUM}, -1) };` })).toMatchInlineSnapshot(`
    "mine.cell.ts:9:64  SPEC-AXIS-NUMBER  an axis is given by the name of its dim, and this is the number -1
            return { h: softmax(matvec(p.W, x) + matvec(p.U, h) + p.b, -1) };
                                                                       ^^
        fix: Write 'H'."
  `);
  expect(mistakesOf({ imports, body: `return { h: softmax(${SUM}, 2) };` })).toMatchInlineSnapshot(`
    "mine.cell.ts:9:64  SPEC-AXIS-NUMBER  an axis is given by the name of its dim, and this is the number 2
            return { h: softmax(matvec(p.W, x) + matvec(p.U, h) + p.b, 2) };
                                                                       ^
        fix: Leave the axis out for all of them."
  `);
});

test('an axis of fixed size is still given by that size', () => {
  expect(
    mistakesOf({
      imports: "import { cell, mat, matvec, softmax, tanh, vec } from 'recurve';",
      state: '{ h: vec(3) }',
      params: "{ W: mat(3, 'I'), U: mat(3, 3), b: vec(3) }",
      dims: "['I']",
      body: `return { h: softmax(${SUM}, 3) };`,
    }),
  ).toBe('');
});

test('a power written as ^ is told of **', () => {
  expect(mistakesOf({ body: `return { h: tanh(${SUM}) ^ 2 };` })).toMatchInlineSnapshot(`
    "mine.cell.ts:9:61  SPEC-OPERATOR  \`^\` is not in the language
            return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) ^ 2 };
                                                                    ^
        fix: Write \`**\` for a power; \`^\` is the exclusive or of bits."
  `);
});

test('the number of steps, of sequences and of the step are no names of a step', () => {
  expect(mistakesOf({ body: `return { h: tanh(${SUM}) * (t / T) / B };` })).toMatchInlineSnapshot(`
    "mine.cell.ts:9:64  SPEC-TIME-VALUE  the number of the step, \`t\`, is not declared here
            return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) * (t / T) / B };
                                                                       ^
        fix: It is in the fourth parameter: \`step({ x }, { h }, p, { t })\`.

    mine.cell.ts:9:68  SPEC-TIME-VALUE  the number of steps, \`T\`, is not known in a step
            return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) * (t / T) / B };
                                                                           ^
        fix: The number of this step is \`t\`, of the fourth parameter: \`step({ x }, { h }, p, { t })\`. For a fraction of the sequence take an input.

    mine.cell.ts:9:73  SPEC-TIME-VALUE  the number of sequences, \`B\`, is not known in a step
            return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) * (t / T) / B };
                                                                                ^
        fix: Remove it: a step is about one sequence."
  `);
  expect(mistakesOf({ imports: "import { cell, mat, matvec, t, tanh, vec } from 'recurve';" })).toMatchInlineSnapshot(`
    "mine.cell.ts:1:29  SPEC-TIME-VALUE  \`t\` is not imported
        import { cell, mat, matvec, t, tanh, vec } from 'recurve';
                                    ^
        fix: Remove it; the number of the step is in the fourth parameter: \`step({ x }, { h }, p, { t })\`."
  `);
});

test('a second cell in a file is refused', () => {
  const [, ...cell] = cellOf({ name: "'other'" }).split('\n');
  const before = cell.join('\n').replace('export default', 'export const other =');
  expect(mistakesOf({ before })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:22  SPEC-SECOND-CELL  \`other\` is a second cell, and a file holds one
        export const other = cell({
                             ^^^^
        fix: Put each cell into a file of its own; what they share goes into a third, which both import."
  `);
  expect(mistakes(`${cellOf({})}${cell.join('\n')}`)).toMatchInlineSnapshot(`
    "mine.cell.ts:12:1  SPEC-SECOND-CELL  the file has a second default export, and a file holds one cell
        export default cell({
        ^^^^^^^^^^^^^^^^^^^^^
        fix: Put each cell into a file of its own; what they share goes into a third, which both import."
  `);
});

test('for … of and for … in are told of a counted for', () => {
  const loop = (head: string) =>
    mistakesOf({ before: 'const RATES = [1, 2];', body: `let a = ${SUM};\nfor (${head}) a = a + k;\nreturn { h: tanh(a) };` });
  expect(loop('const k of RATES')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:5  SPEC-FOR-OF  \`for … of\` is not in the language: a \`for\` counts between constants
            for (const k of RATES) a = a + k;
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Count: \`for (let k = 0; k < 3; k++)\`, and take \`RATES[k]\` in it."
  `);
  expect(loop('const k in RATES')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:5  SPEC-FOR-OF  \`for … in\` is not in the language: a \`for\` counts between constants
            for (const k in RATES) a = a + k;
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Count: \`for (let k = 0; k < 3; k++)\`, and take \`RATES[k]\` in it."
  `);
  expect(
    mistakesOf({ body: `RATES.map(1);\nreturn { h: tanh(${SUM}) };`, before: 'const RATES = [1, 2];' }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:5  SPEC-METHOD-CALL  \`.map()\` is a method call, and values of a step have no methods
            RATES.map(1);
            ^^^^^^^^^^^^
        fix: Write \`for (let k = 0; k < 3; k++)\` with constant bounds and take the item \`a[k]\`."
  `);
});

test('a cell in JavaScript is told the name it should have', () => {
  const folder = mkdtempSync(join(tmpdir(), 'recurve-'));
  try {
    for (const name of ['mine.cell.js', 'mine.mjs']) {
      writeFileSync(join(folder, name), cellOf({}));
      expect(() => resolveCell(name, folder)).toThrow(
        expect.objectContaining({
          code: 'CELL-JAVASCRIPT',
          message: `${name} is JavaScript, and a cell is written in TypeScript`,
          fix: 'Rename it to mine.cell.ts; what it says may stay, plain JavaScript is TypeScript too.',
        }),
      );
    }
    expect(() => resolveCell('none.js', folder)).toThrow(expect.objectContaining({ code: 'CELL-FILE' }));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a helper file of the name recurve is imported as any other', () => {
  const helper = "import { tanh } from 'recurve';\nexport const twice = (x: number) => 2 * tanh(x);\n";
  const spec = `import { twice } from './recurve.js';\n${cellOf({ body: `return { h: twice(${SUM}) };` })}`;
  expect(mistakesAmong({ 'mine.cell.ts': spec, 'recurve.ts': helper })).toBe('');
});
