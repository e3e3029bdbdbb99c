/** Shapes, options and results: what only lowering can see. */
import { expect, test } from 'vitest';
import { mistakesOf } from './specs.js';

test('a sum over different dims is refused with both shapes', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + x };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:17  SPEC-SHAPE-MISMATCH  \`+\` joins vec('H') and vec('I')
          return { h: a + x };
                      ^^^^^
      fix: Bring one to the other's dim with a matrix: \`matvec(p.W, …)\` with \`W: mat('H', 'I')\`."
`);
});

test('a function of different dims is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: max(a, x) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:17  SPEC-SHAPE-MISMATCH  \`max\` joins vec('H') and vec('I')
          return { h: max(a, x) };
                      ^^^^^^^^^
      fix: Bring one to the other's dim with a matrix: \`matvec(p.W, …)\` with \`W: mat('H', 'I')\`."
`);
});

test('a choice between different dims is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a > 0 ? a : x };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:17  SPEC-SHAPE-MISMATCH  \`?:\` joins vec('H') and vec('I')
          return { h: a > 0 ? a : x };
                      ^^^^^^^^^^^^^
      fix: Bring one to the other's dim with a matrix: \`matvec(p.W, …)\` with \`W: mat('H', 'I')\`."
`);
});

test('a matvec with the wrong vector is refused', () => {
  expect(mistakesOf({ body: 'return { h: tanh(matvec(p.W, h) + matvec(p.U, x) + p.b) };' })).toMatchInlineSnapshot(`
    "mine.cell.ts:9:34  SPEC-MATVEC-SHAPE  \`W\` is mat('H', 'I') and takes vec('I'), not vec('H')
            return { h: tanh(matvec(p.W, h) + matvec(p.U, x) + p.b) };
                                         ^
        fix: Declare it the other way round, \`W: mat('I', 'H')\`, or give it vec('I').

    mine.cell.ts:9:51  SPEC-MATVEC-SHAPE  \`U\` is mat('H', 'H') and takes vec('H'), not vec('I')
            return { h: tanh(matvec(p.W, h) + matvec(p.U, x) + p.b) };
                                                          ^
        fix: Give it vec('H'), or declare \`U: mat('H', 'I')\`."
  `);
});

test('a matvec with a scalar is refused', () => {
  expect(mistakesOf({ body: 'return { h: tanh(matvec(p.W, x) + matvec(p.U, 1) + p.b) };' })).toMatchInlineSnapshot(`
    "mine.cell.ts:9:51  SPEC-MATVEC-SHAPE  \`U\` is mat('H', 'H') and takes vec('H'), not a scalar
            return { h: tanh(matvec(p.W, x) + matvec(p.U, 1) + p.b) };
                                                          ^
        fix: Give it vec('H')."
  `);
});

test('a matvec with its arguments swapped is refused', () => {
  expect(mistakesOf({ body: 'return { h: tanh(matvec(x, p.W) + matvec(p.U, h) + p.b) };' })).toMatchInlineSnapshot(`
    "mine.cell.ts:9:29  SPEC-MATVEC-MATRIX  the first argument of \`matvec\` is vec('I'), not a matrix
            return { h: tanh(matvec(x, p.W) + matvec(p.U, h) + p.b) };
                                    ^
        fix: Swap the arguments: the matrix comes first."
  `);
});

test('a matvec with a vector parameter is refused', () => {
  expect(mistakesOf({ body: 'return { h: tanh(matvec(p.b, x) + matvec(p.U, h) + matvec(p.W, x)) };' })).toMatchInlineSnapshot(`
    "mine.cell.ts:9:29  SPEC-MATVEC-MATRIX  the first argument of \`matvec\` is vec('H'), not a matrix
            return { h: tanh(matvec(p.b, x) + matvec(p.U, h) + matvec(p.W, x)) };
                                    ^^^
        fix: Write \`matvec(p.W, x)\` with a parameter declared by \`mat\`."
  `);
});

test('a matrix in arithmetic is refused', () => {
  expect(mistakesOf({ body: 'return { h: tanh(p.W * x + matvec(p.U, h) + p.b) };' })).toMatchInlineSnapshot(`
    "mine.cell.ts:9:22  SPEC-MATRIX-ARITHMETIC  the matrix \`W\` is used where a vector or number belongs
            return { h: tanh(p.W * x + matvec(p.U, h) + p.b) };
                             ^^^
        fix: Multiply it with a vector: \`matvec(p.W, x)\`."
  `);
});

test('an unknown parameter is refused with the nearest one', () => {
  expect(
    mistakesOf({
      params: `{ W_r: mat('H', 'I'), U_r: mat('H', 'H') }`,
      body: 'return { h: tanh(matvec(p.W_q, x) + matvec(p.U_r, h)) };',
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:9:29  SPEC-UNKNOWN-MEMBER  there is no parameter \`W_q\`
            return { h: tanh(matvec(p.W_q, x) + matvec(p.U_r, h)) };
                                    ^^^^^
        fix: Did you mean \`W_r\`?"
  `);
});

test('an unknown option is refused with the nearest one', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: o.peephole ? a : h + a };`,
      options: '{ peepholes: flag(false) }',
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:17  SPEC-UNKNOWN-OPTION  there is no option \`peephole\`
          return { h: o.peephole ? a : h + a };
                      ^^^^^^^^^^
      fix: Did you mean \`peepholes\`?"
`);
});

test('an unknown member of the context is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + c.time };`,
      step: `step({ x }, { h }, p, c) {
    return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) + c.time };
  },`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:9:63  SPEC-UNKNOWN-MEMBER  there is no member of the context \`time\`
            return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) + c.time };
                                                                      ^^^^^^
        fix: Known: \`options\` and \`t\`."
  `);
});

test('units are not taken one by one', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a[0] + a.length };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:17  SPEC-UNKNOWN-MEMBER  vec('H') has no items: units are not taken one by one
          return { h: a[0] + a.length };
                      ^^^^
      fix: Write the formula for a whole vector; it is computed per unit.

  mine.cell.ts:10:24  SPEC-UNKNOWN-MEMBER  vec('H') has no member \`length\`
          return { h: a[0] + a.length };
                             ^^^^^^^^
      fix: Use it as a number; every operation is per unit."
`);
});

test('an index beyond an array is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const list = [a, h];
return { h: list[2] + list[h] };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:17  SPEC-UNKNOWN-MEMBER  the array has 2 items and none at 2
          return { h: list[2] + list[h] };
                      ^^^^^^^
      fix: Write an index from 0 to 1.

  mine.cell.ts:11:32  SPEC-NOT-STATIC  an index must be known when compiling
          return { h: list[2] + list[h] };
                                     ^
      fix: Use a constant or the counter of a \`for\`."
`);
});

test('an array is not taken apart as an object', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const { b } = [a];
const [c, d] = [a];
const { e } = a;
return { h: b + c + d + e };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:11  SPEC-UNKNOWN-MEMBER  an array cannot be taken apart by \`{ … }\`
            const { b } = [a];
                  ^^^^^
        fix: Give it one name.

    mine.cell.ts:11:11  SPEC-UNKNOWN-MEMBER  the array has 1 of 2 items
            const [c, d] = [a];
                  ^^^^^^
        fix: Name as many items as there are.

    mine.cell.ts:12:11  SPEC-UNKNOWN-MEMBER  vec('H') cannot be taken apart by \`{ … }\`
            const { e } = a;
                  ^^^^^
        fix: Give it one name."
  `);
});

test('a parameter read under options that leave it out is refused, naming them', () => {
  expect(
    mistakesOf({
      options: '{ peep: flag(true) }',
      params: `(o) => ({ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H', { when: o.peep }) })`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:56  SPEC-ABSENT  the parameter \`b\` is read, but its \`when\` leaves it out under these options (when peep = false)
            return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) };
                                                               ^^^
        fix: Read it behind the same test: \`o.option ? … : …\`."
  `);
});

test('a string as a number is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + '1' };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:21  SPEC-STRING-AS-NUMBER  the string '1' is no number
          return { h: a + '1' };
                          ^^^
      fix: Compare it with \`===\`, or write a number."
`);
});

test('a comparison as a number is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + (a > 0) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:22  SPEC-BOOLEAN-AS-NUMBER  a comparison is no number
          return { h: a + (a > 0) };
                           ^^^^^
      fix: Choose with it: \`a > b ? 1 : 0\`."
`);
});

test('an object as a number is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const g = { a };
return { h: tanh(g) + [a] };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:22  SPEC-NOT-A-NUMBER  an object is no number
          return { h: tanh(g) + [a] };
                           ^
      fix: Take a member of it.

  mine.cell.ts:11:27  SPEC-NOT-A-NUMBER  an array is no number
          return { h: tanh(g) + [a] };
                                ^^^
      fix: Take a member of it."
`);
});

test('a number as a test is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a ? a : 1 - a };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:17  SPEC-TEST  a test is true or false, and this is vec('H')
          return { h: a ? a : 1 - a };
                      ^
      fix: Compare it: \`x > 0\`, or \`o.option === …\`."
`);
});

test('a dynamic if is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
if (a > 0) return { h: a };
return { h: 1 - a };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:9  SPEC-DYNAMIC-IF  this \`if\` depends on values known only when running
          if (a > 0) return { h: a };
              ^^^^^
      fix: Choose per unit: \`const y = test ? a : b;\`."
`);
});

test('a dynamic bound of a for is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
let b = a;
for (let k = 0; k < a; k++) b = b + a;
return { h: b };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:25  SPEC-DYNAMIC-FOR  this bound of a \`for\` is vec('H'), not a number known when compiling
          for (let k = 0; k < a; k++) b = b + a;
                              ^
      fix: Use a constant or an \`integer\` option."
`);
});

test('a for that never ends is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
let b = a;
for (let k = 0; k < 3; k--) b = b + a;
return { h: b };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:11:5  SPEC-LOOP-LENGTH  this \`for\` never ends
            for (let k = 0; k < 3; k--) b = b + a;
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Check the comparison and the step, or shorten it: every round is unrolled."
  `);
});

test('a for that is too long is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
let b = 0;
for (let k = 0; k < 20000; k++) b = b + 1;
return { h: a + b };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:11:5  SPEC-LOOP-LENGTH  this \`for\` takes more than 10000 rounds
            for (let k = 0; k < 20000; k++) b = b + 1;
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Check the comparison and the step, or shorten it: every round is unrolled."
  `);
});

test('a division by zero is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a / 0 + 1 / (1 - 1) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:21  SPEC-DIVISION-BY-ZERO  this divisor is zero
          return { h: a / 0 + 1 / (1 - 1) };
                          ^
      fix: Divide by something else; \`max(x, 1e-6)\` keeps a divisor positive.

  mine.cell.ts:10:30  SPEC-DIVISION-BY-ZERO  this divisor is zero
          return { h: a / 0 + 1 / (1 - 1) };
                                   ^^^^^
      fix: Divide by something else; \`max(x, 1e-6)\` keeps a divisor positive."
`);
});

test('a slope that is not static is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: elu(a, h) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:24  SPEC-NOT-STATIC  the second argument of \`elu\` must be known when compiling
          return { h: elu(a, h) };
                             ^
      fix: Write a number or a numeric option."
`);
});

test('a remainder by zero is refused, by operator and by function', () => {
  expect(
    mistakesOf({
      imports: "import { cell, mat, matvec, mod, vec } from 'recurve';",
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a % 0 + mod(a, 1 - 1) };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:21  SPEC-DIVISION-BY-ZERO  this divisor is zero
            return { h: a % 0 + mod(a, 1 - 1) };
                            ^
        fix: Divide by something else; \`max(x, 1e-6)\` keeps a divisor positive.

    mine.cell.ts:10:32  SPEC-DIVISION-BY-ZERO  this divisor is zero
            return { h: a % 0 + mod(a, 1 - 1) };
                                       ^^^^^
        fix: Divide by something else; \`max(x, 1e-6)\` keeps a divisor positive."
  `);
});

test('powers and remainders join shapes like every operator', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a ** x + (a % x) };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:17  SPEC-SHAPE-MISMATCH  \`**\` joins vec('H') and vec('I')
            return { h: a ** x + (a % x) };
                        ^^^^^^
        fix: Bring one to the other's dim with a matrix: \`matvec(p.W, …)\` with \`W: mat('H', 'I')\`.

    mine.cell.ts:10:27  SPEC-SHAPE-MISMATCH  \`%\` joins vec('H') and vec('I')
            return { h: a ** x + (a % x) };
                                  ^^^^^
        fix: Bring one to the other's dim with a matrix: \`matvec(p.W, …)\` with \`W: mat('H', 'I')\`."
  `);
});

test('logic joins tests of one shape', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
const both = a > 0 && x > 0;
return { h: both || a < 0 ? a : h };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:18  SPEC-SHAPE-MISMATCH  \`&&\` joins vec('H') and vec('I')
            const both = a > 0 && x > 0;
                         ^^^^^^^^^^^^^^
        fix: Bring one to the other's dim with a matrix: \`matvec(p.W, …)\` with \`W: mat('H', 'I')\`."
  `);
});

test('logic on what is no test is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a > 0 && h ? a : !a ? h : 1 || a < 0 ? a : h };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:26  SPEC-TEST  a test is true or false, and this is vec('H')
            return { h: a > 0 && h ? a : !a ? h : 1 || a < 0 ? a : h };
                                 ^
        fix: Compare it: \`x > 0\`, or \`o.option === …\`."
  `);
});

test('a static if takes no test per unit, also behind logic', () => {
  expect(
    mistakesOf({
      options: '{ on: flag(true) }',
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
if (o.on && a > 0) return { h: a };
return { h: tanh(a) };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:11:9  SPEC-DYNAMIC-IF  this \`if\` depends on values known only when running
            if (o.on && a > 0) return { h: a };
                ^^^^^^^^^^^^^
        fix: Choose per unit: \`const y = test ? a : b;\`."
  `);
});

test('select takes a test first', () => {
  expect(
    mistakesOf({
      imports: "import { cell, mat, matvec, select, vec } from 'recurve';",
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: select(a, a, h) + select(x > 0, a, h) };`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:24  SPEC-TEST  a test is true or false, and this is vec('H')
            return { h: select(a, a, h) + select(x > 0, a, h) };
                               ^
        fix: Compare it: \`x > 0\`, or \`o.option === …\`.

    mine.cell.ts:10:35  SPEC-SHAPE-MISMATCH  \`?:\` joins vec('I') and vec('H')
            return { h: select(a, a, h) + select(x > 0, a, h) };
                                          ^^^^^^^^^^^^^^^^^^^
        fix: Bring one to the other's dim with a matrix: \`matvec(p.W, …)\` with \`W: mat('I', 'H')\`."
  `);
});

test('a comparison with a value that a choice does not have is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: o.kind === 'befor' ? a : o.kind === 1 ? h : a };`,
      options: `{ kind: choice('after', 'before') }`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:28  SPEC-CHOICE-VALUE  the option never has the value 'befor'
          return { h: o.kind === 'befor' ? a : o.kind === 1 ? h : a };
                                 ^^^^^^^
      fix: Did you mean \`before\`?

  mine.cell.ts:11:42  SPEC-CHOICE-VALUE  the string 'after' is never equal to the number 1
          return { h: o.kind === 'befor' ? a : o.kind === 1 ? h : a };
                                               ^^^^^^^^^^^^
      fix: Compare values of one kind."
`);
});

test('clamp bounds the wrong way round are refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: clamp(a, 1, -1) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:26  SPEC-CLAMP-BOUNDS  the low bound 1 is above the high bound -1
          return { h: clamp(a, 1, -1) };
                               ^
      fix: Swap the bounds: \`clamp(x, low, high)\`."
`);
});

test('a function without a value at a constant is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a + log(0) + sqrt(-1) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:21  SPEC-NONFINITE  \`log(0)\` is -Infinity
          return { h: a + log(0) + sqrt(-1) };
                          ^^^^^^
      fix: Write an argument that it is defined for.

  mine.cell.ts:10:30  SPEC-NONFINITE  \`sqrt(-1)\` is NaN
          return { h: a + log(0) + sqrt(-1) };
                                   ^^^^^^^^
      fix: Write an argument that it is defined for."
`);
});

test('a step that ends without a value is refused', () => {
  expect(mistakesOf({ body: 'const a = matvec(p.W, x);' })).toMatchInlineSnapshot(`
    "mine.cell.ts:8:3  SPEC-NO-RETURN  \`step\` ends without a value
          step({ x }, { h }, p, { options: o }) {
          ^^^^
        fix: End it with \`return value;\`."
  `);
});

test('a helper that ends without a value is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: gate(a, o.on) };`,
      options: '{ on: flag(true) }',
      before: `function gate(y: number, on: boolean) {
  if (on) return y;
}`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:2:10  SPEC-NO-RETURN  \`gate\` ends without a value (in \`gate\`, called at mine.cell.ts:14:17) (when on = false)
      function gate(y: number, on: boolean) {
               ^^^^
      fix: End it with \`return value;\`."
`);
});

test('a step that returns no object is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return a;`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:12  SPEC-RETURN  \`step\` returns vec('H'), not an object
          return a;
                 ^
      fix: Write \`return { h: … };\`."
`);
});

test('a missing next state is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a };`,
      state: `{ h: vec('H'), c: vec('H') }`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:12  SPEC-MISSING-STATE  \`step\` returns no next value for the state \`c\`
          return { h: a };
                 ^^^^^^^^
      fix: Return \`c\` as well; \`c\` as it is keeps its value."
`);
});

test('a misspelt next state is refused with its slip', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { hid: a };`,
      state: `{ hidd: vec('H') }`,
      step: `step({ x }, { hidd }, p) {
    return { hiddn: tanh(matvec(p.W, x) + matvec(p.U, hidd) + p.b) };
  },`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:9:12  SPEC-MISSING-STATE  \`step\` returns no next value for the state \`hidd\`
            return { hiddn: tanh(matvec(p.W, x) + matvec(p.U, hidd) + p.b) };
                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Did you mean \`hidd\` where it says \`hiddn\`?"
  `);
});

test('a returned name that is no output is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a, y: 2 * a };`,
      outputs: `['h']`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:11:20  SPEC-EXTRA-STATE  \`y\` is neither a state nor listed in \`outputs\`
          return { h: a, y: 2 * a };
                         ^^^^^^^^
      fix: Remove it, or list it: \`outputs: ['h', 'y']\`."
`);
});

test('an output that nothing returns is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a };`,
      outputs: `['h', 'y']`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:8:18  SPEC-UNKNOWN-OUTPUT  the output \`y\` is neither a state nor returned by \`step\`
        outputs: ['h', 'y'],
                       ^^^
      fix: Return \`y\` from \`step\`, or list a state."
`);
});

test('a next state of another shape is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: x, c: 0 };`,
      state: `{ h: vec('H'), c: vec('H') }`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:10:14  SPEC-STATE-SHAPE  the state \`h\` is vec('H'), and its next value is vec('I')
            return { h: x, c: 0 };
                     ^^^^
        fix: Return vec('H'), or change the declaration of \`h\`.

    mine.cell.ts:10:20  SPEC-STATE-SHAPE  the state \`c\` is vec('H'), and its next value is a scalar
            return { h: x, c: 0 };
                           ^^^^
        fix: Spread it: \`broadcast(…, 'H')\`."
  `);
});

test('an output that is one number is refused', () => {
  expect(
    mistakesOf({
      body: 'return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b), y: 2, z: p.s };',
      params: "{ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H'), s: scalar() }",
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:9:62  SPEC-OUTPUT-SHAPE  the output \`y\` is one number for all units and sequences
            return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b), y: 2, z: p.s };
                                                                     ^^^^
        fix: Leave it out, or spread it: \`broadcast(…, 'H')\`.

    mine.cell.ts:9:68  SPEC-OUTPUT-SHAPE  the output \`z\` is one number for all units and sequences
            return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b), y: 2, z: p.s };
                                                                           ^^^^^^
        fix: Leave it out, or spread it: \`broadcast(…, 'H')\`."
  `);
});

test('an output that kernels cannot name is refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: a, constructor: a };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:10:20  SPEC-NAME  an output cannot be called \`constructor\`: every JavaScript object has a member of that name
          return { h: a, constructor: a };
                         ^^^^^^^^^^^^^^
      fix: Rename it."
`);
});

test('a parameter that no option uses is refused', () => {
  expect(mistakesOf({ params: `{ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H'), d: vec('H') }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:7:62  SPEC-UNUSED-PARAM  the parameter \`d\` is never used: nothing that \`step\` returns depends on it
          params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H'), d: vec('H') },
                                                                     ^^^^^^^^^^^
        fix: Use it in \`step\`, or remove the declaration."
  `);
});

test('an input that nothing uses is refused', () => {
  expect(mistakesOf({ inputs: `{ x: vec('I'), y: vec('I') }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:5:26  SPEC-UNUSED-INPUT  the input \`y\` is never used: nothing that \`step\` returns depends on it
          inputs: { x: vec('I'), y: vec('I') },
                                 ^^^^^^^^^^^
        fix: Use it in \`step\`, or remove the declaration."
  `);
});

test('a parameter that only a dead gate uses is refused', () => {
  expect(
    mistakesOf({
      body: `const dead = sigmoid(p.b);
return { h: tanh(matvec(p.W, x) + matvec(p.U, h)) };`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:7:49  SPEC-UNUSED-PARAM  the parameter \`b\` is never used: nothing that \`step\` returns depends on it
        params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H') },
                                                      ^^^^^^^^^^^
      fix: Use it in \`step\`, or remove the declaration."
`);
});

test('helpers that blow up are refused', () => {
  expect(
    mistakesOf({
      body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
return { h: f4(a) };`,
      before: `const f0 = (y: number) => tanh(1 * y) + tanh(2 * y) + tanh(3 * y) + tanh(4 * y) + tanh(5 * y) + tanh(6 * y) + tanh(7 * y) + tanh(8 * y) + tanh(9 * y) + tanh(10 * y) + tanh(11 * y) + tanh(12 * y) + tanh(13 * y) + tanh(14 * y) + tanh(15 * y) + tanh(16 * y) + tanh(17 * y) + tanh(18 * y) + tanh(19 * y) + tanh(20 * y) + tanh(21 * y) + tanh(22 * y) + tanh(23 * y) + tanh(24 * y) + tanh(25 * y) + tanh(26 * y) + tanh(27 * y) + tanh(28 * y) + tanh(29 * y) + tanh(30 * y) + tanh(31 * y) + tanh(32 * y) + tanh(33 * y) + tanh(34 * y) + tanh(35 * y) + tanh(36 * y) + tanh(37 * y) + tanh(38 * y) + tanh(39 * y);
const f1 = (y: number) => f0(1 * y) + f0(2 * y) + f0(3 * y) + f0(4 * y) + f0(5 * y) + f0(6 * y) + f0(7 * y) + f0(8 * y) + f0(9 * y) + f0(10 * y) + f0(11 * y) + f0(12 * y) + f0(13 * y) + f0(14 * y) + f0(15 * y) + f0(16 * y) + f0(17 * y) + f0(18 * y) + f0(19 * y) + f0(20 * y) + f0(21 * y) + f0(22 * y) + f0(23 * y) + f0(24 * y) + f0(25 * y) + f0(26 * y) + f0(27 * y) + f0(28 * y) + f0(29 * y);
const f2 = (y: number) => f1(1 * y) + f1(2 * y) + f1(3 * y) + f1(4 * y) + f1(5 * y) + f1(6 * y) + f1(7 * y) + f1(8 * y) + f1(9 * y) + f1(10 * y) + f1(11 * y) + f1(12 * y) + f1(13 * y) + f1(14 * y) + f1(15 * y) + f1(16 * y) + f1(17 * y) + f1(18 * y) + f1(19 * y) + f1(20 * y) + f1(21 * y) + f1(22 * y) + f1(23 * y) + f1(24 * y) + f1(25 * y) + f1(26 * y) + f1(27 * y) + f1(28 * y) + f1(29 * y);
const f3 = (y: number) => f2(1 * y) + f2(2 * y) + f2(3 * y) + f2(4 * y) + f2(5 * y) + f2(6 * y) + f2(7 * y) + f2(8 * y) + f2(9 * y) + f2(10 * y) + f2(11 * y) + f2(12 * y) + f2(13 * y) + f2(14 * y) + f2(15 * y) + f2(16 * y) + f2(17 * y) + f2(18 * y) + f2(19 * y) + f2(20 * y) + f2(21 * y) + f2(22 * y) + f2(23 * y) + f2(24 * y) + f2(25 * y) + f2(26 * y) + f2(27 * y) + f2(28 * y) + f2(29 * y);
const f4 = (y: number) => f3(1 * y) + f3(2 * y) + f3(3 * y) + f3(4 * y) + f3(5 * y) + f3(6 * y) + f3(7 * y) + f3(8 * y) + f3(9 * y) + f3(10 * y) + f3(11 * y) + f3(12 * y) + f3(13 * y) + f3(14 * y) + f3(15 * y) + f3(16 * y) + f3(17 * y) + f3(18 * y) + f3(19 * y) + f3(20 * y) + f3(21 * y) + f3(22 * y) + f3(23 * y) + f3(24 * y) + f3(25 * y) + f3(26 * y) + f3(27 * y) + f3(28 * y) + f3(29 * y);`,
    }),
  ).toMatchInlineSnapshot(`
  "mine.cell.ts:2:318  SPEC-TOO-LARGE  a step has more than 20000 values when loops are unrolled and helpers inlined (in \`f0\`, called at mine.cell.ts:3:87)
      …tanh(17 * y) + tanh(18 * y) + tanh(19 * y) + tanh(20 * y) + tanh(21 * y) + tanh(22 * y) + tanh(23 * y) + tanh(24 * y) + tanh(25 * y) + tanh(…
                                                                   ^^^^^^^^^^^^
      fix: Shorten the loops, or split the cell."
`);
});
