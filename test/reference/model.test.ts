/** What a model computes, against plain numbers and against its cell alone. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseCell, resolveOptions, resolveSignature } from '../../codegen/frontend/index.js';
import type { Expression, OptionValues } from '../../codegen/frontend/tree.js';
import type { CellData, Tensor, Tensors } from '../../runtime/data.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { normal, philox, uniform } from '../../runtime/reference/philox.js';
import { add, bin, buildCell, call, declare, give, member, mul, name, num, p, pick, record, s, str, x } from './build.js';
import { buildModel, given, l, layerCall, type ModelParts, modelData } from './buildModel.js';
import { mapTensors } from './differences.js';

const flag = (value: boolean): Expression => ({ kind: 'boolean', value, span: num(0).span });
const NAN = Number.NaN;

function run(model: ReturnType<typeof buildModel>, data: CellData) {
  const { outputs, gradients } = runReference(model.tree, model.signature, model.sizes, data);
  const plain = (tensors: Tensors = {}) =>
    Object.fromEntries(Object.entries(tensors).map(([key, { data: of }]) => [key, [...of]]));
  return {
    outputs: plain(outputs),
    inputs: plain(gradients?.inputs),
    params: plain(gradients?.params),
    shapes: mapShapes(outputs),
  };
}

const mapShapes = (tensors: Tensors) => Object.fromEntries(Object.entries(tensors).map(([key, { shape }]) => [key, shape]));

/** `[T, B]` numbers of a scalar input: three steps of three sequences of 3, 0 and 2 steps; what is behind them is no number. */
const sizes = { T: 3, B: 3, H: 2 };
const lengths = [3, 0, 2];
const numbers = [1, NAN, 5, 4, NAN, 2, 3, NAN, NAN];

/** Outputs of a model of one scalar sequence, and of what is summed over everything the gradient of that sequence. */
function of(gives: Readonly<Record<string, Expression>>, more: Partial<ModelParts> = {}) {
  const model = buildModel({ inputs: { x: [] }, sizes, ...more, body: [give(record(gives))] });
  const data = given(model, { x: numbers }, { lengths });
  const { outputs } = runReference(model.tree, model.signature, model.sizes, data);
  const ones = mapTensors(outputs, ({ shape, data: values }): Tensor => ({ shape, data: values.map((_, at) => at + 1) }));
  return run(model, { ...data, cotangents: { outputs: ones, state: {} } });
}

describe('functions of time, on sequences of 3, 0 and 2 steps', () => {
  it.each([
    // The sequences are 1 4 3, nothing, and 5 2; cotangents of a sequence 1 4 7 and 3 6, of one value 1 2 3.
    ['shift back', call('shift', x('x'), num(-1)), [0, 0, 0, 1, 0, 5, 4, 0, 0], [4, 0, 6, 7, 0, 0, 0, 0, 0]],
    ['shift ahead', call('shift', x('x'), num(1)), [4, 0, 2, 3, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 3, 4, 0, 0]],
    ['shift beyond', call('shift', x('x'), num(2)), [3, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 0, 0]],
    ['first', call('first', x('x')), [1, 0, 5], [1, 0, 3, 0, 0, 0, 0, 0, 0]],
    ['last', call('last', x('x')), [3, 0, 2], [0, 0, 0, 0, 0, 3, 1, 0, 0]],
    ['sum', call('sum', x('x'), str('T')), [8, 0, 7], [1, 0, 3, 1, 0, 3, 1, 0, 0]],
    ['mean', call('mean', x('x'), str('T')), [8 / 3, 0, 3.5], [1 / 3, 0, 1.5, 1 / 3, 0, 1.5, 1 / 3, 0, 0]],
    ['maximum', call('maxOver', x('x'), str('T')), [4, 0, 5], [0, 0, 3, 1, 0, 0, 0, 0, 0]],
  ])('%s', (_, y, values, gradient) => {
    const found = of({ y });
    expect(found.outputs.y).toEqual(values);
    expect(found.inputs.x).toEqual(gradient);
    expect(found.shapes.y).toEqual(values.length === 3 ? [3] : [3, 3]);
  });

  it('of equal maxima the first step gets the cotangent, as the first argument of max does', () => {
    const model = buildModel({
      inputs: { x: [] },
      sizes: { T: 3, B: 1 },
      body: [give(record({ y: call('maxOver', x('x'), str('T')) }))],
    });
    const cotangents = { outputs: { y: { shape: [1], data: Float64Array.of(1) } }, state: {} };
    expect(run(model, given(model, { x: [1, 2, 2] }, { cotangents })).inputs.x).toEqual([0, 1, 0]);
  });

  it('softmax, also of numbers whose powers are infinite', () => {
    const plain = (values: number[]) => values.map((v) => Math.exp(v) / values.reduce((sum, u) => sum + Math.exp(u), 0));
    const [a, b] = [plain([1, 4, 3]), plain([5, 2])];
    const expected = [a[0], 0, b[0], a[1], 0, b[1], a[2], 0, 0] as number[];
    for (const y of [x('x'), add(x('x'), num(5000))]) {
      const found = of({ y: call('softmax', y, str('T')) }).outputs.y ?? [];
      found.forEach((value, at) => {
        expect(value, `${at}`).toBeCloseTo(expected[at] as number, 12);
      });
    }
  });

  it('a value without time is that of its own sequence at every step', () => {
    const { outputs, inputs } = of({ y: mul(x('x'), call('first', x('x'))) });
    expect(outputs.y).toEqual([1, 0, 25, 4, 0, 10, 3, 0, 0]);
    // d/dx₀ of Σ g x x₀: Σ g x, and g x₀ once more for the step itself.
    expect(inputs.x).toEqual([1 + (1 * 1 + 4 * 4 + 7 * 3), 0, 3 * 5 + (3 * 5 + 6 * 2), 4, 0, 30, 7, 0, 0]);
  });

  it('a value without time has none either where there is one step of one sequence, and a layer has seen it', () => {
    const cell = buildCell({ inputs: { u: [], x: [] }, state: { h: [] }, body: [give(record({ h: mul(x('u'), x('x')) }))] });
    const model = buildModel({
      inputs: { x: [] },
      fixed: { c: [] },
      layers: { l: { ...cell, dims: {} } },
      sizes: { T: 1, B: 1 },
      body: [give(record({ y: member(layerCall(l('l'), { u: x('c'), x: x('x') }), 'h'), c: x('c') }))],
    });
    const one = (shape: number[]) => ({ shape, data: Float64Array.of(1) });
    const cotangents = { outputs: { y: one([1, 1]), c: one([1]) }, state: {} };
    const data = given(model, { x: [3], c: [2] }, { cotangents });
    const { outputs, gradients } = runReference(model.tree, model.signature, model.sizes, data);
    expect(outputs.c?.shape).toEqual([1]);
    expect(gradients?.inputs.c).toEqual({ shape: [1], data: Float64Array.of(4) });
  });

  it('one parameter for all is an output of every sequence', () => {
    const { outputs, params, shapes } = of({ y: p('a') }, { params: { a: ['H'] } });
    expect(shapes.y).toEqual([3, 2]);
    expect(outputs.y).toEqual([0, 0, 0, 0, 0, 0]);
    expect(params.a).toEqual([9, 12]);
  });
});

describe('a layer whose state every step is given', () => {
  // h' = h x + 1
  const cell = buildCell({ inputs: { x: [] }, state: { h: [] }, body: [give(record({ h: add(mul(s('h'), x('x')), num(1)) }))] });
  const gives = (settings: Record<string, Expression>, members: (result: Expression) => Record<string, Expression>) => {
    const body = [declare('r', layerCall(l('l'), { x: x('x') }, settings)), give(record(members(name('r'))))];
    const layers = { l: { ...cell, dims: {} } };
    const model = buildModel({ inputs: { x: [], g: [] }, fixed: { c: [] }, layers, sizes, body });
    const data = given(model, { x: numbers, g: [2, NAN, 3, 4, NAN, 5, 6, NAN, NAN], c: [7, NAN, 8] }, { lengths });
    return run(model, data).outputs;
  };
  const state = (result: Expression) => ({ y: member(result, 'h'), z: member(member(result, 'state'), 'h') });

  it('has it from the sequence at each step, in either direction, or the same at all of them', () => {
    // The sequences of x are 1 4 3, nothing, and 5 2; those of g 2 4 6, nothing, and 3 5.
    const expected = [3, 0, 16, 17, 0, 11, 19, 0, 0];
    for (const reverse of [false, true])
      expect(gives({ from: record({ h: x('g') }), reverse: flag(reverse) }, state)).toEqual({ y: expected, z: expected });
    expect(gives({ from: record({ h: x('c') }) }, state).z).toEqual([8, 0, 41, 29, 0, 17, 22, 0, 0]);
    expect(gives({ from: record({ h: num(0) }) }, state).z).toEqual([1, 0, 1, 1, 0, 1, 1, 0, 0]);
  });

  it('leaves what its steps left, whichever way they have it', () => {
    expect(gives({}, state)).toEqual({ y: [1, 0, 1, 5, 0, 3, 16, 0, 0], z: [1, 0, 1, 5, 0, 3, 16, 0, 0] });
    expect(gives({ reverse: flag(true) }, state).z).toEqual([6, 0, 6, 5, 0, 1, 1, 0, 0]);
  });
});

describe('a batch without any step', () => {
  it('gives zeros of every shape, and the states from which layers would have begun', () => {
    const cell = buildCell({
      inputs: { x: [] },
      state: { h: ['M'] },
      params: { a: ['M'] },
      body: [give(record({ h: mul(add(s('h'), p('a')), x('x')), y: call('outer', s('h'), p('a')) }))],
    });
    const model = buildModel({
      inputs: { x: [] },
      params: { h0: ['H'], b: [] },
      layers: { l: { ...cell, dims: { M: 'H' } } },
      sizes,
      body: [
        declare('r', layerCall(l('l'), { x: x('x') }, { state: record({ h: p('h0') }) })),
        give(
          record({
            y: member(name('r'), 'y'),
            z: mul(x('x'), p('b')),
            h: call('mean', member(name('r'), 'h'), str('T')),
            f: member(member(name('r'), 'final'), 'h'),
          }),
        ),
      ],
    });
    const ones = {
      f: { shape: [3, 2], data: new Float64Array(6).fill(1) },
      z: { shape: [3, 3], data: new Float64Array(9).fill(1) },
    };
    const data = given(model, { h0: [2, 3], 'l.a': [1, 1] }, { lengths: [0, 0, 0], cotangents: { outputs: ones, state: {} } });
    const found = run(model, data);
    expect(found.shapes).toEqual({ y: [3, 3, 2, 2], z: [3, 3], h: [3, 2], f: [3, 2] });
    expect(found.outputs).toEqual({
      y: new Array(36).fill(0),
      z: new Array(9).fill(0),
      h: new Array(6).fill(0),
      f: [2, 3, 2, 3, 2, 3],
    });
    expect(found.params).toEqual({ h0: [3, 3], b: [0], 'l.a': [0, 0] });
  });
});

describe('a model that is one layer', () => {
  const outer = { T: 5, B: 3, I: 2, H: 3, P: 2 };
  const cases: [string, OptionValues][] = [
    ['lstm', {}],
    ['lstm', { peepholes: true, coupled: true, projection: true }],
    ['gru', { reset: 'before' }],
    ['qrnn', {}],
  ];
  it.each(cases)('is its cell, bit by bit: %s %j', (cell, options) => {
    const tree = parseCell(fileURLToPath(new URL(`../../kernels/cells/${cell}.cell.ts`, import.meta.url)));
    const signature = resolveSignature(tree, resolveOptions(tree, options));
    const shapes = Object.fromEntries(signature.state.map(({ name: key, shape }) => [key, shape]));
    const names = signature.state.map(({ name: key }) => key);
    const rename = Object.fromEntries(signature.dims.map((dim) => [dim, `${dim}2`]));
    const renamed = (dims: readonly string[]) => dims.map((dim) => rename[dim] ?? dim);
    for (const reverse of [false, true]) {
      const model = buildModel({
        inputs: Object.fromEntries(signature.inputs.map(({ name: key, shape }) => [key, renamed(shape)])),
        fixed: Object.fromEntries(signature.state.map(({ name: key, shape }) => [`${key}0`, renamed(shape)])),
        layers: { l: { tree, signature, dims: rename } },
        sizes: { T: 5, B: 3, ...Object.fromEntries(Object.entries(outer).map(([dim, size]) => [`${dim}2`, size])) },
        body: [
          declare(
            'r',
            layerCall(l('l'), Object.fromEntries(signature.inputs.map(({ name: key }) => [key, x(key)])), {
              state: record(Object.fromEntries(names.map((key) => [key, x(`${key}0`)]))),
              reverse: flag(reverse),
            }),
          ),
          give(
            record({
              ...Object.fromEntries((signature.outputs ?? names).map((key) => [key, member(name('r'), key)])),
              ...Object.fromEntries(names.map((key) => [`${key}_final`, member(member(name('r'), 'final'), key)])),
            }),
          ),
        ],
      });
      const outputs = Object.fromEntries((signature.outputs ?? names).map((key) => [key, shapes[key] ?? ['H']]));
      const alone = { ...randomData(signature, outer, outputs, { seed: 8, ragged: true, reverse }), lengths: [5, 0, 3] };
      const expected = runReference(tree, signature, outer, alone);
      const prefixed = (tensors: Tensors, change: (key: string) => string): Tensors =>
        Object.fromEntries(Object.entries(tensors).map(([key, tensor]) => [change(key), tensor]));
      const found = runReference(model.tree, model.signature, model.sizes, {
        inputs: { ...alone.inputs, ...prefixed(alone.state, (key) => `${key}0`) },
        state: {},
        params: prefixed(alone.params, (key) => `l.${key}`),
        lengths: alone.lengths,
        reverse: false,
        cotangents: {
          outputs: { ...alone.cotangents?.outputs, ...prefixed(alone.cotangents?.state ?? {}, (key) => `${key}_final`) },
          state: {},
        },
      });
      expect(found.outputs).toEqual({ ...expected.outputs, ...prefixed(expected.state, (key) => `${key}_final`) });
      const { gradients } = expected;
      expect(found.gradients).toEqual({
        inputs: { ...gradients?.inputs, ...prefixed(gradients?.state ?? {}, (key) => `${key}0`) },
        state: {},
        params: prefixed(gradients?.params ?? {}, (key) => `l.${key}`),
      });
    }
  });
});

describe('random draws of a model', () => {
  const ALL = 0xffffffff;
  const rate = num(0.5);
  const kept = (site: number, b: number, step: number, unit: number) =>
    uniform(philox([Math.floor(unit / 4), b, step, 0], [9, site])[unit % 4] as number) >= 0.5 ? 2 : 0;
  const masked = buildCell({
    inputs: { x: ['M'] },
    options: { training: true },
    body: [give(record({ y: call('dropout', x('x'), rate), z: call('dropout', x('x'), rate) }))],
  });
  const model = buildModel({
    inputs: { x: ['H'] },
    fixed: { c: ['H'] },
    options: { training: true },
    layers: { l: { ...masked, dims: { M: 'H' } } },
    sizes: { T: 3, B: 3, H: 6 },
    body: [
      declare('a', call('dropout', x('x'), rate)),
      declare('b', layerCall(l('l'), { x: x('x') }, { reverse: flag(true) })),
      declare('c', call('dropout', x('c'), rate)),
      declare('d', layerCall(l('l'), { x: x('x') })),
      declare('e', call('dropout', x('x'), rate, str('sequence'))),
      declare('n', call('noise', x('c'), num(1))),
      give(
        record({
          a: name('a'),
          b: member(name('b'), 'z'),
          c: name('c'),
          d: member(name('d'), 'y'),
          e: name('e'),
          n: name('n'),
        }),
      ),
    ],
  });
  const ones = (count: number) => new Array<number>(count).fill(1);

  it.each([[[3, 1, 2]], [[0, 0, 0]]])('are numbered through layers and steps, with lengths %j', (steps) => {
    const { outputs } = run(model, given(model, { x: ones(54), c: ones(18) }, { lengths: steps, seed: 9 }));
    const sequence = (site: number, stepOf: (t: number, length: number) => number) =>
      Array.from({ length: 54 }, (_, i) => {
        const [t, b] = [Math.floor(i / 18), Math.floor(i / 6) % 3];
        const length = steps[b] as number;
        return t < length ? kept(site, b, stepOf(t, length), i % 6) : 0;
      });
    const single = (site: number) => Array.from({ length: 18 }, (_, i) => kept(site, Math.floor(i / 6), ALL, i % 6));
    expect(outputs.a).toEqual(sequence(0, (t) => t));
    expect(outputs.b).toEqual(sequence(2, (t, length) => length - 1 - t));
    expect(outputs.c).toEqual(single(3));
    expect(outputs.d).toEqual(sequence(4, (t) => t));
    expect(outputs.e).toEqual(sequence(6, () => ALL));
    const noise = Array.from({ length: 18 }, (_, i) => {
      return 1 + normal(philox([Math.floor((i % 6) / 4), Math.floor(i / 6), ALL, 0], [9, 7]), (i % 6) % 4);
    });
    expect(outputs.n).toEqual(noise);
  });
});

describe('what branches hold back', () => {
  const root = (of: Expression) => call('sqrt', of);
  const at = { T: 2, B: 1 };
  const gradient = (model: ReturnType<typeof buildModel>, data: Record<string, number[]>, outputs: Record<string, number[]>) => {
    const tensors = Object.fromEntries(
      Object.entries(outputs).map(([key, values]) => [
        key,
        { shape: values.length === 2 ? [2, 1] : [1], data: Float64Array.from(values) },
      ]),
    );
    return run(model, given(model, data, { cotangents: { outputs: tensors, state: {} } })).inputs.x;
  };

  it('a zero that meets an infinite slope at a step that nothing reads stays zero', () => {
    for (const [y, cotangent, expected] of [
      [call('last', root(x('x'))), [1], [0, 0.25]],
      [call('shift', root(x('x')), num(1)), [1, 1], [0, 0.25]],
      [call('maxOver', root(x('x')), str('T')), [1], [0, 0.25]],
      [pick(bin('>', x('x'), num(0)), root(x('x')), num(0)), [1, 1], [0, 0.25]],
    ] as const) {
      const model = buildModel({ inputs: { x: [] }, sizes: at, body: [give(record({ y }))] });
      expect(gradient(model, { x: [0, 4] }, { y: [...cotangent] })).toEqual(expected);
    }
    const model = buildModel({ inputs: { x: [] }, sizes: at, body: [give(record({ y: root(x('x')) }))] });
    expect(gradient(model, { x: [0, 4] }, { y: [0, 1] })?.[0]).toBeNaN();
  });

  it('a state that its cell holds back is held back at the last step too, with nothing behind it', () => {
    const cell = buildCell({
      inputs: { x: [] },
      state: { h: [] },
      body: [give(record({ h: add(call('relu', s('h')), root(x('x'))) }))],
    });
    const model = buildModel({
      inputs: { x: [] },
      layers: { l: { ...cell, dims: {} } },
      sizes: at,
      body: [give(record({ y: member(layerCall(l('l'), { x: x('x') }), 'h') }))],
    });
    expect(gradient(model, { x: [4, 0] }, { y: [1, 0] })).toEqual([0.25, 0]);
  });
});

describe('data that a model does not take are refused', () => {
  const dropping = buildModel({
    inputs: { x: ['H'] },
    fixed: { c: [] },
    params: { W: ['H', 'H'] },
    sizes,
    options: { training: true },
    body: [give(record({ y: add(call('matvec', p('W'), x('x')), x('c')) }))],
  });
  const good = modelData(dropping, { seed: 1, lengths });
  const { c, ...withoutC } = good.inputs;
  const zeros = (shape: number[]) => ({ shape, data: new Float64Array(shape.reduce((product, size) => product * size, 1)) });
  it.each<[string, Partial<CellData>]>([
    ['DATA-MISSING', { inputs: withoutC }],
    ['DATA-MISSING', { params: {} }],
    ['DATA-SHAPE', { inputs: { ...good.inputs, c: zeros([3, 3]) } }],
    ['DATA-NAME', { inputs: { ...good.inputs, z: zeros([3]) } }],
    ['DATA-NAME', { state: { h: zeros([3, 2]) } }],
    ['DATA-NAME', { cotangents: { outputs: { z: zeros([3]) }, state: {} } }],
    ['DATA-NAME', { cotangents: { outputs: {}, state: { h: zeros([3, 2]) } } }],
    ['DATA-SHAPE', { cotangents: { outputs: { y: zeros([3, 2]) }, state: {} } }],
    ['DATA-LENGTHS', { lengths: [4, 0, 0] }],
    ['DATA-LENGTHS', { lengths: [1, 1] }],
    ['DATA-SEED', { seed: -1 }],
    ['RUN-MODEL', { reverse: true }],
  ])('%s of %j', (code, change) => {
    expect(() => run(dropping, { ...good, ...change })).toThrow(expect.objectContaining({ code }));
  });

  it("DATA-RATE of a layer's rate", () => {
    const model = { ...dropping, signature: { ...dropping.signature, rates: ['l.rate'] } };
    const data = { ...good, params: { ...good.params, 'l.rate': zeros([]) } };
    data.params['l.rate'].data[0] = 2;
    expect(() => run(model, data)).toThrow(expect.objectContaining({ code: 'DATA-RATE' }));
  });
});
