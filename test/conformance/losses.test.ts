/** Losses on the device: right beside the reference, and far out where plain formulas overflow or cancel. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { judge } from '../../runtime/check/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { fromText, prepare } from './compare-cell.js';

const TREE =
  fromText(`import { absoluteError, binaryCrossEntropy, cell, crossEntropy, huber, mat, matvec, mean, scalar, squaredError, symbol,
    tanh, vec } from 'recurve';
  export default cell({ name: 'losses', dims: ['K'], inputs: { x: vec('K'), y: vec('K'), s: symbol('K'), mask: scalar() },
    state: { h: vec('K') }, params: { U: mat('K', 'K'), w: vec('K'), rate: scalar({ init: 0.1 }) },
    step({ x, y, s, mask }, { h }, p) {
      const logits = x + matvec(p.U, h);
      return { h: tanh(logits), label: mask * crossEntropy(logits, s), smooth: crossEntropy(logits, s, { smoothing: p.rate }),
        weighted: crossEntropy(logits, s, { weights: p.w }), both: crossEntropy(logits, s, { smoothing: 0.2, weights: p.w }),
        binary: binaryCrossEntropy(logits, y), square: mean(squaredError(logits, y)), absolute: absoluteError(logits, y),
        huber: huber(logits, y, 0.5) };
    } });`);

describe('losses', () => {
  let device: RecurveDevice;
  beforeAll(async () => {
    device = await openDevice('swiftshader');
  });
  afterAll(() => device.close());

  it('agree with the reference, ragged and in reverse', async () => {
    for (const sizes of [
      { T: 5, B: 3, K: 7 },
      { T: 2, B: 5, K: 70 },
    ]) {
      const { tree, signature, outputs } = prepare(TREE, sizes);
      const layer = await load(device, compile(tree, { options: {}, sizes, gradients: true, target: device.target }));
      for (const reverse of [false, true]) {
        const data = randomData(signature, sizes, outputs, { seed: 3, ragged: true, reverse });
        const result = await layer.run(data);
        expect(judge(tree, signature, sizes, data, result).filter(({ verdict }) => verdict !== 'agrees')).toEqual([]);
      }
      layer.destroy();
    }
  });

  it('of logits far out are finite and right, and so are their gradients', async () => {
    const sizes = { T: 1, B: 6, K: 3 };
    const layer = await load(device, compile(TREE, { options: {}, sizes, gradients: true, target: device.target }));
    const x = [100, -100, 0, 1e4, -1e4, 0, -1e4, -1e4, -1e4, 1e4, 0, -1e4, 20, 0, -20, -20, 0, 20];
    const y = [1, 0, 1, 0, 1, 0, 1, 0, 0.5, 1, 0, 0, 1, 1, 0, 1, 0, 0];
    const s = [1, 0, 2, 2, 0, 0];
    const ones = (count: number) => new Float32Array(count).fill(1);
    const run = async (name: string, width: number) => {
      const { outputs, gradients } = await layer.run({
        inputs: { x: Float32Array.from(x), y: Float32Array.from(y), s: Float32Array.from(s), mask: ones(6) },
        params: { U: new Float32Array(9), w: ones(3), rate: Float32Array.of(0) },
        cotangents: { outputs: { [name]: ones(6 * width) } },
      });
      return [[...(outputs[name]?.data ?? [])], [...(gradients?.inputs.x?.data ?? [])]] as const;
    };
    const [labels, slopes] = await run('label', 1);
    // Two logits 20 apart of the largest: log(1 + e⁻²⁰ + e⁻⁴⁰).
    const small = Math.log1p(Math.exp(-20) + Math.exp(-40));
    expectClose(labels, [200, 0, Math.log(3), 2e4, small, 40 + small]);
    const third = 1 / 3;
    expectClose(slopes.slice(0, 12), [1, -1, 0, 0, 0, 0, third, third, -2 * third, 1, 0, -1]);
    const [binary, rates] = await run('binary', 3);
    const logistic = (value: number) => 1 / (1 + Math.exp(-value));
    expectClose(
      binary,
      x.map((value, at) => target(value, y[at] ?? 0)),
    );
    expectClose(
      rates,
      x.map((value, at) => ((y[at] ?? 0) === 1 ? -logistic(-value) : logistic(value) - (y[at] ?? 0))),
    );
    layer.destroy();
  });
});

/** −y·log sigmoid(x) − (1 − y)·log(1 − sigmoid(x)), in a form that neither overflows nor cancels. */
function target(x: number, y: number): number {
  const off = Math.log1p(Math.exp(-Math.abs(x)));
  return y * (Math.max(-x, 0) + off) + (1 - y) * (Math.max(x, 0) + off);
}

/** To 1e-5 of each number, and of what a float32 cannot tell from one. */
function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length);
  for (const [at, one] of wanted.entries()) {
    expect(Math.abs((found[at] ?? Number.NaN) - one), `[${at}] is ${found[at]}, not ${one}`).toBeLessThanOrEqual(
      1e-5 * Math.abs(one) + 1e-7,
    );
  }
}
