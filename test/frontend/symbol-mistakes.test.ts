/** Mistakes with symbols. */
import { expect, test } from 'vitest';
import { mistakes, mistakesOf, usingAll } from './specs.js';

const said = (more: string, inputs = "{ x: vec('I'), m: map('X', 'I') }") =>
  mistakesOf({
    imports:
      'import { argmax, binaryCrossEntropy, cell, conv1d, crossEntropy, embed, huber, kernel, map, mat, matvec, sample, scalar, softmax, stack, sum, symbol, tanh, ' +
      "transpose, vec } from 'recurve';",
    ...usingAll(more),
    inputs,
  });

test('a row is taken by the number of one symbol, from a matrix as it was declared', () => {
  expect(said('embed(p.W, x)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:40  SPEC-SYMBOL  the second argument of \`embed\` is vec('I'), and it takes the number of one symbol
            return { h: next, more: embed(p.W, x) };
                                               ^
        fix: Declare it by \`symbol('V')\`; of values over symbols \`argmax(x)\` is the number of the largest."
  `);
  expect(said('embed(transpose(p.W), 1)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:35  SPEC-MATRIX-ARGUMENT  \`embed\` takes the rows of a matrix as it was declared, and this is a matrix of 'I' by 'H' out of \`W\`
            return { h: next, more: embed(transpose(p.W), 1) };
                                          ^^^^^^^^^^^^^^
        fix: Declare \`E: mat('V', 'H')\` with a row for each symbol, and write \`embed(p.E, s)\`."
  `);
  expect(said('embed(p.S, 1)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:35  SPEC-MATVEC-MATRIX  stack(2, 'H', 'H') is several matrices, not one
            return { h: next, more: embed(p.S, 1) };
                                          ^^^
        fix: Choose one: \`p.S[0]\`."
  `);
  expect(said('embed(h, 1)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:35  SPEC-MATRIX-ARGUMENT  \`embed\` takes a matrix, not vec('H')
            return { h: next, more: embed(h, 1) };
                                          ^
        fix: Write \`embed(p.E, s)\` with a matrix parameter."
  `);
});

test('numbers of units count along one axis, and a temperature is one number', () => {
  expect(said('argmax(m)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:36  SPEC-AXIS  this is mat('X', 'I'), and the numbers of \`argmax\` and \`sample\` count along one axis
            return { h: next, more: argmax(m) };
                                           ^
        fix: Name the axis: \`argmax(x, 'V')\`."
  `);
  expect(said('argmax(1)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:36  SPEC-AXIS  this is a scalar, and the numbers of \`argmax\` and \`sample\` count along one axis
            return { h: next, more: argmax(1) };
                                           ^
        fix: Give it a vector."
  `);
  expect(said('sample(h, x)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:39  SPEC-PRODUCT-SHAPE  a temperature is one number, and this is vec('I')
            return { h: next, more: sample(h, x) };
                                              ^
        fix: Give it a number, an option or a scalar."
  `);
});

test('a loss is of logits over one dim and the number of the right one', () => {
  expect(said('crossEntropy(softmax(x), 1)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:42  SPEC-LOGITS  \`crossEntropy\` takes logits, and this is a probability: what \`softmax\` gives
            return { h: next, more: crossEntropy(softmax(x), 1) };
                                                 ^^^^^^^^^^
        fix: Give it what \`softmax\` was given: the loss contains \`softmax\`, in a form that neither overflows nor loses its slope."
  `);
  expect(said('huber(x, x, 0)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:41  SPEC-POSITIVE  the \`delta\` of \`huber\` is above 0, and this is 0
            return { h: next, more: huber(x, x, 0) };
                                                ^
        fix: Write a number above 0, such as 1."
  `);
  expect(said('crossEntropy(m, 1)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:42  SPEC-PRODUCT-SHAPE  the first argument of \`crossEntropy\` is mat('X', 'I'), and it takes a vector: a number for each symbol
            return { h: next, more: crossEntropy(m, 1) };
                                                 ^
        fix: Write \`crossEntropy(logits, s)\`, the logits over one dim."
  `);
  expect(said('crossEntropy(1, h)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-SYMBOL  the first argument of \`crossEntropy\` is a scalar and the second vec('H'): they are the wrong way round
            return { h: next, more: crossEntropy(1, h) };
                                    ^^^^^^^^^^^^^^^^^^
        fix: Write \`crossEntropy(logits, s)\`, the logits first."
  `);
});

test('a target that is no symbol, arguments the wrong way round, and settings that there are not have a message of their own', () => {
  expect(said('crossEntropy(0.5, h) + crossEntropy(h, h)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-SYMBOL  the first argument of \`crossEntropy\` is a scalar and the second vec('H'): they are the wrong way round
            return { h: next, more: crossEntropy(0.5, h) + crossEntropy(h, h) };
                                    ^^^^^^^^^^^^^^^^^^^^
        fix: Write \`crossEntropy(logits, s)\`, the logits first.

    mine.cell.ts:11:68  SPEC-SYMBOL  the second argument of \`crossEntropy\` is vec('H'), and it takes the number of one symbol
            return { h: next, more: crossEntropy(0.5, h) + crossEntropy(h, h) };
                                                                           ^
        fix: Declare it by \`symbol('V')\`; for a probability q of each write \`logSumExp(x) - dot(q, x)\`."
  `);
  expect(said('crossEntropy(h, 1, 0.1)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:48  SPEC-LOSS-SETTING  the settings of \`crossEntropy\` are an object, and this is the number 0.1
            return { h: next, more: crossEntropy(h, 1, 0.1) };
                                                       ^^^
        fix: Write \`{ smoothing: 0.1, weights: p.w }\`, either or both."
  `);
  expect(said('crossEntropy(h, 1, { smoothing: 1.5, weigths: h })')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:50  SPEC-RATE  a rate is a number from 0 to 1 or a scalar parameter, and this is the number 1.5
            return { h: next, more: crossEntropy(h, 1, { smoothing: 1.5, weigths: h }) };
                                                         ^^^^^^^^^^^^^^
        fix: Write a number, a \`real\` option, or \`p.rate\` with \`rate: scalar({ init: 0.1, trainable: false })\`.

    mine.cell.ts:11:66  SPEC-LOSS-SETTING  \`crossEntropy\` has no setting \`weigths\`
            return { h: next, more: crossEntropy(h, 1, { smoothing: 1.5, weigths: h }) };
                                                                         ^^^^^^^^^^
        fix: Did you mean \`weights\`?"
  `);
  expect(said('crossEntropy(h, 1, { smoothing: h, weights: x })')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:50  SPEC-RATE  a rate is a number from 0 to 1 or a scalar parameter, and this is vec('H')
            return { h: next, more: crossEntropy(h, 1, { smoothing: h, weights: x }) };
                                                         ^^^^^^^^^^^^
        fix: Write a number, a \`real\` option, or \`p.rate\` with \`rate: scalar({ init: 0.1, trainable: false })\`.

    mine.cell.ts:11:64  SPEC-LOSS-SETTING  these weights are vec('I'), and there is one for each symbol: vec('H')
            return { h: next, more: crossEntropy(h, 1, { smoothing: h, weights: x }) };
                                                                       ^^^^^^^^^^
        fix: A weight of a step or a sequence is a factor: \`w * crossEntropy(logits, s)\`."
  `);
});

test('losses per unit are of values of one shape', () => {
  expect(said('huber(h, x, 1) + binaryCrossEntropy(h, m)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-SHAPE-MISMATCH  \`-\` joins vec('H') and vec('I') (in \`huber\`)
            return { h: next, more: huber(h, x, 1) + binaryCrossEntropy(h, m) };
                                    ^^^^^^^^^^^^^^
        fix: Bring one to the other's dim with a matrix: \`matvec(p.W, …)\` with \`W: mat('H', 'I')\`.

    mine.cell.ts:11:46  SPEC-SHAPE-MISMATCH  \`*\` joins mat('X', 'I') and vec('H') (in \`binaryCrossEntropy\`)
            return { h: next, more: huber(h, x, 1) + binaryCrossEntropy(h, m) };
                                                     ^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Bring both to one shape; \`broadcast(x, 'X', 'I')\` repeats a value along new axes."
  `);
});

test('symbols are inputs or states, counted by a dim', () => {
  expect(
    said('h', "{ x: vec('I'), m: map('X', 'I'), s: symbol(), r: symbol('V'), q: symbol('H', { range: [0, 2] }) }"),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:5:47  SPEC-ARGUMENTS  \`symbol\` takes the dim that counts the symbols and, if need be, settings
          inputs: { x: vec('I'), m: map('X', 'I'), s: symbol(), r: symbol('V'), q: symbol('H', { range: [0, 2] }) },
                                                      ^^^^^^^^
        fix: Write \`symbol('V')\`.

    mine.cell.ts:5:67  SPEC-DIM-UNDECLARED  the dim \`V\` is not declared
          inputs: { x: vec('I'), m: map('X', 'I'), s: symbol(), r: symbol('V'), q: symbol('H', { range: [0, 2] }) },
                                                                          ^^^
        fix: Add \`'V'\` to \`dims\`, which lists \`X\`, \`I\` and \`H\`.

    mine.cell.ts:5:90  SPEC-DECLARATION-OPTION  \`symbol\` has no setting \`range\`
          inputs: { x: vec('I'), m: map('X', 'I'), s: symbol(), r: symbol('V'), q: symbol('H', { range: [0, 2] }) },
                                                                                                 ^^^^^^^^^^^^^
        fix: Write \`when\`.

    mine.cell.ts:5:73  SPEC-UNUSED-INPUT  the input \`q\` is never used: nothing that \`step\` returns depends on it
          inputs: { x: vec('I'), m: map('X', 'I'), s: symbol(), r: symbol('V'), q: symbol('H', { range: [0, 2] }) },
                                                                                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Use it in \`step\`, or remove the declaration."
  `);
  expect(
    mistakesOf({
      imports: "import { cell, mat, matvec, symbol, tanh, vec } from 'recurve';",
      params: "{ W: mat('H', 'I'), U: mat('H', 'H'), b: symbol('H') }",
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:7:52  SPEC-SYMBOL  the parameter \`b\` is declared by \`symbol\`, which only inputs and states are
          params: { W: mat('H', 'I'), U: mat('H', 'H'), b: symbol('H') },
                                                           ^^^^^^^^^^^
        fix: Write \`scalar()\`."
  `);
});

test('a symbol is one of those that there is a row or a number for', () => {
  const of = (more: string) =>
    mistakes(`import { cell, crossEntropy, embed, mat, symbol, vec } from 'recurve';
export default cell({ name: 'mine', dims: ['V', 'K', 'H'], inputs: { x: vec('K'), s: symbol('V') }, state: { h: vec('H') },
  params: { E: mat('K', 'H'), F: mat('V', 'H') },
  step({ x, s }, { h }, p) { return { h: h + embed(p.F, s), more: ${more} }; } });`);
  expect(of('embed(p.E, s) + x')).toMatchInlineSnapshot(`
    "mine.cell.ts:4:78  SPEC-SYMBOL  this is one of V symbols, and the first argument of \`embed\` has a row for each of K
          step({ x, s }, { h }, p) { return { h: h + embed(p.F, s), more: embed(p.E, s) + x }; } });
                                                                                     ^
        fix: Give both the same dim: \`symbol('K')\`, or a first argument over V."
  `);
  expect(of('crossEntropy(x, s) * embed(p.E, 1)')).toMatchInlineSnapshot(`
    "mine.cell.ts:4:83  SPEC-SYMBOL  this is one of V symbols, and the first argument of \`crossEntropy\` has a number for each of K
          step({ x, s }, { h }, p) { return { h: h + embed(p.F, s), more: crossEntropy(x, s) * embed(p.E, 1) }; } });
                                                                                          ^
        fix: Give both the same dim: \`symbol('K')\`, or a first argument over V."
  `);
});

test('a symbol that is delayed, chosen or handed on keeps its vocabulary', () => {
  const of = (more: string, r = 'argmax(matvec(p.E, h))') =>
    mistakes(`import { argmax, cell, crossEntropy, delay, embed, mat, matvec, sample, symbol, vec } from 'recurve';
export default cell({ name: 'mine', dims: ['V', 'K', 'H'], inputs: { s: symbol('V') }, state: { h: vec('H'), r: symbol('K') },
  params: { E: mat('K', 'H'), F: mat('V', 'H') },
  step({ s }, { h, r }, p) { return { h: embed(p.F, s) + embed(p.E, r), r: ${r}, more: ${more} }; } });`)
      .split('\n')
      .filter((line) => line.includes('SPEC-'))
      .join();
  expect(of('embed(p.F, delay(s, 2)) + embed(p.E, delay(r, 1)) + embed(p.F, sample(matvec(p.F, h)))')).toBe('');
  expect(of('embed(p.E, delay(s, 2))')).toContain('SPEC-SYMBOL  this is one of V symbols, and the first argument of `embed`');
  expect(of('embed(p.F, delay(r, 2))')).toContain('SPEC-SYMBOL  this is one of K symbols');
  expect(of('crossEntropy(matvec(p.E, h), sample(matvec(p.F, h)))')).toContain('SPEC-SYMBOL  this is one of V symbols');
  expect(of('embed(p.F, argmax(matvec(p.E, h)))')).toContain('SPEC-SYMBOL  this is one of K symbols');
  expect(of('h', 's')).toContain('SPEC-SYMBOL  this is one of V symbols, and the state `r` is one of K');
  expect(of('h', '0')).toBe('');
});
