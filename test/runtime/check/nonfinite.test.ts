/** A result that is not finite: what made it, at which step, on which line. */
import { describe, expect, it } from 'vitest';
import { causeOfNonFinite } from '../../../runtime/check/nonfinite.js';
import { fromText, prepare } from '../../conformance/compare-cell.js';

const cellOf = (value: string) =>
  fromText(`import { cell, exp, log, sqrt, sum, vec } from 'recurve';
export default cell({ name: 'lost', dims: ['H'], inputs: { x: vec('H'), d: vec('H') }, state: { h: vec('H') }, params: { b: vec('H') },
  step({ x, d }, { h }, p) {
    const q = ${value};
    return { h: 0.5 * h + p.b * x + q };
  } });`);

/** The second of three steps has a d of 0 or `odd`. */
function causeIn(value: string, odd: number, tensor = 'gradients.inputs.d'): string {
  const { tree, signature, sizes } = prepare(cellOf(value), { T: 3, B: 1, H: 2 });
  const shaped = (shape: number[], ...data: number[]) => ({ shape, data: Float32Array.from(data) });
  const data = {
    inputs: { x: shaped([3, 1, 2], 1, 2, 3, 4, 5, 6), d: shaped([3, 1, 2], 1, 2, 3, odd, 5, 6) },
    state: {},
    params: { b: shaped([2], 1, 1) },
    reverse: false,
    cotangents: { outputs: { h: shaped([3, 1, 2], 1, 1, 1, 1, 1, 1) }, state: {} },
  };
  return causeOfNonFinite(tree, signature, sizes, data, tensor);
}

describe('what is not finite', () => {
  it.each([
    ['x / d', 0, 'division by 0, first at step 1'],
    ['log(d)', -1, '`log` of a number below 0, first at step 1'],
    ['sqrt(d)', -1, '`sqrt` of a number below 0, first at step 1'],
    ['exp(d)', 100, '`exp`: overflow beyond 3.4e38, first at step 1'],
    ['sqrt(d)', 0, 'the slope of `sqrt` at 0'],
    ['d ** x', -1, 'the slope of `**` is not a number'],
    ['sum(5e37 * d) + sqrt(d)', 0, 'the slope of `sqrt` at 0'],
  ])('in %s at %d comes from there', (value, odd, cause) => {
    const found = causeIn(value, odd);
    expect(found).toContain(cause);
    expect(found).toMatch(/inline\.cell\.ts:4$/);
  });

  it('comes from no slope where it is no gradient', () => {
    expect(causeIn('sum(5e37 * d) + sqrt(d)', 0, 'outputs.h')).toBe('a sum or product beyond 3.4e38');
    expect(causeIn('sum(x / d)', 0, 'outputs.h')).toContain('division by 0, first at step 1');
  });

  it('is not looked for where that would take long', () => {
    const { tree, signature } = prepare(cellOf('x / d'), { T: 3, B: 1, H: 2 });
    const data = { inputs: {}, state: {}, params: {}, reverse: false };
    expect(causeOfNonFinite(tree, signature, { T: 1e5, B: 1e3, H: 100 }, data, 'outputs.h')).toContain(
      'too large to be searched',
    );
  });
});
