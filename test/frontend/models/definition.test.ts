/** The properties of a model. */
import { expect, test } from 'vitest';
import { mistakes, mistakesOf } from './mistakes.js';

test('every missing property of a model is named', () => {
  expect(mistakes("import { model } from 'recurve';\nexport default model({});\n")).toMatchInlineSnapshot(`
    "mine.model.ts:2:16  SPEC-MISSING-PROPERTY  the model has no \`name\`
        export default model({});
                       ^^^^^
        fix: Add \`name: 'mine',\`.

    mine.model.ts:2:16  SPEC-MISSING-PROPERTY  the model has no \`dims\`
        export default model({});
                       ^^^^^
        fix: Add \`dims: ['I', 'H'],\` with every dim that its shapes and layers use.

    mine.model.ts:2:16  SPEC-MISSING-PROPERTY  the model has no \`inputs\`
        export default model({});
                       ^^^^^
        fix: Add \`inputs: { x: over('T', vec('I')) },\`.

    mine.model.ts:2:16  SPEC-MISSING-PROPERTY  the model has no \`run\`
        export default model({});
                       ^^^^^
        fix: Add \`run({ x }, { first }, p) { return { y: first({ x }).h }; },\`."
  `);
});

test('what cells have is told where a model has it', () => {
  expect(mistakesOf({ more: "state: { h: vec('H') },\n  step() {},\n  outputs: ['y']," })).toMatchInlineSnapshot(`
    "mine.model.ts:11:15  SPEC-OVER  the state \`h\` of a model is handed from step to step, and nothing says of which time axis
          state: { h: vec('H') },
                      ^^^^^^^^
        fix: Write \`h: over('T', vec('H'))\`.

    mine.model.ts:12:3  SPEC-UNKNOWN-PROPERTY  models have no property \`step\`
          step() {},
          ^^^^
        fix: Call it \`run\`: it says what happens over whole sequences; the steps are in the cells of its layers.

    mine.model.ts:13:3  SPEC-UNKNOWN-PROPERTY  models have no property \`outputs\`
          outputs: ['y'],
          ^^^^^^^
        fix: Remove it: what \`run\` returns is what a caller gets."
  `);
});

test('what models have is told where a cell has it', () => {
  expect(
    mistakes(
      "import { cell } from 'recurve';\nexport default cell({ name: 'mine', dims: [], inputs: {}, state: {}, params: {}, step: 1, run: 2, layers: {} });\n",
      'mine.cell.ts',
    ),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:2:55  SPEC-NO-INPUT  the cell has no inputs, so nothing says how long a sequence is
        export default cell({ name: 'mine', dims: [], inputs: {}, state: {}, params: {}, step: 1, run: 2, layers: {} });
                                                              ^^
        fix: Write \`inputs: { x: vec('I') },\`.

    mine.cell.ts:2:88  SPEC-STEP-FORM  \`step\` is not a function
        export default cell({ name: 'mine', dims: [], inputs: {}, state: {}, params: {}, step: 1, run: 2, layers: {} });
                                                                                               ^
        fix: Write \`step({ x }, { h }, p) { return { h: … }; },\`.

    mine.cell.ts:2:91  SPEC-UNKNOWN-PROPERTY  cells have no property \`run\`
        export default cell({ name: 'mine', dims: [], inputs: {}, state: {}, params: {}, step: 1, run: 2, layers: {} });
                                                                                                  ^^^
        fix: A cell has \`step\`, one time step; whole sequences are what \`export default model({ … })\` is about.

    mine.cell.ts:2:99  SPEC-UNKNOWN-PROPERTY  cells have no property \`layers\`
        export default cell({ name: 'mine', dims: [], inputs: {}, state: {}, params: {}, step: 1, run: 2, layers: {} });
                                                                                                          ^^^^^^
        fix: Only a model has layers: \`export default model({ … })\` in a file of its own."
  `);
});

test('an empty model file and one without a default export are told about models', () => {
  expect(`${mistakes('')}\n\n${mistakes("import { tanh } from 'recurve';\nexport const a = 1;\n")}`).toMatchInlineSnapshot(`
    "mine.model.ts:1:1  SPEC-EMPTY  the file is empty
        
        ^
        fix: Write \`export default model({ … });\`; \`npx recurve new <name> --model\` writes a whole spec.

    mine.model.ts:2:1  SPEC-NO-DEFAULT-EXPORT  the file exports no model
        export const a = 1;
        ^^^^^^^^^^^^^^^^^^^
        fix: Write \`export default model({ … });\`; \`npx recurve new <name> --model\` writes a whole spec."
  `);
});

test('a second model in a file is refused, and a cell beside it', () => {
  expect(
    mistakesOf({
      imports: "import { cell, layer, mat, matvec, model, over, vec } from 'recurve';",
      before: 'const a = model({});\nconst b = cell({});\nexport default model({});',
    }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:2:11  SPEC-SECOND-CELL  \`a\` is a second model, and a file holds one
        const a = model({});
                  ^^^^^
        fix: Put each cell into a file of its own; what they share goes into a third, which both import.

    mine.model.ts:3:11  SPEC-SECOND-CELL  \`b\` is a cell beside the model, and a file holds one
        const b = cell({});
                  ^^^^
        fix: Put each cell into a file of its own; what they share goes into a third, which both import.

    mine.model.ts:4:16  SPEC-MISSING-PROPERTY  the model has no \`name\`
        export default model({});
                       ^^^^^
        fix: Add \`name: 'mine',\`.

    mine.model.ts:4:16  SPEC-MISSING-PROPERTY  the model has no \`dims\`
        export default model({});
                       ^^^^^
        fix: Add \`dims: ['I', 'H'],\` with every dim that its shapes and layers use.

    mine.model.ts:4:16  SPEC-MISSING-PROPERTY  the model has no \`inputs\`
        export default model({});
                       ^^^^^
        fix: Add \`inputs: { x: over('T', vec('I')) },\`.

    mine.model.ts:4:16  SPEC-MISSING-PROPERTY  the model has no \`run\`
        export default model({});
                       ^^^^^
        fix: Add \`run({ x }, { first }, p) { return { y: first({ x }).h }; },\`.

    mine.model.ts:5:1  SPEC-SECOND-CELL  the file has a second default export, and a file holds one model
        export default model({
        ^^^^^^^^^^^^^^^^^^^^^^
        fix: Put each cell into a file of its own; what they share goes into a third, which both import."
  `);
});

test('a dim called as a time axis is refused', () => {
  expect(
    mistakesOf({
      dims: "['I', 'H', 'K', 'S', 'T']",
      times: "['S', 'T']",
      inputs: "{ x: over('T', vec('I')), y: over('S', vec('I')) }",
    }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:4:25  SPEC-DIM-RESERVED  \`S\` is a time axis of the model
          dims: ['I', 'H', 'K', 'S', 'T'],
                                ^^^
        fix: Rename the dim: sequences have their steps, and shapes are of one step.

    mine.model.ts:4:30  SPEC-DIM-RESERVED  \`T\` counts the time steps, which every model has
          dims: ['I', 'H', 'K', 'S', 'T'],
                                     ^^^
        fix: Remove it; shapes never name it."
  `);
});

test('time axes that are listed twice, badly named or none are refused', () => {
  expect(`${mistakesOf({ times: "['T', 'T', 'B', '1']" })}\n\n${mistakesOf({ times: '[]' })}`).toMatchInlineSnapshot(`
    "mine.model.ts:5:16  SPEC-TIME-DUPLICATE  the time axis \`T\` is listed twice
          times: ['T', 'T', 'B', '1'],
                       ^^^
        fix: Remove one.

    mine.model.ts:5:21  SPEC-DIM-RESERVED  \`B\` counts the sequences of a batch, which every model has
          times: ['T', 'T', 'B', '1'],
                            ^^^
        fix: Name the axis for its steps, e.g. 'S'.

    mine.model.ts:5:26  SPEC-NAME  a time axis cannot be called \`1\`: names are ASCII letters, digits and \`_\`, and start with a letter
          times: ['T', 'T', 'B', '1'],
                                 ^^^
        fix: Write a short name, e.g. 'S'.

    mine.model.ts:5:10  SPEC-PROPERTY-FORM  the model has no time axis, and sequences are what it is about
          times: [],
                 ^^
        fix: Write \`times: ['T'],\`, or leave it out."
  `);
});

test('a time axis that no input is over is refused', () => {
  expect(mistakesOf({ times: "['S', 'T']" })).toMatchInlineSnapshot(`
    "mine.model.ts:5:11  SPEC-TIME-UNUSED  no input is over the time axis \`S\`, so nothing says how long it is
          times: ['S', 'T'],
                  ^^^
        fix: Write \`x: over('S', …)\`, or remove it from \`times\`."
  `);
});

test('over with an axis that is not there, with none and with a dim is refused', () => {
  expect(
    mistakesOf({
      inputs:
        "{ x: over('t', vec('I')), a: over(vec('I')), b: over('H', vec('I')), c: over(1, vec('I')), d: over('T', over('T', vec('I'))), e: over('T', 3) }",
    }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:5:21  SPEC-TIME-UNKNOWN  the model has no time axis \`t\`
          inputs: { x: over('t', vec('I')), a: over(vec('I')), b: over('H', vec('I')), c: over(1, vec('I')), d: over('T', over('T', vec('I'))), e: o…
                            ^^^
        fix: Did you mean \`T\`?

    mine.model.ts:5:40  SPEC-ARGUMENTS  \`over\` takes a time axis and what there is at each of its steps
          inputs: { x: over('t', vec('I')), a: over(vec('I')), b: over('H', vec('I')), c: over(1, vec('I')), d: over('T', over('T', vec('I'))), e: o…
                                               ^^^^^^^^^^^^^^
        fix: Write \`over('T', vec('I'))\`; settings are those of the vector: \`over('T', vec('I', { when: … }))\`.

    mine.model.ts:5:64  SPEC-TIME-UNKNOWN  the model has no time axis \`H\`
        …nputs: { x: over('t', vec('I')), a: over(vec('I')), b: over('H', vec('I')), c: over(1, vec('I')), d: over('T', over('T', vec('I'))), e: over…
                                                                     ^^^
        fix: The time axes are \`T\`; others are listed in \`times\`.

    mine.model.ts:5:88  SPEC-OVER  the time axis of \`c\` is not a string
        …c('I')), a: over(vec('I')), b: over('H', vec('I')), c: over(1, vec('I')), d: over('T', over('T', vec('I'))), e: over('T', 3) },
                                                                     ^
        fix: Write \`over('T', vec('I'))\`.

    mine.model.ts:5:115  SPEC-OVER  the input \`d\` is over two time axes
        … b: over('H', vec('I')), c: over(1, vec('I')), d: over('T', over('T', vec('I'))), e: over('T', 3) },
                                                                     ^^^^^^^^^^^^^^^^^^^
        fix: Write \`over('T', vec('I'))\`: what there is at a step is over units.

    mine.model.ts:5:150  SPEC-DECLARATION  \`e\` is not declared by \`vec\`, \`mat\`, \`scalar\`, \`symbol\`, \`map\`, \`blocks\`, \`stack\` or \`kernel\`
        … vec('I')), d: over('T', over('T', vec('I'))), e: over('T', 3) },
                                                                     ^
        fix: Write \`vec('H')\`, \`mat('H', 'I')\`, \`map('X', 'C')\` or \`scalar()\`, imported from \`recurve\`."
  `);
});

test('over in a cell and of a parameter is refused', () => {
  expect(
    `${mistakes("import { cell, over, vec } from 'recurve';\nexport default cell({ name: 'mine', dims: ['I'], inputs: { x: over('T', vec('I')) }, state: {}, params: {}, step: ({ x }) => ({ y: x }) });\n", 'mine.cell.ts')}\n\n${mistakesOf({ params: "{ W: over('T', mat('K', 'H')) }" })}`,
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:2:63  SPEC-OVER  the input \`x\` is over a time axis, and every value of a cell is that of one step
        export default cell({ name: 'mine', dims: ['I'], inputs: { x: over('T', vec('I')) }, state: {}, params: {}, step: ({ x }) => ({ y: x }) });
                                                                      ^^^^^^^^^^^^^^^^^^^
        fix: Write \`vec('I')\`: a cell is run at every step as it is.

    mine.model.ts:7:16  SPEC-OVER  the parameter \`W\` is over a time axis, and a parameter is the same at every step
          params: { W: over('T', mat('K', 'H')) },
                       ^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Write \`vec('I')\`."
  `);
});

test('a run that is no function, has five parameters or asks for t is refused', () => {
  expect(
    `${mistakesOf({ run: 'run: 3,' })}\n\n${mistakesOf({ run: 'run({ x }, { first }, p, { options, t }, more) { return { y: first({ x }).h }; },' })}`,
  ).toMatchInlineSnapshot(`
    "mine.model.ts:8:8  SPEC-STEP-FORM  \`run\` is not a function
          run: 3,
               ^
        fix: Write \`run({ x }, { first }, p) { return { y: first({ x }).h }; },\`.

    mine.model.ts:8:39  SPEC-TIME-VALUE  \`t\` is the number of a step, and \`run\` is about whole sequences
          run({ x }, { first }, p, { options, t }, more) { return { y: first({ x }).h }; },
                                              ^
        fix: Read \`t\` in the step of a cell, or take an input that counts.

    mine.model.ts:8:39  SPEC-UNKNOWN-MEMBER  there is no member of the context \`t\`
          run({ x }, { first }, p, { options, t }, more) { return { y: first({ x }).h }; },
                                              ^
        fix: Known: \`options\` and \`state\`.

    mine.model.ts:8:44  SPEC-STEP-FORM  \`run\` takes at most four parameters
          run({ x }, { first }, p, { options, t }, more) { return { y: first({ x }).h }; },
                                                   ^^^^
        fix: Write \`run(inputs, layers, p, { options: o })\`; the last ones may be left out."
  `);
});
