/** What the plan of a model has in common with that of its cell: loops, products, dispatches, and no copies. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { genericTarget } from '../../cli/target.js';
import { compile, parseSpec, parseSpecSource, resolveOptions, type SpecTree } from '../../codegen/index.js';
import type { Plan } from '../../codegen/plan.js';

function planOf(tree: SpecTree): Plan {
  const sizes = { T: 9, B: 4, I: 16, H: 32 };
  return compile(tree, { options: resolveOptions(tree, {}), sizes, gradients: true, target: genericTarget });
}

function modelOf(layers: string, body: string): Plan {
  const text = `import { layer, model, over, vec } from 'recurve';
    export default model({ name: 'm', dims: ['I', 'H'], inputs: { x: over('T', vec('I')) }, layers: { ${layers} },
      run({ x }, { a, b }) { ${body} } });`;
  return planOf(parseSpecSource(fileURLToPath(new URL('./inline.model.ts', import.meta.url)), text));
}

const cell = planOf(parseSpec(fileURLToPath(new URL('../../kernels/cells/lstm.cell.ts', import.meta.url))));
const stack = modelOf("a: layer('lstm'), b: layer('lstm', { I: 'H' })", 'return { y: b({ x: a({ x }).h }).h };');
const beside = modelOf("a: layer('lstm'), b: layer('lstm')", 'return { y: a({ x }).h + b({ x }).h };');

const dispatches = ({ passes }: Plan) => passes.reduce((sum, pass) => sum + pass.dispatches, 0);
const loops = ({ forward, backward }: Plan) =>
  [forward, backward].map((items) => items.filter(({ kind }) => kind === 'loop').length);

/** Floating-point operations of the passes that run once, forward. */
const once = ({ passes }: Plan) =>
  passes.filter(({ direction, region, flops }) => direction === 'forward' && region !== 'loop' && flops > 0);

it('two LSTM layers take at most twice the dispatches of one', () => {
  expect(dispatches(stack)).toBeLessThanOrEqual(2 * dispatches(cell));
  expect(loops(stack)).toEqual([2, 2]);
});

it('each layer of a stack projects what it is given in one product over all steps', () => {
  expect(once(cell)).toHaveLength(1);
  expect(once(stack)).toHaveLength(2);
});

it('a layer reads the states of the one before it where they are: forward nothing else runs but where states begin', () => {
  const others = stack.passes.filter((pass) => pass.direction === 'forward' && pass.region !== 'pack' && pass.flops === 0);
  const row = 4 * 32 * 4;
  expect(others.length).toBeLessThanOrEqual(1);
  // Two states of two layers, one row for each sequence.
  expect(others.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0)).toBeLessThanOrEqual(4 * row);
});

it('two layers that are given the same share one loop and the products before it', () => {
  expect(loops(beside)).toEqual([1, 1]);
  expect(once(beside).filter(({ region }) => region === 'before')).toHaveLength(1);
});
