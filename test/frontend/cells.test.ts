/** The built-in cells, and what the tree and the graph of a spec hold. */
import { describe, expect, test } from 'vitest';
import { checkSpec, lower, parseCell, parseCellSource, resolveOptions, resolveSignature } from '../../codegen/frontend/index.js';
import type { OptionValue, OptionValues } from '../../codegen/frontend/tree.js';
import type { NodeId, StepGraph } from '../../codegen/ir/graph.js';
import { cellOf, mistakesOf, type Parts } from './specs.js';

const path = (cell: string) => `kernels/cells/${cell}.cell.ts`;

function graphOf(parts: Parts, options: OptionValues = {}): StepGraph {
  const tree = parseCellSource('mine.cell.ts', cellOf(parts));
  return lower(tree, resolveSignature(tree, resolveOptions(tree, options)));
}

/** A value as an expression, for comparing graphs by eye. */
function show(graph: StepGraph, id: NodeId | undefined): string {
  const node = id === undefined ? undefined : graph.nodes[id];
  if (node === undefined) return '?';
  if (node.op === 'constant') return String(node.value);
  if ('name' in node) return node.name;
  if (node.op === 'contract') return node.terms.map(({ matrix, operand }) => `${matrix}·${show(graph, operand)}`).join(' + ');
  return 'args' in node ? `${node.op}(${node.args.map((arg) => show(graph, arg)).join(', ')})` : node.op;
}

/** The next value of `h` in a cell without parameters to speak of. */
function next(body: string, parts: Parts = {}, options: OptionValues = {}): string {
  const graph = graphOf({ state: "{ h: vec('I') }", params: '{}', body, ...parts }, options);
  return show(graph, graph.next.h);
}

describe('the built-in cells', () => {
  test.each(['rnn', 'lstm', 'gru'])('%s has no mistakes under any options', (cell) => {
    expect(() => checkSpec(parseCell(path(cell)))).not.toThrow();
  });

  test.each(['rnn', 'lstm', 'gru'])('%s lowers under every pair of option values', (cell) => {
    const tree = parseCell(path(cell));
    const valuesOf = (option: (typeof tree.options)[number]): readonly OptionValue[] =>
      option.kind === 'choice' ? option.values : option.kind === 'flag' ? [true, false] : [0, 3];
    for (const first of tree.options) {
      for (const second of tree.options) {
        for (const a of valuesOf(first)) {
          for (const b of valuesOf(second)) {
            const signature = resolveSignature(tree, resolveOptions(tree, { [first.name]: a, [second.name]: b }));
            const graph = lower(tree, signature);
            expect(Object.keys(graph.next)).toEqual(signature.state.map(({ name }) => name));
          }
        }
      }
    }
  });

  test('the summary is the first sentence of the doc comment', () => {
    expect(parseCell(path('gru')).summary).toBe('Gated recurrent unit (Cho et al. 2014).');
    expect(parseCell(path('gru')).documentation).toContain('Keras with reset_after = False');
  });

  test('options decide what an lstm takes', () => {
    const tree = parseCell(path('lstm'));
    const plain = resolveSignature(tree, resolveOptions(tree, {}));
    expect(plain.dims).toEqual(['I', 'H']);
    expect(plain.params.map(({ name }) => name)).not.toContain('p_i');
    const projected = resolveSignature(tree, resolveOptions(tree, { projection: 'true', coupled: true, peepholes: true }));
    expect(projected.dims).toEqual(['I', 'H', 'P']);
    expect(projected.state.map(({ name, shape }) => [name, shape])).toEqual([
      ['h', ['P']],
      ['c', ['H']],
    ]);
    expect(projected.params.map(({ name }) => name)).toEqual([
      'W_i',
      'U_i',
      'b_i',
      'p_i',
      'W_g',
      'U_g',
      'b_g',
      'W_o',
      'U_o',
      'b_o',
      'p_o',
      'W_h',
    ]);
    expect(projected.outputs).toEqual(['h']);
  });

  test('every node carries the place of its source', () => {
    const tree = parseCell(path('gru'));
    const graph = lower(tree, resolveSignature(tree, resolveOptions(tree, {})));
    const node = graph.nodes[graph.next.h ?? -1];
    expect(tree.sources[node?.span.file ?? '']?.[(node?.span.line ?? 0) - 1]).toContain('const next = (1 - z) *');
  });
});

describe('what expressions mean', () => {
  test('numbers are read as JavaScript reads them', () => {
    const text = '[1e-7, 0x10, 1_000, .5, 5., 1e21, 0b11, 1.5e+3]';
    const parts: Parts = { before: `const numbers = ${text};` };
    const expected = [1e-7, 16, 1000, 0.5, 5, 1e21, 3, 1500];
    for (const [index, value] of expected.entries()) {
      expect(next(`return { h: x * h * numbers[${index}] };`, parts)).toBe(`mul(mul(x, h), ${value})`);
    }
  });

  test('an option takes a default with an exponent', () => {
    const tree = parseCellSource('mine.cell.ts', cellOf({ options: '{ eps: real(1e-7, { min: -1e-9 }) }' }));
    expect(tree.options).toMatchObject([{ default: 1e-7, min: -1e-9 }]);
  });

  test('helpers are inlined, and their locals do not leak', () => {
    const before = 'function mix(a: number, b: number): number {\n  const h = 2 * a;\n  return h + b;\n}';
    expect(next('const a = mix(h, x);\nreturn { h: a - h };', { before })).toBe('sub(add(mul(2, h), x), h)');
  });

  test('helpers give objects and arrays to take apart', () => {
    const before = 'const both = (a: number, b: number) => ({ sum: a + b, list: [a, b] });';
    expect(next('const { sum, list: l } = both(x, h);\nconst [a, b] = l;\nreturn { h: sum * (b - a) };', { before })).toBe(
      'mul(add(x, h), sub(h, x))',
    );
  });

  test('a for is unrolled, up and down, with its counter as a number', () => {
    expect(next('let y = x * h;\nfor (let k = 1; k <= 3; k++) y = y * (k + 0.5);\nreturn { h: y };')).toBe(
      'mul(mul(mul(mul(x, h), 1.5), 2.5), 3.5)',
    );
    expect(next('let y = x * h;\nfor (let k = 4; k > 0; k -= 2) {\n  const z = y * k;\n  y = z;\n}\nreturn { h: y };')).toBe(
      'mul(mul(mul(x, h), 4), 2)',
    );
  });

  test('a return inside an unrolled for ends the function', () => {
    const before =
      'function first(y: number): number {\n  for (let k = 2; k < 5; k++) {\n    if (k === 3) return y * k;\n  }\n  return y;\n}';
    expect(next('return { h: first(x * h) };', { before })).toBe('mul(mul(x, h), 3)');
  });

  test('a static test takes one side and does not look at the other', () => {
    const parts: Parts = { options: '{ on: flag(true) }', params: "(o) => ({ b: vec('I', { when: o.on }) })" };
    const body = 'return { h: o.on ? x + p.b : x * h };';
    expect(next(body, parts)).toBe('add(x, b)');
    expect(next(body, parts, { on: false })).toBe('mul(x, h)');
  });

  test('a dynamic test becomes a select', () => {
    expect(next('return { h: x > h ? x : 0.5 };')).toBe('select(gt(x, h), x, 0.5)');
  });

  test('powers and remainders are ops, and whole powers their shortest form', () => {
    expect(next('return { h: x ** h + (x % h) };')).toBe('add(pow(x, h), mod(x, h))');
    expect(next('return { h: x ** 2 * h };')).toBe('mul(square(x), h)');
    expect(next('return { h: x ** 1 * h };')).toBe('mul(x, h)');
    expect(next('return { h: x * h * (7 % 4) ** 2 };')).toBe('mul(mul(x, h), 9)');
  });

  test('logic on tests becomes ops; what is static decides or drops out', () => {
    const options = '{ on: flag(true) }';
    expect(next('return { h: x > 0 && !(h > 0) ? x : h };')).toBe('select(and(gt(x, 0), not(gt(h, 0))), x, h)');
    expect(next('return { h: x > 0 || h > 0 ? x : h };')).toBe('select(or(gt(x, 0), gt(h, 0)), x, h)');
    const body = 'return { h: o.on && x > 0 && o.on ? x : h * (x > 0 || o.on ? 2 : 3) };';
    expect(next(body, { options })).toBe('select(gt(x, 0), x, mul(h, 2))');
    expect(next(body, { options }, { on: false })).toBe('mul(h, select(gt(x, 0), 2, 3))');
    // A static if may stand behind a test that a static side decides.
    const early = 'if (x > 0 && !o.on) return { h: x };\nreturn { h: x * h };';
    expect(next(early, { options })).toBe('mul(x, h)');
  });

  test('select is the conditional, a static test included', () => {
    const imports = "import { cell, flag, select, vec } from 'recurve';";
    const options = '{ on: flag(true) }';
    expect(next('return { h: select(x > h, x, 0.5) };', { imports })).toBe('select(gt(x, h), x, 0.5)');
    expect(next('return { h: select(o.on, x * h, h) };', { imports, options })).toBe('mul(x, h)');
  });

  test('functions of constants are constants', () => {
    const imports =
      "import { cell, erf, floor, gelu, logSigmoid, mish, mod, pow, round, silu, step, stopGradient, straightThrough, vec } from 'recurve';";
    const value = (text: string) =>
      Number(next(`return { h: x * h * ${text} };`, { imports }).slice('mul(mul(x, h), '.length, -1));
    expect(value('pow(3, 2)')).toBe(9);
    expect(value('(round(2.5) + mod(7, 4))')).toBe(5);
    expect(value('(floor(2.9) + step(0) + straightThrough(4, 1) + stopGradient(5))')).toBe(12);
    expect(value('erf(0.3)')).toBeCloseTo(0.3286267595, 10);
    expect(value('erf(2)')).toBeCloseTo(0.995322265, 9);
    expect(value('silu(1)')).toBeCloseTo(1 / (1 + Math.exp(-1)), 15);
    expect(value('mish(1)')).toBeCloseTo(0.8650983883, 10);
    expect(value('logSigmoid(0)')).toBeCloseTo(-Math.LN2, 15);
    expect(value('gelu(-3)') / -3).toBeCloseTo(0.0013498980316, 13);
  });

  test('parameters are read by index in a loop', () => {
    const parts: Parts = { before: "const names = ['a', 'b'];", params: "{ a: vec('I'), b: vec('I') }" };
    expect(next('let y = x * h;\nfor (let k = 0; k < 2; k++) y = y + p[names[k]];\nreturn { h: y };', parts)).toBe(
      'add(add(mul(x, h), a), b)',
    );
  });

  test('an inner scope hides an outer name without changing it', () => {
    const body =
      'const y = x * h;\nlet z = y;\nfor (let k = 0; k < 1; k++) {\n  const y = 3;\n  z = z + y;\n}\nreturn { h: z - y };';
    expect(next(body)).toBe('sub(add(mul(x, h), 3), mul(x, h))');
  });

  test('types, casts and parentheses say nothing', () => {
    expect(next('const y = (x as number) * h!;\nreturn { h: (y satisfies number) };')).toBe('mul(x, h)');
  });

  test('an import may be renamed, and a local may take the name of a function', () => {
    const imports = "import { cell, vec, tanh as t } from 'recurve';";
    expect(next('const tanh = t(x);\nreturn { h: tanh * h };', { imports })).toBe('mul(tanh(x), h)');
  });

  test('defaults of functions become constants', () => {
    const imports = "import { cell, vec, elu, leakyRelu } from 'recurve';";
    expect(next('return { h: leakyRelu(x) + elu(h) };', { imports })).toBe('add(leakyRelu(x, 0.01), elu(h, 1))');
  });

  test('step may be an arrow or a function of the module', () => {
    expect(mistakesOf({ step: 'step: ({ x }, { h }, p) => ({ h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) }),' })).toBe('');
    expect(
      mistakesOf({
        before: 'function advance({ x }, { h }, p) {\n  return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) };\n}',
        step: 'step: advance,',
      }),
    ).toBe('');
  });

  test('further outputs have names of their own', () => {
    const body = 'const y = x * h;\nreturn { h: y, y: y + 1 };';
    const all = graphOf({ state: "{ h: vec('I') }", params: '{}', body });
    expect(Object.keys(all.outputs)).toEqual(['h', 'y']);
    const one = graphOf({ state: "{ h: vec('I') }", params: '{}', outputs: "['y']", body });
    expect(Object.keys(one.outputs)).toEqual(['y']);
    expect(Object.keys(one.next)).toEqual(['h']);
  });

  test('a state that options leave out is neither returned nor an output', () => {
    const parts: Parts = {
      options: '{ memory: flag(true) }',
      dims: "['I']",
      state: "(o) => ({ h: vec('I'), c: vec('I', { when: o.memory }) })",
      params: '{}',
      outputs: "['h', 'c']",
      step: 'step({ x }, { h, c }, p, { options: o }) {\n    return { h: x * h, c: o.memory ? x + c : 0 };\n  },',
    };
    expect(mistakesOf(parts)).toBe('');
    expect(graphOf(parts, { memory: false }).outputs).toEqual(graphOf(parts, { memory: false }).next);
  });

  test('a parameter that needs two options at once counts as used', () => {
    const parts: Parts = {
      options: '{ a: flag(false), b: flag(false) }',
      params: "(o) => ({ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H', { when: o.a && o.b }) })",
      body: 'const y = matvec(p.W, x) + matvec(p.U, h);\nreturn { h: tanh(o.a && o.b ? y + p.b : y) };',
    };
    expect(mistakesOf(parts)).toBe('');
  });
});
