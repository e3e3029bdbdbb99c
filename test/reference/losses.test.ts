/** Losses in the reference: numbers written by hand. */
import { describe, expect, it } from 'vitest';
import type { Expression } from '../../codegen/frontend/tree.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { fromText, prepare } from '../conformance/compare-cell.js';
import { call, num, p, record, x } from './build.js';
import { compute } from './compute.js';
import { gradientErrors } from './differences.js';

const sizes = { V: 3 };

describe('crossEntropy', () => {
  const loss = (logits: number[], symbol: number, settings: Expression[] = [], w = [1, 1, 1]) =>
    compute(call('crossEntropy', x('x'), x('s'), ...settings), {
      inputs: { x: [['V'], logits], s: [[], [symbol]] },
      params: { w: [['V'], w] },
      sizes,
      g: [2],
    });
  const logits = [1, 2, 0.5];
  const total = Math.exp(1) + Math.exp(2) + Math.exp(0.5);
  const shares = logits.map((logit) => Math.exp(logit) / total);

  it('is log Σ eˣ − x[s], with the gradient softmax − one-hot, and stays finite far out', () => {
    const { y, gradients } = loss(logits, 2);
    expect(y[0]).toBeCloseTo(Math.log(total) - 0.5, 14);
    const wanted = shares.map((share, unit) => expect.closeTo(2 * (share - (unit === 2 ? 1 : 0)), 13));
    expect(gradients).toMatchObject({ x: wanted, s: [0] });
    expect(loss([1e4, 0, 0], 1).y[0]).toBe(1e4);
    expect(loss([1e4, -1e4, 0], 0)).toMatchObject({ y: [0], gradients: { x: [0, 0, 0] } });
    expect(loss(logits, 3).y[0]).toBeCloseTo(Math.log(total), 14);
  });

  it('with smoothing is against what is left of one-hot and an equal share for all', () => {
    const { y, gradients } = loss(logits, 2, [record({ smoothing: num(0.25) })]);
    const target = [0.25 / 3, 0.25 / 3, 0.75 + 0.25 / 3];
    expect(y[0]).toBeCloseTo(-target.reduce((sum, q, unit) => sum + q * Math.log(shares[unit] as number), 0), 14);
    expect(gradients.x).toEqual(shares.map((share, unit) => expect.closeTo(2 * (share - (target[unit] as number)), 13)));
  });

  it('weighs each symbol as PyTorch does, and what it smooths, too', () => {
    const w = [0.5, 2, 3];
    const surprise = shares.map((share) => -Math.log(share));
    const plain = loss(logits, 1, [record({ weights: p('w') })], w);
    expect(plain.y[0]).toBeCloseTo(2 * (surprise[1] as number), 14);
    expect(plain.gradients.w).toEqual([0, expect.closeTo(2 * (surprise[1] as number), 13), 0]);
    const both = loss(logits, 1, [record({ smoothing: num(0.5), weights: p('w') })], w);
    const smooth = surprise.reduce((sum, own, unit) => sum + own * (w[unit] as number), 0) / 3;
    expect(both.y[0]).toBeCloseTo(0.5 * 2 * (surprise[1] as number) + 0.5 * smooth, 14);
  });
});

describe('per unit', () => {
  const CALLS = {
    binary: 'binaryCrossEntropy(x, y)',
    square: 'squaredError(x, y)',
    absolute: 'absoluteError(x, y)',
    huber: 'huber(x, y, 2)',
  };
  const names = Object.keys(CALLS) as (keyof typeof CALLS)[];
  const tree = fromText(`import { absoluteError, binaryCrossEntropy, cell, huber, squaredError, vec } from 'recurve';
    export default cell({ name: 'losses', dims: ['V'], inputs: { x: vec('V'), y: vec('V') }, state: {}, params: {},
      step({ x, y }) { return { ${names.map((name) => `${name}: ${CALLS[name]}`).join(', ')} }; } });`);

  /** Each loss of these values, and its slope. */
  function losses(values: readonly number[], targets: readonly number[]) {
    const all = { T: 1, B: 1, V: values.length };
    const { signature } = prepare(tree, all);
    const tensor = (data: readonly number[]) => ({ shape: [1, 1, values.length], data: Float64Array.from(data) });
    const of = (name: string) => {
      const outputs = Object.fromEntries(names.map((each) => [each, tensor(values.map(() => (each === name ? 1 : 0)))]));
      const data = { inputs: { x: tensor(values), y: tensor(targets) }, state: {}, params: {}, reverse: false };
      const result = runReference(tree, signature, all, { ...data, cotangents: { outputs, state: {} } });
      return { loss: [...(result.outputs[name]?.data ?? [])], slope: [...(result.gradients?.inputs.x?.data ?? [])] };
    };
    return { binary: of('binary'), square: of('square'), absolute: of('absolute'), huber: of('huber') };
  }

  it('a logit is judged by how likely its unit is on, with the slope sigmoid − target, and finite far out', () => {
    const { loss, slope } = losses([0, 2, -3, 100, -100, 1e4, -1e4, 1e4], [1, 0.25, 0, 0, 1, 1, 0, 0]).binary;
    const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
    const near = -0.25 * Math.log(sigmoid(2)) - 0.75 * Math.log(1 - sigmoid(2));
    expect(loss).toEqual(
      [Math.log(2), near, Math.log1p(Math.exp(-3)), 100, 100, 0, 0, 1e4].map((one) => expect.closeTo(one, 12)),
    );
    const wanted = [-0.5, sigmoid(2) - 0.25, sigmoid(-3), 1, -1, 0, 0, 1];
    expect(slope).toEqual(wanted.map((one) => expect.closeTo(one, 14)));
  });

  it('errors are squares, distances, and one within and the other beyond delta, with the slope of both where they meet', () => {
    const { square, absolute, huber } = losses([3, -1, 5, 0, 1, 1e30], [1, -1, 0, 0.5, 4, 0]);
    expect(square.loss.slice(0, 5)).toEqual([4, 0, 25, 0.25, 9]);
    expect(square.slope.slice(0, 5)).toEqual([4, 0, 10, -1, -6]);
    expect(absolute).toEqual({ loss: [2, 0, 5, 0.5, 3, 1e30], slope: [1, 0, 1, -1, -1, 1] });
    expect(huber.loss).toEqual([2, 0, 8, 0.125, 4, 2e30]);
    expect(huber.slope).toEqual([2, 0, 2, -0.5, -2, 2]);
  });

  it('have gradients that agree with finite differences', () => {
    const all = { T: 3, B: 2, V: 5 };
    const { signature, outputs } = prepare(tree, all);
    const errors = gradientErrors(
      { tree, signature, sizes: all },
      randomData(signature, all, outputs, { seed: 2, ragged: true }),
    );
    expect(Object.keys(errors)).toHaveLength(2);
    for (const [key, error] of Object.entries(errors)) expect(error, key).toBeLessThan(1e-7);
  });
});
