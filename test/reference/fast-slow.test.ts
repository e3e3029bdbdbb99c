/** The Fast-Slow RNN against its paper's equations, written out on plain numbers. */
import { describe, expect, it } from 'vitest';
import { parseSpec, resolveOptions, resolveSpec, valuesOf } from '../../codegen/index.js';
import { builtInModels } from '../../codegen/shipped.js';
import { outputShapes } from '../../runtime/check/index.js';
import type { Tensors } from '../../runtime/data.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';

const tree = parseSpec(builtInModels().find(({ name }) => name === 'fast-slow')?.path ?? '');
const sizes = { T: 5, B: 1, I: 2, H: 3, S: 4 };

type Vector = readonly number[];
interface Cell {
  readonly h: Vector;
  readonly c: Vector;
}

const sigma = (value: number) => 1 / (1 + Math.exp(-value));

/** One step of the cell whose parameters are called `layer.…`. */
function stepOf(params: Tensors, layer: string, x: Vector, { h, c }: Cell): Cell {
  const numbers = (name: string) => [...(params[`${layer}.${name}`]?.data ?? [])];
  const product = (name: string, v: Vector, unit: number) =>
    v.reduce((sum, value, k) => sum + value * (numbers(name)[unit * v.length + k] ?? Number.NaN), 0);
  const sum = (gate: string) =>
    h.map((_, unit) => {
      const at = `_${gate}`;
      return product(`W${at}`, x, unit) + product(`U${at}`, h, unit) + (numbers(`b${at}`)[unit] ?? Number.NaN);
    });
  const [i, f, g, o] = ['i', 'f', 'g', 'o'].map(sum) as [number[], number[], number[], number[]];
  const next = c.map((old, k) => sigma(f[k] as number) * old + sigma(i[k] as number) * Math.tanh(g[k] as number));
  return { c: next, h: next.map((value, k) => sigma(o[k] as number) * Math.tanh(value)) };
}

describe('the Fast-Slow LSTM', () => {
  it.each([2, 3, 5])('of %i fast cells', (fast) => {
    const signature = resolveSpec(tree, resolveOptions(tree, { fast }));
    const data = randomData(signature, sizes, outputShapes(signature, valuesOf(tree, signature)), { seed: 4 });
    const { outputs } = runReference(tree, signature, sizes, data);
    const start = (name: string) => [...(data.state[name]?.data ?? [])];
    let state: Cell = { h: start('h'), c: start('c') };
    let slow: Cell = { h: [0, 0, 0, 0], c: [0, 0, 0, 0] };
    expect(Math.max(...state.h.map(Math.abs), ...state.c.map(Math.abs))).toBeGreaterThan(0);
    for (let t = 0; t < sizes.T; t++) {
      state = stepOf(data.params, 'first', [...(data.inputs.x?.data.slice(2 * t, 2 * t + 2) ?? [])], state);
      slow = stepOf(data.params, 'slow', state.h, slow);
      state = stepOf(data.params, 'second', slow.h, state);
      for (let k = 0; k < fast - 2; k++) state = stepOf(data.params, `more.${k}`, [0], state);
      for (const name of ['h', 'c'] as const)
        state[name].forEach((value, unit) => {
          expect(outputs[name]?.data[3 * t + unit]).toBeCloseTo(value, 12);
        });
    }
  });
});
