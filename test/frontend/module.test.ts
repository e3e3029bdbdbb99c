/** Files, imports and what stands at module level. */
import { expect, test } from 'vitest';
import { cellOf, mistakes, mistakesAmong, mistakesOf } from './specs.js';

test('a file that does not parse is refused at the place', () => {
  expect(
    mistakes(`import { cell } from 'recurve';
export default cell({ name: 'mine', dims: ['H' };`),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:2:48  SPEC-SYNTAX  ',' expected
      export default cell({ name: 'mine', dims: ['H' };
                                                     ^
      fix: Correct the TypeScript here first; the meaning of the cell is checked after.

  mine.cell.ts:2:49  SPEC-SYNTAX  ')' expected
      export default cell({ name: 'mine', dims: ['H' };
                                                      ^
      fix: Correct the TypeScript here first; the meaning of the cell is checked after."
`);
});

test('an empty file is refused', () => {
  expect(
    mistakes(`// nothing yet
`),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:1:1  SPEC-EMPTY  the file is empty
      // nothing yet
      ^
      fix: Write \`export default cell({ … });\`; \`npx recurve new <name>\` writes a whole spec."
`);
});

test('a file without a default export is refused', () => {
  expect(
    mistakes(`import { tanh } from 'recurve';
export const twice = (x: number) => 2 * tanh(x);
`),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:2:1  SPEC-NO-DEFAULT-EXPORT  the file exports no cell
      export const twice = (x: number) => 2 * tanh(x);
      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      fix: Write \`export default cell({ … });\`; \`npx recurve new <name>\` writes a whole spec."
`);
});

test('a default export that is no call of cell is refused', () => {
  expect(
    mistakes(`import { cel } from 'recurve';
export default { name: 'mine' };
`),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:1:10  SPEC-NOT-EXPORTED  \`recurve\` exports no \`cel\`
      import { cel } from 'recurve';
               ^^^
      fix: Did you mean \`cell\`?

  mine.cell.ts:2:16  SPEC-NOT-A-CELL  the default export is not a call of \`cell\` from \`recurve\`
      export default { name: 'mine' };
                     ^^^^^^^^^^^^^^^^
      fix: Write \`export default cell({ … });\`; \`npx recurve new <name>\` writes a whole spec."
`);
});

test('a default exported function is refused', () => {
  expect(
    mistakes(`export default function step() {
  return 1;
}
`),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:1:1  SPEC-NOT-A-CELL  the default export is not a cell
      export default function step() {
      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      fix: Write \`export default cell({ … });\`; \`npx recurve new <name>\` writes a whole spec."
`);
});

test('cell takes one object literal', () => {
  expect(
    mistakes(`import { cell } from 'recurve';
export default cell();
`),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:2:16  SPEC-ARGUMENTS  \`cell\` takes one object, written out
      export default cell();
                     ^^^^^^
      fix: Write \`cell({ name, dims, inputs, state, params, step })\`."
`);
});

test('a statement at module level is refused', () => {
  expect(mistakesOf({ before: `console.log('hello');` })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:1  SPEC-MODULE-STATEMENT  a spec file holds imports, constants, helper functions, types and one cell, and this is none of them
        console.log('hello');
        ^^^^^^^^^^^^^^^^^^^^^
        fix: Remove it: the file is read, never executed."
  `);
});

test('a variable at module level is refused once, where it is declared', () => {
  expect(
    mistakesOf({
      before: 'let count = 0;',
      body: `count = count + 1;
return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b + count) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:2:5  SPEC-MODULE-MUTABLE  \`count\` is a variable at module level, and what a cell computes cannot depend on one
      let count = 0;
          ^^^^^^^^^
      fix: Write \`const count = …;\`, or keep the value in a state of the cell."
`);
});

test('a pattern at module level is refused', () => {
  expect(mistakesOf({ before: 'const { a } = { a: 1 };' })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:7  SPEC-PATTERN  constants at module level are declared one by one
        const { a } = { a: 1 };
              ^^^^^
        fix: Write \`const name = value;\` for each."
  `);
});

test('an import from another package is refused', () => {
  expect(mistakesOf({ before: `import { zeros } from 'lodash';` })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:23  SPEC-IMPORT-PACKAGE  a spec imports only \`recurve\` and files by relative path, not \`lodash\`
        import { zeros } from 'lodash';
                              ^^^^^^^^
        fix: Copy the helper into a file beside the spec and import it as \`./file.js\`."
  `);
});

test('a misspelt package is named', () => {
  expect(mistakesOf({ before: `import { abs } from 'recurv';` })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:21  SPEC-IMPORT-PACKAGE  a spec imports only \`recurve\` and files by relative path, not \`recurv\`
        import { abs } from 'recurv';
                            ^^^^^^^^
        fix: Did you mean \`recurve\`?"
  `);
});

test('a default import is refused', () => {
  expect(mistakesOf({ before: `import helper from './helper.js';` })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:1  SPEC-IMPORT-FORM  a spec imports names one by one
        import helper from './helper.js';
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Write \`import { name } from './helper.js';\` with the names it uses.

    mine.cell.ts:2:20  SPEC-IMPORT-NOT-FOUND  there is no file helper.ts
        import helper from './helper.js';
                           ^^^^^^^^^^^^^
        fix: Check the path; \`npx recurve new <name>\` writes a spec."
  `);
});

test('a namespace import is refused', () => {
  expect(
    mistakesOf({ before: `import * as r from 'recurve';`, body: 'return { h: r.tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) };' }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:2:1  SPEC-IMPORT-FORM  a spec imports names one by one
        import * as r from 'recurve';
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Write \`import { name } from 'recurve';\` with the names it uses.

    mine.cell.ts:10:17  SPEC-METHOD-CALL  \`.tanh()\` is a method call, and values of a step have no methods
            return { h: r.tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) };
                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Write \`tanh(…)\`, imported from \`recurve\`."
  `);
});

test('a name that recurve does not export is refused with the nearest one', () => {
  expect(mistakesOf({ before: `import { sigmod } from 'recurve';` })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:10  SPEC-NOT-EXPORTED  \`recurve\` exports no \`sigmod\`
        import { sigmod } from 'recurve';
                 ^^^^^^
        fix: Did you mean \`sigmoid\`?"
  `);
});

test('an imported file that is not there is refused', () => {
  expect(mistakesOf({ before: `import { gate } from './nowhere.js';` })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:22  SPEC-IMPORT-NOT-FOUND  there is no file nowhere.ts
        import { gate } from './nowhere.js';
                             ^^^^^^^^^^^^^^
        fix: Check the path; \`npx recurve new <name>\` writes a spec."
  `);
});

test('files that import each other are refused', () => {
  expect(
    mistakesAmong({
      'mine.cell.ts': cellOf({ before: "import { a } from './a.js';" }),
      'a.ts': "import { b } from './b.js';\nexport const a = (x: number) => b(x);\n",
      'b.ts': "import { a } from './a.js';\nexport const b = (x: number) => a(x);\n",
    }),
  ).toMatchInlineSnapshot(`
    "b.ts:1:19  SPEC-IMPORT-CYCLE  \`a.ts\` imports this file, directly or through others, so neither can come first
        import { a } from './a.js';
                          ^^^^^^^^
        fix: Move what both need into a third file."
  `);
});

test('a name that a helper file does not export is refused', () => {
  expect(
    mistakesAmong({
      'mine.cell.ts': cellOf({ before: "import { gat } from './a.js';" }),
      'a.ts': 'export const gate = (x: number) => x;\n',
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:2:10  SPEC-NOT-EXPORTED  \`./a.js\` exports no \`gat\`
        import { gat } from './a.js';
                 ^^^
        fix: Did you mean \`gate\`?"
  `);
});

test('a helper file that does not parse is refused in that file', () => {
  expect(
    mistakesAmong({
      'mine.cell.ts': cellOf({ before: "import { gate } from './a.js';" }),
      'a.ts': 'export const gate = (x: number) =>;\n',
    }),
  ).toMatchInlineSnapshot(`
    "a.ts:1:35  SPEC-SYNTAX  expression expected
        export const gate = (x: number) =>;
                                          ^
        fix: Correct the TypeScript here first; the meaning of the cell is checked after."
  `);
});

test('a helper file cannot pass on exports of another', () => {
  expect(
    mistakesAmong({
      'mine.cell.ts': cellOf({ before: "import { gate } from './a.js';" }),
      'a.ts': "export { gate } from './b.js';\n",
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:2:10  SPEC-NOT-EXPORTED  \`./a.js\` exports no \`gate\`
        import { gate } from './a.js';
                 ^^^^
        fix: It exports none.

    a.ts:1:1  SPEC-MODULE-STATEMENT  a spec file cannot pass on what another file exports
        export { gate } from './b.js';
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Import the helper from its own file where it is used."
  `);
});

test('a mistake inside a helper says where it is called', () => {
  expect(
    mistakesAmong({
      'mine.cell.ts': cellOf({
        before: "import { gate } from './a.js';",
        body: 'return { h: gate(x, h) + matvec(p.W, x) + matvec(p.U, h) + p.b };',
      }),
      'a.ts': 'export function gate(a: number, b: number): number {\n  return a + b;\n}\n',
    }),
  ).toMatchInlineSnapshot(`
    "a.ts:2:10  SPEC-SHAPE-MISMATCH  \`+\` joins vec('I') and vec('H') (in \`gate\`, called at mine.cell.ts:10:17)
          return a + b;
                 ^^^^^
        fix: Bring one to the other's dim with a matrix: \`matvec(p.W, …)\` with \`W: mat('I', 'H')\`."
  `);
});

test('a misspelt path is answered with the nearest file', () => {
  expect(mistakesAmong({ 'mine.cell.ts': '' }, 'mime.cell.ts')).toMatchInlineSnapshot(`
    "SPEC-NOT-FOUND  there is no file mime.cell.ts
        fix: Did you mean mine.cell.ts?"
  `);
});

test('a folder is refused', () => {
  expect(mistakesAmong({}, '')).toMatchInlineSnapshot(`
    "SPEC-DIRECTORY  folder is a folder
        fix: Name a file in it, e.g. \`mine.cell.ts\`."
  `);
});

test('a binary file is refused', () => {
  expect(mistakesAmong({ 'mine.cell.ts': new Uint8Array([0xff, 0xfe, 0x00]) })).toMatchInlineSnapshot(`
    "SPEC-BINARY  mine.cell.ts is not UTF-8 text
        fix: Name a \`*.cell.ts\` file saved as UTF-8."
  `);
});

test('text with zero bytes is refused', () => {
  expect(mistakesAmong({ 'mine.cell.ts': 'a\0b' })).toMatchInlineSnapshot(`
    "SPEC-BINARY  mine.cell.ts holds zero bytes, so it is not text
        fix: Name a \`*.cell.ts\` file saved as UTF-8."
  `);
});

test('a file far larger than a cell is refused', () => {
  expect(mistakesAmong({ 'mine.cell.ts': ' '.repeat(600 * 1024) })).toMatchInlineSnapshot(`
    "SPEC-FILE-SIZE  mine.cell.ts is larger than 512 KiB
        fix: Name a \`*.cell.ts\` file; write repeated gates with \`for\`."
  `);
});

test('two module constants of one name are refused', () => {
  expect(
    mistakesOf({
      before: `const a = 1;
const a = 2;`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:3:7  SPEC-DUPLICATE-NAME  \`a\` is already declared in this file
      const a = 2;
            ^
      fix: Rename one of the two."
`);
});

test('constants that depend on each other are refused', () => {
  expect(
    mistakesOf({
      before: `const a = b;
const b = a;`,
      body: 'return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) * a };',
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:3:11  SPEC-RECURSION  the value of \`a\` depends on itself
      const b = a;
                ^
      fix: Give one of the constants a value of its own."
`);
});

test('an import that a link leads out of its folder is refused', () => {
  const spec = cellOf({ before: "import { own } from './away.js';" });
  expect(mistakesAmong({ 'mine.cell.ts': spec, 'away.ts': { link: '/etc/hostname' } })).toMatchInlineSnapshot(`
    "mine.cell.ts:2:21  SPEC-IMPORT-OUTSIDE  \`./away.js\` leads out of its folder through a symbolic link
        import { own } from './away.js';
                            ^^^^^^^^^^^
        fix: Copy the helper into a file beside the spec."
  `);
});
