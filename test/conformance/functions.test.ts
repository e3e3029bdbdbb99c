/** Per-unit functions on the embedded adapter, over the ranges where their plain formulas lose digits. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { argumentsOf, functions } from '../../codegen/ops/index.js';
import { FAR, type Interval, MIDDLE, NEAR } from '../../codegen/ops/record.js';
import type { CellResult } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { runReference } from '../../runtime/reference/index.js';
import { builtIn, prepare } from './compare-cell.js';
import { prepareFunction, spread, wrongTensors } from './measure-function.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

const UNITS = 4099;
const ready = new Map<string, ReturnType<typeof prepareFunction>>();

/** A function made ready once for all tests here. */
function functionOf(expression: string) {
  const prepared = ready.get(expression) ?? prepareFunction(device, expression, UNITS);
  ready.set(expression, prepared);
  return prepared;
}

/** Few arguments, and ones behind them. */
const padded = (values: readonly number[]) => Float32Array.from({ length: UNITS }, (_, at) => values[at] ?? 1);

/** Functions with the ranges of `x`, or of `x` and `y`, that their records name. */
const RECORDED = Object.entries(functions).map(([name, { parameters, cases }]) => {
  const call = `${name}(${['x', 'y'].slice(0, parameters.length).join(', ')})`;
  return [cases.measured ?? call, cases.precision] as const;
});
/** Operators, and what operators and functions become where an argument is constant. */
const WRITTEN: readonly (readonly [string, readonly (readonly Interval[])[]])[] = [
  ['x ** 2', [[NEAR], [MIDDLE], [FAR]]],
  ['x ** 3', [[NEAR], [MIDDLE], [FAR]]],
  ['x ** -2.5', [[[0.01, 3]], [[3, 30]]]],
  ['pow(x, stopGradient(round(y)))', [[MIDDLE, [-4, 5]]]],
  ['2 ** x', [[NEAR], [MIDDLE], [FAR]]],
  ['x % 0.1', [[MIDDLE]]],
];

describe('per-unit functions', () => {
  it.each([...RECORDED, ...WRITTEN])(
    '%s holds 1e-5, forward and backward, wherever its arguments lie',
    async (expression, precision) => {
      expect(precision, 'give `cases.precision` to its record in codegen/ops').not.toEqual([]);
      const prepared = await functionOf(expression);
      for (const ranges of precision) {
        const args = ranges.map(([from, to], i) => spread(from, to, UNITS, i === 0 ? 1 : 1733));
        const wrong = wrongTensors(await prepared.run(args));
        expect(wrong, JSON.stringify(ranges)).toEqual([]);
      }
    },
  );
});

const NONE = Number.NaN;
const INFINITE = Number.POSITIVE_INFINITY;
const EXTREMES = [
  NONE,
  INFINITE,
  -INFINITE,
  0,
  -0,
  1,
  -1,
  2.5,
  -2.5,
  0.5,
  1e-30,
  -1e-30,
  80,
  -80,
  100,
  -100,
  1e4,
  -1e4,
  1e20,
  -1e20,
];

describe('extreme arguments', () => {
  const same = (actual: number, expected: number) => {
    const wanted = Math.fround(expected);
    // What is too small for float32's normal numbers may be flushed to zero.
    const tiny = Math.abs(actual) < 1.2e-38 && Math.abs(wanted) < 1.2e-38;
    return Object.is(actual, wanted) || tiny || Math.abs(actual - wanted) <= 1e-4 * Math.abs(wanted);
  };

  async function wrongValues(
    expression: string,
    points: readonly (readonly number[])[],
    slopes?: 'with slopes',
  ): Promise<string[]> {
    const columns = [0, 1].map((i) => padded(points.map((args) => args[i] ?? 0)));
    const { actual, expected } = await (await functionOf(expression)).run(columns);
    const tensors = (result: CellResult) =>
      slopes === 'with slopes' ? [result.outputs.h, result.gradients?.inputs.x, result.gradients?.inputs.y] : [result.outputs.h];
    return tensors(actual).flatMap((tensor, which) =>
      points.flatMap((args, i) => {
        const [got = 0, want = 0] = [tensor?.data[i], tensors(expected)[which]?.data[i]];
        return same(got, want) ? [] : [`${['value', 'slope by x', 'slope by y'][which]} at ${args}: ${got}, not ${want}`];
      }),
    );
  }

  /** Of one argument, or with defaults for the others. */
  const single = Object.entries(functions)
    .filter(([, record]) => argumentsOf(record)[0] === 1)
    .map(([name]) => `${name}(x)`);

  it.each([...single, 'max(x, 0.5)', 'min(0.5, x)', 'clamp(x, -1, 1)', 'x !== x ? 1 : 2', 'x ** 3', '3 ** x'])(
    '%s gives what float64 gives',
    async (expression) => {
      expect(
        await wrongValues(
          expression,
          EXTREMES.map((x) => [x]),
        ),
      ).toEqual([]);
    },
  );

  it.each(['pow(x, y)', 'mod(x, y)'])('%s gives what float64 gives for every pair', async (expression) => {
    const pairs = EXTREMES.flatMap((x) => EXTREMES.map((y) => [x, y]));
    expect(await wrongValues(expression, pairs, 'with slopes')).toEqual([]);
  });

  it('hardSigmoid is 0 and 1 exactly where its line ends, and flat there', async () => {
    const inside = Math.fround(2.5 - 2 ** -22);
    const { actual, expected } = await (await functionOf('hardSigmoid(x)')).run([padded([-2.5, 2.5, -inside, inside])]);
    for (const { outputs, gradients } of [actual, expected]) {
      expect([...(outputs.h?.data ?? [])].slice(0, 2)).toEqual([0, 1]);
      expect([...(gradients?.inputs.x?.data ?? [])].slice(0, 4).map((slope) => slope.toFixed(6))).toEqual(
        [0, 0, 0.2, 0.2].map((slope) => slope.toFixed(6)),
      );
    }
  });

  it('hardSigmoid of another slope and offset ends where the cells say, flat there', async () => {
    // min(max(αx + β, 0), 1) with α = 0.5 and β = 0.75, whose ends floats hold: −1.5 and 0.5.
    const { tree, options, signature, sizes } = prepare(
      builtIn('rnn'),
      { T: 1, B: 1, I: 4, H: 4 },
      { activation: 'hardSigmoid', alpha: 0.5, beta: 0.75 },
    );
    const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
    const tensor = (shape: number[], ...data: number[]) => ({ shape, data: Float32Array.from(data) });
    const zeros = tensor([4, 4], ...Array<number>(16).fill(0));
    const data = {
      inputs: { x: tensor([1, 1, 4], 0, 0, 0, 0) },
      state: {},
      params: { W: zeros, U: zeros, b: tensor([4], -1.5, 0.5, -1, 0) },
      reverse: false,
      cotangents: { outputs: { h: tensor([1, 1, 4], 1, 1, 1, 1) }, state: {} },
    };
    executable.poison();
    for (const { outputs, gradients } of [await executable.run(data), runReference(tree, signature, sizes, data)]) {
      expect([...(outputs.h?.data ?? [])]).toEqual([0, 1, 0.25, 0.75]);
      expect([...(gradients?.params.b?.data ?? [])]).toEqual([0, 0, 0.5, 0.5]);
    }
    executable.destroy();
  });

  it('slopes of saturated activations are finite and those of NaN are NaN', async () => {
    for (const name of ['erf', 'logSigmoid', 'gelu', 'silu', 'mish', 'expm1', 'sin', 'cos']) {
      const { actual } = await (await functionOf(`${name}(x)`)).run([padded([NONE, -200, name === 'expm1' ? 0 : 1e20])]);
      const [ofNothing, ...others] = actual.gradients?.inputs.x?.data ?? [];
      expect(ofNothing, name).toBeNaN();
      expect(others.every(Number.isFinite), `${name} ${others}`).toBe(true);
    }
  });
});
