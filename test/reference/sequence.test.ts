import { describe, expect, it } from 'vitest';
import type { CellData, Tensors } from '../../runtime/data.js';
import { relativeError } from '../../runtime/norm.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { add, buildCell, call, declare, give, mul, name, num, p, record, s, x } from './build.js';
import { alone, type Case, flipped, gradientErrors, withElement } from './differences.js';

const matvec = (matrix: string, operand = x('x')) => call('matvec', p(matrix), operand);

/** h' = tanh(W x + U h + b). */
const elman = buildCell({
  inputs: { x: ['I'] },
  state: { h: ['H'] },
  params: { W: ['H', 'I'], U: ['H', 'H'], b: ['H'] },
  body: [give(record({ h: call('tanh', add(matvec('W'), matvec('U', s('h')), p('b'))) }))],
});

/** Two states of different sizes (one a scalar), two inputs, a scalar parameter, and two outputs that are no state. */
const mixed = buildCell({
  inputs: { x: ['I'], gain: [] },
  state: { h: ['H'], k: ['K'], m: [] },
  params: { W: ['H', 'I'], U: ['H', 'K'], V: ['K', 'H'], b: ['H'], a: [] },
  body: [
    declare('h', call('tanh', add(matvec('W'), matvec('U', s('k')), p('b'), mul(p('a'), s('h'))))),
    declare('k', call('sigmoid', add(call('matvec', p('V'), name('h')), mul(x('gain'), s('k'))))),
    give(
      record({ h: name('h'), k: name('k'), m: add(mul(s('m'), p('a')), x('gain')), y: call('square', name('h')), fixed: p('b') }),
    ),
  ],
});

const sizes = { T: 4, B: 3, I: 2, H: 3, K: 2 };
const subject = (cell: typeof elman): Case => ({ ...cell, sizes });
const elmanData = (choices = {}) => randomData(elman.signature, sizes, { h: ['H'] }, { seed: 7, ...choices });

function run(cell: typeof elman, data: CellData, at = sizes) {
  const result = runReference(cell.tree, cell.signature, at, data);
  if (result.gradients === undefined) throw new Error('no gradients');
  return { ...result, gradients: result.gradients };
}

function numbers(tensors: Tensors, tensor: string): number[] {
  const found = tensors[tensor];
  if (found === undefined) throw new Error(`no tensor ${tensor}`);
  return [...found.data];
}

/** Values of one sequence in a batch, its first `length` steps. */
function steps(tensors: Tensors, tensor: string, b: number, length: number): number[] {
  const { shape, data } = tensors[tensor] ?? { shape: [], data: [] };
  const [, B = 0, row = 1] = shape;
  return Array.from({ length }, (_, t) => [...data.slice((t * B + b) * row, (t * B + b + 1) * row)]).flat();
}

describe('one unit, two steps, by hand', () => {
  // h₁ = tanh(0.5·1 + 0.25·0.5 − 0.1) = tanh 0.525, h₂ = tanh(0.5·2 + 0.25·h₁ − 0.1) = tanh(0.9 + 0.25·h₁)
  const data = {
    inputs: { x: { shape: [2, 1, 1], data: Float64Array.of(1, 2) } },
    state: { h: { shape: [1, 1], data: Float64Array.of(0.5) } },
    params: {
      W: { shape: [1, 1], data: Float64Array.of(0.5) },
      U: { shape: [1, 1], data: Float64Array.of(0.25) },
      b: { shape: [1], data: Float64Array.of(-0.1) },
    },
    reverse: false,
    cotangents: {
      outputs: { h: { shape: [2, 1, 1], data: Float64Array.of(3, 1) } },
      state: { h: { shape: [1, 1], data: Float64Array.of(1) } },
    },
  };
  const { outputs, state, gradients } = run(elman, data, { T: 2, B: 1, I: 1, H: 1, K: 1 });

  it('gives the outputs and the final state', () => {
    const [h1, h2] = numbers(outputs, 'h');
    expect(h1).toBeCloseTo(0.4815497984, 9);
    expect(h2).toBeCloseTo(0.7700242992, 9);
    expect(numbers(state, 'h')).toEqual([h2]);
  });

  it('gives every gradient', () => {
    // Cotangents of the two sums: d₂ = (1 + 1)(1 − h₂²) = 0.814125, d₁ = (3 + 0.25·d₂)(1 − h₁²) = 2.460664.
    const [x1, x2] = numbers(gradients.inputs, 'x');
    expect(x1).toBeCloseTo(1.2303318757, 9); // 0.5·d₁
    expect(x2).toBeCloseTo(0.4070625786, 9); // 0.5·d₂
    expect(numbers(gradients.state, 'h')[0]).toBeCloseTo(0.6151659378, 9); // 0.25·d₁
    expect(numbers(gradients.params, 'W')[0]).toBeCloseTo(4.0889140659, 9); // 1·d₁ + 2·d₂
    expect(numbers(gradients.params, 'U')[0]).toBeCloseTo(1.622373681, 9); // 0.5·d₁ + h₁·d₂
    expect(numbers(gradients.params, 'b')[0]).toBeCloseTo(3.2747889086, 9); // d₁ + d₂
  });
});

describe('gradients against finite differences', () => {
  const choices = [{}, { ragged: true }, { reverse: true }, { ragged: true, reverse: true }];
  it.each(choices)('agree for a cell of one state, %j', (choice) => {
    for (const error of Object.values(gradientErrors(subject(elman), elmanData(choice)))) expect(error).toBeLessThan(1e-7);
  });

  it('agree for more units and sequences than a product handles at a time', () => {
    const wide = { T: 3, B: 6, I: 5, H: 7, K: 1 };
    const data = randomData(elman.signature, wide, { h: ['H'] }, { seed: 9, ragged: true });
    const errors = gradientErrors({ ...elman, sizes: wide }, data);
    for (const error of Object.values(errors)) expect(error).toBeLessThan(1e-7);
    // Finite differences say that gradient and value fit; that the value is W x + U h + b says this.
    const { outputs } = run(elman, data, wide);
    const [W, U] = [numbers(data.params, 'W'), numbers(data.params, 'U')];
    const product = (matrix: number[], row: number, vector: number[]) =>
      vector.reduce((sum, value, column) => sum + value * (matrix[row * vector.length + column] ?? Number.NaN), 0);
    const [x0, h0] = [numbers(data.inputs, 'x').slice(0, 5), numbers(data.state, 'h').slice(0, 7)];
    numbers(data.params, 'b').forEach((b, unit) => {
      expect(numbers(outputs, 'h')[unit]).toBeCloseTo(Math.tanh(product(W, unit, x0) + product(U, unit, h0) + b), 13);
    });
  });

  it.each(choices)('agree for several inputs, states, scalars and further outputs, %j', (choice) => {
    const outputs = { h: ['H'], k: ['K'], m: [], y: ['H'], fixed: ['H'] };
    const errors = gradientErrors(subject(mixed), randomData(mixed.signature, sizes, outputs, { seed: 3, ...choice }));
    expect(Object.keys(errors)).toHaveLength(10);
    for (const error of Object.values(errors)) expect(error).toBeLessThan(1e-7);
  });
});

describe('a ragged batch', () => {
  it.each([{ reverse: false }, { reverse: true }])('gives what each sequence gives alone, %j', ({ reverse }) => {
    // The first ends first, so the rows of the others move up.
    const lengths = [1, 4, 2];
    const data: CellData = { ...elmanData({ reverse }), lengths };
    const together = run(elman, data);
    const summed = new Float64Array(sizes.H * sizes.H);
    lengths.forEach((length, b) => {
      const single = run(elman, alone(data, b), { ...sizes, T: length, B: 1 });
      expect(steps(together.outputs, 'h', b, length)).toEqual(numbers(single.outputs, 'h'));
      expect(numbers(together.state, 'h').slice(b * 3, b * 3 + 3)).toEqual(numbers(single.state, 'h'));
      // The cotangents of a step are added up in another order.
      expect(relativeError(steps(together.gradients.inputs, 'x', b, length), numbers(single.gradients.inputs, 'x'))).toBeLessThan(
        1e-14,
      );
      const state = numbers(together.gradients.state, 'h').slice(b * 3, b * 3 + 3);
      expect(relativeError(state, numbers(single.gradients.state, 'h'))).toBeLessThan(1e-14);
      numbers(single.gradients.params, 'U').forEach((value, i) => {
        summed[i] = (summed[i] ?? 0) + value;
      });
    });
    expect(relativeError(numbers(together.gradients.params, 'U'), summed)).toBeLessThan(1e-14);
  });

  it('is zero past the lengths, in outputs and input gradients', () => {
    const data = { ...elmanData(), lengths: [1, 4, 2] };
    const { outputs, gradients } = run(elman, data);
    for (const [tensors, tensor, row] of [
      [outputs, 'h', 3],
      [gradients.inputs, 'x', 2],
    ] as const) {
      for (const [b, length] of [
        [0, 1],
        [1, 4],
        [2, 2],
      ] as const) {
        const past = steps(tensors, tensor, b, 4).slice(length * row);
        expect(past.every((value) => value === 0)).toBe(true);
        expect(steps(tensors, tensor, b, length).every((value) => value !== 0)).toBe(true);
      }
    }
  });

  it.each([{ reverse: false }, { reverse: true }])('never reads past the lengths, not even NaN, %j', ({ reverse }) => {
    const clean: CellData = { ...elmanData({ reverse }), lengths: [1, 4, 2] };
    let dirty = clean;
    for (const [t, b] of [
      [1, 0],
      [2, 0],
      [3, 0],
      [2, 2],
      [3, 2],
    ] as const) {
      dirty = withElement(dirty, 'inputs', 'x', (t * sizes.B + b) * sizes.I, Number.NaN);
    }
    expect(numbers(dirty.inputs, 'x').filter(Number.isNaN)).toHaveLength(5);
    const { outputs, state, gradients } = run(elman, dirty);
    const wanted = run(elman, clean);
    expect({ outputs, state, gradients }).toEqual({ outputs: wanted.outputs, state: wanted.state, gradients: wanted.gradients });
  });

  it('passes NaN inside a sequence on to its outputs, and to no other sequence', () => {
    const { outputs } = run(elman, withElement(elmanData(), 'inputs', 'x', (1 * sizes.B + 1) * sizes.I, Number.NaN));
    expect(steps(outputs, 'h', 1, 4).map(Number.isNaN)).toEqual([false, false, false, ...new Array(9).fill(true)]);
    expect([...steps(outputs, 'h', 0, 4), ...steps(outputs, 'h', 2, 4)].every(Number.isFinite)).toBe(true);
  });
});

describe('reverse', () => {
  it('gives what data turned around by hand gives', () => {
    const lengths = [3, 4, 1];
    const data: CellData = { ...elmanData(), lengths };
    const backwards = run(elman, { ...data, reverse: true });
    const turned = run(elman, {
      ...data,
      inputs: flipped(data.inputs, lengths),
      cotangents: { outputs: flipped(data.cotangents?.outputs ?? {}, lengths), state: data.cotangents?.state ?? {} },
    });
    expect(backwards.outputs).toEqual(flipped(turned.outputs, lengths));
    expect(backwards.state).toEqual(turned.state);
    expect(backwards.gradients.inputs).toEqual(flipped(turned.gradients.inputs, lengths));
    expect(backwards.gradients.params).toEqual(turned.gradients.params);
    expect(backwards.outputs).not.toEqual(turned.outputs);
  });
});

describe('what is left out', () => {
  it('counts as zero: initial state and cotangents', () => {
    const data = elmanData();
    const zero = { h: { shape: [3, 3], data: new Float32Array(9) } };
    const explicit = run(elman, { ...data, state: zero, cotangents: { outputs: data.cotangents?.outputs ?? {}, state: zero } });
    const implicit = run(elman, { ...data, state: {}, cotangents: { outputs: data.cotangents?.outputs ?? {}, state: {} } });
    expect(implicit).toEqual(explicit);
  });

  it('without cotangents there are no gradients', () => {
    const result = runReference(elman.tree, elman.signature, sizes, { ...elmanData(), cotangents: undefined });
    expect(Object.keys(result)).toEqual(['outputs', 'state']);
  });

  it('gives only the outputs that the signature names, but every final state', () => {
    const body = [give(record({ h: x('x'), c: s('h') }))];
    const cell = buildCell({ inputs: { x: ['H'] }, state: { h: ['H'], c: ['H'] }, outputs: ['h'], body });
    const result = run(cell, randomData(cell.signature, sizes, { h: ['H'] }, { seed: 1 }));
    expect(Object.keys(result.outputs)).toEqual(['h']);
    expect(Object.keys(result.state)).toEqual(['h', 'c']);
  });

  it('stretches a number to the shape of its state', () => {
    const cell = buildCell({ inputs: { x: ['H'] }, state: { h: ['H'] }, body: [give(record({ h: num(2), y: num(3) }))] });
    const result = run(cell, randomData(cell.signature, sizes, { h: ['H'], y: [] }, { seed: 1 }));
    expect(result.outputs.h).toEqual({ shape: [4, 3, 3], data: new Float64Array(36).fill(2) });
    expect(result.outputs.y).toEqual({ shape: [4, 3], data: new Float64Array(12).fill(3) });
  });
});

describe('data that does not fit is refused by name', () => {
  const data = elmanData();
  const wrong: [string, string, CellData][] = [
    ['DATA-MISSING', 'inputs.x', { ...data, inputs: {} }],
    ['DATA-MISSING', 'params.W', { ...data, params: {} }],
    ['DATA-NAME', 'state.c', { ...data, state: { c: { shape: [3, 3], data: new Float32Array(9) } } }],
    ['DATA-SHAPE', 'state.h', { ...data, state: { h: { shape: [9], data: new Float32Array(9) } } }],
    ['DATA-SHAPE', 'state.h', { ...data, state: { h: { shape: [3, 3], data: new Float32Array(8) } } }],
    ['DATA-LENGTHS', 'lengths', { ...data, lengths: [4, 4] }],
    ['DATA-LENGTHS', 'lengths', { ...data, lengths: [4, -1, 1] }],
    ['DATA-LENGTHS', 'lengths', { ...data, lengths: [4, 5, 1] }],
  ];
  it.each(wrong)('%s %s', (code, where, given) => {
    expect(() => runReference(elman.tree, elman.signature, sizes, given)).toThrow(expect.objectContaining({ code, where }));
  });
});
