/** Inputs, states and parameters of every rank, and parameters that are not trained. */
import { describe, expect, it } from 'vitest';
import type { TensorDeclaration } from '../../codegen/frontend/tree.js';
import { relativeError } from '../../runtime/norm.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { add, buildCell, call, give, mul, name, num, p, record, s, x } from './build.js';
import { compute } from './compute.js';
import { alone } from './differences.js';

const sizes = { T: 4, B: 3, I: 2, H: 3, K: 5 };
const ranks: string[][] = [[], ['H'], ['H', 'I'], ['I', 'H', 'K'], ['2', 'I', 'H', 'K']];

describe('a state of rank', () => {
  it.each(ranks.map((shape) => [shape.length, shape] as const))('%i', (_rank, shape) => {
    const cell = buildCell({
      inputs: { x: shape },
      state: { h: shape },
      params: { a: shape },
      body: [give(record({ h: call('tanh', add(x('x'), mul(p('a'), s('h')))) }))],
    });
    const lengths = [2, 4, 1];
    for (const reverse of [false, true]) {
      const data = { ...randomData(cell.signature, sizes, { h: shape }, { seed: 3, reverse }), lengths };
      const together = runReference(cell.tree, cell.signature, sizes, data);
      const row = shape.map((dim) => ({ ...sizes, 2: 2 })[dim as 'H'] ?? 0).reduce((product, size) => product * size, 1);
      expect(together.outputs.h?.shape.slice(2)).toEqual(together.state.h?.shape.slice(1));
      lengths.forEach((T, b) => {
        const single = runReference(cell.tree, cell.signature, { ...sizes, T, B: 1 }, alone(data, b));
        expect([...(single.state.h?.data ?? [])]).toEqual([...(together.state.h?.data.slice(b * row, (b + 1) * row) ?? [])]);
        const gradient = together.gradients?.state.h?.data.slice(b * row, (b + 1) * row) ?? [];
        expect(relativeError(gradient, single.gradients?.state.h?.data ?? [])).toBeLessThan(1e-14);
      });
    }
  });

  it('2 takes a scalar for all its elements', () => {
    const cell = buildCell({ inputs: { x: [] }, state: { h: ['H', 'I'] }, body: [give(record({ h: x('x') }))] });
    const data = { ...randomData(cell.signature, sizes, { h: ['H', 'I'] }, { seed: 3 }) };
    const { state, gradients } = runReference(cell.tree, cell.signature, sizes, data);
    expect(state.h?.shape).toEqual([3, 3, 2]);
    expect(new Set(state.h?.data.slice(0, 6)).size).toBe(1);
    expect(gradients?.inputs.x?.shape).toEqual([4, 3]);
  });
});

describe('a parameter that is not trained', () => {
  const cell = (init: TensorDeclaration['init']) =>
    buildCell({
      inputs: { x: ['H'] },
      params: { a: ['H'], b: ['H'] },
      untrained: { a: init },
      body: [give(record({ y: mul(x('x'), p('a'), p('b')) }))],
    });
  const run = (init: TensorDeclaration['init'], given: 'given' | 'missing') => {
    const { tree, signature } = cell(init);
    const data = randomData(signature, sizes, { y: ['H'] }, { seed: 3 });
    const { a: _, ...rest } = data.params;
    const fixed = { a: { shape: [3], data: Float64Array.of(2, 3, 4) }, ...rest };
    return { data, ...runReference(tree, signature, sizes, { ...data, params: given === 'given' ? fixed : rest }) };
  };

  it('has no gradient, and the others keep theirs', () => {
    const { gradients } = run('uniform', 'given');
    expect(Object.keys(gradients?.params ?? {})).toEqual(['b']);
  });

  it.each([
    ['zeros', 0],
    ['ones', 1],
    [0.25, 0.25],
  ] as const)('holds its init %s where it is missing', (init, value) => {
    const { data, outputs } = run(init, 'missing');
    const b = data.params.b?.data ?? [];
    expect([...(outputs.y?.data ?? [])]).toEqual(
      [...(data.inputs.x?.data ?? [])].map((v, i) => v * value * (b[i % 3] ?? Number.NaN)),
    );
  });

  it.each(['uniform', 'orthogonal', undefined] as const)('must be given where its init is %s', (init) => {
    expect(() => run(init, 'missing')).toThrow(expect.objectContaining({ code: 'DATA-MISSING', where: 'params.a' }));
  });

  it('is taken from the data where it is there', () => {
    const { data, outputs } = run('ones', 'given');
    expect(outputs.y?.data[1]).toBe((data.inputs.x?.data[1] ?? 0) * 3 * (data.params.b?.data[1] ?? 0));
  });
});

it('a trained parameter with a numeric init must be given', () => {
  const { tree, signature } = buildCell({
    inputs: { x: [] },
    params: { a: [] },
    body: [give(record({ y: mul(x('x'), p('a')) }))],
  });
  const numeric = { ...signature, params: signature.params.map((declaration) => ({ ...declaration, init: 0.5 })) };
  const data = { ...randomData(numeric, sizes, { y: [] }, { seed: 1 }), params: {} };
  expect(() => runReference(tree, numeric, sizes, data)).toThrow(expect.objectContaining({ code: 'DATA-MISSING' }));
});

it('t counts the steps in the order of processing', () => {
  const { tree, signature } = buildCell({ inputs: { x: [] }, body: [give(record({ y: add(mul(x('x'), num(0)), name('t')) }))] });
  const data = { ...randomData(signature, sizes, { y: [] }, { seed: 1 }), lengths: [2, 4, 3] };
  const steps = (reverse: boolean) => [...(runReference(tree, signature, sizes, { ...data, reverse }).outputs.y?.data ?? [])];
  expect(steps(false)).toEqual([0, 0, 0, 1, 1, 1, 0, 2, 2, 0, 3, 0]);
  expect(steps(true)).toEqual([1, 3, 2, 0, 2, 1, 0, 1, 0, 0, 0, 0]);
});

it('a size that the sizes do not give is refused by name', () => {
  const given = { inputs: { x: [['2'], [1, 2]] as const } };
  expect(() => compute(call('broadcast', x('x'), call('nothing')), given)).toThrow('no function nothing');
  expect(() => compute(call('index', { ...name('q'), kind: 'string', value: 'Q' }), given)).toThrow(
    expect.objectContaining({ code: 'DIMS-MISSING' }),
  );
});
