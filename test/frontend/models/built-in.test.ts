import { describe, expect, it } from 'vitest';
import { checkSpec, parseSpec } from '../../../codegen/frontend/index.js';
import { builtInCells, builtInModels } from '../../../codegen/shipped.js';

describe('built-in models', () => {
  it.each(builtInModels())(
    '$name has no mistake under any choice of options, and says what it computes',
    ({ name, path }) => {
      const tree = parseSpec(path);
      expect(() => checkSpec(tree)).not.toThrow();
      expect([tree.kind, tree.name, tree.summary.length > 10, /\d{4}/.test(tree.documentation)]).toEqual([
        'model',
        name,
        true,
        true,
      ]);
    },
    30_000,
  );

  it('share no name with a built-in cell', () => {
    const cells = builtInCells().map(({ name }) => name);
    expect(builtInModels().filter(({ name }) => cells.includes(name))).toEqual([]);
  });
});
