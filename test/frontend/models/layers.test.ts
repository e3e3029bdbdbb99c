/** The layers of a model. */
import { expect, test } from 'vitest';
import { mistakesOf } from './mistakes.js';

test('what is no layer is refused, whatever it is', () => {
  expect(
    mistakesOf({
      layers:
        "{ first: layer('gru'), a: 'gru', b: vec('H'), c: ['gru'], d: layr('gru'), e: repeat(layer('gru'), 2), f: repeat(2, repeat(2, layer('gru'))), g: layer(), ...more }",
    }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:6:37  SPEC-LAYER-FORM  \`a\` is not a layer
          layers: { first: layer('gru'), a: 'gru', b: vec('H'), c: ['gru'], d: layr('gru'), e: repeat(layer('gru'), 2), f: repeat(2, repeat(2, layer…
                                            ^^^^^
        fix: Write \`layer('gru', { … })\`.

    mine.model.ts:6:47  SPEC-LAYER-FORM  \`b\` is not a layer
          layers: { first: layer('gru'), a: 'gru', b: vec('H'), c: ['gru'], d: layr('gru'), e: repeat(layer('gru'), 2), f: repeat(2, repeat(2, layer…
                                                      ^^^^^^^^
        fix: Declare tensors in \`inputs\` and \`params\`, and here layers only.

    mine.model.ts:6:60  SPEC-LAYER-FORM  \`c\` is not a layer
          layers: { first: layer('gru'), a: 'gru', b: vec('H'), c: ['gru'], d: layr('gru'), e: repeat(layer('gru'), 2), f: repeat(2, repeat(2, layer…
                                                                   ^^^^^^^
        fix: Write \`repeat(3, layer('gru', { I: 'H' }))\`. Each has parameters of its own.

    mine.model.ts:6:72  SPEC-LAYER-FORM  \`d\` is not a layer
        … first: layer('gru'), a: 'gru', b: vec('H'), c: ['gru'], d: layr('gru'), e: repeat(layer('gru'), 2), f: repeat(2, repeat(2, layer('gru'))), …
                                                                     ^^^^^^^^^^^
        fix: Did you mean \`layer\`?

    mine.model.ts:6:88  SPEC-ARGUMENTS  \`repeat\` takes how many layers there are, and then the layer
        …ru'), a: 'gru', b: vec('H'), c: ['gru'], d: layr('gru'), e: repeat(layer('gru'), 2), f: repeat(2, repeat(2, layer('gru'))), g: layer(), ...m…
                                                                     ^^^^^^^^^^^^^^^^^^^^^^^
        fix: Write \`repeat(3, layer('gru', { I: 'H' }))\`.

    mine.model.ts:6:126  SPEC-LAYER-FORM  \`repeat\` repeats layers, and not what is repeated
        …], d: layr('gru'), e: repeat(layer('gru'), 2), f: repeat(2, repeat(2, layer('gru'))), g: layer(), ...more },
                                                                     ^^^^^^^^^^^^^^^^^^^^^^^
        fix: Multiply the two counts.

    mine.model.ts:6:155  SPEC-ARGUMENTS  \`layer\` takes a cell, what its dims are in the model and, if need be, settings
        …layer('gru'), 2), f: repeat(2, repeat(2, layer('gru'))), g: layer(), ...more },
                                                                     ^^^^^^^
        fix: Write \`layer('gru', { I: 'I' })\`, or \`layer('gru', { I: 'I' }, { options: { … }, when: … })\`.

    mine.model.ts:6:164  SPEC-SPREAD  \`...\` is not in the language
        …u'), 2), f: repeat(2, repeat(2, layer('gru'))), g: layer(), ...more },
                                                                     ^^^^^^^
        fix: Write every name out."
  `);
});

test('layers that are no table are refused', () => {
  expect(mistakesOf({ layers: "[layer('gru')]" })).toMatchInlineSnapshot(`
    "mine.model.ts:6:11  SPEC-PROPERTY-FORM  \`layers\` is not a table of layers
          layers: [layer('gru')],
                  ^^^^^^^^^^^^^^
        fix: Write \`layers: { first: layer('gru', { I: 'I' }) },\` or \`layers: (o) => ({ … }),\`."
  `);
});

test('a layer declared twice or called as a parameter is refused', () => {
  expect(mistakesOf({ layers: "{ first: layer('gru'), first: layer('lstm'), W: layer('gru') }" })).toMatchInlineSnapshot(`
    "mine.model.ts:6:34  SPEC-DUPLICATE-PROPERTY  the layer \`first\` is declared twice
          layers: { first: layer('gru'), first: layer('lstm'), W: layer('gru') },
                                         ^^^^^
        fix: Remove one, or rename it.

    mine.model.ts:6:56  SPEC-LAYER-NAME  \`W\` is a parameter of the model, and the parameters of a layer \`W\` are named after it
          layers: { first: layer('gru'), first: layer('lstm'), W: layer('gru') },
                                                               ^
        fix: Rename one of the two."
  `);
});

test('a built-in cell that does not exist is refused with the nearest one', () => {
  expect(mistakesOf({ layers: "{ first: layer('lsmt') }" })).toMatchInlineSnapshot(`
    "mine.model.ts:6:26  SPEC-LAYER-CELL  there is no built-in cell \`lsmt\`, of which the layer \`first\` is to be made
          layers: { first: layer('lsmt') },
                                 ^^^^^^
        fix: Did you mean \`lstm\`?"
  `);
});

test('a path as a string is refused: cells are imported', () => {
  expect(mistakesOf({ layers: "{ first: layer('cells/mine.cell.ts') }" })).toMatchInlineSnapshot(`
    "mine.model.ts:6:26  SPEC-LAYER-CELL  there is no built-in cell \`cells/mine.cell.ts\`, of which the layer \`first\` is to be made
          layers: { first: layer('cells/mine.cell.ts') },
                                 ^^^^^^^^^^^^^^^^^^^^
        fix: Import it, \`import mine from './cells/mine.cell.js';\`, and write \`layer(mine)\`."
  `);
});

test('a cell that only a run could tell is refused', () => {
  expect(mistakesOf({ options: '{ k: integer(1) }', layers: '(o) => ({ first: layer(o.k) })' })).toMatchInlineSnapshot(`
    "mine.model.ts:7:34  SPEC-LAYER-CELL  which cell the layer \`first\` is made of cannot be seen without running the file
          layers: (o) => ({ first: layer(o.k) }),
                                         ^^^
        fix: Write a name, \`layer('gru')\`, an imported cell, or an option: \`layer(o.cell)\` with \`cell: choice('gru', 'lstm')\`."
  `);
});

test('a choice of cells is looked at value by value', () => {
  expect(
    mistakesOf({
      options: "{ cell: choice('gru', 'lsmt', 'none') }",
      layers: "(o) => ({ first: layer(o.cell, {}, { when: o.cell !== 'none' }) })",
    }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:7:34  SPEC-LAYER-CELL  there is no built-in cell \`lsmt\`, of which the layer \`first\` is to be made
          layers: (o) => ({ first: layer(o.cell, {}, { when: o.cell !== 'none' }) }),
                                         ^^^^^^
        fix: Did you mean \`lstm\`?

    mine.model.ts:10:29  SPEC-ABSENT  the layer \`first\` is called, but its \`when\` leaves it out under these options (when cell = none)
            return { y: matvec(p.W, first({ x }).h) };
                                    ^^^^^
        fix: Call it behind the same test: \`o.option ? … : …\`."
  `);
});

test('dims that the cell or the model does not have are refused', () => {
  expect(
    mistakesOf({ layers: "{ first: layer('gru', { X: 'I', I: 'J', H: 'T' }), b: layer('gru', { H: 0, I: true }) }" }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:6:35  SPEC-LAYER-DIM  the cell \`gru\` has no dim \`X\`
          layers: { first: layer('gru', { X: 'I', I: 'J', H: 'T' }), b: layer('gru', { H: 0, I: true }) },
                                          ^^^^^^
        fix: Its dims are \`I\` and \`H\`: \`{ I: 'H' }\`.

    mine.model.ts:6:46  SPEC-DIM-UNDECLARED  the dim \`J\` is not declared
          layers: { first: layer('gru', { X: 'I', I: 'J', H: 'T' }), b: layer('gru', { H: 0, I: true }) },
                                                     ^^^
        fix: Add it to \`dims\`.

    mine.model.ts:6:54  SPEC-LAYER-DIM  the dim \`H\` of a layer cannot be \`T\`, which is a time axis
          layers: { first: layer('gru', { X: 'I', I: 'J', H: 'T' }), b: layer('gru', { H: 0, I: true }) },
                                                             ^^^
        fix: A layer runs over every step of every sequence; its dims are of units.

    mine.model.ts:6:83  SPEC-LAYER-DIM  the dim \`H\` of a layer is a dim of the model or a whole number, and this is 0
          layers: { first: layer('gru', { X: 'I', I: 'J', H: 'T' }), b: layer('gru', { H: 0, I: true }) },
                                                                                          ^
        fix: Write \`{ H: 'H' }\`, or \`{ H: 3 }\`.

    mine.model.ts:6:89  SPEC-LAYER-DIM  the dim \`I\` of a layer is a dim of the model or a whole number, and this is true
          layers: { first: layer('gru', { X: 'I', I: 'J', H: 'T' }), b: layer('gru', { H: 0, I: true }) },
                                                                                                ^^^^
        fix: Write \`{ I: 'H' }\`, or \`{ I: 3 }\`."
  `);
});

test('a dim of the cell that is neither mapped nor one of the model is refused', () => {
  expect(mistakesOf({ dims: "['E', 'K', 'H']", inputs: "{ x: over('T', vec('E')) }" })).toMatchInlineSnapshot(`
    "mine.model.ts:6:26  SPEC-LAYER-DIM  the cell \`gru\` has the dim \`I\`, and the model has none of that name
          layers: { first: layer('gru') },
                                 ^^^^^
        fix: Say what it is in the model, \`{ I: 'E' }\`, or add 'I' to \`dims\`."
  `);
});

test('options that the cell does not have, or not with that value, are refused', () => {
  expect(
    mistakesOf({ layers: "{ first: layer('gru', {}, { options: { rest: 'after', reset: 'aftr', training: true } }) }" }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:6:50  SPEC-LAYER-OPTION  the cell \`gru\` has no option \`rest\`
          layers: { first: layer('gru', {}, { options: { rest: 'after', reset: 'aftr', training: true } }) },
                                                         ^^^^^^^^^^^^^
        fix: Did you mean \`reset\`?

    mine.model.ts:6:72  SPEC-LAYER-OPTION  the option \`reset\` of \`gru\` cannot be \`aftr\`
          layers: { first: layer('gru', {}, { options: { rest: 'after', reset: 'aftr', training: true } }) },
                                                                               ^^^^^^
        fix: Did you mean \`after\`?

    mine.model.ts:6:80  SPEC-OPTION-RESERVED  the option \`training\` is the model's own
          layers: { first: layer('gru', {}, { options: { rest: 'after', reset: 'aftr', training: true } }) },
                                                                                       ^^^^^^^^^^^^^^
        fix: Remove it: every layer gets the \`training\` of the model."
  `);
});

test('settings in the wrong place are refused', () => {
  expect(
    mistakesOf({
      layers:
        "{ first: layer('gru', { options: { reset: 'after' } }), b: layer('gru', {}, { reverse: true, wehn: true, options: 3 }), c: layer('gru', 'H') }",
    }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:6:35  SPEC-LAYER-FORM  \`options\` stands among the dims of a layer, and settings come third
          layers: { first: layer('gru', { options: { reset: 'after' } }), b: layer('gru', {}, { reverse: true, wehn: true, options: 3 }), c: layer('…
                                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Write \`layer('gru', {}, { options: { … } })\`.

    mine.model.ts:6:89  SPEC-LAYER-SETTING  a layer has no setting \`reverse\`
        …u', { options: { reset: 'after' } }), b: layer('gru', {}, { reverse: true, wehn: true, options: 3 }), c: layer('gru', 'H') },
                                                                     ^^^^^^^^^^^^^
        fix: Give it where the layer is called: \`first({ x }, { reverse: true })\`.

    mine.model.ts:6:104  SPEC-LAYER-SETTING  a layer has no setting \`wehn\`
        …{ reset: 'after' } }), b: layer('gru', {}, { reverse: true, wehn: true, options: 3 }), c: layer('gru', 'H') },
                                                                     ^^^^^^^^^^
        fix: Did you mean \`when\`?

    mine.model.ts:6:125  SPEC-LAYER-FORM  the options of a layer are not a table
        …, b: layer('gru', {}, { reverse: true, wehn: true, options: 3 }), c: layer('gru', 'H') },
                                                                     ^
        fix: Write \`{ options: { peepholes: true } }\`, or \`{ options: o }\` for those of the model that the cell has too.

    mine.model.ts:6:147  SPEC-LAYER-FORM  the dims of a layer are not a table
        …{ reverse: true, wehn: true, options: 3 }), c: layer('gru', 'H') },
                                                                     ^^^
        fix: Write \`layer('gru', { I: 'I' })\`, or \`layer('gru', { I: 'I' }, { options: { … }, when: … })\`."
  `);
});

test('a count that is no number of layers is refused', () => {
  expect(
    mistakesOf({
      layers:
        "{ first: layer('gru'), a: repeat(1.5, layer('gru')), b: repeat(0 - 1, layer('gru')), c: repeat('x', layer('gru')) }",
    }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:6:44  SPEC-COUNT  a layer is repeated a whole number of times, and this is 1.5
          layers: { first: layer('gru'), a: repeat(1.5, layer('gru')), b: repeat(0 - 1, layer('gru')), c: repeat('x', layer('gru')) },
                                                   ^^^
        fix: Write a number of 0 or more, or an \`integer\` option whose range keeps it there.

    mine.model.ts:6:74  SPEC-COUNT  a layer is repeated a whole number of times, and this is -1
          layers: { first: layer('gru'), a: repeat(1.5, layer('gru')), b: repeat(0 - 1, layer('gru')), c: repeat('x', layer('gru')) },
                                                                                 ^^^^^
        fix: Write a number of 0 or more, or an \`integer\` option whose range keeps it there.

    mine.model.ts:6:106  SPEC-COUNT  a layer is repeated a whole number of times, and this is \`x\`
          layers: { first: layer('gru'), a: repeat(1.5, layer('gru')), b: repeat(0 - 1, layer('gru')), c: repeat('x', layer('gru')) },
                                                                                                                 ^^^
        fix: Write a number of 0 or more, or an \`integer\` option whose range keeps it there."
  `);
});

test('a layer that is never called is refused', () => {
  expect(
    mistakesOf({
      layers: "{ first: layer('gru'), other: layer('gru') }",
      run: 'run({ x }, { first, other }, p) { return { y: matvec(p.W, first({ x }).h) }; },',
    }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:6:34  SPEC-UNUSED-LAYER  the layer \`other\` is never called
          layers: { first: layer('gru'), other: layer('gru') },
                                         ^^^^^^^^^^^^^^^^^^^
        fix: Call it in \`run\`, \`other({ x }).h\`, or remove it."
  `);
});
