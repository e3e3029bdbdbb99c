/** Mistakes in a step: its expressions and statements, its shapes, and what it returns. */
import { checkSpec, parseCellSource } from '../../codegen/frontend/index.js';
import { cellOf, type Parts, usingAll } from '../frontend/specs.js';
import { type Witness, witness } from './witness.js';

const IMPORTS =
  'import { antisymmetric, blockTriangular, broadcast, cell, choice, clamp, concat, conv1d, crossEntropy, delay, dot, dropConnect, dropout, ' +
  'elu, embed, flag, index, kernel, log, map, mat, matvec, noise, outer, sample, scalar, sigmoid, slice, softmax, stack, sum, tanh, vec, ' +
  "zoneout } from 'recurve';";

const spec = (parts: Parts, found: string): Witness =>
  witness(() => checkSpec(parseCellSource('mine.cell.ts', cellOf({ imports: IMPORTS, ...parts }))), found);

/** A step that has `a`, what the next state is made of, and ends with these lines. */
const ends = (lines: string, found: string, parts: Parts = {}) =>
  spec({ body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;\n${lines}`, ...parts }, found);
/** A step whose next state is this. */
const returns = (value: string, found: string, parts: Parts = {}) => ends(`return { h: ${value} };`, found, parts);

/** The step that uses everything once, and returns `more` besides. */
const besides = (more: string, found: string) => spec(usingAll(more), found);

export const STEP = {
  'SPEC-TOO-DEEP': returns('a + '.repeat(450).concat('a'), '400 levels'),
  'SPEC-TOO-LARGE': ends(
    'let b = a;\nfor (let k = 0; k < 9000; k++) b = tanh(b) + tanh(k * b);\nreturn { h: b };',
    '20000 values',
  ),
  'SPEC-UNKNOWN-NAME': returns('gat', '`gat`'),
  'SPEC-TIME-VALUE': returns('a / T', '`T`'),
  'SPEC-UNKNOWN-MEMBER': returns('a + p.W_q', '`W_q`'),
  'SPEC-UNKNOWN-OPTION': returns('o.peephole ? a : h + a', '`peephole`', { options: '{ peepholes: flag(false) }' }),
  'SPEC-BEFORE-DECLARATION': ends('const b = 2 * c;\nconst c = a;\nreturn { h: b + c };', '`c`'),
  'SPEC-DUPLICATE-NAME': ends('const x = a;\nreturn { h: x };', '`x`'),
  'SPEC-ARGUMENTS': returns('sigmoid(a, 1)', '`sigmoid` takes 1 argument, not 2'),
  'SPEC-METHOD-CALL': returns('a.tanh()', '`.tanh()`'),
  'SPEC-CONSOLE': ends('console.log(h);\nreturn { h: a };', '`console.log`'),
  'SPEC-MATH': returns('Math.tanh(a)', '`Math.tanh`'),
  'SPEC-NOT-CALLABLE': returns('a(1)', '`a` is a value'),
  'SPEC-MISPLACED': returns("a + vec('H')", '`vec`'),
  'SPEC-FUNCTION-VALUE': ends('const f = tanh;\nreturn { h: a };', '`tanh` is a function'),
  'SPEC-RECURSION': returns('even(a)', 'even → odd → even', {
    before: 'const even = (y: number): number => odd(y);\nconst odd = (y: number): number => even(y);',
  }),
  'SPEC-NONFINITE': returns('a + log(0)', '`log(0)` is -Infinity'),
  'SPEC-SPREAD': returns('tanh(...[a])', '`...`'),
  'SPEC-NEW': returns('a + new Float32Array(4)', '`new`'),
  'SPEC-ASYNC': spec({ step: 'async step({ x }, { h }, p) { return { h }; },' }, '`step` is asynchronous'),
  'SPEC-EXPRESSION': returns('a + null', '`null`'),
  'SPEC-OPERATOR': returns('a == 0 ? a : h', '`==`'),
  'SPEC-PATTERN': ends('const { b = 1 } = p;\nreturn { h: a + b };', 'default values'),
  'SPEC-WHILE': ends('while (true) {}\nreturn { h: a };', 'not a constant'),
  'SPEC-FOR-OF': ends('for (const k of [1]) {}\nreturn { h: a };', '`for … of`'),
  'SPEC-STATEMENT': ends('switch (1) {}\nreturn { h: a };', '`switch`'),
  'SPEC-VAR': ends('var b = a;\nreturn { h: b };', '`var`'),
  'SPEC-ASSIGN-CONST': ends('const b = a;\nb = 2 * a;\nreturn { h: b };', '`b`'),
  'SPEC-ASSIGN-IN-BRANCH': ends('let b = a;\nif (o.on) b = 2 * a;\nreturn { h: b };', '`b`', { options: '{ on: flag(false) }' }),
  'SPEC-ASSIGN-TARGET': ends('p.b = a;\nreturn { h: a };', 'only a `let`'),
  'SPEC-NO-VALUE': ends('let b;\nreturn { h: a };', '`b`'),
  'SPEC-FOR-FORM': ends('for (;;) {}\nreturn { h: a };', 'does not count'),
  'SPEC-NO-EFFECT': ends('tanh(a);\nreturn { h: a };', 'is dropped'),
  'SPEC-UNREACHABLE': ends('return { h: a };\nconst b = 1;', 'behind a `return`'),
  'SPEC-SHAPE-MISMATCH': returns('a + x', "vec('H') and vec('I')"),
  'SPEC-MATVEC-MATRIX': returns('a + matvec(x, p.W)', "vec('I'), not a matrix"),
  'SPEC-MATVEC-SHAPE': returns('a + matvec(p.W, h)', "not vec('H')"),
  'SPEC-MATRIX-ARITHMETIC': spec({ body: 'return { h: p.W * x + matvec(p.U, h) + p.b };' }, 'the matrix `W`'),
  'SPEC-TRANSPOSE': returns('a + matvec(p.U.T, h)', '`T`'),
  'SPEC-MATRIX-ARGUMENT': besides('matvec(dropConnect(2, 0.5), h)', 'the number 2'),
  'SPEC-MATRIX-TWICE': besides('matvec(blockTriangular(blockTriangular(p.U, 2), 4), h)', '`blockTriangular`'),
  'SPEC-MATRIX-MASKS': besides('matvec(blockTriangular(p.U, 2), h)', '`U`'),
  'SPEC-MATRIX-USED-TWICE': besides('matvec(p.U * outer(h, h), h)', '`U`'),
  'SPEC-STACK-INDEX': besides('matvec(p.S[2], h)', 'none at 2'),
  'SPEC-PRODUCT-SHAPE': besides('dot(x, h)', "vec('I') and vec('H')"),
  'SPEC-AXIS': besides("sum(h, 'I')", "no axis 'I'"),
  'SPEC-AXIS-NUMBER': besides('softmax(h, 0)', 'the number 0'),
  'SPEC-BROADCAST': besides("broadcast(m, 'I', 'X')", "mat('X', 'I') cannot be spread to mat('I', 'X')"),
  'SPEC-CONCAT': besides("concat('H', x, 1)", 'a scalar'),
  'SPEC-CONCAT-DIM': besides('matvec(p.U, concat(x, h))', "vec('I')"),
  'SPEC-SLICE': besides("slice(p.r, 'H', 0)", 'a scalar'),
  'SPEC-SIZE': besides('concat(5, index(2), index(2))', 'the axis has 5'),
  'SPEC-COUNT': besides('delay(h, 0)', 'the number 0'),
  'SPEC-CONV-KERNEL': besides('conv1d(p.W, m)', "not mat('H', 'I')"),
  'SPEC-CONV-SHAPE': besides('conv1d(p.K, x)', "not vec('I')"),
  'SPEC-LOSS-SETTING': besides('crossEntropy(h, 0, { smooth: 0.1 })', '`smooth`'),
  'SPEC-LOGITS': besides('crossEntropy(softmax(h), 0)', '`softmax`'),
  'SPEC-POSITIVE': besides('sample(h, 0)', 'this is 0'),
  'SPEC-CONV-SETTING': besides("conv1d(p.K, m, { pad: 'same' })", '`pad`'),
  'SPEC-DELAY': besides('delay(h * 2, 1)', 'this is neither'),
  'SPEC-RATE': besides('dropout(h, 1.5)', 'the number 1.5'),
  'SPEC-SYMBOL': besides('embed(p.W, h)', "vec('H')"),
  'SPEC-NOISE-SCALE': besides('noise(h, x)', "vec('I')"),
  'SPEC-ABSENT': returns('a', '`b`', {
    options: '{ on: flag(true) }',
    params: "(o) => ({ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H', { when: o.on }) })",
  }),
  'SPEC-STRING-AS-NUMBER': returns("a + '1'", "'1'"),
  'SPEC-BOOLEAN-AS-NUMBER': returns('a + (a > 0)', 'a comparison'),
  'SPEC-NOT-A-NUMBER': returns('a + [a]', 'an array'),
  'SPEC-TEST': returns('a ? a : h', "vec('H')"),
  'SPEC-DYNAMIC-IF': ends('if (a > 0) return { h: a };\nreturn { h };', 'known only when running'),
  'SPEC-DYNAMIC-FOR': ends('let b = a;\nfor (let k = 0; k < a; k++) b = b + a;\nreturn { h: b };', "vec('H')"),
  'SPEC-LOOP-LENGTH': ends('let b = a;\nfor (let k = 0; k < 3; k--) b = b + a;\nreturn { h: b };', 'never ends'),
  'SPEC-DIVISION-BY-ZERO': returns('a / 0', 'is zero'),
  'SPEC-NOT-STATIC': returns('elu(a, h)', '`elu`'),
  'SPEC-CHOICE-VALUE': returns("o.kind === 'befor' ? a : h", "'befor'", { options: "{ kind: choice('after', 'before') }" }),
  'SPEC-CLAMP-BOUNDS': returns('clamp(a, 1, -1)', '1 is above the high bound -1'),
  'SPEC-NO-RETURN': spec({ body: 'const a = matvec(p.W, x);' }, '`step`'),
  'SPEC-RETURN': ends('return a;', "vec('H')"),
  'SPEC-MISSING-STATE': returns('a', '`c`', { state: "{ h: vec('H'), c: vec('H') }" }),
  'SPEC-EXTRA-STATE': ends('return { h: a, y: 2 * a };', '`y`', { outputs: "['h']" }),
  'SPEC-STATE-SHAPE': returns('x', "vec('I')"),
  'SPEC-OUTPUT-SHAPE': ends('return { h: a, y: 2 };', '`y`'),
} as const satisfies Readonly<Record<string, Witness>>;
