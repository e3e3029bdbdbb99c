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

/** Attention to all steps of one axis at every step of another. */
function attentionOf(sizes: { S: number; T: number; B: number; H: number }): Plan {
  const text = `import { layer, matvec, memory, model, over, softmax, transpose, vec } from 'recurve';
    export default model({ name: 'm', times: ['S', 'T'], dims: ['I', 'H'], inputs: { x: over('S', vec('I')), y: over('T', vec('I')) },
      layers: { a: layer('gru'), b: layer('gru') },
      run({ x, y }, { a, b }) {
        const all = memory(a({ x }).h);
        return { seen: matvec(transpose(all), softmax(matvec(all, b({ x: y }).h))) };
      } });`;
  const tree = parseSpecSource(fileURLToPath(new URL('./inline.model.ts', import.meta.url)), text);
  const options = resolveOptions(tree, {});
  return compile(tree, { options, sizes: { ...sizes, I: 16 }, gradients: true, target: genericTarget });
}

it('what the steps of one axis give back to a sequence that all of them look at is added up behind their loop', () => {
  const [S, T, B, H] = [24, 9, 4, 32];
  const { passes } = attentionOf({ S, T, B, H });
  const all = 4 * S * B * H;
  const inLoop = passes.filter(({ region }) => region === 'loop');
  expect(inLoop).toHaveLength(4);
  for (const { bytesWritten, dispatches } of inLoop) expect(bytesWritten / (dispatches * Math.max(S, T))).toBeLessThan(all);
  // One sum serves both uses.
  expect(passes.filter(({ name }) => name.includes('accrued')).map(({ bytesWritten }) => bytesWritten)).toEqual([all]);
});

it('a sum over time takes nothing into a loop that it can do without: logits are computed for all steps at once', () => {
  const of = (returned: string) => {
    const text = `import { crossEntropy, last, layer, mat, matvec, maxOver, mean, model, over, sum, symbol, vec } from 'recurve';
      export default model({ name: 'm', dims: ['I', 'H', 'K'], inputs: { x: over('T', vec('I')), s: over('T', symbol('K')) },
        layers: { a: layer('lstm') }, params: { W: mat('K', 'H') },
        run({ x, s }, { a }, p) { const h = a({ x }); const logits = matvec(p.W, h.h); const loss = crossEntropy(logits, s); return ${returned}; } });`;
    const tree = parseSpecSource(fileURLToPath(new URL('./inline.model.ts', import.meta.url)), text);
    return compile(tree, { options: {}, sizes: { T: 9, B: 4, I: 16, H: 32, K: 48 }, gradients: true, target: genericTarget });
  };
  const inLoops = ({ passes }: Plan) => passes.reduce((sum, { region, flops }) => sum + (region === 'loop' ? flops : 0), 0);
  const plain = of('{ logits, loss }');
  for (const total of ["sum(loss, 'T')", "mean(loss, 'T')", "maxOver(loss, 'T')", 'last(loss)', "sum(mean(loss, 'T'), 'B')"]) {
    const more = of(`{ logits, loss, total: ${total} }`);
    // What it adds is some operations for each step of each sequence, not the 48 by 32 of a product.
    expect(inLoops(more) - inLoops(plain), total).toBeLessThan(9 * 4 * 32);
    expect(Math.max(...loops(more)), total).toBeLessThanOrEqual(2);
  }
  // What the loop makes anyway is added up in it.
  expect(loops(of("{ loss, y: mean(h.h, 'T'), z: last(h.h) }"))).toEqual([1, 1]);
});

it('what takes many operations is computed once, and not again for every unit that it is spread over', () => {
  const [S, T, B, H] = [64, 9, 4, 64];
  const { passes } = attentionOf({ S, T, B, H });
  const once = passes.filter(({ name, direction, region }) => /^s4_/.test(name) && direction === 'forward' && region !== 'loop');
  const flops = once.reduce((sum, pass) => sum + pass.flops, 0);
  // Two products of S times H are four of these, the layer's projections and the softmax a few; with it made anew they were 29.
  expect(flops).toBeLessThan(10 * T * B * S * H);
});
