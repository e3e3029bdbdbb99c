/** Specs that are large in one way each: compiled in bounded time, or refused with the limit's number. */
import { expect, test } from 'vitest';
import { RecurveError, SpecError } from '../../codegen/errors.js';
import { checkSpec, compile, parseCellSource, resolveOptions } from '../../codegen/index.js';
import type { Plan } from '../../codegen/plan.js';
import { TARGET } from './target.js';

/** No case takes a tenth of this on a machine that does nothing else. */
const BEARABLE_MS = 20_000;

const many = (count: number, item: (index: number) => string, between = '') =>
  Array.from({ length: count }, (_, i) => item(i)).join(between);
const nested = (depth: number, open: string, inner: string, close: string) => open.repeat(depth) + inner + close.repeat(depth);

interface Parts {
  readonly top?: string;
  readonly options?: string;
  readonly state?: string;
  readonly params?: string;
  readonly returns?: string;
}

const cell = (step: string, { top = '', options = '', state = '', params = '', returns = '' }: Parts = {}) => `
import { blocks, cell, choice, concat, delay, flag, mat, matvec, scalar, softmax, stack, sum, tanh, vec } from 'recurve';
${top}
export default cell({
  name: 'large', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H')${state} },
  options: { k: flag(false)${options} }, params: { W: mat('H', 'I'), b: vec('H')${params} },
  step({ x }, s, p, { options: o }) {
    let a = o.k ? matvec(p.W, x) : matvec(p.W, x) + s.h;
    ${step}
    return { h: tanh(a + p.b)${returns} };
  },
});`;

/** The plan, or every refusal as `CODE message`. */
function outcome(text: string): Plan | string {
  try {
    const tree = parseCellSource('large.cell.ts', text);
    checkSpec(tree);
    const sizes = Object.fromEntries(['T', 'B', ...tree.dims.map(({ name }) => name)].map((dim) => [dim, 3]));
    return compile(tree, { options: resolveOptions(tree, {}), sizes, gradients: true, target: TARGET });
  } catch (error) {
    if (error instanceof SpecError) return error.diagnostics.map(({ code, message }) => `${code} ${message}`).join('\n');
    if (error instanceof RecurveError) return `${error.code} ${error.message}`;
    throw error;
  }
}

function bounded(text: string): Plan | string {
  const start = performance.now();
  const found = outcome(text);
  expect(performance.now() - start).toBeLessThan(BEARABLE_MS);
  return found;
}

const helpers = (count: number, inner: (before: string) => string) =>
  many(count, (i) => `function f${i}(a) { return ${i === 0 ? 'tanh(a)' : inner(`f${i - 1}`)}; }\n`);
const declared = (count: number, declaration: string) => many(count, (i) => `, q${i}: ${declaration}`);

test.each<[string, string]>([
  [
    '1,500 vectors as parameters',
    cell(
      many(1500, (i) => `a = a + p.q${i};\n`),
      { params: declared(1500, "vec('H')") },
    ),
  ],
  [
    '1,500 scalars as parameters',
    cell(
      many(1500, (i) => `a = a + p.q${i};\n`),
      { params: declared(1500, 'scalar()') },
    ),
  ],
  [
    '600 matrices on one state',
    cell(
      many(600, (i) => `a = a + matvec(p.q${i}, s.h);\n`),
      { params: declared(600, "mat('H', 'H')") },
    ),
  ],
  [
    'a stack of 500 matrices, one after the other',
    cell('for (let i = 0; i < 500; i++) a = tanh(matvec(p.U[i], a));', { params: ", U: stack(500, 'H', 'H')" }),
  ],
  ['200 helpers, each calling the one before', `${cell('a = f199(a);')}\n${helpers(200, (before) => `${before}(a)`)}`],
  ['500 outputs', cell('', { returns: many(500, (i) => `, o${i}: tanh(a * ${i})`) })],
  [
    '300 states, each of all others',
    cell(`const q = ${many(300, (i) => `s.s${i}`, ' + ')};`, {
      state: many(300, (i) => `, s${i}: vec('H')`),
      returns: many(300, (i) => `, s${i}: tanh(q - ${i} * s.s${i})`),
    }),
  ],
  [
    '1,000 statements, each of the one before',
    cell(`${many(1000, (i) => `const c${i} = 0.5 * tanh(${i === 0 ? 'a' : `c${i - 1}`});\n`)}a = c999;`),
  ],
  [
    '100 sums of all values so far',
    cell(`${many(100, (i) => `const c${i} = tanh(${many(i + 1, (j) => (j === 0 ? 'a' : `c${j - 1}`), ' + ')});\n`)}a = c99;`),
  ],
  [
    'objects that hold the one before twice, 60 deep',
    cell(`const c0 = { v: a };${many(60, (i) => `const c${i + 1} = { l: c${i}, r: c${i} };`)} a = c60${'.l'.repeat(60)}.v;`),
  ],
  ['600 reductions, each of the one before', cell('for (let i = 0; i < 600; i++) a = a + softmax(a);')],
  ['an array of 5,000 numbers', cell(`const q = [${many(5000, String, ', ')}]; for (let i = 0; i < 500; i++) a = a + q[i];`)],
  ['an object of 5,000 members', cell(`const q = { ${many(5000, (i) => `k${i}: ${i}`, ', ')} }; a = a + q.k7;`)],
  [
    'a concat of 300 parts',
    cell(`a = a + sum(concat('N', ${many(300, (i) => `a * ${i}`, ', ')}));`).replace("['I', 'H']", "['I', 'H', 'N']"),
  ],
  [
    '300 options',
    cell(
      many(300, (i) => `a = o.f${i} ? a + ${i} : a;`),
      { options: many(300, (i) => `, f${i}: flag(false)`) },
    ),
  ],
  [
    'ten options of fifty values',
    cell(
      many(10, (i) => `a = o.f${i} === 'v1' ? a + ${i} : a;`),
      { options: many(10, (i) => `, f${i}: choice(${many(50, (j) => `'v${j}'`, ', ')})`) },
    ),
  ],
  ['300 past values of a state', cell(many(300, (i) => `a = a + delay(s.h, ${i + 2});\n`))],
])('%s compile', (_, text) => {
  expect(bounded(text)).toMatchObject({ cell: 'large' });
});

test.each<[string, string]>([
  ['terms', many(390, (i) => `${i + 1} * a`, ' + ')],
  ['choices', `${many(390, (i) => `a > ${i} ? a + ${i} : `)}a`],
  ['functions', nested(390, 'tanh(', 'a', ')')],
  ['signs', nested(390, '-(', 'a', ')')],
  ['tests', `${many(390, (i) => `a > ${i}`, ' && ')} ? a : 2 * a`],
  ['arrays', `${nested(190, '[', 'a', ']')}${'[0]'.repeat(190)}`],
])('%s nested almost as deep as allowed compile', (_, expression) => {
  expect(bounded(cell(`a = ${expression};`))).toMatchObject({ cell: 'large' });
});

test.each<[string, string, RegExp]>([
  ['a sum of 1,000 terms', `a = ${many(1000, (i) => `${i + 1} * a`, ' + ')};`, /^SPEC-TOO-DEEP .* 400 levels/],
  ['500 choices inside each other', `a = ${many(500, (i) => `a > ${i} ? a + ${i} : `)}a;`, /^SPEC-TOO-DEEP .* 400 levels/],
  ['a test of 1,000 tests', `a = ${many(1000, (i) => `a > ${i}`, ' && ')} ? a : 2 * a;`, /^SPEC-TOO-DEEP .* 400 levels/],
  ['objects 500 deep', `const q = ${nested(500, '{ v: ', 'a', ' }')};`, /^SPEC-TOO-DEEP .* 400 levels/],
  ['5,000 members of a member', `a = a${'.x'.repeat(5000)};`, /^SPEC-TOO-DEEP .* 400 levels/],
  ['2,000 brackets', `a = ${nested(2000, '(', 'a', ')')};`, /^SPEC-TOO-DEEP .* 400 levels/],
  ['2,000 array literals', `const q = ${nested(2000, '[', 'a', ']')};`, /^SPEC-TOO-DEEP .* 400 levels/],
  ['2,000 templates', `const q = ${nested(2000, '`${', 'a', '}`')};`, /^SPEC-TOO-DEEP .* 400 levels/],
  ['5,000 signs', `a = ${'- '.repeat(5000)}a;`, /^SPEC-TOO-DEEP .* 400 levels/],
  ['1,000 ifs', `${nested(1000, 'if (true) { ', 'a = a + 1;', '}')}`, /^SPEC-TOO-DEEP .* 400 levels/],
  [
    'a loop that doubles itself 25 times',
    `${many(25, (i) => `for (let i${i} = 0; i${i} < 2; i${i}++) `)} a = 2 * a;`,
    /^SPEC-TOO-LARGE .* 20000 values/,
  ],
  [
    'a loop that joins tests 3,000 times',
    'let q = a > 0; for (let i = 0; i < 3000; i++) q = q || a > i; a = q ? a : 2 * a;',
    /^LIMIT-KERNEL .* 8000 are/,
  ],
  [
    'a loop that joins 930 tests',
    'let q = a > 0; for (let i = 0; i < 930; i++) q = q && a > i * s.h; a = q ? a : 2 * a;',
    /^LIMIT-KERNEL kernel \S+, .* 8000 are/,
  ],
  [
    'tests of all tests so far',
    'let q = a > 0; for (let i = 0; i < 1500; i++) { q = q || a > i; a = q ? tanh(a) : a; }',
    /^LIMIT-KERNEL .* 8000 are/,
  ],
  ['forty async functions', `a = ${'async (x = '.repeat(40)}a;`, /^SPEC-ASYNC .* 40 times, and 12 are read$/],
])('%s is refused with the limit', (_, step, message) => {
  expect(bounded(cell(step))).toMatch(message);
});

test.each<[string, string, RegExp]>([
  [
    '2,000 helpers, each calling the one before',
    `${cell('a = f1999(a);')}\n${helpers(2000, (before) => `${before}(a)`)}`,
    /^SPEC-TOO-DEEP .* (400|600) levels/,
  ],
  [
    'forty helpers, each calling the one before twice',
    `${cell('a = f39(a);')}\n${helpers(40, (before) => `${before}(${before}(a))`)}`,
    /^SPEC-TOO-LARGE .* 20000 values/,
  ],
  [
    'constants that double forty times',
    cell('a = a * c39;', { top: many(40, (i) => `const c${i} = ${i === 0 ? '1' : `c${i - 1} * c${i - 1}`};`) }),
    /^SPEC-TOO-LARGE .* 1000000 evaluations/,
  ],
  [
    '2,000 constants, each of the one before',
    cell('a = a * c1999;', { top: many(2000, (i) => `const c${i} = ${i === 0 ? '1' : `c${i - 1} + 0`};`) }),
    /^SPEC-TOO-DEEP .* 400 levels/,
  ],
  ['types 3,000 deep', cell('', { top: `type Q = ${nested(3000, '{ a: ', 'number', ' }')};` }), /^SPEC-TOO-DEEP .* 400 levels/],
])('%s are refused with the limit', (_, text, message) => {
  expect(bounded(text)).toMatch(message);
});

/** Statements of the largest kernel, and entries of its largest table, for kernels whose name starts so. */
function largest(plan: Plan | string, kernel: string): { statements: number; table: number; kernels: number } {
  if (typeof plan === 'string') throw new Error(plan);
  const texts = plan.kernels.filter(({ name }) => name.startsWith(kernel)).map(({ wgsl }) => wgsl);
  const tables = texts.flatMap((wgsl) => [...wgsl.matchAll(/array<u32, (\d+)>/g)].map(([, size]) => Number(size)));
  return {
    statements: Math.max(...texts.map((wgsl) => wgsl.split(';').length)),
    table: Math.max(0, ...tables),
    kernels: texts.length,
  };
}

test.each<[string, readonly string[], string]>([
  [
    'one matrix, used many times',
    ['backward_weights', 'forward'],
    cell('for (let i = 0; i < 300; i++) a = a + tanh(matvec(p.U, a) * i);', { params: ", U: mat('H', 'H')" }),
  ],
  [
    'many matrices',
    ['backward_weights', 'pack'],
    cell(
      many(600, (i) => `a = a + matvec(p.q${i}, s.h);\n`),
      { params: declared(600, "mat('H', 'H')") },
    ),
  ],
  [
    'many vectors',
    ['backward_sums', 'backward_gather'],
    cell(
      many(1000, (i) => `a = a + tanh(a * p.q${i});\n`),
      { params: declared(1000, "vec('H')") },
    ),
  ],
])('kernels for %s are several of a bearable size', (_, names, text) => {
  const plan = bounded(text);
  for (const name of names) {
    const { statements, table, kernels } = largest(plan, name);
    expect(kernels).toBeGreaterThan(1);
    expect(statements).toBeLessThan(TARGET.maxKernelInstructions);
    expect(table).toBeLessThanOrEqual(512);
  }
});
