/** What parsing makes of a model. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseSpec } from '../../../codegen/frontend/index.js';
import type { Expression, ModelTree } from '../../../codegen/frontend/tree.js';

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
