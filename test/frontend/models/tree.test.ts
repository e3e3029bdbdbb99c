/** What parsing makes of a model. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isCurrent, parseSpec, parseSpecSource } from '../../../codegen/frontend/index.js';
import type { Expression, ModelTree, Statement } from '../../../codegen/frontend/tree.js';
import { modelOf } from './mistakes.js';

function parsed(name: string): ModelTree {
  const tree = parseSpec(fileURLToPath(new URL(`./${name}.model.ts`, import.meta.url)));
  if (tree.kind !== 'model') throw new Error(`${name} is no model`);
  return tree;
}

const text = (expression: Expression | undefined) =>
  expression === undefined ? undefined : 'value' in expression ? expression.value : expression.kind;

test('a model is its inputs, with or without time, its layers, its parameters and a run', () => {
  const tree = parsed('classifier');
  expect(tree.name).toBe('classifier');
  expect(tree.summary).toBe('One answer for a whole sequence.');
  expect(tree.dims.map(({ name }) => name)).toEqual(['I', 'H', 'K']);
  expect(tree.times.map(({ name }) => name)).toEqual(['T']);
  expect(tree.inputs.entries.map(({ name, time }) => [name, time?.name])).toEqual([
    ['x', 'T'],
    ['c', undefined],
  ]);
  expect(tree.params.entries.map(({ name }) => name)).toEqual(['W', 'b', 'h0']);
  expect(tree.layersOptionsName).toBe('o');
  expect(tree.layers.map(({ name, cell, count }) => [name, text(cell), count?.kind])).toEqual([
    ['first', 'lstm', undefined],
    ['deep', 'lstm', 'binary'],
  ]);
  expect(tree.layers[1]?.dims.map(({ name, value }) => [name, text(value)])).toEqual([['I', 'H']]);
  expect(tree.layers[0]?.options.map(({ name, value }) => [name, text(value)])).toEqual([['peepholes', true]]);
  expect(Object.keys(tree.cells)).toEqual(['lstm']);
  expect(tree.options.map(({ name }) => name)).toEqual(['layers', 'training']);
  expect(tree.run.parameters.map(({ kind }) => kind)).toEqual(['object', 'object', 'name', 'object']);
});

test('a layer is called as an expression, whether it is a name, a member or an item', () => {
  const body = 'let h = first({ x }).h;\nh = all.first({ x: h }, { reverse: true }).h;\nreturn { y: all.deep[0]({ x: h }).h };';
  const run = `run({ x }, all, p) {\n    const { first } = all;\n    ${body}\n  },`;
  const layers = "{ first: layer('gru'), deep: repeat(1, layer('gru')) }";
  const tree = parseSpecSource('mine.model.ts', modelOf({ run, layers, params: '{}' }));
  if (tree.kind !== 'model') throw new Error('no model');
  const callees = (part: unknown): Expression[] => {
    if (typeof part !== 'object' || part === null) return [];
    const inner = Object.values(part).flatMap(callees);
    return 'kind' in part && part.kind === 'call' ? [(part as Extract<Expression, { kind: 'call' }>).callee, ...inner] : inner;
  };
  const statements: readonly Statement[] = tree.run.body;
  expect(callees(statements).map(({ kind }) => kind)).toEqual(['name', 'member', 'index']);
});

test('every cell that a layer may be is read, whatever the options, and their files count as the files of the model', () => {
  const tree = parsed('everything');
  const names = Object.keys(tree.cells).map((key) => key.replace(/.*\//, ''));
  expect(names.toSorted()).toEqual(['gru', 'lstm', 'own.cell.ts', 'rnn']);
  const own = tree.layers.find(({ name }) => name === 'mine')?.cell;
  expect(tree.cells[String(text(own))]?.name).toBe('own');
  expect(tree.helpers).toEqual({});
  const files = Object.keys(tree.sources).map((file) => file.replace(/.*\//, ''));
  expect(files).toEqual(expect.arrayContaining(['everything.model.ts', 'own.cell.ts', 'lstm.cell.ts', 'activation.ts']));
  expect(isCurrent(tree)).toBe(true);
  expect(isCurrent({ sources: { ...tree.sources, [tree.file]: ['another'] } })).toBe(false);
});

test('a model has the option training where its run or one of its cells draws, and nowhere else', () => {
  const options = (parts: Parameters<typeof modelOf>[0]) =>
    parseSpecSource('mine.model.ts', modelOf(parts)).options.map(({ name }) => name);
  const plain = { layers: "{ first: layer('indrnn') }", body: 'return { y: first({ x }).h };', params: '{}' };
  expect(options(plain)).toEqual([]);
  expect(options({ ...plain, layers: "{ first: layer('lstm') }" })).toEqual(['training']);
  const imports = "import { dropout, layer, model, over, vec } from 'recurve';";
  expect(options({ ...plain, imports, body: 'return { y: first({ x: dropout(x, 0.5) }).h };' })).toEqual(['training']);
  const before = 'const masked = (x: number) => dropout(x, 0.5);';
  expect(options({ ...plain, imports, before, body: 'return { y: first({ x: masked(x) }).h };' })).toEqual(['training']);
});

test('a cell is found through conditions, tables and helpers of constants', () => {
  const cells = (cell: string, before = '') => {
    const options = "{ kind: choice('plain', 'gated'), deep: flag(false), n: integer(1, { min: 0 }) }";
    const layers = `(o) => ({ first: layer(${cell}, { I: 'I', H: 'H' }) })`;
    const tree = parseSpecSource('mine.model.ts', modelOf({ options, layers, before }));
    return tree.kind === 'model' ? Object.keys(tree.cells).toSorted() : [];
  };
  expect(cells("o.n > 1 ? 'gru' : 'rnn'")).toEqual(['gru', 'rnn']);
  expect(cells("o.kind === 'gated' && o.kind === 'plain' ? 'nothing' : 'rnn'")).toEqual(['rnn']);
  expect(cells("{ plain: 'rnn', gated: o.deep ? 'lstm' : 'gru' }[o.kind]")).toEqual(['gru', 'lstm', 'rnn']);
  const before =
    "function pick(kind: string) {\n  if (kind === 'gated') return 'mgu';\n  const other = 'rnn';\n  return other;\n}";
  expect(cells('pick(o.kind)', before)).toEqual(['mgu', 'rnn']);
});
