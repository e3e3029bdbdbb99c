/** The properties of a cell. */
import { expect, test } from 'vitest';
import { mistakes, mistakesOf } from './specs.js';

const SHAPES = "import { blocks, cell, kernel, map, mat, matvec, stack, tanh, vec } from 'recurve';";

test('every missing property is named', () => {
  expect(
    mistakes(`import { cell } from 'recurve';
export default cell({});
`),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:2:16  SPEC-MISSING-PROPERTY  the cell has no \`name\`
        export default cell({});
                       ^^^^
        fix: Add \`name: 'mine',\`.

    mine.cell.ts:2:16  SPEC-MISSING-PROPERTY  the cell has no \`dims\`
        export default cell({});
                       ^^^^
        fix: Add \`dims: ['I', 'H'],\` with every dim that its shapes use.

    mine.cell.ts:2:16  SPEC-MISSING-PROPERTY  the cell has no \`inputs\`
        export default cell({});
                       ^^^^
        fix: Add \`inputs: { x: vec('I') },\`.

    mine.cell.ts:2:16  SPEC-MISSING-PROPERTY  the cell has no \`state\`
        export default cell({});
                       ^^^^
        fix: Add \`state: { h: vec('H') },\`.

    mine.cell.ts:2:16  SPEC-MISSING-PROPERTY  the cell has no \`params\`
        export default cell({});
                       ^^^^
        fix: Add \`params: { W: mat('H', 'I') },\`.

    mine.cell.ts:2:16  SPEC-MISSING-PROPERTY  the cell has no \`step\`
        export default cell({});
                       ^^^^
        fix: Add \`step({ x }, { h }, p) { return { h: … }; },\`."
  `);
});

test('an unknown property is refused with the nearest one', () => {
  expect(mistakesOf({ more: `stat: { c: vec('H') },` })).toMatchInlineSnapshot(`
    "mine.cell.ts:11:3  SPEC-UNKNOWN-PROPERTY  cells have no property \`stat\`
          stat: { c: vec('H') },
          ^^^^
        fix: Did you mean \`state\`?"
  `);
});

test('a property given twice is refused', () => {
  expect(mistakesOf({ more: `name: 'other',` })).toMatchInlineSnapshot(`
    "mine.cell.ts:11:3  SPEC-DUPLICATE-PROPERTY  \`name\` is already given
          name: 'other',
          ^^^^
        fix: Remove one of the two."
  `);
});

test('a spread in a cell is refused', () => {
  expect(mistakesOf({ more: '...rest,' })).toMatchInlineSnapshot(`
    "mine.cell.ts:11:3  SPEC-SPREAD  \`...\` is not in the language
          ...rest,
          ^^^^^^^
        fix: Write every name out."
  `);
});

test('a name that is no string is refused', () => {
  expect(mistakesOf({ name: '42' })).toMatchInlineSnapshot(`
    "mine.cell.ts:3:9  SPEC-PROPERTY-FORM  \`name\` is not a string
          name: 42,
                ^^
        fix: Write \`name: 'mine',\`."
  `);
});

test('a name that files cannot bear is refused', () => {
  expect(mistakesOf({ name: `'../mine'` })).toMatchInlineSnapshot(`
    "mine.cell.ts:3:9  SPEC-NAME  a cell cannot be called \`../mine\`: names are ASCII letters, digits and \`_\`, and start with a letter
          name: '../mine',
                ^^^^^^^^^
        fix: Write \`name: 'mine',\`."
  `);
});

test('a computed property is refused', () => {
  expect(mistakesOf({ more: `['na' + 'me']: 'other',` })).toMatchInlineSnapshot(`
    "mine.cell.ts:11:3  SPEC-UNKNOWN-PROPERTY  cells have no property \`['na' + 'me']\`
          ['na' + 'me']: 'other',
          ^^^^^^^^^^^^^
        fix: A cell has \`name\`, \`dims\`, \`inputs\`, \`state\`, \`params\`, \`step\`, \`options\` and \`outputs\`."
  `);
});

test('a dim listed twice is refused', () => {
  expect(mistakesOf({ dims: `['I', 'H', 'H']` })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:20  SPEC-DIM-DUPLICATE  the dim \`H\` is listed twice
          dims: ['I', 'H', 'H'],
                           ^^^
        fix: Remove one."
  `);
});

test('the dims T and B are reserved', () => {
  expect(mistakesOf({ dims: `['I', 'H', 'T']` })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:20  SPEC-DIM-RESERVED  \`T\` counts the time steps, which every cell has
          dims: ['I', 'H', 'T'],
                           ^^^
        fix: Remove it; shapes never name it."
  `);
});

test('dims that are no strings are refused, and their uses are not', () => {
  expect(mistakesOf({ dims: `['I', 7]` })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:15  SPEC-PROPERTY-FORM  an item of \`dims\` is not a string
          dims: ['I', 7],
                      ^
        fix: Write \`dims: ['I', 'H'],\`."
  `);
});

test('a shape over an undeclared dim is refused', () => {
  expect(mistakesOf({ params: `{ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('h') }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:7:56  SPEC-DIM-UNDECLARED  the dim \`h\` is not declared
          params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('h') },
                                                               ^^^
        fix: Did you mean \`H\`?"
  `);
});

test('a shape over time steps is refused', () => {
  expect(mistakesOf({ inputs: `{ x: vec('T') }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:5:20  SPEC-DIM-UNDECLARED  the dim \`T\` is not declared
          inputs: { x: vec('T') },
                           ^^^
        fix: Leave it out: every input and state has time steps and sequences."
  `);
});

test('a dim given as a size is an axis of that size, and one that is none is refused', () => {
  const matching = { state: '{ h: vec(64) }', params: "{ W: mat(64, 'I'), U: mat(64, 64), b: vec(64) }", dims: "['I']" };
  expect(mistakesOf(matching)).toBe('');
  expect(mistakesOf({ ...matching, state: '{ h: vec(0) }' })).toMatchInlineSnapshot(`
    "mine.cell.ts:6:19  SPEC-DIM-UNDECLARED  a shape names dims, and this is the number 0
          state: { h: vec(0) },
                          ^
        fix: Write a declared dim, e.g. 'H', or a whole number for an axis of that size."
  `);
});

test('a dim that no shape uses is refused', () => {
  expect(mistakesOf({ dims: `['I', 'H', 'P']` })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:20  SPEC-DIM-UNUSED  no shape uses the dim \`P\`
          dims: ['I', 'H', 'P'],
                           ^^^
        fix: Remove it, or use it in a shape."
  `);
});

test('a parameter that is not declared by vec, mat or scalar is refused', () => {
  expect(mistakesOf({ params: `{ W: mat('H', 'I'), U: matrix('H', 'H'), b: 0 }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:7:34  SPEC-DECLARATION  \`U\` is not declared by \`vec\`, \`mat\`, \`scalar\`, \`symbol\`, \`map\`, \`blocks\`, \`stack\` or \`kernel\`
          params: { W: mat('H', 'I'), U: matrix('H', 'H'), b: 0 },
                                         ^^^^^^^^^^^^^^^^
        fix: Write \`vec('H')\`, \`mat('H', 'I')\`, \`map('X', 'C')\` or \`scalar()\`, imported from \`recurve\`.

    mine.cell.ts:7:55  SPEC-DECLARATION  \`b\` is not declared by \`vec\`, \`mat\`, \`scalar\`, \`symbol\`, \`map\`, \`blocks\`, \`stack\` or \`kernel\`
          params: { W: mat('H', 'I'), U: matrix('H', 'H'), b: 0 },
                                                              ^
        fix: Write \`vec('H')\`, \`mat('H', 'I')\`, \`map('X', 'C')\` or \`scalar()\`, imported from \`recurve\`."
  `);
});

test('a group that is no table is refused', () => {
  expect(mistakesOf({ params: `[mat('H', 'I')]` })).toMatchInlineSnapshot(`
    "mine.cell.ts:7:11  SPEC-PROPERTY-FORM  \`params\` is not a table of declarations
          params: [mat('H', 'I')],
                  ^^^^^^^^^^^^^^^
        fix: Write \`params: { … },\` or \`params: (o) => ({ … }),\`."
  `);
});

test('a group written as a method is refused', () => {
  expect(mistakesOf({ step: 'step: ({ x }, { h }, p) => ({ h: x }),', more: 'options() {},' })).toMatchInlineSnapshot(`
    "mine.cell.ts:8:33  SPEC-STATE-SHAPE  the state \`h\` is vec('H'), and its next value is vec('I')
          step: ({ x }, { h }, p) => ({ h: x }),
                                        ^^^^
        fix: Return vec('H'), or change the declaration of \`h\`.

    mine.cell.ts:9:3  SPEC-PROPERTY-FORM  \`options\` is written as a method
          options() {},
          ^^^^^^^^^^^^
        fix: Write \`options: value,\`.

    mine.cell.ts:7:13  SPEC-UNUSED-PARAM  the parameter \`W\` is never used: nothing that \`step\` returns depends on it
          params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H') },
                    ^^^^^^^^^^^^^^^^
        fix: Use it in \`step\`, or remove the declaration.

    mine.cell.ts:7:31  SPEC-UNUSED-PARAM  the parameter \`U\` is never used: nothing that \`step\` returns depends on it
          params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H') },
                                      ^^^^^^^^^^^^^^^^
        fix: Use it in \`step\`, or remove the declaration.

    mine.cell.ts:7:49  SPEC-UNUSED-PARAM  the parameter \`b\` is never used: nothing that \`step\` returns depends on it
          params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H') },
                                                        ^^^^^^^^^^^
        fix: Use it in \`step\`, or remove the declaration."
  `);
});

test('options taken apart in a group are refused', () => {
  expect(
    mistakesOf({ params: `({ peep }) => ({ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H', { when: peep }) })` }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:7:12  SPEC-PATTERN  \`params\` is a function of one name, the options
          params: ({ peep }) => ({ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H', { when: peep }) }),
                   ^^^^^^^^
        fix: Write \`params: (o) => ({ … }),\` and read \`o.option\`."
  `);
});

test('an unknown setting of a tensor is refused', () => {
  expect(mistakesOf({ params: `{ W: mat('H', 'I', { inti: 'zeros' }), U: mat('H', 'H'), b: vec('H') }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:7:32  SPEC-DECLARATION-OPTION  \`mat\` has no setting \`inti\`
          params: { W: mat('H', 'I', { inti: 'zeros' }), U: mat('H', 'H'), b: vec('H') },
                                       ^^^^^^^^^^^^^
        fix: Did you mean \`init\`?"
  `);
});

test('an unknown init is refused with the nearest one', () => {
  expect(
    mistakesOf({ params: `{ W: mat('H', 'I'), U: mat('H', 'H', { init: 'ortogonal' }), b: vec('H') }` }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:7:56  SPEC-INIT  \`init\` cannot be the string 'ortogonal'
          params: { W: mat('H', 'I'), U: mat('H', 'H', { init: 'ortogonal' }), b: vec('H') },
                                                               ^^^^^^^^^^^
        fix: Did you mean \`orthogonal\`?"
  `);
});

test('a when that is no boolean is refused', () => {
  expect(mistakesOf({ params: `{ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H', { when: 1 }) }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:7:69  SPEC-WHEN  \`when\` is true or false, and this is the number 1
          params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H', { when: 1 }) },
                                                                            ^
        fix: Write a flag or a comparison: \`when: o.reset === 'after'\`."
  `);
});

test('a matrix with one dim is refused', () => {
  expect(mistakesOf({ params: `{ W: mat('H', 'I'), U: mat('H'), b: vec('H') }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:7:34  SPEC-ARGUMENTS  \`mat\` takes two dims and, if need be, settings
          params: { W: mat('H', 'I'), U: mat('H'), b: vec('H') },
                                         ^^^^^^^^
        fix: Write \`mat('H', 'I')\`: rows, then columns."
  `);
});

test('a parameter declared twice is refused', () => {
  expect(mistakesOf({ params: `{ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H'), b: vec('H') }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:7:62  SPEC-DUPLICATE-PROPERTY  the parameter \`b\` is declared twice
          params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H'), b: vec('H') },
                                                                     ^
        fix: Remove one, or rename it."
  `);
});

test('a parameter whose name kernels cannot use is refused', () => {
  expect(mistakesOf({ params: `{ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H'), 'φ': vec('H') }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:7:62  SPEC-NAME  a parameter cannot be called \`φ\`: names are ASCII letters, digits and \`_\`, and start with a letter
          params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H'), 'φ': vec('H') },
                                                                     ^^^
        fix: Rename it.

    mine.cell.ts:7:62  SPEC-UNUSED-PARAM  the parameter \`φ\` is never used: nothing that \`step\` returns depends on it
          params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H'), 'φ': vec('H') },
                                                                     ^^^^^^^^^^^^^
        fix: Use it in \`step\`, or remove the declaration."
  `);
});

test('blocks, stacks and kernels as inputs or states are refused', () => {
  expect(mistakesOf({ imports: SHAPES, state: "{ h: vec('H'), m: blocks(2, 'H', 'H') }" })).toMatchInlineSnapshot(`
    "mine.cell.ts:6:28  SPEC-MATRIX-STATE  the state \`m\` is declared by \`blocks\`, which only parameters are
          state: { h: vec('H'), m: blocks(2, 'H', 'H') },
                                   ^^^^^^^^^^^^^^^^^^^
        fix: Write \`mat('R', 'C')\` for a matrix that every sequence has of its own, or \`map('X', 'C')\`."
  `);
});

test('an init, trainable or groups where it means nothing is refused', () => {
  expect(
    mistakesOf({ inputs: "{ x: vec('I', { init: 1 }) }", state: "{ h: vec('H', { trainable: false }) }" }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:5:27  SPEC-DECLARATION-PLACE  \`init\` is a setting of states and parameters, and this is an input
          inputs: { x: vec('I', { init: 1 }) },
                                  ^^^^^^^
        fix: Inputs are given for every step; say with \`range: [0, 1]\` what checks may draw.

    mine.cell.ts:6:26  SPEC-DECLARATION-PLACE  \`trainable\` is a setting of parameters, and this is a state
          state: { h: vec('H', { trainable: false }) },
                                 ^^^^^^^^^^^^^^^^
        fix: Remove it."
  `);
});

test('a state starts from one number', () => {
  expect(mistakesOf({ state: "{ h: vec('H', { init: 'orthogonal' }) }" })).toMatchInlineSnapshot(`
    "mine.cell.ts:6:32  SPEC-INIT  a state starts from one number, and \`orthogonal\` is many
          state: { h: vec('H', { init: 'orthogonal' }) },
                                       ^^^^^^^^^^^^
        fix: Write a number, 'zeros' or 'ones'; give any other state when running."
  `);
  expect(mistakesOf({ state: "{ h: vec('H', { init: 'one' }) }" })).toMatchInlineSnapshot(`
    "mine.cell.ts:6:32  SPEC-INIT  \`init\` cannot be the string 'one'
          state: { h: vec('H', { init: 'one' }) },
                                       ^^^^^
        fix: Did you mean \`ones\`?"
  `);
});

test('a range is two numbers, the lower one first, that hold the init', () => {
  expect(mistakesOf({ state: "{ h: vec('H', { range: [1, 0] }) }" })).toMatchInlineSnapshot(`
    "mine.cell.ts:6:33  SPEC-RANGE  nothing can be drawn from the range [1, 0]: its first number is not the lower one
          state: { h: vec('H', { range: [1, 0] }) },
                                        ^^^^^^
        fix: Write [0, 1]."
  `);
  expect(mistakesOf({ state: "{ h: vec('H', { range: [1, 1] }) }" })).toMatchInlineSnapshot(`
    "mine.cell.ts:6:33  SPEC-RANGE  nothing can be drawn from the range [1, 1]: its first number is not the lower one
          state: { h: vec('H', { range: [1, 1] }) },
                                        ^^^^^^
        fix: Leave room between the two."
  `);
  expect(mistakesOf({ state: "{ h: vec('H', { range: 'normal' }) }" })).toMatchInlineSnapshot(`
    "mine.cell.ts:6:33  SPEC-RANGE  \`range\` is two numbers known when compiling, and this is the string 'normal'
          state: { h: vec('H', { range: 'normal' }) },
                                        ^^^^^^^^
        fix: Write the lowest and the highest: \`range: [0.5, 2]\`."
  `);
  expect(mistakesOf({ state: "{ h: vec('H', { range: [0, 1, 2] }) }" })).toMatchInlineSnapshot(`
    "mine.cell.ts:6:33  SPEC-RANGE  \`range\` is two numbers known when compiling, and this is an array of 3
          state: { h: vec('H', { range: [0, 1, 2] }) },
                                        ^^^^^^^^^
        fix: Write the lowest and the highest: \`range: [0.5, 2]\`."
  `);
  expect(mistakesOf({ state: "{ h: vec('H', { init: 2, range: [0, 1] }) }" })).toMatchInlineSnapshot(`
    "mine.cell.ts:6:32  SPEC-RANGE  \`init\` is 2, which the range [0, 1] does not hold
          state: { h: vec('H', { init: 2, range: [0, 1] }) },
                                       ^
        fix: Start inside the range, or widen it."
  `);
});

test('a trainable that is no boolean is refused', () => {
  expect(
    mistakesOf({ params: "{ W: mat('H', 'I', { trainable: 'no' }), U: mat('H', 'H'), b: vec('H') }" }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:7:43  SPEC-TRAINABLE  \`trainable\` is true or false, and this is the string 'no'
          params: { W: mat('H', 'I', { trainable: 'no' }), U: mat('H', 'H'), b: vec('H') },
                                                  ^^^^
        fix: Write \`trainable: false\`, or leave it out."
  `);
});

test('a stack or kernel over a dim instead of a number is refused', () => {
  const params = "{ W: mat('H', 'I'), U: stack('I', 'H', 'H'), b: vec('H'), K: kernel('H', 'I', 'I') }";
  expect(mistakesOf({ imports: SHAPES, params })).toMatchInlineSnapshot(`
    "mine.cell.ts:7:40  SPEC-EXTENT  the number of matrices of a \`stack\` is a whole number, and this is the dim 'I'
          params: { W: mat('H', 'I'), U: stack('I', 'H', 'H'), b: vec('H'), K: kernel('H', 'I', 'I') },
                                               ^^^
        fix: Write \`stack(4, 'H', 'H')\`.

    mine.cell.ts:7:89  SPEC-EXTENT  an extent of a \`kernel\` is a whole number, and this is a string
          params: { W: mat('H', 'I'), U: stack('I', 'H', 'H'), b: vec('H'), K: kernel('H', 'I', 'I') },
                                                                                                ^^^
        fix: Write \`kernel('O', 'I', 3)\`, or \`kernel('O', 'I', 3, 3)\`."
  `);
});

test('a map of five dims is refused', () => {
  expect(mistakesOf({ imports: SHAPES, inputs: "{ x: map('I', 'I', 'I', 'I', 'I') }" })).toMatchInlineSnapshot(`
    "mine.cell.ts:5:16  SPEC-ARGUMENTS  \`map\` takes two to four dims and, if need be, settings
          inputs: { x: map('I', 'I', 'I', 'I', 'I') },
                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Write \`map('X', 'C')\`: positions, then channels."
  `);
});

test('a cell without inputs is refused', () => {
  expect(
    mistakesOf({
      inputs: '{}',
      step: `step(x, { h }, p) {
    return { h: matvec(p.U, h) + p.b + matvec(p.W, h) };
  },`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:5:11  SPEC-NO-INPUT  the cell has no inputs, so nothing says how long a sequence is
          inputs: {},
                  ^^
        fix: Write \`inputs: { x: vec('I') },\`.

    mine.cell.ts:9:52  SPEC-MATVEC-SHAPE  \`W\` is mat('H', 'I') and takes vec('I'), not vec('H')
            return { h: matvec(p.U, h) + p.b + matvec(p.W, h) };
                                                           ^
        fix: Declare it the other way round, \`W: mat('I', 'H')\`, or give it vec('I')."
  `);
});

test('a step that is no function is refused', () => {
  expect(mistakesOf({ step: 'step: 3,' })).toMatchInlineSnapshot(`
    "mine.cell.ts:8:9  SPEC-STEP-FORM  \`step\` is not a function
          step: 3,
                ^
        fix: Write \`step({ x }, { h }, p) { return { h: … }; },\`."
  `);
});

test('a step with five parameters is refused', () => {
  expect(
    mistakesOf({
      step: `step({ x }, { h }, p, c, d) {
    return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) };
  },`,
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:8:28  SPEC-STEP-FORM  \`step\` takes at most four parameters
          step({ x }, { h }, p, c, d) {
                                   ^
        fix: Write \`step(inputs, state, p, { options: o })\`; the last may be left out."
  `);
});

test('a choice without values is refused', () => {
  expect(mistakesOf({ options: '{ kind: choice() }' })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:20  SPEC-CHOICE  \`kind\` has no values to choose from
          options: { kind: choice() },
                           ^^^^^^^^
        fix: Write \`choice('a', 'b')\`; the first is the default."
  `);
});

test('a choice with one value twice is refused', () => {
  expect(mistakesOf({ options: `{ kind: choice('a', 'a') }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:32  SPEC-CHOICE  \`kind\` has the value \`a\` twice
          options: { kind: choice('a', 'a') },
                                       ^^^
        fix: Remove one."
  `);
});

test('an option of no known kind is refused', () => {
  expect(mistakesOf({ options: `{ kind: chioce('a', 'b'), more: 3 }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:20  SPEC-OPTION-FORM  \`kind\` does not declare an option
          options: { kind: chioce('a', 'b'), more: 3 },
                           ^^^^^^^^^^^^^^^^
        fix: Did you mean \`choice\`?

    mine.cell.ts:4:44  SPEC-OPTION-FORM  \`more\` does not declare an option
          options: { kind: chioce('a', 'b'), more: 3 },
                                                   ^
        fix: Write \`choice(…)\`, \`flag(…)\`, \`real(…)\` or \`integer(…)\`, imported from \`recurve\`."
  `);
});

test('a default outside its own range is refused', () => {
  expect(mistakesOf({ options: '{ alpha: real(2, { min: 0, max: 1 }) }' })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:26  SPEC-OPTION-DEFAULT  the default 2 of \`alpha\` is outside its own range
          options: { alpha: real(2, { min: 0, max: 1 }) },
                                 ^
        fix: Write a default of at least 0 and at most 1."
  `);
});

test('defaults by the value of a choice are refused where there is no such choice or value, or a number is none', () => {
  const kind = "kind: choice('flat', 'steep')";
  expect(mistakesOf({ options: `{ ${kind}, alpha: real(2, { per: { kinds: { steep: 1 } } }) }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:45  SPEC-OPTION-DEFAULT  \`alpha\` has defaults by a value: \`kinds\` is not a choice of this cell
          options: { kind: choice('flat', 'steep'), alpha: real(2, { per: { kinds: { steep: 1 } } }) },
                                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Did you mean \`kind\`?"
  `);
  expect(mistakesOf({ options: `{ ${kind}, alpha: real(2, { per: { kind: { step: 1 } } }) }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:45  SPEC-OPTION-DEFAULT  \`alpha\` has defaults by a value: \`kind\` is never \`step\`
          options: { kind: choice('flat', 'steep'), alpha: real(2, { per: { kind: { step: 1 } } }) },
                                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Did you mean \`steep\`?"
  `);
  expect(mistakesOf({ options: `{ ${kind}, alpha: real(2, { per: { kind: { steep: 'x' } } }) }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:62  SPEC-OPTION-FORM  this is not a table of defaults for \`alpha\`
          options: { kind: choice('flat', 'steep'), alpha: real(2, { per: { kind: { steep: 'x' } } }) },
                                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Write \`{ per: { kind: { steep: 2 } } }\`: where the choice \`kind\` is 'steep', the default is 2."
  `);
  expect(mistakesOf({ options: `{ ${kind}, alpha: real(2, { max: 3, per: { kind: { steep: 4 } } }) }` })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:57  SPEC-OPTION-DEFAULT  the default 4 of \`alpha\` is outside its own range
          options: { kind: choice('flat', 'steep'), alpha: real(2, { max: 3, per: { kind: { steep: 4 } } }) },
                                                                ^
        fix: Write a default of at most 3."
  `);
});

test('an empty range is refused', () => {
  expect(mistakesOf({ options: '{ alpha: real(2, { min: 3, max: 1 }) }' })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:29  SPEC-OPTION-DEFAULT  the range of \`alpha\` is empty: 3 is above 1
          options: { alpha: real(2, { min: 3, max: 1 }) },
                                    ^^^^^^^^^^^^^^^^^^
        fix: Swap \`min\` and \`max\`."
  `);
});

test('an integer with a broken default is refused', () => {
  expect(mistakesOf({ options: '{ depth: integer(2.5) }' })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:29  SPEC-OPTION-DEFAULT  \`depth\` is an integer, but its default or range is not whole
          options: { depth: integer(2.5) },
                                    ^^^
        fix: Write whole numbers, or \`real(…)\`."
  `);
});

test('a flag that is neither true nor false is refused', () => {
  expect(mistakesOf({ options: '{ peep: flag(0) }' })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:25  SPEC-OPTION-DEFAULT  the default of \`peep\` is neither true nor false
          options: { peep: flag(0) },
                                ^
        fix: Write \`flag(false)\`."
  `);
});

test('a range with an unknown bound is refused', () => {
  expect(mistakesOf({ options: '{ alpha: real(2, { low: 0 }) }' })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:31  SPEC-OPTION-FORM  this is not a range for \`alpha\`
          options: { alpha: real(2, { low: 0 }) },
                                      ^^^^^^
        fix: Write \`{ min: 0, max: 1 }\`, numbers both; known are \`min\`, \`max\` and \`per\`."
  `);
});

test('an option declared twice is refused', () => {
  expect(mistakesOf({ options: '{ a: flag(true), a: flag(false) }' })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:29  SPEC-DUPLICATE-PROPERTY  the option \`a\` is declared twice
          options: { a: flag(true), a: flag(false) },
                                    ^
        fix: Remove one, or rename it."
  `);
});

test('outputs that are no strings are refused', () => {
  expect(mistakesOf({ outputs: '[h]' })).toMatchInlineSnapshot(`
    "mine.cell.ts:8:13  SPEC-PROPERTY-FORM  an item of \`outputs\` is not a string
          outputs: [h],
                    ^
        fix: Write \`outputs: ['h'],\`."
  `);
});

test('an output listed twice is refused', () => {
  expect(mistakesOf({ outputs: `['h', 'h']` })).toMatchInlineSnapshot(`
    "mine.cell.ts:8:18  SPEC-DUPLICATE-OUTPUT  the output \`h\` is listed twice
          outputs: ['h', 'h'],
                         ^^^
        fix: Remove one."
  `);
});
