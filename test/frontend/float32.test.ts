/** Constants that 32-bit numbers cannot hold are refused; those that they round as they round 0.1 are not. */
import { describe, expect, it, test } from 'vitest';
import { parseCellSource, resolveOptions } from '../../codegen/frontend/index.js';
import { cellOf, mistakesOf } from './specs.js';

const said = (value: string, params = '', more = {}) =>
  mistakesOf({ params: `{ W: mat('H', 'I')${params} }`, body: `return { h: matvec(p.W, x) + ${value} };`, ...more });

describe('a constant', () => {
  it.each([
    ['h / 1e-46', 'too near to 0'],
    ['h * 1e-39', 'too near to 0'],
    ['h - -1e-38', 'too near to 0'],
    ['h + exp(-200)', 'too near to 0'],
    ['h * (1e-30 * 1e-30)', 'too near to 0'],
    ['h * 1e39', 'does not fit'],
    ['h * (1e30 * 1e30)', 'does not fit'],
    ['(h > 16777217 ? h : 0)', 'would count as 16777216'],
    ['h + 123456789', 'would count as 123456792'],
    ['h * (16777216 + 1)', 'would count as 16777216'],
    ['clamp(h, 0, 1e40)', 'does not fit'],
    ['max(h, o.least)', 'too near to 0'],
  ])('in %s is refused', (value, reason) => {
    const found = said(value, '', value.includes('o.least') ? { options: '{ least: real(1e-46) }' } : {});
    expect(found).toContain('SPEC-NONFINITE');
    expect(found).toContain(reason);
  });

  it.each([
    'h * 0.1',
    'h / 3',
    'h + 1.2e-38',
    'h * 3.4e38',
    'h + 16777216',
    'h * 1e11',
    'h + 123456.789',
    'h * 0',
    'h + 20000000',
  ])('in %s is taken', (value) => {
    expect(said(value)).toBe('');
  });
});

test('an init that 32-bit numbers cannot hold is refused', () => {
  const params = (init: string) => `, r: scalar({ init: ${init}, trainable: false })`;
  for (const init of ['1e-46', '1e39', '16777217']) expect(said('h * p.r', params(init))).toContain('SPEC-INIT');
  expect(said('h * p.r', params('0.1'))).toBe('');
});

test('an option takes no number that counts as another', () => {
  const options = '{ eps: real(0.5), steps: integer(2) }';
  const tree = parseCellSource('mine.cell.ts', cellOf({ options, body: 'return { h: h * o.eps + o.steps };' }));
  for (const eps of ['1e-46', '1e39', '16777217']) {
    expect(() => resolveOptions(tree, { eps })).toThrow(expect.objectContaining({ code: 'OPTION-RANGE', where: 'eps' }));
  }
  expect(resolveOptions(tree, { eps: '0.1', steps: 16777217 })).toEqual({ eps: 0.1, steps: 16777217 });
});
