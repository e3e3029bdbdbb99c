/** Random masks at the rates that leave nothing to chance, 0 and 1, in training and not, and rates that are none. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { compareResults } from '../../runtime/compare.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { fromText, prepare } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

const SIZES = { T: 3, B: 2, H: 5 };
/** `rate` is a number or `p.rate`. */
const cellOf = (value: string, init = '0.1, trainable: false') =>
  fromText(`import { cell, dropConnect, dropout, log, mat, matvec, scalar, vec, zoneout } from 'recurve';
    export default cell({ name: 'rates', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') },
      params: { U: mat('H', 'H'), rate: scalar({ init: ${init} }) },
      step({ x }, { h }, p) { return { h: ${value} }; } });`);

interface Case {
  readonly value: string;
  readonly training: boolean;
  readonly rate: number;
  /** What is left of the value. */
  readonly same: string;
}

const CASES: readonly Case[] = ['p.rate', 'number'].flatMap((given): Case[] =>
  [0, 1].flatMap((rate) => {
    const text = given === 'number' ? `${rate}` : given;
    // A square root of nothing and a logarithm of a negative number must not pass either.
    const none = '(0 * x)';
    return [
      { value: `dropout(x + h, ${text}) + 0 * p.rate`, training: true, rate, same: rate === 1 ? none : 'x + h' },
      { value: `dropout(x + h, ${text}, 'sequence') + 0 * p.rate`, training: true, rate, same: rate === 1 ? none : 'x + h' },
      { value: `dropout(x + h, ${text}) + 0 * p.rate`, training: false, rate, same: 'x + h' },
      { value: `zoneout(x + h, 0.5 * h, ${text})`, training: true, rate, same: rate === 1 ? '0.5 * h' : 'x + h' },
      { value: `zoneout(x + h, 0.5 * h, ${text})`, training: false, rate, same: rate === 1 ? '0.5 * h' : 'x + h' },
      { value: `x + matvec(dropConnect(p.U, ${text}), h)`, training: true, rate, same: rate === 1 ? 'x' : 'x + matvec(p.U, h)' },
      ...(rate === 1
        ? [true, false].map((training) => ({ value: `zoneout(log(-1 - x * x), x, ${text})`, training, rate, same: 'x' }))
        : [{ value: `zoneout(x, log(-1 - x * x), ${text})`, training: false, rate, same: 'x' }]),
    ];
  }),
);

describe('a rate that leaves nothing to chance', () => {
  it.each(CASES)('$value at $rate is $same, training $training', async ({ value, training, rate, same }) => {
    const own = prepare(cellOf(value), SIZES, { training });
    const plain = prepare(cellOf(`${same} + 0 * p.rate`), SIZES);
    for (const reverse of [false, true]) {
      const data = randomData(own.signature, SIZES, own.outputs, { seed: 5, ragged: true, reverse });
      data.params.rate?.data.fill(rate);
      const wanted = runReference(plain.tree, plain.signature, SIZES, data);
      const executable = await load(
        device,
        compile(own.tree, { options: own.options, sizes: SIZES, gradients: true, target: device.target }),
      );
      executable.poison();
      const results = [await executable.run(data), runReference(own.tree, own.signature, SIZES, data)];
      executable.destroy();
      for (const result of results) {
        expect([...(result.gradients?.inputs.x?.data ?? [])].every(Number.isFinite)).toBe(true);
        expect(compareResults(result, wanted, 1e-6).filter(({ ok }) => !ok)).toEqual([]);
      }
    }
  });
});

describe('a rate that is no probability', () => {
  it.each([-0.1, 1.001, Number.NaN])('is refused by kernels and reference: %d', async (rate) => {
    const { tree, options, signature, outputs } = prepare(cellOf('dropout(x + h, p.rate)'), SIZES, { training: true });
    const executable = await load(device, compile(tree, { options, sizes: SIZES, gradients: true, target: device.target }));
    const data = randomData(signature, SIZES, outputs, { seed: 1 });
    data.params.rate?.data.fill(rate);
    const refusal = expect.objectContaining({ code: 'DATA-RATE', where: 'params.rate' });
    await expect(executable.run(data)).rejects.toThrow(refusal);
    expect(() => runReference(tree, signature, SIZES, data)).toThrow(refusal);
    executable.destroy();
  });

  it('is no draw of a check: a trained rate is drawn from within', () => {
    const { signature, outputs } = prepare(cellOf('dropout(x + h, p.rate)', "'zeros'"), SIZES);
    for (let seed = 0; seed < 50; seed++) {
      const [rate = Number.NaN] = randomData(signature, SIZES, outputs, { seed }).params.rate?.data ?? [];
      expect(rate).toBeGreaterThan(0.2);
      expect(rate).toBeLessThan(0.8);
    }
  });
});
