/** Mistakes with operations that are not per unit: matrices, reductions, axes, convolutions, draws. */
import { expect, test } from 'vitest';
import { ALL_PARAMS, mistakesOf, type Parts, usingAll } from './specs.js';

const NAMES =
  'antisymmetric, blockIndex, blockTriangular, blocks, broadcast, cell, concat, conv1d, conv2d, delay, dot, dropConnect, ' +
  'dropout, flag, index, kernel, lowRank, map, mat, matvec, max, mean, noise, outer, scalar, slice, softmax, split, stack, ' +
  'sum, tanh, transpose, vec, zoneout';

/** What is said about a step that uses everything once and then returns `more` besides. */
function said(more: string, parts: Parts = {}): string {
  return mistakesOf({
    imports: `import { ${NAMES} } from 'recurve';`,
    ...usingAll(more),
    ...parts,
  });
}

test('the step that they are all tried in is right', () => {
  expect(said('h')).toBe('');
});

test('a vector and a map per unit are refused with the broadcast that brings them together', () => {
  expect(said('m * x')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-SHAPE-MISMATCH  \`*\` joins mat('X', 'I') and vec('I')
            return { h: next, more: m * x };
                                    ^^^^^
        fix: Spread vec('I') first: \`broadcast(…, 'X', 'I')\`."
  `);
  expect(said('m + h')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-SHAPE-MISMATCH  \`+\` joins mat('X', 'I') and vec('H')
            return { h: next, more: m + h };
                                    ^^^^^
        fix: Bring both to one shape; \`broadcast(x, 'X', 'I')\` repeats a value along new axes."
  `);
});

test('a stack or kernel as a whole is no matrix', () => {
  expect(said('matvec(p.S, h) + matvec(p.K, x)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:36  SPEC-MATVEC-MATRIX  stack(2, 'H', 'H') is several matrices, not one
            return { h: next, more: matvec(p.S, h) + matvec(p.K, x) };
                                           ^^^
        fix: Choose one: \`p.S[0]\`.

    mine.cell.ts:11:53  SPEC-MATVEC-MATRIX  kernel('H', 'I', 3) is several matrices, not one
            return { h: next, more: matvec(p.S, h) + matvec(p.K, x) };
                                                            ^^^
        fix: Convolve with it: \`conv1d(p.K, x)\`; \`p.K[0]\` is the matrix of one tap."
  `);
});

test('a matrix that a stack does not have is refused', () => {
  expect(said('matvec(p.S[2], h) + matvec(p.K[-1], x)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:40  SPEC-STACK-INDEX  \`S\` has 2 matrices along this axis and none at 2
            return { h: next, more: matvec(p.S[2], h) + matvec(p.K[-1], x) };
                                               ^
        fix: Write a number from 0 to 1.

    mine.cell.ts:11:60  SPEC-COUNT  the number of a matrix is a whole number of at least 0, and this is the number -1
            return { h: next, more: matvec(p.S[2], h) + matvec(p.K[-1], x) };
                                                                   ^^
        fix: Write a whole number of at least 0."
  `);
});

test('a matrix of a stack that depends on the step is refused', () => {
  expect(
    said('', {
      params: "{ S: stack(2, 'H', 'H') }",
      step: 'step({ x, m }, { h }, p, { t }) { return { h: matvec(p.S[t], h) + sum(x) + sum(m) }; },',
    }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:8:60  SPEC-NOT-STATIC  the number of a matrix must be known when compiling, and this is the number of the step
          step({ x, m }, { h }, p, { t }) { return { h: matvec(p.S[t], h) + sum(x) + sum(m) }; },
                                                                   ^
        fix: Write a whole number or an \`integer\` option."
  `);
});

test('matrices made from others stand in matvec only', () => {
  expect(said('transpose(p.U) * h + dropConnect(p.U, 0.5)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-MATRIX-ARITHMETIC  a matrix of 'H' by 'H' out of \`U\` is used where a vector or number belongs
            return { h: next, more: transpose(p.U) * h + dropConnect(p.U, 0.5) };
                                    ^^^^^^^^^^^^^^
        fix: Multiply it with a vector: \`matvec(…, x)\`.

    mine.cell.ts:11:50  SPEC-MATRIX-ARITHMETIC  a matrix of 'H' by 'H' out of \`U\` is used where a vector or number belongs
            return { h: next, more: transpose(p.U) * h + dropConnect(p.U, 0.5) };
                                                         ^^^^^^^^^^^^^^^^^^^^^
        fix: Multiply it with a vector: \`matvec(…, x)\`."
  `);
  expect(said('p.S * h + p.K')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-MATRIX-ARITHMETIC  the stack \`S\` is used where a vector or number belongs
            return { h: next, more: p.S * h + p.K };
                                    ^^^
        fix: Multiply one of its matrices: \`matvec(p.S[0], x)\`.

    mine.cell.ts:11:39  SPEC-MATRIX-ARITHMETIC  the kernel \`K\` is used where a vector or number belongs
            return { h: next, more: p.S * h + p.K };
                                              ^^^
        fix: Convolve with it: \`conv1d(p.K, x)\`."
  `);
});

test('what is no matrix is neither transposed nor masked', () => {
  expect(
    said('matvec(transpose(h), h) + matvec(blockTriangular(outer(h, h), 2), h) + matvec(dropConnect(2, 0.5), h)'),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:11:46  SPEC-MATRIX-ARGUMENT  \`transpose\` takes a matrix, not vec('H')
            return { h: next, more: matvec(transpose(h), h) + matvec(blockTriangular(outer(h, h), 2), h) + matvec(dropConnect(2, 0.5), h) };
                                                     ^
        fix: Write \`matvec(transpose(p.W), x)\` with a matrix parameter.

    mine.cell.ts:11:78  SPEC-MATRIX-ARGUMENT  \`blockTriangular\` takes a matrix parameter, not mat('H', 'H')
            return { h: next, more: matvec(transpose(h), h) + matvec(blockTriangular(outer(h, h), 2), h) + matvec(dropConnect(2, 0.5), h) };
                                                                                     ^^^^^^^^^^^
        fix: Multiply a computed matrix with a mask of its own.

    mine.cell.ts:11:119  SPEC-MATRIX-ARGUMENT  \`dropConnect\` takes a matrix, not the number 2
            return { h: next, more: matvec(transpose(h), h) + matvec(blockTriangular(outer(h, h), 2), h) + matvec(dropConnect(2, 0.5), h) };
                                                                                                                              ^
        fix: Write \`matvec(dropConnect(p.U, 0.1), h)\` with a matrix parameter."
  `);
});

test('a matrix is masked once in each way', () => {
  expect(said('matvec(dropConnect(dropConnect(p.U, 0.1), 0.2), h)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:48  SPEC-MATRIX-TWICE  this matrix is already in a \`dropConnect\` (when training = true)
            return { h: next, more: matvec(dropConnect(dropConnect(p.U, 0.1), 0.2), h) };
                                                       ^^^^^^^^^^^^^^^^^^^^^
        fix: Leave one of them out."
  `);
  expect(said('matvec(blockTriangular(blockTriangular(p.U, 2), 4), h)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:52  SPEC-MATRIX-TWICE  this matrix is already in a \`blockTriangular\`
            return { h: next, more: matvec(blockTriangular(blockTriangular(p.U, 2), 4), h) };
                                                           ^^^^^^^^^^^^^^^^^^^^^^^
        fix: Leave one of them out."
  `);
});

test('a matrix that is multiplied with different entries left out is refused', () => {
  expect(said('matvec(blockTriangular(p.U, 2), h)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-MATRIX-MASKS  \`U\` is multiplied with different entries left out
            return { h: next, more: matvec(blockTriangular(p.U, 2), h) };
                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Name the masked matrix with \`const\` and use it in every place, or declare one parameter for each."
  `);
  expect(said('matvec(dropConnect(p.U, 0.5), h)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-MATRIX-MASKS  \`U\` is multiplied with different entries left out (when training = true)
            return { h: next, more: matvec(dropConnect(p.U, 0.5), h) };
                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Name the masked matrix with \`const\` and use it in every place, or declare one parameter for each."
  `);
  const once =
    'step({ x, m }, { h }, p) { const U = dropConnect(p.U, 0.5); return { h: matvec(U, h) + matvec(U, h * 2) + sum(x) + sum(m) }; },';
  expect(said('', { params: "{ U: mat('H', 'H') }", step: once })).toBe('');
  const slices = 'matvec(dropConnect(p.S[1], 0.5), h)';
  expect(said(slices)).toBe('');
});

test('a parameter is a matrix or a value per connection, not both', () => {
  expect(said('matvec(p.U * outer(h, h), h)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:36  SPEC-MATRIX-USED-TWICE  \`U\` is used both by \`matvec\` and per unit
            return { h: next, more: matvec(p.U * outer(h, h), h) };
                                           ^^^
        fix: Declare two parameters, one for each use."
  `);
});

test('a matvec of a map whose channels do not fit is refused', () => {
  expect(said('matvec(p.U, m)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:41  SPEC-MATVEC-SHAPE  \`U\` is mat('H', 'H') and takes vec('H'), not mat('X', 'I')
            return { h: next, more: matvec(p.U, m) };
                                                ^
        fix: Give it vec('H'); its last axis is 'H'."
  `);
  expect(said('matvec(outer(h, x), h)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:49  SPEC-MATVEC-SHAPE  this is a matrix of 'H' by 'I' and takes vec('I'), not vec('H')
            return { h: next, more: matvec(outer(h, x), h) };
                                                        ^
        fix: Give it vec('I')."
  `);
  expect(said('matvec(transpose(p.W), x)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:52  SPEC-MATVEC-SHAPE  this is a matrix of 'I' by 'H' out of \`W\` and takes vec('H'), not vec('I')
            return { h: next, more: matvec(transpose(p.W), x) };
                                                           ^
        fix: Give it vec('H')."
  `);
});

test('outer and dot take vectors that fit', () => {
  expect(said('outer(m, x)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:35  SPEC-PRODUCT-SHAPE  \`outer\` takes two vectors, and this is mat('X', 'I')
            return { h: next, more: outer(m, x) };
                                          ^
        fix: Give it a vector over one dim."
  `);
  expect(said('dot(x, h)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-PRODUCT-SHAPE  \`dot\` takes two values over the same dims, not vec('I') and vec('H')
            return { h: next, more: dot(x, h) };
                                    ^^^^^^^^^
        fix: Give it two of one shape."
  `);
});

test('an axis that is not there, or is there twice, is refused', () => {
  expect(said("sum(h, 'I')")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:36  SPEC-AXIS  vec('H') has no axis 'I'
            return { h: next, more: sum(h, 'I') };
                                           ^^^
        fix: It has 'H'."
  `);
  expect(said("mean(outer(h, h), 'H')")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:47  SPEC-AXIS  mat('H', 'H') has more than one axis 'H'
            return { h: next, more: mean(outer(h, h), 'H') };
                                                      ^^^
        fix: Give one of its axes a dim of another name."
  `);
  expect(said("softmax(p.r, 'H') * h")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:42  SPEC-AXIS  a scalar has no axis 'H'
            return { h: next, more: softmax(p.r, 'H') * h };
                                                 ^^^
        fix: Leave the axis out."
  `);
  expect(said('sum(h, h)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:36  SPEC-DIM-UNDECLARED  a shape names dims, and this is vec('H')
            return { h: next, more: sum(h, h) };
                                           ^
        fix: Write a declared dim, e.g. 'H', or a whole number for an axis of that size."
  `);
});

test('a broadcast to a shape without the axes of its value is refused', () => {
  expect(said("broadcast(m, 'I', 'X')")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-BROADCAST  mat('X', 'I') cannot be spread to mat('I', 'X')
            return { h: next, more: broadcast(m, 'I', 'X') };
                                    ^^^^^^^^^^^^^^^^^^^^^^
        fix: Name all of its axes in order: 'X', 'I'."
  `);
});

test('a concat of scalars, or of values that differ before the last axis, is refused', () => {
  expect(said("concat('H', x, 1)")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:44  SPEC-CONCAT  \`concat\` joins values along their last axis, and a scalar has none
            return { h: next, more: concat('H', x, 1) };
                                                   ^
        fix: Spread it first: \`broadcast(x, 1)\`."
  `);
  expect(said("concat('H', x, m)")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:44  SPEC-CONCAT  \`concat\` joins vec('I') and mat('X', 'I'), which differ before their last axes
            return { h: next, more: concat('H', x, m) };
                                                   ^
        fix: Give them the same leading axes with \`broadcast\`."
  `);
});

test('fixed sizes that do not fit are refused while compiling', () => {
  expect(said('concat(5, index(2), index(2))')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-SIZE  \`concat\` needs 4 here, and the axis has 5
            return { h: next, more: concat(5, index(2), index(2)) };
                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Make the numbers of units fit each other."
  `);
  expect(said('slice(index(4), 3, 2)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-SIZE  \`slice\` needs at least 5 here, and the axis has 4
            return { h: next, more: slice(index(4), 3, 2) };
                                    ^^^^^^^^^^^^^^^^^^^^^
        fix: Make the numbers of units fit each other."
  `);
});

test('a slice of a scalar is refused', () => {
  expect(said("slice(p.r, 'H', 0)")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:35  SPEC-SLICE  \`slice\` cuts the last axis, and a scalar has none
            return { h: next, more: slice(p.r, 'H', 0) };
                                          ^^^
        fix: Give it a vector."
  `);
});

test('counts are whole numbers that are known when compiling', () => {
  expect(said("slice(h, 'H', -1)")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:43  SPEC-COUNT  the first unit of a slice is a whole number of at least 0, and this is the number -1
            return { h: next, more: slice(h, 'H', -1) };
                                                  ^^
        fix: Write a whole number of at least 0."
  `);
  expect(said('delay(h, 0) + delay(h, 1.5) + delay(h, p.r)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:38  SPEC-COUNT  the number of steps is a whole number of at least 1, and this is the number 0
            return { h: next, more: delay(h, 0) + delay(h, 1.5) + delay(h, p.r) };
                                             ^
        fix: Write a whole number of at least 1.

    mine.cell.ts:11:52  SPEC-COUNT  the number of steps is a whole number of at least 1, and this is the number 1.5
            return { h: next, more: delay(h, 0) + delay(h, 1.5) + delay(h, p.r) };
                                                           ^^^
        fix: Write a whole number of at least 1.

    mine.cell.ts:11:68  SPEC-NOT-STATIC  the number of steps must be known when compiling, and this is a scalar
            return { h: next, more: delay(h, 0) + delay(h, 1.5) + delay(h, p.r) };
                                                                           ^^^
        fix: Write a whole number or an \`integer\` option."
  `);
  expect(said("blockIndex('H', 0)")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:45  SPEC-COUNT  the number of blocks is a whole number of at least 1, and this is the number 0
            return { h: next, more: blockIndex('H', 0) };
                                                    ^
        fix: Write a whole number of at least 1."
  `);
});

test('a triangle or mask with an unknown word is refused', () => {
  expect(said("matvec(blockTriangular(p.U, 2, 'upper'), h) + dropout(h, 0.5, 'step')")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:60  SPEC-NOT-STATIC  the triangle is \`'lower'\` or left out, and this is the string 'upper'
            return { h: next, more: matvec(blockTriangular(p.U, 2, 'upper'), h) + dropout(h, 0.5, 'step') };
                                                                   ^^^^^^^
        fix: Write \`'lower'\`, or leave it out.

    mine.cell.ts:11:91  SPEC-NOT-STATIC  how often a mask is drawn is \`'sequence'\` or left out, and this is the string 'step'
            return { h: next, more: matvec(blockTriangular(p.U, 2, 'upper'), h) + dropout(h, 0.5, 'step') };
                                                                                                  ^^^^^^
        fix: Write \`'sequence'\`, or leave it out."
  `);
});

test('a convolution takes a kernel of its rank', () => {
  expect(said('conv1d(p.W, m)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:36  SPEC-CONV-KERNEL  \`conv1d\` takes a kernel with one extent, not mat('H', 'I')
            return { h: next, more: conv1d(p.W, m) };
                                           ^^^
        fix: Declare \`K: kernel('O', 'I', 3)\`."
  `);
  expect(said('conv2d(p.K, m)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:36  SPEC-CONV-KERNEL  \`conv2d\` takes a kernel with two extents, not kernel('H', 'I', 3)
            return { h: next, more: conv2d(p.K, m) };
                                           ^^^
        fix: Declare \`K: kernel('O', 'I', 3, 3)\`."
  `);
});

test('a convolution of a vector, or over other channels, is refused', () => {
  expect(said('conv1d(p.K, x)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:41  SPEC-CONV-SHAPE  \`conv1d\` with \`K\` takes a map('X', 'I') over any positions, not vec('I')
            return { h: next, more: conv1d(p.K, x) };
                                                ^
        fix: Give it a map whose last axis is 'I'."
  `);
  expect(said('conv1d(p.K, outer(x, h))')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:41  SPEC-CONV-SHAPE  \`conv1d\` with \`K\` takes a map('X', 'I') over any positions, not mat('I', 'H')
            return { h: next, more: conv1d(p.K, outer(x, h)) };
                                                ^^^^^^^^^^^
        fix: Give it a map whose last axis is 'I'."
  `);
});

test('a convolution that changes the positions needs a dim for them', () => {
  expect(said('conv1d(p.K, m, { stride: 2 })')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-CONV-SETTING  the result of this \`conv1d\` has other positions than its argument, and no dim for them
            return { h: next, more: conv1d(p.K, m, { stride: 2 }) };
                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Add \`to: 'Y'\` to its settings, and the dim to \`dims\`."
  `);
});

test('settings that a convolution does not have are refused', () => {
  expect(said("conv1d(p.K, m, { pad: 'same' })")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:46  SPEC-CONV-SETTING  convolutions have no setting \`pad\`
            return { h: next, more: conv1d(p.K, m, { pad: 'same' }) };
                                                     ^^^^^^^^^^^
        fix: There are \`padding\`, \`stride\`, \`dilation\` and \`to\`."
  `);
  expect(said("conv1d(p.K, m, { padding: 'full' })")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:46  SPEC-CONV-SETTING  \`padding\` cannot be the string 'full'
            return { h: next, more: conv1d(p.K, m, { padding: 'full' }) };
                                                     ^^^^^^^^^^^^^^^
        fix: It is one of \`same\`, \`valid\` and \`causal\`."
  `);
  expect(said("conv1d(p.K, m, 'same')")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:44  SPEC-CONV-SETTING  the settings of a convolution are an object, and this is the string 'same'
            return { h: next, more: conv1d(p.K, m, 'same') };
                                                   ^^^^^^
        fix: Write \`{ padding: 'same', stride: 1 }\`."
  `);
  expect(said("conv1d(p.K, m, { stride: [1, 2], to: 'X' })")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:46  SPEC-CONV-SETTING  the stride has 2 items for one axis of positions
            return { h: next, more: conv1d(p.K, m, { stride: [1, 2], to: 'X' }) };
                                                     ^^^^^^^^^^^^^^
        fix: Write it without brackets."
  `);
  expect(said('conv1d(p.K, m, { dilation: 0 })')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:46  SPEC-COUNT  the dilation is a whole number of at least 1, and this is the number 0
            return { h: next, more: conv1d(p.K, m, { dilation: 0 }) };
                                                     ^^^^^^^^^^^
        fix: Write a whole number of at least 1."
  `);
});

test('a delay of something computed, or of a parameter, is refused', () => {
  expect(said('delay(h * 2, 1) + delay(p.b, 1)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:35  SPEC-DELAY  \`delay\` takes an input or state itself, and this is neither
            return { h: next, more: delay(h * 2, 1) + delay(p.b, 1) };
                                          ^^^^^
        fix: Make the value a state, and delay that.

    mine.cell.ts:11:53  SPEC-DELAY  \`delay\` takes an input or state itself, and this is neither
            return { h: next, more: delay(h * 2, 1) + delay(p.b, 1) };
                                                            ^^^
        fix: Make the value a state, and delay that."
  `);
});

test('a rate may not be declared outside 0 to 1', () => {
  const params = ALL_PARAMS.replace('{', '{ rate: scalar({ init: 1.5, trainable: false }), ');
  expect(said('dropout(h, p.rate)', { params })).toMatchInlineSnapshot(`
    "mine.cell.ts:11:40  SPEC-RATE  a rate is from 0 to 1, and the \`init\` of \`rate\` is 1.5
            return { h: next, more: dropout(h, p.rate) };
                                               ^^^^^^
        fix: Declare it with an \`init\` from 0 to 1."
  `);
});

test('a rate is a number from 0 to 1 or a scalar parameter', () => {
  expect(said('dropout(h, 1.5) + zoneout(h, h, -0.5) + dropout(h, p.b) + dropout(h, p.r * 2)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:40  SPEC-RATE  a rate is a number from 0 to 1 or a scalar parameter, and this is the number 1.5
            return { h: next, more: dropout(h, 1.5) + zoneout(h, h, -0.5) + dropout(h, p.b) + dropout(h, p.r * 2) };
                                               ^^^
        fix: Write a number, a \`real\` option, or \`p.rate\` with \`rate: scalar({ init: 0.1, trainable: false })\`.

    mine.cell.ts:11:61  SPEC-RATE  a rate is a number from 0 to 1 or a scalar parameter, and this is the number -0.5
            return { h: next, more: dropout(h, 1.5) + zoneout(h, h, -0.5) + dropout(h, p.b) + dropout(h, p.r * 2) };
                                                                    ^^^^
        fix: Write a number, a \`real\` option, or \`p.rate\` with \`rate: scalar({ init: 0.1, trainable: false })\`.

    mine.cell.ts:11:80  SPEC-RATE  a rate is a number from 0 to 1 or a scalar parameter, and this is vec('H')
            return { h: next, more: dropout(h, 1.5) + zoneout(h, h, -0.5) + dropout(h, p.b) + dropout(h, p.r * 2) };
                                                                                       ^^^
        fix: Write a number, a \`real\` option, or \`p.rate\` with \`rate: scalar({ init: 0.1, trainable: false })\`.

    mine.cell.ts:11:98  SPEC-RATE  a rate is a number from 0 to 1 or a scalar parameter, and this is a scalar
            return { h: next, more: dropout(h, 1.5) + zoneout(h, h, -0.5) + dropout(h, p.b) + dropout(h, p.r * 2) };
                                                                                                         ^^^^^^^
        fix: Write a number, a \`real\` option, or \`p.rate\` with \`rate: scalar({ init: 0.1, trainable: false })\`."
  `);
});

test('noise whose scale has other dims than its value is refused', () => {
  expect(said('noise(h, x)')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:38  SPEC-NOISE-SCALE  the scale of this \`noise\` is vec('I'), and its value is vec('H')
            return { h: next, more: noise(h, x) };
                                             ^
        fix: Give it a scalar, or a scale of the shape of the value."
  `);
});

test('the option training is not declared by hand', () => {
  expect(said('dropout(h, 0.5)', { options: '{ training: flag(false) }' })).toMatchInlineSnapshot(`
    "mine.cell.ts:4:14  SPEC-OPTION-RESERVED  the option \`training\` comes with the random functions
          options: { training: flag(false) },
                     ^^^^^^^^^^^^^^^^^^^^^
        fix: Remove it, and read \`o.training\`: a cell that calls a random function has it, false by default."
  `);
});

test('an output that is one number for every sequence is refused, one of each sequence is not', () => {
  expect(said('sum(p.b) + p.r')).toMatchInlineSnapshot(`
    "mine.cell.ts:11:23  SPEC-OUTPUT-SHAPE  the output \`more\` is one number for all units and sequences
            return { h: next, more: sum(p.b) + p.r };
                              ^^^^^^^^^^^^^^^^^^^^
        fix: Leave it out, or spread it: \`broadcast(…, 'H')\`."
  `);
  expect(said('sum(h)')).toBe('');
});

test('a next state that is a scalar is spread by broadcast', () => {
  expect(
    said('', { step: 'step({ x, m }, { h }, p) { return { h: sum(x) + sum(m) + p.r }; },', params: '{ r: scalar() }' }),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:8:39  SPEC-STATE-SHAPE  the state \`h\` is vec('H'), and its next value is a scalar
          step({ x, m }, { h }, p) { return { h: sum(x) + sum(m) + p.r }; },
                                              ^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Spread it: \`broadcast(…, 'H')\`."
  `);
});

test('an operation called with too few arguments shows how it is written', () => {
  expect(said("concat('H') + sum()")).toMatchInlineSnapshot(`
    "mine.cell.ts:11:29  SPEC-ARGUMENTS  \`concat\` takes at least 2 arguments, not 1
            return { h: next, more: concat('H') + sum() };
                                    ^^^^^^^^^^^
        fix: Write \`concat('N', a, b)\`.

    mine.cell.ts:11:43  SPEC-ARGUMENTS  \`sum\` takes 1 or 2 arguments, not 0
            return { h: next, more: concat('H') + sum() };
                                                  ^^^^^
        fix: Write \`sum(x, 'H')\`."
  `);
});

test('a dim that only the step uses is used', () => {
  expect(said("sum(broadcast(h, 'D', 'H'), 'D')", { dims: "['X', 'I', 'H', 'D']" })).toBe('');
});

test('what is seen only through a delay, or is only a rate, is used', () => {
  const params = "{ U: mat('H', 'H'), r: scalar({ init: 0.5, trainable: false }) }";
  const step = (late: string, rate: string) =>
    `step({ x, m }, { h }, p) { return { h: matvec(dropConnect(p.U, ${rate}), h) + sum(x) + sum(${late}) }; },`;
  expect(said('', { params, step: step('delay(m, 2)', 'p.r') })).toBe('');
  expect(said('', { params, step: step('x', '0.5') })).toMatchInlineSnapshot(`
    "mine.cell.ts:5:26  SPEC-UNUSED-INPUT  the input \`m\` is never used: nothing that \`step\` returns depends on it
          inputs: { x: vec('I'), m: map('X', 'I') },
                                 ^^^^^^^^^^^^^^^^
        fix: Use it in \`step\`, or remove the declaration.

    mine.cell.ts:7:31  SPEC-UNUSED-PARAM  the parameter \`r\` is never used: nothing that \`step\` returns depends on it
          params: { U: mat('H', 'H'), r: scalar({ init: 0.5, trainable: false }) },
                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Use it in \`step\`, or remove the declaration."
  `);
});
