import { describe, expect, it } from 'vitest';
import type { Expression } from '../../codegen/frontend/tree.js';
import { call, list, num, p, record, str, x } from './build.js';
import { compute } from './compute.js';

const sizes = { X: 5, Y: 3, Z: 2, I: 1, O: 1, G: 2, C: 2 };
const line = [
  ['X', 'I'],
  [1, 2, 3, 4, 5],
] as const;
const taps = [
  ['3', 'O', 'I'],
  [100, 10, 1],
] as const;

function along(settings: Record<string, Expression> | undefined, g?: number[]) {
  const args = settings === undefined ? [] : [record(settings)];
  return compute(call('conv1d', p('k'), x('x'), ...args), { inputs: { x: line }, params: { k: taps }, sizes, g });
}

describe('conv1d', () => {
  it('pads on both sides by default: position p reads p − 1, p and p + 1', () => {
    const { y, shape, gradients } = along(undefined, [1, 0, 0, 0, 10]);
    expect([y, shape]).toEqual([
      [12, 123, 234, 345, 450],
      [5, 1],
    ]);
    expect(gradients).toEqual({ x: [10, 1, 0, 1000, 100], k: [40, 51, 2] });
  });

  it('causal reads no later position', () => {
    expect(along({ padding: str('causal') }).y).toEqual([1, 12, 123, 234, 345]);
  });

  it('valid reads no position outside', () => {
    expect(along({ padding: str('valid'), to: str('Y') })).toMatchObject({ y: [123, 234, 345], shape: [3, 1] });
  });

  it('a stride leaves positions out, also where it does not divide', () => {
    expect(along({ stride: num(2), to: str('Y') }).y).toEqual([12, 234, 450]);
    expect(along({ stride: num(2), padding: str('causal'), to: str('Y') }).y).toEqual([1, 123, 345]);
    expect(along({ stride: num(2), padding: str('valid'), to: str('Z') }).y).toEqual([123, 345]);
    expect(along({ stride: num(3), to: num(2) }).y).toEqual([12, 345]);
  });

  it('dilation spreads the taps', () => {
    expect(along({ dilation: num(2) }).y).toEqual([13, 24, 135, 240, 350]);
    expect(along({ dilation: num(2), padding: str('causal') }).y).toEqual([1, 2, 13, 24, 135]);
    expect(along({ dilation: num(2), padding: str('valid'), to: str('1') }).y).toEqual([135]);
  });

  it('an even kernel has its extra position behind', () => {
    const k = [
      ['2', 'O', 'I'],
      [10, 1],
    ] as const;
    const { y } = compute(call('conv1d', p('k'), x('x')), { inputs: { x: line }, params: { k }, sizes });
    expect(y).toEqual([12, 23, 34, 45, 50]);
  });

  it('every tap is a matrix over the channels', () => {
    const k = [
      ['2', 'C', 'C'],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ] as const;
    const given = {
      inputs: {
        x: [
          ['Z', 'C'],
          [1, 10, 100, 1000],
        ] as const,
      },
      params: { k },
      sizes,
    };
    const { y } = compute(call('conv1d', p('k'), x('x')), given);
    expect(y).toEqual([21 + 6500, 43 + 8700, 2100, 4300]);
  });

  it('groups of channels have matrices of their own', () => {
    const k = [
      ['2', 'G', 'O', 'C'],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ] as const;
    const given = {
      inputs: {
        x: [
          ['Z', 'G', 'C'],
          [1, 0, 0, 1, 10, 0, 0, 10],
        ] as const,
      },
      params: { k },
      sizes,
    };
    const { y, shape } = compute(call('conv1d', p('k'), x('x')), given);
    expect([y, shape]).toEqual([
      [1 + 50, 4 + 80, 10, 40],
      [2, 2, 1],
    ]);
  });

  it('takes a kernel of each sequence that the step computed', () => {
    const inputs = {
      k: [
        ['2', 'O', 'I'],
        [1, 10, 100, 1000],
      ] as const,
      x: [
        ['Z', 'I'],
        [1, 2, 3, 4],
      ] as const,
    };
    const { y, gradients } = compute(call('conv1d', x('k'), x('x')), { inputs, sizes: { ...sizes, B: 2 } });
    expect(y).toEqual([21, 2, 4300, 400]);
    expect(gradients).toEqual({ k: [3, 2, 7, 4], x: [1, 11, 100, 1100] });
  });

  it('refuses a result without a name or of another size', () => {
    expect(() => along({ padding: str('valid') })).toThrow('no name');
    expect(() => along({ stride: num(2) })).toThrow('no name');
    expect(() => along({ stride: num(2), to: str('Z') })).toThrow('3 positions, not 2');
    expect(() => along({ padding: str('valid'), dilation: num(3), to: str('Y') })).toThrow('-1 positions');
  });
});

describe('conv2d', () => {
  const plane = [
    ['Y', 'Z', 'I'],
    [1, 2, 3, 4, 5, 6],
  ] as const;
  const k = [
    ['3', '2', 'O', 'I'],
    [100000, 10000, 1000, 100, 10, 1],
  ] as const;
  const across = (settings: Record<string, Expression>, g?: number[]) =>
    compute(call('conv2d', p('k'), x('x'), record(settings)), { inputs: { x: plane }, params: { k }, sizes, g });

  it('pads both axes, each by its own extent', () => {
    const { y, shape, gradients } = across({}, [1, 0, 0, 0, 0, 0]);
    expect([y, shape]).toEqual([
      [1234, 2040, 123456, 204060, 345600, 406000],
      [3, 2, 1],
    ]);
    expect(gradients).toEqual({ x: [1000, 100, 10, 1, 0, 0], k: [0, 0, 1, 2, 3, 4] });
  });

  it('causal pads before, on both axes', () => {
    expect(across({ padding: str('causal') }).y).toEqual([1, 12, 103, 1234, 10305, 123456]);
  });

  it('valid gives one position where the kernel covers all, and names both axes', () => {
    expect(across({ padding: str('valid'), to: list(num(1), num(1)) })).toMatchObject({ y: [123456], shape: [1, 1, 1] });
  });

  it('stride and dilation are one number or a pair', () => {
    expect(across({ stride: list(num(2), num(1)), to: list(str('Z'), str('Z')) }).y).toEqual([1234, 2040, 345600, 406000]);
    expect(across({ stride: num(2), to: list(str('Z'), num(1)) }).y).toEqual([1234, 345600]);
    const wide = {
      x: [
        ['2', '3', 'I'],
        [1, 2, 3, 4, 5, 6],
      ] as const,
    };
    const one = { k: [['1', '1', 'O', 'I'], [1]] as const };
    const everySecond = call('conv2d', p('k'), x('x'), record({ stride: list(num(1), num(2)), to: list(num(2), num(2)) }));
    expect(compute(everySecond, { inputs: wide, params: one, sizes }).y).toEqual([1, 3, 4, 6]);
    expect(across({ dilation: list(num(1), num(2)), padding: str('causal') }).y).toEqual([1, 2, 103, 204, 10305, 20406]);
  });

  it('takes grouped kernels', () => {
    const grouped = {
      x: [
        ['Z', '1', 'G', 'I'],
        [1, 2, 3, 4],
      ] as const,
    };
    const kernel = {
      k: [
        ['1', '1', 'G', 'O', 'I'],
        [10, 100],
      ] as const,
    };
    const { y, shape } = compute(call('conv2d', p('k'), x('x')), { inputs: grouped, params: kernel, sizes });
    expect([y, shape]).toEqual([
      [10, 200, 30, 400],
      [2, 1, 2, 1],
    ]);
  });

  it('an infinite input reaches exactly the positions that read it', () => {
    const infinite = [
      ['Y', 'Z', 'I'],
      [Number.POSITIVE_INFINITY, 2, 3, 4, 5, 6],
    ] as const;
    const { y } = compute(call('conv2d', p('k'), x('x')), { inputs: { x: infinite }, params: { k }, sizes });
    expect(y.map(Number.isFinite)).toEqual([false, true, false, true, true, true]);
  });
});
