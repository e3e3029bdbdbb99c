import { describe, expect, it } from 'vitest';
import { OPERATORS } from '../../codegen/frontend/machine/static.js';
import { ops } from '../../codegen/ops/index.js';
import { functions, negate, type Operation, operators, select } from '../../runtime/reference/operations.js';

type Arguments = [number, number, number];

/** Value of an operation, and the cotangents of its arguments for a cotangent of 1. */
function at(operation: Operation | undefined, ...args: number[]) {
  if (operation === undefined) throw new Error('no such operation');
  const [a = Number.NaN, b = Number.NaN, c = Number.NaN] = args;
  return {
    value: operation.forward(a, b, c),
    slopes: operation.pullbacks.slice(0, args.length).map((pullback) => pullback?.(1, a, b, c)),
  };
}

/** Points away from kinks, on every side of them: the records have them. */
const points: Readonly<Record<string, readonly (readonly number[])[]>> = {
  ...Object.fromEntries(Object.entries(ops).map(([name, record]) => [name, 'cases' in record ? record.cases.points : []])),
  ...Object.fromEntries(Object.entries(OPERATORS).map(([symbol, name]) => [symbol, ops[name].cases.points])),
  negate: ops.neg.cases.points,
};

const table: Readonly<Record<string, Operation>> = { ...functions, ...operators, negate };
const byName: Readonly<Record<string, Operation>> = functions;
/** Functions whose slopes are what they are by agreement, not by differentiation. */
const redirected = ['stopGradient', 'straightThrough'];
/** Functions whose slopes are constant between jumps, and so known of NaN too. */
const jumping = ['mod', 'round', 'floor', 'step', 'sign'];

describe('every operation of the table', () => {
  const differentiable = Object.entries(table).filter(
    ([name, operation]) => operation.pullbacks.some(Boolean) && !redirected.includes(name),
  );

  it.each(['round', 'floor', 'step', 'sign'])('%s is constant between its jumps, and passes no cotangent', (name) => {
    const operation = byName[name];
    expect(operation?.pullbacks).toEqual([undefined]);
    for (const x of [-2.4, 0.3, 2.6]) expect(operation?.forward(x + 1e-3, 0, 0)).toBe(operation?.forward(x - 1e-3, 0, 0));
  });

  it('has points to be tested at', () => {
    const without = differentiable.filter(([name]) => (points[name] ?? []).length === 0).map(([name]) => name);
    expect(without, 'give `cases.points` to the records of these in codegen/ops').toEqual([]);
  });

  it.each(differentiable)('%s has the slopes that finite differences give', (name, operation) => {
    for (const point of points[name] ?? []) {
      const { slopes } = at(operation, ...point);
      slopes.forEach((slope, i) => {
        if (operation.pullbacks[i] === undefined) return;
        const step = 1e-4 * Math.max(0.1, Math.abs(point[i] ?? 0));
        const shifted = (by: number) => {
          const args = point.map((value, position) => (position === i ? value + by : value));
          return operation.forward(...(args as Arguments));
        };
        // Five points, so that a step wide enough against rounding has no error of its own.
        const near = shifted(step) - shifted(-step);
        const far = shifted(2 * step) - shifted(-2 * step);
        const difference = (8 * near - far) / (12 * step);
        const rounding = (4e-16 * (Math.abs(shifted(0)) + Number.MIN_VALUE)) / step;
        expect(Math.abs((slope ?? 0) - difference), `${name}(${point}), argument ${i}`).toBeLessThanOrEqual(
          1e-9 * Math.abs(difference) + rounding,
        );
      });
    }
  });

  it.each(Object.entries(functions).filter(([name]) => name !== 'select'))(
    '%s passes NaN on, forward and backward, in every argument',
    (name, operation) => {
      const ordinary = [0.5, -1, 1].slice(0, operation.pullbacks.length);
      ordinary.forEach((_, i) => {
        const args = ordinary.map((value, position) => (position === i ? Number.NaN : value));
        // The slope of a leakyRelu does not matter where x is positive, nor the surrogate to the value.
        const passive = i > 0 && (operation.defaults !== undefined || name === 'straightThrough');
        if (passive) return;
        const { value, slopes } = at(operation, ...args);
        expect(value).toBeNaN();
        if (operation !== functions.square && ![...jumping, ...redirected].includes(name))
          expect(slopes.every(Number.isNaN)).toBe(true);
      });
    },
  );
});

describe('values', () => {
  it('are those of the formulas', () => {
    expect(at(functions.hardSigmoid, 1).value).toBeCloseTo(0.7, 15);
    expect(at(functions.softsign, -3).value).toBe(-0.75);
    expect(at(functions.elu, -1, 2).value).toBeCloseTo(2 * (Math.exp(-1) - 1), 15);
    expect(at(functions.leakyRelu, -2, 0.01).value).toBe(-0.02);
    expect(at(functions.sigmoid, Math.log(3)).value).toBeCloseTo(0.75, 15);
    expect(at(functions.softplus, 0).value).toBeCloseTo(Math.LN2, 15);
    expect(at(functions.clamp, 0, 2, -1).value).toBe(-1);
  });

  it('are those of published tables', () => {
    // Abramowitz & Stegun, tables 7.1 and 26.1.
    expect(at(functions.erf, 0.5).value).toBeCloseTo(0.5204998778, 10);
    expect(at(functions.erf, -2).value).toBeCloseTo(-0.995322265, 9);
    expect(at(functions.gelu, 1).value).toBeCloseTo(0.8413447461, 10);
    expect(at(functions.gelu, -3).value / -3).toBeCloseTo(0.0013498980316, 13);
    expect(at(functions.silu, Math.log(3)).value).toBeCloseTo(0.75 * Math.log(3), 15);
    expect(at(functions.mish, 0).slopes[0]).toBeCloseTo(0.6, 15);
    expect(at(functions.logSigmoid, 0).value).toBeCloseTo(-Math.LN2, 15);
  });

  it.each([
    ['round', [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, -2.6], [-2, -2, 0, 0, 2, 2, 2, -3]],
    ['floor', [-2.5, 2.5, -0], [-3, 2, 0]],
    ['step', [-1e-9, 0, 3], [0, 1, 1]],
    ['sign', [-4, 0, 1e-9], [-1, 0, 1]],
  ])('%s of %j is %j', (name, args, values) => {
    expect(args.map((x) => at(byName[name], x).value + 0)).toEqual(values);
  });

  it('of powers and remainders are JavaScript’s', () => {
    expect(at(functions.pow, -2, 3).value).toBe(-8);
    expect(at(functions.pow, -2, 0.5).value).toBeNaN();
    expect(at(functions.pow, 0, -1).value).toBe(Number.POSITIVE_INFINITY);
    expect(at(functions.pow, Number.NaN, 0).value).toBe(1);
    expect(at(functions.mod, -7, 3).value).toBe(-1);
    expect(at(functions.mod, 7, -3).value).toBe(1);
  });

  it('stay exact far out, where the plain formulas overflow or cancel', () => {
    expect(at(functions.sigmoid, -700).value).toBeCloseTo(Math.exp(-700), 310);
    expect(at(functions.sigmoid, -800).value).toBe(0);
    expect(at(functions.softplus, 800).value).toBe(800);
    expect(at(functions.softplus, -40).value / Math.exp(-40)).toBeCloseTo(1, 14);
    expect(at(functions.elu, -1e-12, 1).value).toBeCloseTo(-1e-12 + 5e-25, 35);
    // erfc(x) ~ e^(−x²) / (x √π) · (1 − 1/2x² + 3/4x⁴ − …), here at x = 10.
    const tail =
      (Math.exp(-100) / (10 * Math.sqrt(Math.PI))) * (1 - 1 / 200 + 3 / 40_000 - 15 / 8e6 + 105 / 1.6e9 - 945 / 3.2e11);
    expect(at(functions.gelu, -10 * Math.SQRT2).value / ((-10 * Math.SQRT2 * tail) / 2)).toBeCloseTo(1, 9);
    expect((at(functions.tanh, 20).slopes[0] ?? 0) / (4 * Math.exp(-40))).toBeCloseTo(1, 14);
    expect((at(functions.sigmoid, 40).slopes[0] ?? 0) / Math.exp(-40)).toBeCloseTo(1, 14);
  });
});

describe('at a kink', () => {
  it.each([
    ['relu', [0], [0]],
    ['leakyRelu', [0, 0.3], [0.3, 0]],
    ['elu', [0, 0.6], [0.6, 0]],
    ['abs', [0], [0]],
    ['max', [2, 2], [1, 0]],
    ['min', [2, 2], [1, 0]],
    ['clamp', [-1, -1, 2], [1, 0, 0]],
    ['clamp', [2, -1, 2], [1, 0, 0]],
    ['hardSigmoid', [-2.5], [0]],
    ['hardSigmoid', [2.5], [0]],
    ['pow', [0, 2], [0, 0]],
    ['pow', [0, 0], [0, 0]],
    ['pow', [3, 0], [0, Math.log(3)]],
    ['pow', [-2, 3], [12, Number.NaN]],
    ['step', [0], [0]],
    ['round', [0.5], [0]],
    ['stopGradient', [2], [0]],
    ['straightThrough', [2, 3], [0, 1]],
  ])('%s of %j has slopes %j', (name, args, slopes) => {
    expect(at(byName[name], ...args).slopes.map((slope) => (slope ?? 0) + 0)).toEqual(slopes);
  });

  it('a flat side gives zero even for an infinite cotangent', () => {
    expect(functions.relu.pullbacks[0]?.(Number.POSITIVE_INFINITY, -1, 0, 0)).toBe(0);
    expect(select.pullbacks[1]?.(Number.NaN, 0, 1, 2)).toBe(0);
    expect(functions.max.pullbacks[1]?.(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0)).toBe(0);
  });
});
