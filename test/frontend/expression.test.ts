/** Expressions that are not in the language. */
import { expect, test } from 'vitest';
import { mistakesOf } from './specs.js';

test('an unknown name is refused with the nearest one', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const gate = tanh(a);
return { h: gat };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:17  SPEC-UNKNOWN-NAME  nothing called \`gat\` is declared here
          return { h: gat };
                      ^^^
      fix: Did you mean \`gate\`?"
`);
});

test('a function that is not imported is named with its import', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: relu(a) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:17  SPEC-UNKNOWN-NAME  nothing called \`relu\` is declared here
          return { h: relu(a) };
                      ^^^^
      fix: Add \`relu\` to \`import { … } from 'recurve'\`."
`);
});

test('a name read above its declaration is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const b = 2 * c;
const c = a;
return { h: b + c };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:19  SPEC-BEFORE-DECLARATION  \`c\` is read before it has a value
          const b = 2 * c;
                        ^
      fix: Move the declaration of \`c\` above this line."
`);
});

test('a wrong number of arguments is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: sigmoid(a, 1) + matvec(p.U) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:17  SPEC-ARGUMENTS  \`sigmoid\` takes 1 argument, not 2
          return { h: sigmoid(a, 1) + matvec(p.U) };
                      ^^^^^^^^^^^^^
      fix: Give it 1.

  mine.cell.ts:10:33  SPEC-ARGUMENTS  \`matvec\` takes 2 arguments, not 1
          return { h: sigmoid(a, 1) + matvec(p.U) };
                                      ^^^^^^^^^^^
      fix: Write \`matvec(p.W, x)\`."
`);
});

test('a wrong number of arguments to a helper is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: gate(a) };`,
      before: 'const gate = (a: number, b: number) => a * b;',
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:17  SPEC-ARGUMENTS  \`gate\` takes 2 arguments, not 1
          return { h: gate(a) };
                      ^^^^^^^
      fix: Give every parameter of \`gate\` a value."
`);
});

test('a method call is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a.tanh() + x.map() };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:17  SPEC-METHOD-CALL  \`.tanh()\` is a method call, and values of a step have no methods
            return { h: a.tanh() + x.map() };
                        ^^^^^^^^
        fix: Write \`tanh(…)\`, imported from \`recurve\`.

    mine.cell.ts:10:28  SPEC-METHOD-CALL  \`.map()\` is a method call, and values of a step have no methods
            return { h: a.tanh() + x.map() };
                                   ^^^^^^^
        fix: Write \`for (let k = 0; k < 3; k++)\` with constant bounds and take the item \`a[k]\`."
  `);
});

test('Math is refused with what to write', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: Math.tanh(a) * Math.PI + Math.pow(a, 2) + Math.hypot(a) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:17  SPEC-MATH  \`Math.tanh\` is not in the language
          return { h: Math.tanh(a) * Math.PI + Math.pow(a, 2) + Math.hypot(a) };
                      ^^^^^^^^^^^^
      fix: Write \`tanh(a)\`, imported from \`recurve\`.

  mine.cell.ts:10:32  SPEC-MATH  \`Math.PI\` is not in the language
          return { h: Math.tanh(a) * Math.PI + Math.pow(a, 2) + Math.hypot(a) };
                                     ^^^^^^^
      fix: Write the number, or a constant at module level that holds it.

  mine.cell.ts:10:42  SPEC-MATH  \`Math.pow\` is not in the language
          return { h: Math.tanh(a) * Math.PI + Math.pow(a, 2) + Math.hypot(a) };
                                               ^^^^^^^^^^^^^^
      fix: Write \`pow(a, 2)\`, imported from \`recurve\`.

  mine.cell.ts:10:59  SPEC-MATH  \`Math.hypot\` is not in the language
          return { h: Math.tanh(a) * Math.PI + Math.pow(a, 2) + Math.hypot(a) };
                                                                ^^^^^^^^^^^^^
      fix: Write it with the functions of \`recurve\`."
`);
});

test.each([
  ['pow(a, 3)', 'Write `pow(a, 3)`, imported from `recurve`.'],
  ['log1p(a)', 'Write `log1p(a)`, imported from `recurve`.'],
  ['expm1(a)', 'Write `expm1(a)`, imported from `recurve`.'],
  ['sign(a)', 'Write `sign(a)`, imported from `recurve`.'],
  ['round(a)', 'Write `round(a)`, imported from `recurve`.'],
  ['sin(a)', 'Write `sin(a)`, imported from `recurve`.'],
  ['ceil(a)', 'Write `-floor(-x)`.'],
  ['trunc(a)', 'Write `x - x % 1`.'],
  ['tan(a)', 'Write `sin(x) / cos(x)`.'],
])('Math.%s is refused with what the language has for it', (call, fix) => {
  const body = `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;\nreturn { h: Math.${call} };`;
  expect(mistakesOf({ body })).toContain(fix);
});

test('a call of a value is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a(1) + p.b };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:17  SPEC-NOT-CALLABLE  \`a\` is a value, not a function
          return { h: a(1) + p.b };
                      ^
      fix: To multiply, write \`*\`; to call a function, rename this value."
`);
});

test('a call of a call is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: tanh(a)(1) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:17  SPEC-NOT-CALLABLE  only named functions can be called
          return { h: tanh(a)(1) };
                      ^^^^^^^
      fix: Call a function of \`recurve\` or a helper by its name."
`);
});

test('a declaration inside an expression is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + vec('H') };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:21  SPEC-MISPLACED  \`vec\` declares part of a cell and is no value
          return { h: a + vec('H') };
                          ^^^
      fix: Use \`vec\` only in the cell's own properties."
`);
});

test('a function as a value is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const f = tanh;
return { h: f(a) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:15  SPEC-FUNCTION-VALUE  \`tanh\` is a function, and functions are not values
          const f = tanh;
                    ^^^^
      fix: Call it: \`tanh(…)\`. To pick a function, pass a string option and use a static \`if\`.

  mine.cell.ts:11:17  SPEC-NOT-CALLABLE  \`f\` is a value, not a function
          return { h: f(a) };
                      ^
      fix: To multiply, write \`*\`; to call a function, rename this value."
`);
});

test('a function inside a step is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const f = (y: number) => tanh(y);
return { h: f(a) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:15  SPEC-FUNCTION-VALUE  functions inside functions are not in the language
          const f = (y: number) => tanh(y);
                    ^^^^^^^^^^^^^^^^^^^^^^
      fix: Move it to module level and call it by name.

  mine.cell.ts:11:17  SPEC-NOT-CALLABLE  \`f\` is a value, not a function
          return { h: f(a) };
                      ^
      fix: To multiply, write \`*\`; to call a function, rename this value."
`);
});

test('helpers that call themselves are refused with the cycle', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: even(a) };`,
      before: `const even = (y: number): number => odd(y);
const odd = (y: number): number => even(y);`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:3:36  SPEC-RECURSION  helpers call themselves: even → odd → even
      const odd = (y: number): number => even(y);
                                         ^^^^^^^
      fix: Write a \`for\` with constant bounds: helpers are inlined, so they cannot call themselves."
`);
});

test('infinite numbers are refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + 1e999 + Infinity + NaN };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:21  SPEC-NONFINITE  \`1e999\` is infinite
          return { h: a + 1e999 + Infinity + NaN };
                          ^^^^^
      fix: Write a number below 3.4e38.

  mine.cell.ts:10:29  SPEC-NONFINITE  \`Infinity\` is not a number that a cell can hold
          return { h: a + 1e999 + Infinity + NaN };
                                  ^^^^^^^^
      fix: Write a finite number; \`min\`, \`max\` and \`clamp\` set bounds.

  mine.cell.ts:10:40  SPEC-NONFINITE  \`NaN\` is not a number that a cell can hold
          return { h: a + 1e999 + Infinity + NaN };
                                             ^^^
      fix: Write a finite number; \`min\`, \`max\` and \`clamp\` set bounds."
`);
});

test('a constant beyond 32 bits is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + 1e300 };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:21  SPEC-NONFINITE  1e+300 does not fit a 32-bit number
            return { h: a + 1e300 };
                            ^^^^^
        fix: Write a number below 3.4e38."
  `);
});

test('a spread is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const s = { ...p };
return { h: tanh(...[a]) + s.b };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:17  SPEC-SPREAD  \`...\` is not in the language
            const s = { ...p };
                        ^^^^
        fix: Write every name out.

    mine.cell.ts:11:22  SPEC-SPREAD  \`...\` is not in the language
            return { h: tanh(...[a]) + s.b };
                             ^^^^^^
        fix: Write every name out."
  `);
});

test('new is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + new Float32Array(4) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:21  SPEC-NEW  objects are not made with \`new\` in a spec
          return { h: a + new Float32Array(4) };
                          ^^^^^^^^^^^^^^^^^^^
      fix: Use numbers, objects \`{ … }\` and arrays \`[ … ]\`; state lives in \`state\`."
`);
});

test('await and async are refused', () => {
  expect(
    mistakesOf({
      step: `async step({ x }, { h }, p) {
    const a = await tanh(matvec(p.W, x));
    return { h: a + matvec(p.U, h) + p.b };
  },`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:8:9  SPEC-ASYNC  \`step\` is asynchronous or a generator
          async step({ x }, { h }, p) {
                ^^^^
        fix: Remove \`async\` and \`*\`: a step computes its values at once.

    mine.cell.ts:9:15  SPEC-ASYNC  a step computes its values at once, it waits for nothing
            const a = await tanh(matvec(p.W, x));
                      ^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Remove it: a step is one formula, and time is the compiler’s."
  `);
});

test('a template is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + p[\`b_\${a}\`] };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:23  SPEC-EXPRESSION  a template is not in the language
          return { h: a + p[\`b_\${a}\`] };
                            ^^^^^^^^
      fix: Write a plain string, e.g. 'H'."
`);
});

test('other syntax is refused by name', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + /x/ + null + this + typeof a + 10n + undefined };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:21  SPEC-EXPRESSION  a regular expression is not in the language
          return { h: a + /x/ + null + this + typeof a + 10n + undefined };
                          ^^^
      fix: Use numbers, the parameters of \`step\`, arithmetic and the functions of \`recurve\`.

  mine.cell.ts:10:27  SPEC-EXPRESSION  \`null\` is not in the language
          return { h: a + /x/ + null + this + typeof a + 10n + undefined };
                                ^^^^
      fix: Use numbers, the parameters of \`step\`, arithmetic and the functions of \`recurve\`.

  mine.cell.ts:10:34  SPEC-EXPRESSION  \`this\` is not in the language
          return { h: a + /x/ + null + this + typeof a + 10n + undefined };
                                       ^^^^
      fix: Use numbers, the parameters of \`step\`, arithmetic and the functions of \`recurve\`.

  mine.cell.ts:10:41  SPEC-EXPRESSION  \`typeof\` is not in the language
          return { h: a + /x/ + null + this + typeof a + 10n + undefined };
                                              ^^^^^^^^
      fix: Use numbers, the parameters of \`step\`, arithmetic and the functions of \`recurve\`.

  mine.cell.ts:10:52  SPEC-EXPRESSION  a big integer is not in the language
          return { h: a + /x/ + null + this + typeof a + 10n + undefined };
                                                         ^^^
      fix: Use numbers, the parameters of \`step\`, arithmetic and the functions of \`recurve\`.

  mine.cell.ts:10:58  SPEC-EXPRESSION  \`undefined\` is not in the language
          return { h: a + /x/ + null + this + typeof a + 10n + undefined };
                                                               ^^^^^^^^^
      fix: Write 0, or use \`when\` to leave a parameter out."
`);
});

test('optional chaining is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + p?.b };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:21  SPEC-EXPRESSION  \`?.\` is not in the language: whether a value exists is known when compiling
          return { h: a + p?.b };
                          ^^^^
      fix: Write \`p.W\`; choose with \`o.option ? … : …\` where a parameter may be absent."
`);
});

test('loose equality is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a == 0 ? a : 1 - a };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:19  SPEC-OPERATOR  \`==\` is not in the language
          return { h: a == 0 ? a : 1 - a };
                        ^^
      fix: Write \`===\`."
`);
});

test('bitwise operators and commas are refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: (a | 0) + (a, a) + ~a };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:20  SPEC-OPERATOR  \`|\` is not in the language
            return { h: (a | 0) + (a, a) + ~a };
                           ^
        fix: Use + - * / % **, comparisons, && || !, and ?: to choose.

    mine.cell.ts:10:29  SPEC-OPERATOR  \`,\` is not in the language
            return { h: (a | 0) + (a, a) + ~a };
                                    ^
        fix: Use + - * / % **, comparisons, && || !, and ?: to choose.

    mine.cell.ts:10:36  SPEC-OPERATOR  \`~\` is not in the language
            return { h: (a | 0) + (a, a) + ~a };
                                           ^^
        fix: Use arithmetic, or \`!\` on a test."
  `);
});

test('an assignment inside an expression is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
let b = a;
return { h: (b = 2 * a) + b };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:18  SPEC-OPERATOR  an assignment is not a value
          return { h: (b = 2 * a) + b };
                       ^^^^^^^^^
      fix: Make it a statement of its own."
`);
});

test('a property given twice is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const g = { i: a, i: a };
return { h: g.i };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:23  SPEC-DUPLICATE-PROPERTY  \`i\` is already given in this object
          const g = { i: a, i: a };
                            ^
      fix: Remove one, or rename it."
`);
});

test('methods in an object are refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const g = { f() { return 1; }, a };
return { h: g.a };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:17  SPEC-FUNCTION-VALUE  objects in a step hold values, not functions
          const g = { f() { return 1; }, a };
                      ^^^^^^^^^^^^^^^^^
      fix: Write a helper function at module level."
`);
});

test('a deep nest is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:17  SPEC-TOO-DEEP  this is nested more than 400 levels deep
            return { h: a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + …
                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Name parts of it with \`const\`, or add the terms up in a \`for\`."
  `);
});
