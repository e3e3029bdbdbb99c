/** What the run of a model says. */
import { expect, test } from 'vitest';
import { mistakes, mistakesOf } from './mistakes.js';

test('a layer with the wrong number of arguments, or unknown settings, is refused', () => {
  expect(
    mistakesOf({ body: 'return { y: first() + first(x, 1, 2) + first({ x }, { reversed: true, init: 3 }).h };' }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:9:17  SPEC-ARGUMENTS  a layer takes 1 or 2 arguments, its inputs and its settings, not 0
            return { y: first() + first(x, 1, 2) + first({ x }, { reversed: true, init: 3 }).h };
                        ^^^^^^^
        fix: Write \`first({ x }, { state: { h } })\`.

    mine.model.ts:9:27  SPEC-ARGUMENTS  a layer takes 1 or 2 arguments, its inputs and its settings, not 3
            return { y: first() + first(x, 1, 2) + first({ x }, { reversed: true, init: 3 }).h };
                                  ^^^^^^^^^^^^^^
        fix: Write \`first({ x }, { state: { h } })\`.

    mine.model.ts:9:59  SPEC-LAYER-SETTING  the call of a layer has no setting \`reversed\`
            return { y: first() + first(x, 1, 2) + first({ x }, { reversed: true, init: 3 }).h };
                                                                  ^^^^^^^^^^^^^^
        fix: Did you mean \`reverse\`?

    mine.model.ts:9:75  SPEC-LAYER-SETTING  the call of a layer has no setting \`init\`
            return { y: first() + first(x, 1, 2) + first({ x }, { reversed: true, init: 3 }).h };
                                                                                  ^^^^^^^
        fix: It has \`state\`, \`from\` and \`reverse\`; options belong to \`layer(…, { options })\`.

    mine.model.ts:7:13  SPEC-UNUSED-PARAM  the parameter \`W\` is never used: nothing that \`run\` returns depends on it
          params: { W: mat('K', 'H') },
                    ^^^^^^^^^^^^^^^^
        fix: Use it in \`run\`, or remove the declaration."
  `);
});

test('functions of whole sequences are refused in a cell', () => {
  expect(
    mistakes(
      "import { cell, first, last, shift, vec } from 'recurve';\nexport default cell({ name: 'mine', dims: ['I'], inputs: { x: vec('I') }, state: {}, params: {}, step: ({ x }) => ({ y: shift(x, 1), z: first(x), v: last(x) }) });\n",
      'mine.cell.ts',
    ),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:2:121  SPEC-MODEL-FUNCTION  \`shift\` is about a whole sequence, and a step sees one step of it
        …: vec('I') }, state: {}, params: {}, step: ({ x }) => ({ y: shift(x, 1), z: first(x), v: last(x) }) });
                                                                     ^^^^^^^^^^^
        fix: Write \`delay(x, 1)\` for what was; only a model sees what comes.

    mine.cell.ts:2:137  SPEC-MODEL-FUNCTION  \`first\` is about a whole sequence, and a step sees one step of it
        …ate: {}, params: {}, step: ({ x }) => ({ y: shift(x, 1), z: first(x), v: last(x) }) });
                                                                     ^^^^^^^^
        fix: Only a model sees whole sequences.

    mine.cell.ts:2:150  SPEC-MODEL-FUNCTION  \`last\` is about a whole sequence, and a step sees one step of it
        …ms: {}, step: ({ x }) => ({ y: shift(x, 1), z: first(x), v: last(x) }) });
                                                                     ^^^^^^^
        fix: Only a model sees whole sequences."
  `);
});

test('delay and the number of steps are refused in a model', () => {
  expect(mistakesOf({ body: 'return { y: delay(x, 1) * T + t };' })).toMatchInlineSnapshot(`
    "mine.model.ts:9:17  SPEC-DELAY  \`delay\` is about the steps of a cell, and \`run\` is about whole sequences
            return { y: delay(x, 1) * T + t };
                        ^^^^^^^^^^^
        fix: Write \`shift(x, -1)\` for what was a step ago.

    mine.model.ts:9:31  SPEC-TIME-VALUE  the number of steps, \`T\`, is not known in a model
            return { y: delay(x, 1) * T + t };
                                      ^
        fix: \`mean(x, 'T')\` knows how long each sequence is; \`t\` is known in the step of a cell.

    mine.model.ts:9:35  SPEC-TIME-VALUE  the number of a step, \`t\`, is not known in a model
            return { y: delay(x, 1) * T + t };
                                          ^
        fix: \`mean(x, 'T')\` knows how long each sequence is; \`t\` is known in the step of a cell.

    mine.model.ts:7:13  SPEC-UNUSED-PARAM  the parameter \`W\` is never used: nothing that \`run\` returns depends on it
          params: { W: mat('K', 'H') },
                    ^^^^^^^^^^^^^^^^
        fix: Use it in \`run\`, or remove the declaration."
  `);
});

test('shift takes how far', () => {
  expect(mistakesOf({ body: 'return { y: shift(x) };' })).toMatchInlineSnapshot(`
    "mine.model.ts:9:17  SPEC-ARGUMENTS  \`shift\` takes 2 arguments, not 1
            return { y: shift(x) };
                        ^^^^^^^^
        fix: Write \`shift(x, -1)\`.

    mine.model.ts:7:13  SPEC-UNUSED-PARAM  the parameter \`W\` is never used: nothing that \`run\` returns depends on it
          params: { W: mat('K', 'H') },
                    ^^^^^^^^^^^^^^^^
        fix: Use it in \`run\`, or remove the declaration."
  `);
});

test('methods of sequences are refused', () => {
  expect(mistakesOf({ body: "return { y: first({ x }).h.mean('T') };" })).toMatchInlineSnapshot(`
    "mine.model.ts:9:17  SPEC-METHOD-CALL  \`.mean()\` is a method call, and values of a model have no methods
            return { y: first({ x }).h.mean('T') };
                        ^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Write \`mean(…)\`, imported from \`recurve\`.

    mine.model.ts:7:13  SPEC-UNUSED-PARAM  the parameter \`W\` is never used: nothing that \`run\` returns depends on it
          params: { W: mat('K', 'H') },
                    ^^^^^^^^^^^^^^^^
        fix: Use it in \`run\`, or remove the declaration."
  `);
});

test('in a cell a value is still no function', () => {
  expect(
    mistakes(
      "import { cell, vec } from 'recurve';\nexport default cell({ name: 'mine', dims: ['I'], inputs: { x: vec('I') }, state: {}, params: {}, step: ({ x }, s, p) => ({ y: x(1), z: p.f(x) }) });\n",
      'mine.cell.ts',
    ),
  ).toMatchInlineSnapshot(`
    "mine.cell.ts:2:127  SPEC-NOT-CALLABLE  \`x\` is a value, not a function
        …'I') }, state: {}, params: {}, step: ({ x }, s, p) => ({ y: x(1), z: p.f(x) }) });
                                                                     ^
        fix: To multiply, write \`*\`; to call a function, rename this value.

    mine.cell.ts:2:136  SPEC-METHOD-CALL  \`.f()\` is a method call, and values of a step have no methods
        …tate: {}, params: {}, step: ({ x }, s, p) => ({ y: x(1), z: p.f(x) }) });
                                                                     ^^^^^^
        fix: Call a function of \`recurve\` or a helper: \`f(x)\`, not \`x.f()\`."
  `);
});

test('sequences and values without time are told apart where they do not fit', () => {
  const body = [
    'const y = first({ x }).h;',
    'const a = shift(p.W, 1);',
    "const b = mean(first({ x }).final.h, 'T');",
    'const c = shift(y, 0);',
    "const d = variance(y, 'T');",
    'const e = first({ x }, { state: { h: y } }).h;',
    "return { y: matvec(p.W, y), a, b: last(b), c, d, e, f: first({ x: mean(x, 'T') }).h };",
  ].join('\n');
  expect(
    mistakesOf({
      imports: "import { first as start, last, layer, mat, matvec, mean, model, over, shift, variance, vec } from 'recurve';",
      body,
    }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:10:21  SPEC-TIMES  \`shift\` takes a sequence, and this has no time
            const a = shift(p.W, 1);
                            ^^^
        fix: Leave the function out: there is one value for each sequence.

    mine.model.ts:11:20  SPEC-TIMES  \`mean(x, 'T')\` takes a sequence, and this has no time
            const b = mean(first({ x }).final.h, 'T');
                           ^^^^^^^^^^^^^^^^^^^^
        fix: Leave the function out: there is one value for each sequence.

    mine.model.ts:12:24  SPEC-TIMES  \`shift\` takes a whole number of steps other than 0, and this is the number 0
            const c = shift(y, 0);
                               ^
        fix: Write \`shift(x, -1)\` for the step before, \`shift(x, 1)\` for the next.

    mine.model.ts:13:27  SPEC-TIMES  \`variance\` is over units, and 'T' is a time axis
            const d = variance(y, 'T');
                                  ^^^
        fix: Over time there are \`sum\`, \`mean\`, \`maxOver\` and \`softmax\`.

    mine.model.ts:14:39  SPEC-TIMES  the state \`h\` of \`first\` starts from a sequence, and it starts once
            const e = first({ x }, { state: { h: y } }).h;
                                              ^^^^
        fix: Give it one value: \`first(x)\`, \`mean(x, 'T')\`, or another layer's \`final\`; \`from\` is what gives every step its states.

    mine.model.ts:15:24  SPEC-MATRIX-USED-TWICE  \`W\` is used both by \`matvec\` and per unit
            return { y: matvec(p.W, y), a, b: last(b), c, d, e, f: first({ x: mean(x, 'T') }).h };
                               ^^^
        fix: Declare two parameters, one for each use.

    mine.model.ts:15:60  SPEC-TIMES  the layer \`first\` is given no sequence: nothing says how many steps it has
            return { y: matvec(p.W, y), a, b: last(b), c, d, e, f: first({ x: mean(x, 'T') }).h };
                                                                   ^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Give it an input over time, \`over('T', …)\`."
  `);
});

test('a state that every step is given starts from nothing, and has the shape of the state', () => {
  const wrong = (call: string) => mistakesOf({ body: `const y = ${call};\nreturn { y: matvec(p.W, y) };` });
  const h = 'first({ x }).h';
  expect(wrong(`first({ x }, { from: { h: ${h} }, state: { h: 0 } }).h`)).toContain(
    'SPEC-LAYER-SETTING  the state `h` of `first` is given to every step, and starts from nothing',
  );
  expect(wrong('first({ x }, { from: { h: x } }).h')).toContain("the state `h` of `first` is vec('H'), and this is vec('I')");
  expect(wrong(`first({ x }, { from: { c: ${h} } }).h`)).toContain('the layer `first` (gru) has no state `c`');
  expect(wrong(`first({ x }, { from: ${h} }).h`)).toContain('a layer takes the states of every step in an object');
  expect(wrong(`first({ x }, { from: { h: ${h} } }).final.h + x`)).toContain('there is no state of `first` `h`');
});

test('a layer that is given another time axis by its states than by its inputs is refused', () => {
  const body = 'return { y: first({ x }, { from: { h: z } }).h };';
  const run = `run({ x, z }, { first }) { ${body} },`;
  const inputs = "{ x: over('T', vec('I')), z: over('S', vec('H')) }";
  expect(mistakesOf({ times: "['T', 'S']", inputs, params: '{}', dims: "['I', 'H']", run })).toContain(
    'a sequence over `T` meets one over `S`',
  );
});

test('two time axes do not meet', () => {
  expect(
    mistakesOf({
      times: "['S', 'T']",
      inputs: "{ x: over('T', vec('I')), s: over('S', vec('I')) }",
      run: "run({ x, s }, { first }, p) { const y = first({ x: x + s }).h; return { y: matvec(p.W, y), z: sum(s, 'T') }; },",
      imports: "import { layer, mat, matvec, model, over, sum, vec } from 'recurve';",
    }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:9:54  SPEC-TIMES  a sequence over \`T\` meets one over \`S\`
          run({ x, s }, { first }, p) { const y = first({ x: x + s }).h; return { y: matvec(p.W, y), z: sum(s, 'T') }; },
                                                             ^^^^^
        fix: Bring one to a value without time first: \`mean(x, 'S')\`, a layer's \`final\`, or all of it, \`memory(x)\`.

    mine.model.ts:9:101  SPEC-TIMES  this is a sequence over \`S\`, not over \`T\`
          run({ x, s }, { first }, p) { const y = first({ x: x + s }).h; return { y: matvec(p.W, y), z: sum(s, 'T') }; },
                                                                                                            ^
        fix: Write 'S'."
  `);
});

test('what is fed back is made of this step and those before, has the shape of its state, and is returned', () => {
  const fed = (run: string, state = "{ fed: over('T', vec('I')) }") =>
    mistakesOf({
      imports: "import { layer, mat, matvec, mean, model, over, shift, vec } from 'recurve';",
      params: "{ W: mat('K', 'H'), V: mat('I', 'H') }",
      more: `state: ${state},`,
      run: `run({ x }, { first }, p, { state }) { ${run} },`,
    });
  const ahead = 'const h = first({ x: x + state.fed }).h; const y = matvec(p.W, h);';
  expect(fed(`${ahead} return { y, fed: tanh(matvec(p.V, h)) };`.replace('tanh(', '('))).toBe('');
  expect(fed(`${ahead} return { y, fed: matvec(p.V, shift(h, 1)) };`)).toMatchInlineSnapshot(`
    "mine.model.ts:8:120  SPEC-FEEDBACK  the next value of the state \`fed\` is made of whole sequences of what it itself is fed back into
        …: x + state.fed }).h; const y = matvec(p.W, h); return { y, fed: matvec(p.V, shift(h, 1)) }; },
                                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Make it of this step and of those before it: of layers that run forward, without \`shift\`, and without sums over time."
  `);
  expect(
    fed(`const h = first({ x: x + state.fed }, { reverse: true }).h; return { y: matvec(p.W, h), fed: matvec(p.V, h) };`),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:8:129  SPEC-FEEDBACK  the next value of the state \`fed\` is made of whole sequences of what it itself is fed back into
        …te.fed }, { reverse: true }).h; return { y: matvec(p.W, h), fed: matvec(p.V, h) }; },
                                                                     ^^^^^^^^^^^^^^^^^^^
        fix: Make it of this step and of those before it: of layers that run forward, without \`shift\`, and without sums over time."
  `);
  expect(fed(`${ahead} return { y, fed: matvec(p.V, mean(h, 'T')) };`)).toMatchInlineSnapshot(`
    "mine.model.ts:8:120  SPEC-FEEDBACK  the next value of the state \`fed\` is made of whole sequences of what it itself is fed back into
        …: x + state.fed }).h; const y = matvec(p.W, h); return { y, fed: matvec(p.V, mean(h, 'T')) }; },
                                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Make it of this step and of those before it: of layers that run forward, without \`shift\`, and without sums over time."
  `);
  expect(fed(`${ahead} return { y: y + mean(matvec(p.V, h)), fed: y };`)).toMatchInlineSnapshot(`
    "mine.model.ts:8:146  SPEC-STATE-SHAPE  the state \`fed\` is vec('I'), and its next value is vec('K')
        …t y = matvec(p.W, h); return { y: y + mean(matvec(p.V, h)), fed: y }; },
                                                                     ^^^^^^
        fix: Return vec('I'), or change the declaration of \`fed\`."
  `);
  expect(fed(`${ahead} return { y: y + mean(matvec(p.V, h)) };`)).toMatchInlineSnapshot(`
    "mine.model.ts:8:115  SPEC-MISSING-STATE  \`run\` returns no next value for the state \`fed\`
        …t({ x: x + state.fed }).h; const y = matvec(p.W, h); return { y: y + mean(matvec(p.V, h)) }; },
                                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Return \`fed\` as well; \`fed\` as it is keeps its value."
  `);
  expect(fed(`${ahead} return { y, fed: matvec(p.V, h) };`, "{ fed: vec('I') }")).toMatchInlineSnapshot(`
    "mine.model.ts:9:17  SPEC-OVER  the state \`fed\` of a model is handed from step to step, and nothing says of which time axis
          state: { fed: vec('I') },
                        ^^^^^^^^
        fix: Write \`fed: over('T', vec('I'))\`."
  `);
});

test('what is no sequence of vectors is no memory, and what is no time axis has no steps', () => {
  const body = [
    'const y = first({ x }).h;',
    'const a = memory(sum(y));',
    "const b = memory(mean(y, 'T'));",
    "const c = y * steps('S') * steps('I');",
    'const d = memory(y) + matvec(p.W, y);',
    'return { y: matvec(p.W, y), a, b, c, d };',
  ].join('\n');
  expect(
    mistakesOf({ imports: "import { layer, mat, matvec, mean, memory, model, over, steps, sum, vec } from 'recurve';", body }),
  ).toMatchInlineSnapshot(`
    "mine.model.ts:10:22  SPEC-TIMES  \`memory\` takes a vector at every step, and this is a scalar
            const a = memory(sum(y));
                             ^^^^^^
        fix: Bring it into one vector first; a number becomes one by \`broadcast\` or a matrix of one column.

    mine.model.ts:11:22  SPEC-TIMES  \`memory\` takes a sequence, and this has no time
            const b = memory(mean(y, 'T'));
                             ^^^^^^^^^^^^
        fix: Leave the function out: there is one value for each sequence.

    mine.model.ts:12:25  SPEC-TIMES  \`steps\` takes the name of a time axis, and this is the string 'S'
            const c = y * steps('S') * steps('I');
                                ^^^
        fix: Write \`steps('T')\`; there is 'T'.

    mine.model.ts:12:38  SPEC-TIMES  \`steps\` takes the name of a time axis, and this is the string 'I'
            const c = y * steps('S') * steps('I');
                                             ^^^
        fix: Write \`steps('T')\`; there is 'T'.

    mine.model.ts:13:15  SPEC-SHAPE-MISMATCH  \`+\` joins mat('T', 'H') and vec('K')
            const d = memory(y) + matvec(p.W, y);
                      ^^^^^^^^^^^^^^^^^^^^^^^^^^
        fix: Bring both to one shape; \`broadcast(x, 'T', 'H')\` repeats a value along new axes."
  `);
});

test('a total over all sequences is of one number for each, and only an output', () => {
  const of = (body: string) => {
    return mistakesOf({
      imports: "import { layer, mat, matvec, mean, model, over, sum, vec } from 'recurve';",
      body: `const h = matvec(p.W, mean(first({ x }).h, 'T'));\n${body}`,
    });
  };
  expect(of("return { h, y: sum(x, 'B'), z: mean(h, 'B'), v: sum(1, 'B') };")).toMatchInlineSnapshot(`
    "mine.model.ts:10:24  SPEC-TOTAL  \`sum(x, 'B')\` takes one number for each sequence, and this is a sequence over \`T\`
            return { h, y: sum(x, 'B'), z: mean(h, 'B'), v: sum(1, 'B') };
                               ^
        fix: Bring it to one first: \`sum(sum(x, 'T'), 'B')\`.

    mine.model.ts:10:41  SPEC-TOTAL  \`mean(x, 'B')\` takes one number for each sequence, and this is vec('K')
            return { h, y: sum(x, 'B'), z: mean(h, 'B'), v: sum(1, 'B') };
                                                ^
        fix: Bring it to one first: \`mean(mean(x), 'B')\`.

    mine.model.ts:10:57  SPEC-TOTAL  \`sum(x, 'B')\` takes one number for each sequence, and this is the same for all
            return { h, y: sum(x, 'B'), z: mean(h, 'B'), v: sum(1, 'B') };
                                                                ^
        fix: Make it of an input, or leave it out."
  `);
  expect(of("const total = sum(sum(h), 'B');\nreturn { total, half: 0.5 * total };")).toMatchInlineSnapshot(`
    "mine.model.ts:11:33  SPEC-TOTAL  the sum over all sequences is read, and it can only be an output
            return { total, half: 0.5 * total };
                                        ^^^^^
        fix: Return it as it stands, \`total: sum(loss, 'B')\`; what is computed with it is computed before the sum."
  `);
});
