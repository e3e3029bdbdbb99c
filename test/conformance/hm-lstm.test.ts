/** The hierarchical multiscale LSTM, in float64: forced boundaries, and gradients through them by hand. */
import { describe, expect, it } from 'vitest';
import { chooseSizes } from '../../codegen/ir/sizes.js';
import type { CellData, Tensor } from '../../runtime/data.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { builtIn, prepare } from './compare-cell.js';

const T = 4;
function setUp(seed: number, size: number) {
  const tree = builtIn('hm-lstm');
  const { signature } = prepare(tree, {});
  const sizes = chooseSizes(signature.rules, { T, B: 1, I: size, H1: size, H2: size, H3: size });
  const { outputs } = prepare(tree, sizes);
  const data = randomData(signature, sizes, outputs, { seed });
  return { data, run: (changed: CellData) => runReference(tree, signature, sizes, changed) };
}
const values = (one: Tensor | undefined): number[] => [...(one?.data ?? [])];
const edited = (one: Tensor | undefined, edit: (value: number, index: number) => number): Tensor => ({
  shape: one?.shape ?? [],
  data: Float64Array.from(values(one).map(edit)),
});
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

type Numbers = Readonly<Record<string, readonly number[]>>;
const at = (numbers: Numbers, name: string, index = 0): number => numbers[name]?.[index] ?? 0;

/**
 * One unit a layer. `boundary` gives z' from its pre-activation, in order of use: with the boundaries found at first
 * held, plus how far the hard sigmoid moves, ordinary differences are the straight-through gradient.
 */
function byHand(params: Numbers, start: Numbers, x: readonly number[], boundary: (s: number) => number): Numbers {
  const h = [0, at(start, 'h1'), at(start, 'h2'), at(start, 'h3'), 0];
  const c = [0, at(start, 'c1'), at(start, 'c2'), at(start, 'c3')];
  const z = [1, at(start, 'z1'), at(start, 'z2'), 0];
  for (const input of x) {
    h[0] = input;
    for (let layer = 1; layer <= 3; layer++) {
      const [old, held, flush, below] = [h[layer] ?? 0, c[layer] ?? 0, z[layer] ?? 0, z[layer - 1] ?? 0];
      const s = (gate: number) =>
        at(params, `U${layer}`, gate) * old +
        flush * at(params, `V${layer}`, gate) * (h[layer + 1] ?? 0) +
        below * at(params, `W${layer}`, gate) * (h[layer - 1] ?? 0) +
        at(params, `b${layer}`, gate);
      const [f, i, o, g] = [sigmoid(s(0)), sigmoid(s(1)), sigmoid(s(2)), Math.tanh(s(3))];
      const copy = (1 - flush) * (1 - below);
      c[layer] = flush * i * g + (1 - flush) * below * (f * held + i * g) + copy * held;
      h[layer] = copy * old + (1 - copy) * o * Math.tanh(c[layer] ?? 0);
      if (layer < 3) z[layer] = boundary(s(4));
    }
  }
  const [, h1 = 0, h2 = 0, h3 = 0] = h;
  const [, c1 = 0, c2 = 0, c3 = 0] = c;
  const [, z1 = 0, z2 = 0] = z;
  return { h1: [h1], h2: [h2], h3: [h3], c1: [c1], c2: [c2], c3: [c3], z1: [z1], z2: [z2] };
}

describe('hm-lstm', () => {
  it.each([1, 2, 3, 4])('has the values and straight-through gradients worked out by hand, seed %d', (seed) => {
    const { data, run } = setUp(seed, 1);
    const result = run({ ...data, cotangents: { outputs: {}, state: data.cotangents?.state ?? {} } });
    const numbers = (group: Readonly<Record<string, Tensor>>): Numbers =>
      Object.fromEntries(Object.entries(group).map(([name, one]) => [name, values(one)]));
    const [params, start, weights] = [numbers(data.params), numbers(data.state), numbers(data.cotangents?.state ?? {})];
    const hard = (s: number) => Math.max(0, Math.min(1, (at(params, 'a') * s + 1) / 2));
    const found: { z: number; s: number }[] = [];
    const plain = byHand(params, start, values(data.inputs.x), (s) => {
      found.push({ z: hard(s) > 0.5 ? 1 : 0, s });
      return hard(s) > 0.5 ? 1 : 0;
    });
    for (const [name, [value]] of Object.entries(plain)) expect(values(result.state[name])[0]).toBeCloseTo(value ?? 0, 12);
    const loss = (changedParams: Numbers, changedStart: Numbers) => {
      const queue = [...found];
      const end = byHand(changedParams, changedStart, values(data.inputs.x), (s) => {
        const held = queue.shift() ?? { z: 0, s: 0 };
        return held.z + hard(s) - hard(held.s);
      });
      return Object.keys(end).reduce((sum, name) => sum + at(weights, name) * at(end, name), 0);
    };
    const moved = (group: Numbers, name: string, index: number, by: number): Numbers => ({
      ...group,
      [name]: (group[name] ?? []).map((value, i) => (i === index ? value + by : value)),
    });
    const step = 1e-5;
    for (const [name, gradient] of Object.entries(result.gradients?.params ?? {})) {
      for (const [index, value] of values(gradient).entries()) {
        const [up, down] = [step, -step].map((by) => loss(moved(params, name, index, by), start));
        expect(value).toBeCloseTo(((up ?? 0) - (down ?? 0)) / (2 * step), 7);
      }
    }
    for (const [name, gradient] of Object.entries(result.gradients?.state ?? {})) {
      const [up, down] = [step, -step].map((by) => loss(params, moved(start, name, 0, by)));
      expect(values(gradient)[0]).toBeCloseTo(((up ?? 0) - (down ?? 0)) / (2 * step), 7);
    }
  });

  it('sends a cotangent of a boundary through the slope a/2, and nothing where the hard sigmoid is flat', () => {
    const { data, run } = setUp(5, 1);
    const zero = Object.fromEntries(Object.entries(data.params).map(([name, one]) => [name, edited(one, () => 0)]));
    const cotangents = { outputs: {}, state: { z1: edited(data.state.z1, () => 1) } };
    const gradient = (bias: number) => {
      const params = { ...zero, a: edited(data.params.a, () => 3), b1: edited(data.params.b1, (_, i) => (i === 4 ? bias : 0)) };
      const { state, gradients } = run({ ...data, params, cotangents });
      return [values(state.z1)[0], values(gradients?.params.b1)[4]];
    };
    expect(gradient(0.1)).toEqual([1, 1.5]);
    expect(gradient(-0.1)).toEqual([0, 1.5]);
    expect(gradient(0.4)).toEqual([1, 0]);
    // Exactly ½ does not fire.
    expect(gradient(0)).toEqual([0, 1.5]);
  });

  /** Detectors far on one side, whatever the data. */
  function forced(data: CellData, size: number, first: number, second: number): CellData {
    const params = Object.fromEntries(
      Object.entries(data.params).map(([name, one]) => {
        const bias = name === 'b1' ? first : name === 'b2' ? second : undefined;
        return [name, bias === undefined ? one : edited(one, (value, i) => (i === 4 * size ? bias : value))];
      }),
    );
    const [z1, z2] = [first, second].map((bias) => edited(data.state.z1, () => (bias > 0 ? 1 : 0)));
    return { ...data, params, state: { ...data.state, ...(z1 && z2 ? { z1, z2 } : {}) } };
  }

  /** What an LSTM with the weights of a layer makes of these inputs. */
  function lstm(data: CellData, layer: number, size: number, x: readonly number[]): number[] {
    const tree = builtIn('lstm');
    const sizes = { T, B: 1, I: size, H: size };
    const { signature } = prepare(tree, sizes);
    const params = Object.fromEntries(
      ['f', 'i', 'o', 'g'].flatMap((gate, slice) =>
        (['W', 'U', 'b'] as const).map((kind): [string, Tensor] => {
          const one = data.params[`${kind}${layer}`];
          const [length, shape] = kind === 'b' ? [size, [size]] : [size * size, [size, size]];
          return [`${kind}_${gate}`, { shape, data: Float64Array.from(values(one).slice(slice * length, (slice + 1) * length)) }];
        }),
      ),
    );
    const input = { shape: [T, 1, size], data: Float64Array.from(x) };
    const state = { h: data.state[`h${layer}`] ?? input, c: data.state[`c${layer}`] ?? input };
    return values(runReference(tree, signature, sizes, { inputs: { x: input }, state, params, reverse: false }).outputs.h);
  }
  const expectClose = (actual: readonly number[], expected: readonly number[]) => {
    expect(actual.length).toBe(expected.length);
    for (const [index, value] of expected.entries()) expect(actual[index]).toBeCloseTo(value, 12);
  };

  it('without boundaries is an LSTM below layers that copy', () => {
    const { data, run } = setUp(6, 3);
    const never = forced(data, 3, -1e4, -1e4);
    const result = run(never);
    expectClose(values(result.outputs.h1), lstm(never, 1, 3, values(data.inputs.x)));
    for (const name of ['h2', 'c2', 'h3', 'c3']) expectClose(values(result.state[name]), values(data.state[name]));
  });

  it('with a boundary at every step of the first layer is an LSTM in the second, above one that forgets', () => {
    const { data, run } = setUp(7, 3);
    const always = forced(data, 3, 1e4, -1e4);
    const result = run(always);
    expectClose(values(result.outputs.h2), lstm(always, 2, 3, values(result.outputs.h1)));
    expectClose(values(result.state.h3), values(data.state.h3));
    const other = { ...always.state, c1: edited(always.state.c1, (value) => value + 1) };
    expectClose(values(run({ ...always, state: other }).outputs.c1), values(result.outputs.c1));
  });
});
