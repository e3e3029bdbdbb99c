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
