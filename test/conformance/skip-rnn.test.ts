/** The straight-through gate of `skip-rnn`: gradients derived by hand, for one unit. */
import { describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import type { CellData, Tensor } from '../../runtime/data.js';
import { openDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { runReference } from '../../runtime/reference/index.js';
import { builtIn, prepare } from './compare-cell.js';

const T = 8;
const P = { W_g: 0.8, U_g: -0.6, b_g: 0.1, w_p: -1.5, b_p: 0.2 };
const X = [0.9, -1.2, 0.4, 1.7, -0.3, 0.8, -2, 0.5];
const START = { h: -0.3, u: 0.45 };
/** Cotangents of the outputs h and update at every step, and of the final states. */
const COTANGENTS = { h: [0.5, -1, 0.7, 1.1, -0.2, 0.9, 0.4, -0.8], update: [1, 0.3, -0.5, 0.2, 0.8, -1.2, 0.6, 0.1], final: 0.7 };

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
const at = (values: readonly number[], index: number) => values[index] ?? Number.NaN;

interface Step {
  readonly h: number;
  readonly u: number;
  readonly k: number;
  readonly g: number;
  readonly delta: number;
  readonly next: number;
}

function forward(): Step[] {
  const steps: Step[] = [];
  let { h, u } = START;
  for (let t = 0; t < T; t++) {
    const k = Math.round(u);
    const g = Math.tanh(P.W_g * at(X, t) + P.U_g * h + P.b_g);
    const next = k * g + (1 - k) * h;
    const delta = sigmoid(P.w_p * next + P.b_p);
    steps.push({ h, u, k, g, delta, next });
    u = k * delta + (1 - k) * (u + Math.min(delta, 1 - u));
    h = next;
  }
  return steps;
}

/** With dk/du = 1, step by step from the end. */
function backward(steps: readonly Step[]) {
  const d = { W_g: 0, U_g: 0, b_g: 0, w_p: 0, b_p: 0, x: X.map(() => 0), h: COTANGENTS.final, u: COTANGENTS.final };
  for (const [t, { h, u, k, g, delta, next }] of [...steps.entries()].reverse()) {
    const fits = delta <= 1 - u;
    const dDelta = d.u * (k + (1 - k) * (fits ? 1 : 0));
    const score = dDelta * delta * (1 - delta);
    const dNext = d.h + at(COTANGENTS.h, t) + score * P.w_p;
    const dk = dNext * (g - h) + d.u * (delta - (u + Math.min(delta, 1 - u))) + at(COTANGENTS.update, t);
    const inner = dNext * k * (1 - g * g);
    d.w_p += score * next;
    d.b_p += score;
    d.W_g += inner * at(X, t);
    d.U_g += inner * h;
    d.b_g += inner;
    d.x[t] = inner * P.W_g;
    d.u = dk + d.u * (1 - k) * (fits ? 1 : 0);
    d.h = dNext * (1 - k) + inner * P.U_g;
  }
  return d;
}

const tensor = (shape: readonly number[], ...data: readonly number[]): Tensor => ({ shape, data: Float64Array.from(data) });

function request(): CellData {
  const one = { h: tensor([1, 1], START.h), u: tensor([1], START.u) };
  return {
    inputs: { x: tensor([T, 1, 1], ...X) },
    state: one,
    params: {
      W_g: tensor([1, 1], P.W_g),
      U_g: tensor([1, 1], P.U_g),
      b_g: tensor([1], P.b_g),
      w_p: tensor([1], P.w_p),
      b_p: tensor([], P.b_p),
    },
    reverse: false,
    cotangents: {
      outputs: { h: tensor([T, 1, 1], ...COTANGENTS.h), update: tensor([T, 1], ...COTANGENTS.update) },
      state: { h: tensor([1, 1], COTANGENTS.final), u: tensor([1], COTANGENTS.final) },
    },
  };
}

describe('the gradient of skip-rnn', () => {
  const steps = forward();
  const { x, h, u, ...params } = backward(steps);
  const expected = { 'inputs.x': x, 'state.h': [h], 'state.u': [u] } as Record<string, readonly number[]>;
  for (const [name, value] of Object.entries(params)) expected[`params.${name}`] = [value];
  const { tree, options, signature, sizes } = prepare(builtIn('skip-rnn'), { T, B: 1, I: 1, H: 1 }, { inner: 'rnn' });

  it('is taken where steps are skipped and where they are not, with the counter below and at its bound', () => {
    expect(new Set(steps.map(({ k }) => k))).toEqual(new Set([0, 1]));
    const skipped = steps.filter(({ k }) => k === 0);
    expect(new Set(skipped.map(({ u, delta }) => delta <= 1 - u))).toEqual(new Set([true, false]));
  });

  it('of the reference is the one derived by hand', () => {
    const { gradients } = runReference(tree, signature, sizes, request());
    for (const [path, values] of Object.entries(expected)) {
      const [group, name] = path.split('.') as ['inputs' | 'state' | 'params', string];
      const found = gradients?.[group][name]?.data ?? [];
      expect(found, path).toHaveLength(values.length);
      for (const [i, value] of [...found].entries()) expect(value, path).toBeCloseTo(at(values, i), 12);
    }
  });

  it('of the kernels is the one derived by hand', async () => {
    const device = await openDevice('swiftshader');
    const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
    const { gradients } = await executable.run(request());
    for (const [path, values] of Object.entries(expected)) {
      const [group, name] = path.split('.') as ['inputs' | 'state' | 'params', string];
      for (const [i, value] of [...(gradients?.[group][name]?.data ?? [])].entries())
        expect(Math.abs(value - at(values, i)), path).toBeLessThan(1e-5 * Math.max(1, Math.abs(at(values, i))));
    }
    executable.destroy();
    device.close();
  });
});
