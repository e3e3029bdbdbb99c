import { describe, expect, it } from 'vitest';
import { parseCellSource, resolveSignature } from '../../../codegen/frontend/index.js';
import { judge } from '../../../runtime/check/index.js';
import { randomData } from '../../../runtime/random.js';
import { runReference } from '../../../runtime/reference/index.js';

describe('judge', () => {
  const tree = parseCellSource(
    'order.cell.ts',
    `import { cell, index, vec } from 'recurve';
    export default cell({ name: 'order', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') }, params: {},
      step({ x }, { h }) { return { h: (index('H') < 1 ? 1e-4 : 1) * h + h - h + x }; } });`,
  );
  const signature = resolveSignature(tree, {});
  const sizes = { T: 1, B: 1, H: 5 };
  const data = randomData(signature, sizes, {}, { seed: 3, ragged: false, reverse: false });
  /** The reference's own results, with another cotangent of `h` in its first unit. */
  const judged = (first: (cotangent: number) => number) => {
    const exact = runReference(tree, signature, sizes, data);
    const gradient = exact.gradients?.state.h?.data;
    if (gradient === undefined) throw new Error('no gradient of h');
    gradient[0] = first(gradient[0] as number);
    return judge(tree, signature, sizes, data, exact).find(({ name }) => name === 'gradients.state.h');
  };

  it('takes any order in which terms that cancel may be added', () => {
    const gradient = judged((exact) => {
      const whole = Math.fround(10_000 * exact);
      return Math.fround(Math.fround(exact - whole) + whole);
    });
    expect(gradient).toMatchObject({ verdict: 'agrees', error: expect.closeTo(0, 6) });
    expect(gradient?.comparison.units[0]?.difference).toBeGreaterThan(0);
  });

  it('takes nothing that no order explains', () => {
    expect(judged((exact) => 1.01 * exact)).toMatchObject({ verdict: 'wrong', unit: { unit: 0 } });
  });
});

describe('judge, at the ends of float32', () => {
  /** The reference's own results of one step, with another cotangent of `h` and its verdict; `h` is 0.5 and its cotangent 1. */
  const judged = (next: string, change: (cotangents: Float64Array) => void) => {
    const tree = parseCellSource(
      'ends.cell.ts',
      `import { cell, index, vec } from 'recurve';
      export default cell({ name: 'ends', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') }, params: {},
        step({ x }, { h }) { return { h: ${next} + x }; } });`,
    );
    const signature = resolveSignature(tree, {});
    const sizes = { T: 1, B: 1, H: 5 };
    const filled = (value: number) => ({ h: { shape: [1, 5], data: new Float32Array(5).fill(value) } });
    const drawn = randomData(signature, sizes, {}, { seed: 3, ragged: false, reverse: false });
    const data = { ...drawn, state: filled(0.5), cotangents: { outputs: {}, state: filled(1) } };
    const exact = runReference(tree, signature, sizes, data);
    const gradient = exact.gradients?.state.h?.data as Float64Array | undefined;
    if (gradient === undefined) throw new Error('no gradient of h');
    change(gradient);
    return judge(tree, signature, sizes, data, exact).find(({ name }) => name === 'gradients.state.h')?.verdict;
  };

  it('calls nothing wrong that may be a sum of what an adapter takes for zero, and no other number right in its place', () => {
    const faint = '1e-37 * h';
    expect(judged(faint, () => {})).toBe('agrees');
    expect(judged(faint, (given) => given.fill(0))).toBe('cannot be judged');
    expect(judged(faint, (given) => given.fill(1e-7))).toBe('wrong');
    expect(judged('1e-30 * h', (given) => given.fill(0))).toBe('wrong');
  });

  it('takes zero for a faint unit beside larger ones, and no other number', () => {
    const beside = (size: string) => `(index('H') < 1 ? ${size} : 1) * h`;
    const first = (value: number) => (given: Float64Array) => {
      given[0] = value;
    };
    expect(judged(beside('1e-37'), first(0))).toBe('agrees');
    expect(judged(beside('1e-37'), first(1e-7))).toBe('wrong');
    expect(judged(beside('1e-30'), first(0))).toBe('wrong');
  });

  it('calls no infinity wrong where each term of a sum is within float32 and their sum beyond it', () => {
    expect(judged('2e38 * h + 1.9e38 * h', (given) => given.fill(Number.POSITIVE_INFINITY))).toBe('cannot be judged');
    expect(judged('1e38 * h + 1e38 * h', (given) => given.fill(Number.POSITIVE_INFINITY))).toBe('wrong');
  });
});
