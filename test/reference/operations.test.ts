import { describe, expect, it } from 'vitest';
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

/** Points away from kinks, on every side of them. */
const points: Record<string, number[][]> = {
  sigmoid: [[-30], [-2], [-0.3], [0], [0.7], [3]],
  tanh: [[-4], [-0.3], [0], [0.7], [3]],
  exp: [[-3], [0], [2]],
  log: [[0.01], [1], [30]],
  sqrt: [[0.01], [1], [30]],
  square: [[-3], [0], [0.5]],
  softplus: [[-20], [-2], [0], [0.7], [40]],
  softsign: [[-3], [-0.1], [0.2], [5]],
  relu: [[-2], [0.3]],
  leakyRelu: [
    [-2, 0.01],
    [-0.1, 0.3],
    [0.7, 0.3],
  ],
  elu: [
    [-2, 1],
    [-0.1, 0.6],
    [0.7, 0.6],
  ],
  hardSigmoid: [[-3], [-2], [0.3], [2.4], [2.6]],
  abs: [[-2], [3]],
  max: [
    [1, 2],
    [2, 1],
    [-1, -3],
  ],
  min: [
    [1, 2],
    [2, 1],
    [-1, -3],
  ],
  clamp: [
    [-3, -1, 2],
    [0.4, -1, 2],
    [3, -1, 2],
    [0, 2, -1],
    [3, 2, -1],
    [-2, 2, -1],
  ],
  '+': [[2, -3]],
  '-': [[2, -3]],
  '*': [
    [2, -3],
    [0, 5],
  ],
  '/': [
    [2, -3],
    [0, 5],
  ],
  negate: [[2]],
  select: [
    [1, 2, 3],
    [0, 2, 3],
  ],
};

const table: Record<string, Operation> = { ...functions, ...operators, negate, select };

describe('every operation of the table', () => {
  const differentiable = Object.entries(table).filter(([, operation]) => operation.pullbacks.some(Boolean));

  it('has points to be tested at', () => {
    expect(Object.keys(points).sort()).toEqual(differentiable.map(([name]) => name).sort());
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

  it.each(Object.entries(functions))('%s passes NaN on, forward and backward, in every argument', (_name, operation) => {
    const ordinary = [0.5, -1, 1].slice(0, operation.pullbacks.length);
    ordinary.forEach((_, i) => {
      const args = ordinary.map((value, position) => (position === i ? Number.NaN : value));
      const passive = i > 0 && operation.defaults !== undefined;
      if (passive) return; // the slope of a leakyRelu does not matter where x is positive
      const { value, slopes } = at(operation, ...args);
      expect(value).toBeNaN();
      if (operation !== functions.square) expect(slopes.every(Number.isNaN)).toBe(true);
    });
  });
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

  it('stay exact far out, where the plain formulas overflow or cancel', () => {
    expect(at(functions.sigmoid, -700).value).toBeCloseTo(Math.exp(-700), 310);
    expect(at(functions.sigmoid, -800).value).toBe(0);
    expect(at(functions.softplus, 800).value).toBe(800);
    expect(at(functions.softplus, -40).value / Math.exp(-40)).toBeCloseTo(1, 14);
    expect(at(functions.elu, -1e-12, 1).value).toBeCloseTo(-1e-12 + 5e-25, 35);
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
  ])('%s of %j has slopes %j', (name, args, slopes) => {
    expect(at(functions[name], ...args).slopes.map((slope) => (slope ?? 0) + 0)).toEqual(slopes);
  });

  it('a flat side gives zero even for an infinite cotangent', () => {
    expect(functions.relu?.pullbacks[0]?.(Number.POSITIVE_INFINITY, -1, 0, 0)).toBe(0);
    expect(select.pullbacks[1]?.(Number.NaN, 0, 1, 2)).toBe(0);
    expect(functions.max?.pullbacks[1]?.(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0)).toBe(
      0,
    );
  });
});
