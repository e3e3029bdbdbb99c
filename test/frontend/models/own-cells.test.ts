/** Cells that a model imports. */
import { expect, test } from 'vitest';
import { parseCell } from '../../../codegen/frontend/index.js';
import { mistakesAmong, modelOf } from './mistakes.js';

const CELL = `import { cell, mat, matvec, tanh, vec } from 'recurve';
export default cell({ name: 'own', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') }, params: { W: mat('H', 'I') },
  step: ({ x }, { h }, p) => ({ h: tanh(matvec(p.W, x) + h) }) });
`;
const OWN = modelOf({ before: "import own from './own.cell.js';", layers: '{ first: layer(own) }' });

test("a cell of one's own is imported by default", () => {
  expect(mistakesAmong({ 'mine.model.ts': OWN, 'own.cell.ts': CELL })).toMatchInlineSnapshot(`""`);
});

test('one that is not there is refused at the import', () => {
  expect(mistakesAmong({ 'mine.model.ts': OWN, 'own.cel.ts': CELL })).toMatchInlineSnapshot(`
    "mine.model.ts:2:17  SPEC-IMPORT-NOT-FOUND  there is no file own.cell.ts
        import own from './own.cell.js';
                        ^^^^^^^^^^^^^^^
        fix: Did you mean own.cel.ts?"
  `);
});

test('its mistakes are told at their own place', () => {
  expect(
    mistakesAmong({ 'mine.model.ts': OWN, 'own.cell.ts': CELL.replace('matvec(p.W, x)', 'matvc(p.W, x) + p.U') }),
  ).toMatchInlineSnapshot(`
    "own.cell.ts:3:41  SPEC-UNKNOWN-NAME  nothing called \`matvc\` is declared here
          step: ({ x }, { h }, p) => ({ h: tanh(matvc(p.W, x) + p.U + h) }) });
                                                ^^^^^
        fix: Did you mean \`matvec\`?

    own.cell.ts:3:57  SPEC-UNKNOWN-MEMBER  there is no parameter \`U\`
          step: ({ x }, { h }, p) => ({ h: tanh(matvc(p.W, x) + p.U + h) }) });
                                                                ^^^
        fix: Known: \`W\`."
  `);
});

test('a model as a cell of a layer is refused, the model itself too', () => {
  expect(mistakesAmong({ 'mine.model.ts': OWN.replaceAll('own.cell.js', 'mine.model.js') })).toMatchInlineSnapshot(`
    "mine.model.ts:2:17  SPEC-LAYER-CELL  mine.model.ts holds a model, and here it takes a cell
        import own from './mine.model.js';
                        ^^^^^^^^^^^^^^^^^
        fix: Name a file that ends with \`export default cell({ … });\`."
  `);
});

test('a link that leads out of the folder is refused', () => {
  expect(mistakesAmong({ 'mine.model.ts': OWN, 'own.cell.ts': { link: '/etc/hostname' } })).toMatchInlineSnapshot(`
    "mine.model.ts:2:17  SPEC-IMPORT-OUTSIDE  \`./own.cell.js\` leads out of its folder through a symbolic link
        import own from './own.cell.js';
                        ^^^^^^^^^^^^^^^
        fix: Copy the helper into a file beside the spec."
  `);
});

test('a cell as a value, or called, is refused', () => {
  expect(
    mistakesAmong({ 'mine.model.ts': OWN.replace('first({ x }).h', 'own({ x }) + own'), 'own.cell.ts': CELL }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:10:29  SPEC-NOT-CALLABLE  \`own\` is a cell, and what is called is a layer
            return { y: matvec(p.W, own({ x }) + own) };
                                    ^^^
        fix: Declare a layer, \`layers: { first: layer(own, { … }) },\`, and call that: \`first({ x })\`.

    mine.model.ts:10:42  SPEC-FUNCTION-VALUE  \`own\` is a cell, and cells are no values
            return { y: matvec(p.W, own({ x }) + own) };
                                                 ^^^
        fix: Declare a layer, \`layers: { first: layer(own, { … }) },\`, and call that."
  `);
});

test('where a cell is wanted a model is refused', () => {
  expect(mistakesAmong({ 'mine.model.ts': OWN, 'own.cell.ts': CELL }, parseCell)).toMatchInlineSnapshot(`
    "SPEC-NOT-A-CELL  mine.model.ts holds a model, and here it takes a cell
        fix: Name a file that ends with \`export default cell({ … });\`."
  `);
});
