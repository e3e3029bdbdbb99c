/** Statements that are not in the language. */
import { expect, test } from 'vitest';
import { mistakesOf } from './specs.js';

test('while, do and for-of are refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
while (true) {}
do {} while (true);
for (const k of [1]) {}
return { h: a };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:5  SPEC-WHILE  a loop whose length is not a constant cannot be compiled
            while (true) {}
            ^^^^^^^^^^^^^^^
        fix: Write \`for (let k = 0; k < 3; k++)\` with constant bounds; it is unrolled.

    mine.cell.ts:11:5  SPEC-WHILE  a loop whose length is not a constant cannot be compiled
            do {} while (true);
            ^^^^^^^^^^^^^^^^^^^
        fix: Write \`for (let k = 0; k < 3; k++)\` with constant bounds; it is unrolled.

    mine.cell.ts:12:5  SPEC-FOR-OF  \`for … of\` is not in the language: a \`for\` counts between constants
            for (const k of [1]) {}
            ^^^^^^^^^^^^^^^^^^^^^^^
        fix: Count: \`for (let k = 0; k < 3; k++)\`, and take \`[1][k]\` in it."
  `);
});

test('other statements are refused by name', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
switch (1) {}
try {} catch {}
throw a;
{ const b = 1; }
return { h: a };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:5  SPEC-STATEMENT  \`switch\` is not in the language
          switch (1) {}
          ^^^^^^^^^^^^^
      fix: Write \`if (o.option === …)\` for each case.

  mine.cell.ts:11:5  SPEC-STATEMENT  \`try\` is not in the language
          try {} catch {}
          ^^^^^^^^^^^^^^^
      fix: Remove it: nothing in a step can throw.

  mine.cell.ts:12:5  SPEC-STATEMENT  \`throw\` is not in the language
          throw a;
          ^^^^^^^^
      fix: Restrict the option instead, e.g. \`real(0, { min: 0 })\`.

  mine.cell.ts:13:5  SPEC-STATEMENT  a block of its own is not in the language
          { const b = 1; }
          ^^^^^^^^^^^^^^^^
      fix: Remove the braces."
`);
});

test('var is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
var b = a;
return { h: b };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:5  SPEC-VAR  \`var\` is not in the language
          var b = a;
          ^^^^^^^^^^
      fix: Write \`const\`."
`);
});

test('an assignment to a constant is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const b = a;
b = 2 * a;
h = b;
return { h: b };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:5  SPEC-ASSIGN-CONST  \`b\` is a constant and does not change
          b = 2 * a;
          ^
      fix: Give the new value a name of its own.

  mine.cell.ts:12:5  SPEC-ASSIGN-CONST  \`h\` is a parameter and does not change
          h = b;
          ^
      fix: Give the new value a name of its own."
`);
});

test('a let reassigned in a branch is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
let b = a;
if (o.peep) b = 2 * a;
return { h: b };`,
      options: '{ peep: flag(false) }',
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:12:17  SPEC-ASSIGN-IN-BRANCH  \`b\` is reassigned inside an \`if\`
          if (o.peep) b = 2 * a;
                      ^
      fix: Write \`const b = test ? … : …;\`."
`);
});

test('an assignment to a member is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
p.b = a;
return { h: a };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:5  SPEC-ASSIGN-TARGET  only a \`let\` of this function can be assigned to
          p.b = a;
          ^^^
      fix: Declare a \`const\`, and return the new value of a state from \`step\`."
`);
});

test('an assignment to an unknown name is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
let gate = a;
gat = 2 * a;
return { h: gate };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:5  SPEC-UNKNOWN-NAME  nothing called \`gat\` is declared here
          gat = 2 * a;
          ^^^
      fix: Did you mean \`gate\`?"
`);
});

test('a let without a value is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
let b;
return { h: a };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:9  SPEC-NO-VALUE  \`b\` has no value
          let b;
              ^
      fix: Give it a start value, or choose with \`?:\`."
`);
});

test('a for that does not count is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
let b = a;
for (let k = 1, n = 2; k < n; k++) b = b + a;
for (;;) {}
return { h: b };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:5  SPEC-FOR-FORM  this \`for\` does not count one variable from one constant to another
          for (let k = 1, n = 2; k < n; k++) b = b + a;
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      fix: Write \`for (let k = 0; k < 3; k++)\`; \`+=\` and \`-=\` with a constant also count.

  mine.cell.ts:12:5  SPEC-FOR-FORM  this \`for\` does not count one variable from one constant to another
          for (;;) {}
          ^^^^^^^^^^^
      fix: Write \`for (let k = 0; k < 3; k++)\`; \`+=\` and \`-=\` with a constant also count."
`);
});

test('a counter is not reassigned', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
let b = a;
for (let k = 0; k < 3; k++) {
  k = 2;
  b = b + a;
}
return { h: b };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:12:7  SPEC-ASSIGN-CONST  \`k\` is the counter of a \`for\` and does not change
            k = 2;
            ^
      fix: Give the new value a name of its own."
`);
});

test('a gate declared twice is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const gate = sigmoid(a);
const gate = tanh(a);
return { h: gate };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:11  SPEC-DUPLICATE-NAME  \`gate\` is already declared on line 10
          const gate = tanh(a);
                ^^^^
      fix: Rename one of the two."
`);
});

test('a parameter and a gate of one name are refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const x = a;
return { h: x };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:11  SPEC-DUPLICATE-NAME  \`x\` is already declared on line 8
          const x = a;
                ^
      fix: Rename one of the two."
`);
});

test('an expression whose value is dropped is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
tanh(a);
return { h: a };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:5  SPEC-NO-EFFECT  the value of this expression is dropped
          tanh(a);
          ^^^^^^^
      fix: Give it a name with \`const\`, or remove it."
`);
});

test('increments are refused outside a for', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
let k = 0;
k++;
return { h: a + k };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:5  SPEC-OPERATOR  \`++\` and \`--\` only count a \`for\`
          k++;
          ^^^
      fix: Write \`k = k + 1;\`."
`);
});

test('statements behind a return are refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a };
const b = 1;`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:5  SPEC-UNREACHABLE  nothing behind a \`return\` is computed
          const b = 1;
          ^^^^^^^^^^^^
      fix: Remove it, or move the \`return\` down."
`);
});

test('a return without a value is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return;`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:5  SPEC-NO-RETURN  this \`return\` gives no value
          return;
          ^^^^^^^
      fix: Write \`return value;\`."
`);
});

test('default values are refused', () => {
  expect(
    mistakesOf({
      step: `step({ x }, { h }, p, o = 1) {
    const { b = 1, ...rest } = p;
    return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + b) };
  },`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:8:25  SPEC-PATTERN  parameters have no default values
          step({ x }, { h }, p, o = 1) {
                                ^^^^^
        fix: Give the value at every call.

    mine.cell.ts:9:13  SPEC-PATTERN  there are no default values
            const { b = 1, ...rest } = p;
                    ^^^^^
        fix: Remove it: whether a member exists is known when compiling.

    mine.cell.ts:9:20  SPEC-SPREAD  \`...\` is not in the language
            const { b = 1, ...rest } = p;
                           ^^^^^^^
        fix: Write every name out."
  `);
});

test('a nested pattern is refused once', () => {
  expect(
    mistakesOf({
      step: `step({ x }, { h }, p, { options: { peep } }) {
    return { h: peep ? h : tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) };
  },`,
      options: '{ peep: flag(false) }',
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:9:36  SPEC-PATTERN  patterns have one level
          step({ x }, { h }, p, { options: { peep } }) {
                                           ^^^^^^^^
        fix: Take it apart in a second step: \`const { a } = b;\`."
  `);
});
