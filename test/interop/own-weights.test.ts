/** recurve's own layout, of everything that is built in. */
import { describe, expect, it } from 'vitest';
import { resolveOptions, resolveSpec, valuesOf } from '../../codegen/frontend/index.js';
import { completeSizes } from '../../codegen/ir/sizes.js';
import { outputShapes } from '../../runtime/check/outputs.js';
import { dimsOf } from '../../runtime/dims.js';
import { gradientsToWeights, sizesFromWeights, weightsToParams } from '../../runtime/interop/index.js';
import { builtInCells, builtInModels, parseChecked } from '../../runtime/node/cells.js';
import { randomData } from '../../runtime/random.js';

const everything = [...builtInCells(), ...builtInModels()];

describe('recurve’s own weights', () => {
  it.each(everything.map(({ name, path }) => ({ name, path })))(
    'of $name are its parameters, bit by bit, both ways',
    ({ name, path }) => {
      const tree = parseChecked(path);
      const signature = resolveSpec(tree, resolveOptions(tree, {}));
      const outputs = outputShapes(signature, valuesOf(tree, signature));
      const free = Object.fromEntries(dimsOf(signature).map((dim, k) => [dim, 2 + k]));
      const ruled = new Set(signature.rules.flatMap((rule) => ('dim' in rule ? [rule.dim] : [])));
      const sizes = completeSizes(signature.rules, Object.fromEntries(Object.entries(free).filter(([dim]) => !ruled.has(dim))));
      const { params } = randomData(signature, sizes, outputs, { seed: 5, gradients: false });
      for (const { data } of Object.values(params)) data[0] = -0;
      expect(Object.keys(params).length).toBe(signature.params.length);
      expect(weightsToParams('recurve', name, signature, sizes, params)).toEqual(params);
      expect(gradientsToWeights('recurve', name, signature, sizes, params, params)).toEqual(params);
      expect(sizes).toMatchObject(sizesFromWeights('recurve', name, signature, params));
    },
  );
});
